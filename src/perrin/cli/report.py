"""The command that makes a report from results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o
from perrin.cli.layout import LOOK


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report", rich_help_panel=LOOK)(report)


def report(
    results: Annotated[
        list[Path],
        typer.Argument(help="One results folder, or several to compare.", callback=o.several),
    ],
    out: Annotated[
        Path | None,
        o.output("HTML file to write.", "NAME-report.html"),
    ] = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Make one self-contained HTML page of results folders, from what lies in them.

    For example::

        perrin report sample-results control-results -o both.html
    """
    from perrin.errors import PerrinError
    from perrin.report.page import write_report

    out = o.out_of(out, results[0], "-report.html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise PerrinError(f"--out is {out}; a report needs the suffix .html")
    write_report(results, out, overwrite=overwrite)
    typer.echo(f"report in {out}; open it with any browser")

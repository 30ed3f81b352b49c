"""The command that makes a report from results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)


def report(
    results: Annotated[
        list[Path], typer.Argument(help="One results folder, or several to compare.")
    ],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    overwrite: o.Overwrite = False,
) -> None:
    """Make one self-contained HTML page of results folders, from what lies in them."""
    from perrin.errors import PerrinError
    from perrin.report.page import write_report

    if out.suffix.lower() not in (".html", ".htm"):
        raise PerrinError(f"--out is {out}; a report needs the suffix .html")
    write_report(results, out, overwrite=overwrite)
    typer.echo(f"report in {out}; open it with any browser")

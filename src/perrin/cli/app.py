"""The command that opens the app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o
from perrin.cli.layout import LOOK
from perrin.errors import PerrinError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("app", rich_help_panel=LOOK)(open_app)


def open_app(
    folder: Annotated[
        Path, typer.Option("--folder", help="The only folder that the app reads and writes.")
    ] = Path(),
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Port on this computer.")] = 8765,
    show: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Open the app: drop files, choose, run, see the report; on this computer only.

    For example::

        perrin app --folder measurements
    """
    try:
        from perrin.app.server import serve
    except ImportError as error:
        raise PerrinError(f"the app needs more ({error}): pip install 'perrin[app]'.") from error

    def say(address: str) -> None:
        typer.echo(f"perrin's app is at {address} (Ctrl-C ends it)")

    try:
        serve(folder, port=port, show=show, ready=say)
    except KeyboardInterrupt:
        typer.echo("perrin's app has ended; what it has finished is kept", err=True)
        raise o.Stopped from None

"""`perrin analyze`, which is no command of its own: it says which one a file is for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

_ROADS = {
    "movie": ("landings {}", "track {} --kind rods"),
    "events": ("spectrum {}",),
    "tracks": ("diffusion {}",),
}
_WHAT = {
    "landings": "masses of what lands (mass photometry)",
    "track": "tracks of what moves",
    "spectrum": "masses of a table of events",
    "diffusion": "motion of a table of tracks",
}
_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


def register(app: typer.Typer) -> None:
    """Add it under both spellings, hidden from the list."""
    for name in ("analyze", "analyse"):
        app.command(name, hidden=True, context_settings=_ANYTHING)(analyze)


def analyze(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Any files.")] = None,
) -> None:
    """Say which command analyzes a file.

    For example::

        perrin analyze sample.mp
    """
    named = [one for one in files or () if not str(one).startswith("-")]
    file = named[0] if named else None
    typer.echo(f"perrin {context.info_name} is not one command; what is analyzed has its own:")
    for road in _roads(file):
        words = road.format("FILE" if file is None else file)
        typer.echo(f"  perrin {words:<31} {_WHAT[words.split()[0]]}")
    raise typer.Exit(2)


def _roads(file: Path | None) -> tuple[str, ...]:
    """The commands that take such a file; all where it says nothing."""
    every: Any = [road for roads in _ROADS.values() for road in roads]
    if file is None or not file.exists():
        return tuple(every)
    from perrin.io import inspect

    return _ROADS.get(inspect(file).kind, tuple(every))

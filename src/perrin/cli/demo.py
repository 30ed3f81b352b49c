"""The demo: a simulated calibrant and sample, from movies to a report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o
from perrin.cli.layout import SIMULATE
from perrin.errors import PerrinError

_STEPS = (
    "simulate landings --preset dynamin --seconds {seconds:g} --seed 1 --out {calibrant}",
    "calibrate {calibrant} --ladder dynamin --out {calibration}",
    "simulate landings --preset bsa --seconds {seconds:g} --seed 2 --out {sample}",
    "landings {sample} --calibration {calibration} --out {results}",
)
_FILES = {
    "calibrant": "dynamin.mp",
    "calibration": "calibration.json",
    "sample": "bsa.mp",
    "results": "results",
}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("demo", rich_help_panel=SIMULATE)(demo)


def demo(
    context: typer.Context,
    out: Annotated[Path, o.output("Folder for movies, calibration and results.")] = Path("demo"),
    seconds: Annotated[float, typer.Option(min=20, help="Length of each movie, s.")] = 60.0,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate a calibrant and a sample, calibrate, analyze: the commands, and what they say.

    For example::

        perrin demo -o demo
    """
    from perrin.io.output import output_files
    from perrin.io.output_folder import output_folder
    from perrin.results.calibration import calibration_files

    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise PerrinError(
            f"{out} cannot be made ({error.strerror}). Choose another --out."
        ) from error
    where = {name: str(out / file) for name, file in _FILES.items()}
    for name in ("calibrant", "sample"):
        output_files(where[name], ".truth.csv", overwrite=overwrite)
    calibration_files(where["calibration"], overwrite=overwrite)
    output_folder(where["results"], overwrite=overwrite)
    typed = sys.argv
    try:
        for step in demo_steps(where, seconds=seconds, overwrite=overwrite):
            typer.echo(f"$ perrin {shlex.join(step)}")
            sys.argv = ["perrin", *step]  # what the results say that was typed
            context.find_root().command.main(args=step, prog_name="perrin", standalone_mode=False)
    finally:
        sys.argv = typed
    typer.echo(f"Open {out / 'results' / 'report.html'} with a browser; all numbers are in")
    typer.echo(f"{out / 'results' / 'summary.json'}")


def demo_steps(where: dict[str, str], *, seconds: float, overwrite: bool) -> list[list[str]]:
    """Return the words after ``perrin`` of each step."""
    more = ["--overwrite"] if overwrite else []
    return [
        [word.format(seconds=seconds, **where) for word in step.split()] + more for step in _STEPS
    ]

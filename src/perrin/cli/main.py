"""The `perrin` command: gathers the verbs, and turns errors into one readable line."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from perrin import progress
from perrin._version import __version__
from perrin.cli import (
    analyze,
    andi,
    andi2,
    classifier,
    demo,
    diffusion,
    doctor,
    experiments,
    landings,
    many,
    models,
    quantifier,
    report,
    simulate,
    tracking,
    train,
)
from perrin.cli import app as app_command
from perrin.cli.layout import NETWORKS, SIMULATE, App
from perrin.cli.options import INTERRUPTED, Stopped
from perrin.errors import PerrinError

_FIRST = """Masses and motions of single particles from their movies, with uncertainties.

For example::

    perrin landings sample.mp --calibrant calibrant.mp --ladder dynamin
    perrin track rods.tif --kind rods
    perrin COMMAND --help
"""

app = App(name="perrin", add_completion=False, pretty_exceptions_enable=False)


def _group(name: str, what_for: str, panel: str) -> App:
    group = App(help=what_for)
    app.add_typer(group, name=name, rich_help_panel=panel)
    return group


simulations = _group("simulate", "Simulate measurements, with the truth beside them.", SIMULATE)
landings.register(app)
simulate.register(simulations)
tracking.register(app, simulate=simulations)
train.register(_group("train", "Train a network (needs the extra 'train').", NETWORKS))
evaluations = _group("evaluate", "Measure a trained network on data it has not seen.", NETWORKS)
diffusion.register(app, simulate=simulations, evaluate=evaluations)
andi.register(app, evaluate=evaluations)
andi2.register(app)
classifier.register(evaluate=evaluations)
quantifier.register(evaluate=evaluations)
experiments.register(app)
models.register(
    _group("model", "Trained networks: list them, show a card, run the self-test.", NETWORKS)
)
report.register(app)
many.register(app)
app_command.register(app)
doctor.register(app)
demo.register(app)
analyze.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perrin {__version__}")
        raise typer.Exit


@app.callback(help=_FIRST)
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that come before a verb."""


def main() -> None:
    """Run the command line; bad input ends with one line on standard error and status 1."""
    if os.environ.get(progress.VARIABLE):  # a program in the background hands down no Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED and not isinstance(stop, Stopped):
            typer.echo("perrin: stopped; nothing was written", err=True)
        raise
    except PerrinError as error:
        typer.echo(f"perrin: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(f"perrin: {error.strerror or error}{where}; nothing was written", err=True)
        sys.exit(1)

"""The command that runs the paper's experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli import scores
from perrin.cli.layout import SIMULATE
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.paper.run import Ran


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("reproduce", rich_help_panel=SIMULATE)(reproduce)


Name = Annotated[
    str,
    typer.Argument(
        help="all, bsa, dynamin, hsp27, antibody, protein-a, density, integration or selection."
    ),
]
Out = Annotated[
    Path,
    o.output("Folder; measurements there are used again, after Ctrl-C too."),
]
Resamples = Annotated[
    int, typer.Option("--resamples", min=20, help="Bootstrap resamples behind each interval.")
]
Scale = Annotated[
    float, typer.Option("--scale", help="Factor on the length of all movies; 0.2: a quick look.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Throw measurements of other settings away.")
]


def reproduce(
    name: Name,
    out: Out = Path("paper"),
    model: scores.ModelName = "default",
    seed: o.Seed = 1,
    resamples: Resamples = 200,
    scale: Scale = 1.0,
    overwrite: Overwrite = False,
) -> None:
    """Run the experiments of the mass photometry paper on simulated measurements.

    For example::

        perrin reproduce bsa --scale 0.2
    """
    from perrin.models.classifier import ClassifierModel
    from perrin.paper.run import EXPERIMENTS, run_experiments
    from perrin.paper.settings import ExperimentSettings

    settings = o.settings_from(ExperimentSettings, seed=seed, resamples=resamples, scale=scale)
    if model == "none":
        raise PerrinError("the experiments are about the classifier: --model cannot be none here")
    names = list(EXPERIMENTS) if name == "all" else [name]
    try:
        with o.progress_bar(f"reproduce {name}") as progress:
            finished = run_experiments(
                names,
                out=out,
                settings=settings,
                model=ClassifierModel.load(model),
                command=o.this_command(),
                overwrite=overwrite,
                progress=progress,
            )
    except KeyboardInterrupt as stop:
        raise PerrinError(
            f"stopped; finished measurements are in {out}, the same command goes on from there."
        ) from stop
    for one in finished:
        _say(one)
    typer.echo(f"tables and figures in {out}")


def _say(ran: Ran) -> None:
    """Print the goals of one experiment, and what compares with the paper."""
    cpu_s = ran.measuring_s + ran.analyzing_s
    typer.echo(f"{ran.experiment.title} ({cpu_s:.0f} s of CPU time, earlier runs included)")
    for goal in ran.findings.goals:
        typer.echo(f"  {goal.what}")
        bound = f" | perfect filter {goal.perfect}" if goal.perfect else ""
        typer.echo(f"    {goal.ours}{bound}")
        typer.echo(f"    paper {goal.paper} | goal {goal.goal} | reached: {goal.met}")
    for note in (ran.findings.comparable, *ran.findings.notes):
        typer.echo(f"  note: {note}")

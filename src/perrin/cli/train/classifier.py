"""`perrin train classifier`: the network that sorts landings, ours or the paper's."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli.train.instrument import Buffer, CalibrationFile, Epsf, source_of
from perrin.cli.train.run import (
    Out,
    Seed,
    Steps,
    Threads,
    Workers,
    begin,
    check_torch,
    run_folder,
    say_done,
    train_watched,
)
from perrin.errors import PerrinError
from perrin.io.disk import move_new

if TYPE_CHECKING:
    from perrin.settings.classifier import ClassifierTraining, PaperTraining
    from perrin.settings.simulation import ThumbnailSettings
    from perrin.train.events.source import Source


@o.takes_movie_options
def train_classifier(
    out: Out,
    recipe: Annotated[
        str, typer.Option(help="perrin: our network; paper: the paper's, with its recipe.")
    ] = "perrin",
    start: Annotated[
        str | None, typer.Option("--from", help="Go on from this model instead of from nothing.")
    ] = None,
    buffer: Buffer = None,
    epsf: Epsf = None,
    calibration: CalibrationFile = None,
    steps: Steps = None,
    width: Annotated[
        int | None,
        typer.Option(min=4, help="Channels at first; 64, recipe paper 16 (the paper: 64)."),
    ] = None,
    blocks: Annotated[
        int | None,
        typer.Option(min=1, help="Blocks in each of three stages; 1, or more than --from has."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Recipe paper: passes; the paper trained 20, and took the 15th."),
    ] = None,
    seed: Seed = 1,
    threads: Threads = 1,
    workers: Workers = 1,
    measure: Annotated[
        int, typer.Option(min=100, help="Events of each range for the figures on the card.")
    ] = 5000,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Train an event classifier, from nothing or tuned to an instrument; resumes when stopped."""
    check_torch()
    from perrin.settings.classifier import ClassifierTraining, PaperTraining
    from perrin.settings.simulation import ThumbnailSettings

    run = run_folder(out)
    made = run / out.name
    own = o.given(buffer=buffer, epsf=epsf, calibration=calibration, steps=steps, blocks=blocks)
    own |= {} if start is None else {"from": start}
    sizes = o.given(width=width, blocks=blocks)
    if recipe == "paper":
        if own:
            raise PerrinError(
                f"--{next(iter(own))}: the paper's recipe is fixed and takes none of --from, "
                "--buffer, --epsf, --calibration, --steps and --blocks."
            )
        simulated = ThumbnailSettings()
        paper = o.settings_from(PaperTraining, **o.given(width=width, epochs=epochs, seed=seed))
        _train_paper(made, settings=paper, threads=threads)
    elif recipe == "perrin":
        if epochs is not None:
            raise PerrinError("--epochs belongs to --recipe paper; ours takes --steps.")
        if width is not None and start is not None:
            raise PerrinError("--width: it is that of --from; leave one of both out.")
        plain = ClassifierTraining() if start is None else ClassifierTraining.tuning()
        changed = plain.model_dump() | sizes | o.given(seed=seed, steps=steps)
        ours = o.settings_from(ClassifierTraining, **changed)
        source = source_of(
            buffer=buffer, epsf=epsf, calibration=calibration, movie_options=movie_options
        )
        simulated = source.settings
        _train_ours(
            made,
            settings=ours,
            source=source,
            start=start,
            blocks=blocks,
            threads=threads,
            workers=workers,
        )
    else:
        raise PerrinError(f"--recipe is {recipe!r}; there are perrin and paper.")
    _measure(made, simulated=simulated, count=measure, seed=seed + 1)
    move_new(made, out)
    say_done(out, run)


def _train_paper(made: Path, *, settings: PaperTraining, threads: int) -> None:
    """Train the paper's network and write it to `made`, in the folder of the run."""
    from perrin.train.classifier.export import write_paper_bundle
    from perrin.train.classifier.paper import paper_task
    from perrin.train.loop import read_metrics

    run = made.parent
    begin(run, {"recipe": "paper", "settings": settings.model_dump(mode="json")})
    task, validate = paper_task(settings)
    network = train_watched(task, run=run, threads=threads, validator=lambda: validate)
    curve = read_metrics(run / "metrics.csv")
    write_paper_bundle(network, made, settings=settings, curve=curve, overwrite=True)


def _train_ours(
    made: Path,
    *,
    settings: ClassifierTraining,
    source: Source,
    start: str | None,
    blocks: int | None,
    threads: int,
    workers: int,
) -> None:
    """Train our network and write it to `made`, in the folder of the run.

    With `start` it goes on from there, made deeper where that has fewer `blocks`.
    """
    from perrin.train.classifier.export import load_weights, write_our_bundle
    from perrin.train.classifier.ours import our_task
    from perrin.train.classifier.validation import validator
    from perrin.train.loop import read_metrics

    run = made.parent
    begun = None if start is None else load_weights(start)
    if begun is not None:
        if blocks is not None and blocks < begun.blocks:
            raise PerrinError(
                f"--blocks is {blocks}; {start} has {begun.blocks}, and a network can only grow."
            )
        sizes = {"width": begun.widths[0], "blocks": blocks or begun.blocks}
        settings = settings.model_copy(update=sizes)
    about = {"recipe": "perrin", "start": start, "settings": settings.model_dump(mode="json")}
    begin(run, about | {"source": source.describe()})
    task = our_task(settings, source, workers=workers, start=begun)
    network = train_watched(task, run=run, threads=threads, validator=partial(validator, source))
    curve = read_metrics(run / "metrics.csv")
    write_our_bundle(
        network,
        made,
        settings=settings,
        source=source,
        curve=curve,
        start=start,
        overwrite=True,
    )


def _measure(made: Path, *, simulated: ThumbnailSettings, count: int, seed: int) -> None:
    """Measure a new classifier; matrix, thresholds and figures go to its card."""
    from perrin.evaluate.card import best_thresholds, confusion_use
    from perrin.evaluate.classifier import evaluate_classifier
    from perrin.models.classifier import ClassifierModel
    from perrin.settings.evaluation import ClassifierEvaluation
    from perrin.train.export import record_measured

    typer.echo("measuring")
    model = ClassifierModel.load(made)
    record_measured(
        made,
        confusion=confusion_use(model, count=count, seed=seed, simulated=simulated),
        thresholds=best_thresholds(model, count=count, seed=seed + 1, simulated=simulated),
    )
    model = ClassifierModel.load(made)
    settings = ClassifierEvaluation(count=count, seed=seed + 2, shown=0, movies=1)
    with o.progress_bar("measuring") as progress:
        found = evaluate_classifier(
            [model], settings=settings, simulated=simulated, progress=progress
        )
    record_measured(made, figures=found.for_card(model.name))

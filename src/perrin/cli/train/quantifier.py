"""`perrin train quantifier`: the network that predicts the mass of every landing."""

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
from perrin.io.disk import move_new

if TYPE_CHECKING:
    from perrin.train.events.source import Source


@o.takes_movie_options
def train_quantifier(
    out: Out,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from this quantifier; default: the shipped one."),
    ] = None,
    trunk: Annotated[
        str, typer.Option(help="Classifier through whose first layers it looks, without --from.")
    ] = "default",
    buffer: Buffer = None,
    epsf: Epsf = None,
    calibration: CalibrationFile = None,
    steps: Steps = None,
    seed: Seed = 1,
    threads: Threads = 1,
    workers: Workers = 1,
    calibrate: Annotated[
        int, typer.Option(min=200, help="Events that the intervals are calibrated on.")
    ] = 40_000,
    measure: Annotated[
        int, typer.Option(min=50, help="Events of each cell for the figures on the card.")
    ] = 1000,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Train the network that predicts the mass of every landing; goes on where it was stopped."""
    check_torch()
    from perrin.models.classifier import ClassifierModel
    from perrin.models.quantifier import QuantifierModel
    from perrin.settings.quantifier import QuantifierTraining
    from perrin.train.classifier.export import load_weights
    from perrin.train.loop import read_metrics
    from perrin.train.quantifier.export import load_weights as load_quantifier
    from perrin.train.quantifier.export import write_bundle
    from perrin.train.quantifier.ours import quantifier_task
    from perrin.train.quantifier.validation import validator

    plain = QuantifierTraining() if start is None else QuantifierTraining.tuning()
    changed = plain.model_dump() | o.given(seed=seed, steps=steps)
    settings = o.settings_from(QuantifierTraining, **changed)
    source = source_of(
        buffer=buffer, epsf=epsf, calibration=calibration, movie_options=movie_options
    )
    run = run_folder(out)
    about = {
        "start": start,
        "trunk": trunk,
        "settings": settings.model_dump(mode="json"),
        "source": source.describe(),
    }
    begin(run, about)
    task = quantifier_task(
        settings,
        source,
        workers=workers,
        trunk=load_weights(trunk) if start is None else None,
        start=None if start is None else load_quantifier(start),
    )
    network = train_watched(task, run=run, threads=threads, validator=partial(validator, source))
    typer.echo("calibrating the intervals")
    made = run / out.name
    write_bundle(
        network,
        made,
        settings=settings,
        source=source,
        curve=read_metrics(run / "metrics.csv"),
        start=start,
        classifier=(
            ClassifierModel.load(trunk).identity
            if start is None
            else QuantifierModel.load(start).classifier
        ),
        count=calibrate,
        overwrite=True,
    )
    _measure(made, source=source, count=measure, seed=seed + 1)
    move_new(made, out)
    say_done(out, run)


def _measure(made: Path, *, source: Source, count: int, seed: int) -> None:
    """Measure a new quantifier on the model of its instrument; the figures go to its card."""
    from perrin.evaluate.quantifier import evaluate_quantifier
    from perrin.models.classifier import ClassifierModel
    from perrin.models.quantifier import QuantifierModel
    from perrin.optics.psf import Psf
    from perrin.settings.evaluation import QuantifierEvaluation
    from perrin.train.export import record_measured

    settings = QuantifierEvaluation(count=count, bound_count=min(count, 300), seed=seed)
    with o.progress_bar("measuring") as progress:
        found = evaluate_quantifier(
            QuantifierModel.load(made),
            settings=settings,
            classifier=ClassifierModel.load("default"),
            simulated=source.settings,
            psf=None if source.psf is None else Psf.load(source.psf),
            progress=progress,
        )
    record_measured(made, figures=found.for_card())

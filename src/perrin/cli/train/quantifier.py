"""`perrin train quantifier`: the network that predicts the mass of every landing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.bundles import MovieOptions, bundled
from perrin.cli.train.instrument import TrainingInstrument, source_of
from perrin.cli.train.run import EventRun, begin, train_watched, trained_events

if TYPE_CHECKING:
    from perrin.settings.quantifier import QuantifierTraining
    from perrin.train.events.source import Source


@dataclass(frozen=True)
class QuantifierOptions:
    """From where on a quantifier is trained, and on how many events it is calibrated, measured."""

    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from this quantifier; default: the shipped one."),
    ] = None
    trunk: Annotated[
        str | None,
        typer.Option(
            help="Classifier through whose first layers it looks; default: that of --from, or the "
            "shipped one."
        ),
    ] = None
    calibrate: Annotated[
        int, typer.Option(min=200, help="Events that the intervals are calibrated on.")
    ] = 40_000
    measure: Annotated[
        int, typer.Option(min=50, help="Events of each cell for the figures on the card.")
    ] = 1000


@bundled
def train_quantifier(
    running: EventRun,
    network: QuantifierOptions,
    instrument: TrainingInstrument,
    movie_options: MovieOptions,
) -> None:
    """Train the network that predicts the mass of every landing; goes on where it was stopped.

    For example::

        perrin train quantifier --epsf psf.npz -o my-quantifier
    """
    from perrin.settings.quantifier import QuantifierTraining

    start, trunk = network.start, network.trunk
    plain = QuantifierTraining() if start is None else QuantifierTraining.tuning()
    given = o.given(seed=running.seed, steps=running.steps, disturbed=running.disturbed)
    settings = o.settings_from(QuantifierTraining, **plain.model_dump() | given)
    with trained_events(running.out) as made:
        source = source_of(instrument, movie_options)
        about = {"start": start, "trunk": trunk, "settings": settings.model_dump(mode="json")}
        begin(made.parent, about | {"source": source.describe()})
        _train(made, network, settings, source, running)
        _measure(made, source=source, count=network.measure, seed=running.seed + 1)


def _train(
    made: Path,
    options: QuantifierOptions,
    settings: QuantifierTraining,
    source: Source,
    running: EventRun,
) -> None:
    """Train the network, calibrate its intervals and write it to `made`."""
    from perrin.models.classifier import ClassifierModel
    from perrin.models.quantifier import QuantifierModel
    from perrin.train.classifier.export import load_weights
    from perrin.train.loop import read_metrics
    from perrin.train.quantifier.export import load_weights as load_quantifier
    from perrin.train.quantifier.export import write_bundle
    from perrin.train.quantifier.ours import quantifier_task
    from perrin.train.quantifier.validation import validator

    run, start, trunk = made.parent, options.start, options.trunk
    begun: dict[str, Any] = {} if start is None else {"start": load_quantifier(start)}
    if start is None or trunk is not None:
        begun["trunk"] = load_weights(trunk or "default")
        classifier = ClassifierModel.load(trunk or "default").identity
    else:
        classifier = QuantifierModel.load(start).classifier
    task = quantifier_task(settings, source, workers=running.workers, **begun)
    network = train_watched(
        task, run=run, threads=running.threads, validator=partial(validator, source)
    )
    typer.echo("calibrating the intervals")
    write_bundle(
        network,
        made,
        settings=settings,
        source=source,
        curve=read_metrics(run / "metrics.csv"),
        start=start,
        classifier=classifier,
        count=options.calibrate,
        overwrite=True,
    )


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

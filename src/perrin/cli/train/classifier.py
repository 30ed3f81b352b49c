"""`perrin train classifier`: the network that sorts landings, ours or the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli.bundles import MovieOptions, bundled
from perrin.cli.train.instrument import TrainingInstrument, source_of
from perrin.cli.train.run import EventRun, From, begin, train_watched, trained_events
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.settings.classifier import ClassifierTraining, PaperTraining
    from perrin.settings.simulation import ThumbnailSettings
    from perrin.train.events.source import Source


@dataclass(frozen=True)
class ClassifierOptions:
    """Which network is trained, and from where on."""

    recipe: Annotated[
        str, typer.Option(help="perrin: our network; paper: the paper's, with its recipe.")
    ] = "perrin"
    start: From = None
    width: Annotated[
        int | None,
        typer.Option(min=4, help="Channels at first; 64, recipe paper 16 (the paper: 64)."),
    ] = None
    blocks: Annotated[
        int | None,
        typer.Option(min=1, help="Blocks in each of three stages; 1, or more than --from has."),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Recipe paper: passes; the paper trained 20, and took the 15th."),
    ] = None
    measure: Annotated[
        int, typer.Option(min=100, help="Events of each range for the figures on the card.")
    ] = 5000


@bundled
def train_classifier(
    running: EventRun,
    network: ClassifierOptions,
    instrument: TrainingInstrument,
    movie_options: MovieOptions,
) -> None:
    """Train an event classifier, from nothing or tuned to an instrument; resumes when stopped.

    For example::

        perrin train classifier --from classifier --epsf psf.npz -o mine
    """
    with trained_events(running.out) as made:
        if network.recipe == "paper":
            simulated = _train_paper(made, network, instrument, running)
        elif network.recipe == "perrin":
            simulated = _train_ours(made, network, source_of(instrument, movie_options), running)
        else:
            raise PerrinError(f"--recipe is {network.recipe!r}; there are perrin and paper.")
        _measure(made, simulated=simulated, count=network.measure, seed=running.seed + 1)


def _paper_settings(
    network: ClassifierOptions, instrument: TrainingInstrument, running: EventRun
) -> PaperTraining:
    """Return the settings of the paper's recipe; `PerrinError` for options that it has not."""
    from perrin.settings.classifier import PaperTraining

    own = o.given(**vars(instrument), steps=running.steps, blocks=network.blocks)
    own |= o.given(disturbed=running.disturbed)
    own |= {} if network.start is None else {"from": network.start}
    if own:
        raise PerrinError(
            f"--{next(iter(own))}: the paper's recipe is fixed and takes none of --from, "
            "--buffer, --epsf, --calibration, --steps, --blocks and --disturbed."
        )
    given = o.given(width=network.width, epochs=network.epochs, seed=running.seed)
    return o.settings_from(PaperTraining, **given)


def _train_paper(
    made: Path, network: ClassifierOptions, instrument: TrainingInstrument, running: EventRun
) -> ThumbnailSettings:
    """Train the paper's network and write it to `made`, in the folder of the run."""
    from perrin.settings.simulation import ThumbnailSettings
    from perrin.train.classifier.export import write_paper_bundle
    from perrin.train.classifier.paper import paper_task
    from perrin.train.loop import read_metrics

    settings = _paper_settings(network, instrument, running)
    run = made.parent
    begin(run, {"recipe": "paper", "settings": settings.model_dump(mode="json")})
    task, validate = paper_task(settings)
    trained = train_watched(task, run=run, threads=running.threads, validator=lambda: validate)
    curve = read_metrics(run / "metrics.csv")
    write_paper_bundle(trained, made, settings=settings, curve=curve, overwrite=True)
    return ThumbnailSettings()


def _our_settings(network: ClassifierOptions, running: EventRun) -> ClassifierTraining:
    """Return the settings of our recipe; `PerrinError` for options that do not go together."""
    from perrin.settings.classifier import ClassifierTraining

    if network.epochs is not None:
        raise PerrinError("--epochs belongs to --recipe paper; ours takes --steps.")
    if network.width is not None and network.start is not None:
        raise PerrinError("--width: it is that of --from; leave one of both out.")
    plain = ClassifierTraining() if network.start is None else ClassifierTraining.tuning()
    given = o.given(
        width=network.width, blocks=network.blocks, seed=running.seed, steps=running.steps
    ) | o.given(disturbed=running.disturbed)
    return o.settings_from(ClassifierTraining, **plain.model_dump() | given)


def _train_ours(
    made: Path, network: ClassifierOptions, source: Source, running: EventRun
) -> ThumbnailSettings:
    """Train our network and write it to `made`, in the folder of the run.

    With ``--from`` it goes on from there, made deeper where that has fewer ``--blocks``.
    """
    from perrin.train.classifier.export import load_weights, write_our_bundle
    from perrin.train.classifier.ours import our_task
    from perrin.train.classifier.validation import validator
    from perrin.train.loop import read_metrics

    settings = _our_settings(network, running)
    run, start, blocks = made.parent, network.start, network.blocks
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
    task = our_task(settings, source, workers=running.workers, start=begun)
    trained = train_watched(
        task, run=run, threads=running.threads, validator=partial(validator, source)
    )
    curve = read_metrics(run / "metrics.csv")
    write_our_bundle(
        trained,
        made,
        settings=settings,
        source=source,
        curve=curve,
        start=start,
        overwrite=True,
    )
    return source.settings


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

"""Commands that train networks; the only ones that need torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.errors import PerrinError
from perrin.io.atomic import written_whole

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from perrin.settings.classifier import ClassifierTraining, PaperTraining
    from perrin.settings.simulation import ThumbnailSettings
    from perrin.train.classifier.data import Source
    from perrin.train.classifier.network import HistoryNetwork
    from perrin.train.classifier.resnet import ResNet3D

Out = Annotated[
    Path,
    typer.Option(
        "--out", help="Folder of the new model; OUT-run beside it keeps checkpoint and metrics."
    ),
]
Steps = Annotated[int | None, typer.Option(min=1, help="Batches; by default as shipped.")]
Seed = Annotated[int, typer.Option(min=0, help="Of weights and simulated data.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the network.")]


def register(train: typer.Typer) -> None:
    """Add the commands to the group."""
    train.command("mixture")(train_mixture)
    train.command("andi")(train_andi)
    train.command("classifier")(train_classifier)
    train.command("quantifier")(train_quantifier)


def train_mixture(
    out: Out,
    steps: Steps = None,
    seed: Seed = 1,
    threads: Threads = 2,
    calibrate: Annotated[
        int, typer.Option(min=1, help="Trajectories of each length and noise for the intervals.")
    ] = 1000,
    measure: Annotated[
        int, typer.Option(min=50, help="Trajectories of each cell for the figures on the card.")
    ] = 2000,
) -> None:
    """Train the mixture network and write it as a model; goes on where it was stopped."""
    with _torch_needed():
        from perrin.train.export import record_measured
        from perrin.train.loop import read_metrics, train
        from perrin.train.mixture.export import write_bundle
        from perrin.train.mixture.recipe import mixture_task
        from perrin.train.mixture.validation import validator
    from perrin.evaluate.mixture import evaluate_mixture as evaluate
    from perrin.models.mixture import MixtureModel
    from perrin.settings.diffusion import MixtureTraining

    changed: dict[str, Any] = {"seed": seed} | ({"steps": steps} if steps else {})
    settings = o.settings_from(MixtureTraining, **changed)
    run = _run_folder(out)
    _begin(run, {"settings": settings.model_dump(mode="json")})
    task = mixture_task(settings)
    with _watched(task.steps) as (progress, advanced):
        network = train(
            task,
            run=run,
            threads=threads,
            validate=validator(),
            progress=progress,
            advanced=advanced,
        )
    write_bundle(network, out, settings=settings, count=calibrate, progress=typer.echo)
    typer.echo("measuring")
    found = evaluate(MixtureModel.load(out), count=measure, seed=seed + 1)
    curve = read_metrics(run / "metrics.csv")
    record_measured(out, figures=found.for_card() | {"seed": seed + 1, "training_curve": curve})
    typer.echo(f"model in {out}; training curve and checkpoint in {run}")


def train_andi(
    out: Out,
    steps: Steps = None,
    seed: Seed = 1,
    threads: Threads = 2,
    measure: Annotated[
        int, typer.Option(min=50, help="Trajectories of each cell for the figures on the card.")
    ] = 2000,
) -> None:
    """Train the network of the AnDi tasks and write it as a model; goes on where it was stopped."""
    with _torch_needed():
        from perrin.train.andi.export import write_andi_bundle
        from perrin.train.andi.recipe import andi_task, validator
        from perrin.train.export import record_measured
        from perrin.train.loop import read_metrics, train
    from perrin.evaluate.andi import evaluate_andi
    from perrin.models.andi import AndiModel
    from perrin.settings.diffusion import AndiTraining

    changed: dict[str, Any] = {"seed": seed} | ({"steps": steps} if steps else {})
    settings = o.settings_from(AndiTraining, **changed)
    run = _run_folder(out)
    _begin(run, {"settings": settings.model_dump(mode="json")})
    task = andi_task(settings)
    with _watched(task.steps) as (progress, advanced):
        network = train(
            task,
            run=run,
            threads=threads,
            validate=validator(),
            progress=progress,
            advanced=advanced,
        )
    write_andi_bundle(network, out, settings=settings)
    typer.echo("measuring")
    found = evaluate_andi(AndiModel.load(out), count=measure, seed=seed + 1)
    curve = read_metrics(run / "metrics.csv")
    record_measured(out, figures=found.for_card() | {"seed": seed + 1, "training_curve": curve})
    typer.echo(f"model in {out}; training curve and checkpoint in {run}")


@o.takes_movie_options
def train_classifier(
    out: Out,
    recipe: Annotated[
        str, typer.Option(help="perrin: our network; paper: the paper's, with its recipe.")
    ] = "perrin",
    start: Annotated[
        str | None, typer.Option("--from", help="Go on from this model instead of from nothing.")
    ] = None,
    buffer: Annotated[
        Path | None, typer.Option(help="Buffer movie of your instrument, as background.")
    ] = None,
    epsf: Annotated[
        Path | None, typer.Option(help="Empirical PSF of your instrument (`perrin psf`).")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Calibration of your instrument, for contrast per kDa.")
    ] = None,
    steps: Steps = None,
    width: Annotated[
        int, typer.Option(min=4, help="Recipe paper: first channels; the paper's network has 64.")
    ] = 16,
    epochs: Annotated[
        int,
        typer.Option(min=1, help="Recipe paper: passes; the paper trained 20, and took the 15th."),
    ] = 20,
    seed: Seed = 1,
    threads: Threads = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate events.")] = 1,
    measure: Annotated[
        int, typer.Option(min=100, help="Events of each range for the figures on the card.")
    ] = 5000,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Train an event classifier, from nothing or tuned to an instrument; resumes when stopped."""
    with _torch_needed():
        from perrin.train.classifier.export import (
            load_weights,
            write_our_bundle,
            write_paper_bundle,
        )
        from perrin.train.loop import read_metrics
    from perrin.settings.classifier import ClassifierTraining, PaperTraining
    from perrin.settings.simulation import ThumbnailSettings

    simulated = ThumbnailSettings()
    run = _run_folder(out)
    own = o.given(buffer=buffer, epsf=epsf, calibration=calibration, start=start, steps=steps)
    if recipe == "paper":
        if own:
            raise PerrinError(
                f"--{next(iter(own))}: the paper's recipe is fixed and takes none of --from, "
                "--buffer, --epsf, --calibration and --steps."
            )
        paper = o.settings_from(PaperTraining, width=width, epochs=epochs, seed=seed)
        _begin(run, {"recipe": recipe, "settings": paper.model_dump(mode="json")})
        resnet = _train_paper(paper, run=run, threads=threads)
        curve = read_metrics(run / "metrics.csv")
        write_paper_bundle(resnet, run / out.name, settings=paper, curve=curve)
    elif recipe == "perrin":
        plain = ClassifierTraining() if start is None else ClassifierTraining.tuning()
        changed = plain.model_dump() | o.given(seed=seed, steps=steps)
        settings = o.settings_from(ClassifierTraining, **changed)
        begun = None if start is None else load_weights(start)
        source = _source(buffer, epsf, calibration, movie_options)
        simulated = source.settings
        about = {"recipe": recipe, "start": start, "settings": settings.model_dump(mode="json")}
        _begin(run, about | {"source": source.describe()})
        ours = _train_ours(settings, source, begun, run=run, threads=threads, workers=workers)
        write_our_bundle(
            ours,
            run / out.name,
            settings=settings,
            source=source,
            curve=read_metrics(run / "metrics.csv"),
            start=start,
        )
    else:
        raise PerrinError(f"--recipe is {recipe!r}; there are perrin and paper.")
    _measure_and_move(run / out.name, out, simulated=simulated, count=measure, seed=seed + 1)
    typer.echo(f"model in {out}; training curve and checkpoint in {run}")


@o.takes_movie_options
def train_quantifier(
    out: Out,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from this quantifier; default: the shipped one."),
    ] = None,
    trunk: Annotated[
        str, typer.Option(help="Classifier whose first layers to begin with, without --from.")
    ] = "default",
    buffer: Annotated[
        Path | None, typer.Option(help="Buffer movie of your instrument, as background.")
    ] = None,
    epsf: Annotated[
        Path | None, typer.Option(help="Empirical PSF of your instrument (`perrin psf`).")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Calibration of your instrument, for contrast per kDa.")
    ] = None,
    steps: Steps = None,
    seed: Seed = 1,
    threads: Threads = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate events.")] = 1,
    calibrate: Annotated[
        int, typer.Option(min=200, help="Events that the intervals are calibrated on.")
    ] = 12_000,
    measure: Annotated[
        int, typer.Option(min=50, help="Events of each cell for the figures on the card.")
    ] = 1000,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Train the network that weighs every landing; goes on where it was stopped."""
    with _torch_needed():
        from perrin.train.classifier.export import load_weights
        from perrin.train.loop import read_metrics, train
        from perrin.train.quantifier.export import load_weights as load_quantifier
        from perrin.train.quantifier.export import write_bundle
        from perrin.train.quantifier.ours import quantifier_task
        from perrin.train.quantifier.validation import validator
    from perrin.settings.quantifier import QuantifierTraining

    plain = QuantifierTraining() if start is None else QuantifierTraining.tuning()
    changed = plain.model_dump() | o.given(seed=seed, steps=steps)
    settings = o.settings_from(QuantifierTraining, **changed)
    source = _source(buffer, epsf, calibration, movie_options)
    run = _run_folder(out)
    about = {"start": start, "trunk": trunk, "settings": settings.model_dump(mode="json")}
    _begin(run, about | {"source": source.describe()})
    task = quantifier_task(
        settings,
        source,
        workers=workers,
        trunk=load_weights(trunk) if start is None else None,
        start=None if start is None else load_quantifier(start),
    )
    with _watched(task.steps) as (progress, advanced):
        network = train(
            task,
            run=run,
            threads=threads,
            validate=validator(source),
            progress=progress,
            advanced=advanced,
        )
    typer.echo("calibrating the intervals")
    write_bundle(
        network,
        run / out.name,
        settings=settings,
        source=source,
        curve=read_metrics(run / "metrics.csv"),
        begun={"start": start, "trunk": trunk},
        count=calibrate,
    )
    _measure_quantifier(run / out.name, source=source, count=measure, seed=seed + 1)
    (run / out.name).rename(out)
    typer.echo(f"model in {out}; training curve and checkpoint in {run}")


def _measure_quantifier(made: Path, *, source: Source, count: int, seed: int) -> None:
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


def _train_paper(settings: PaperTraining, *, run: Path, threads: int) -> ResNet3D:
    from perrin.train.classifier.paper import paper_task
    from perrin.train.loop import train

    task, validate = paper_task(settings)
    with _watched(task.steps) as (progress, advanced):
        return train(
            task,
            run=run,
            threads=threads,
            validate=validate,
            progress=progress,
            advanced=advanced,
        )


def _train_ours(
    settings: ClassifierTraining,
    source: Source,
    begun: HistoryNetwork | None,
    *,
    run: Path,
    threads: int,
    workers: int,
) -> HistoryNetwork:
    from perrin.train.classifier.ours import our_task
    from perrin.train.classifier.validation import validator
    from perrin.train.loop import train

    task = our_task(settings, source, workers=workers, start=begun)
    with _watched(task.steps) as (progress, advanced):
        return train(
            task,
            run=run,
            threads=threads,
            validate=validator(source),
            progress=progress,
            advanced=advanced,
        )


def _source(
    buffer: Path | None,
    epsf: Path | None,
    calibration: Path | None,
    movie_options: o.MovieOptions,
) -> Source:
    """Return the instrument to learn from; the simulator's own where nothing is given."""
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf
    from perrin.settings.simulation import InstrumentSettings, ThumbnailSettings
    from perrin.train.classifier.data import Source

    known: dict[str, Any] = {}
    if epsf is not None:
        known["pixel_nm"] = Psf.load(epsf).pixel_nm
    if buffer is not None:
        with movie_options.open(buffer) as movie:
            known |= {"pixel_nm": movie.pixel_nm, "frame_binning": 1}
            known |= {"width_px": movie.width, "height_px": movie.height}
            known["camera_rate_hz"] = 1 / movie.frame_interval_s
    if calibration is not None:
        known["contrast_per_kda"] = Calibration.load(calibration).gradient_per_kda
    instrument = o.settings_from(InstrumentSettings, **known)
    return Source(
        settings=ThumbnailSettings(instrument=instrument),
        psf=None if epsf is None else str(epsf),
        buffer=None if buffer is None else str(buffer),
        movie_options=dict(movie_options),
    )


def _measure_and_move(
    made: Path, out: Path, *, simulated: ThumbnailSettings, count: int, seed: int
) -> None:
    """Measure a new classifier, write the figures into its card, and put it in its place."""
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
    made.rename(out)


@contextmanager
def _torch_needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise PerrinError(f"training needs more ({error}): pip install 'perrin[train]'.") from error


@contextmanager
def _watched(
    steps: int,
) -> Iterator[tuple[Callable[[dict[str, float]], None], Callable[[int], None]]]:
    """Give what prints the figures of a validation, and what moves the bar to a step."""

    def say(figures: dict[str, float]) -> None:
        typer.echo("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))

    done = 0

    def move(step: int) -> None:
        nonlocal done
        done = step
        bar(step / steps)

    with o.progress_bar("training") as bar:
        try:
            yield say, move
        except KeyboardInterrupt as stop:
            raise PerrinError(
                f"stopped after {done} of {steps} batches; the same command goes on from there."
            ) from stop


def _run_folder(out: Path) -> Path:
    if out.exists():
        raise PerrinError(f"{out} is already there; choose another folder for the new model.")
    return out.with_name(out.name + "-run")


def _begin(run: Path, about: dict[str, Any]) -> None:
    """Keep what a run was started with; raises `PerrinError` where it would go on differently."""
    path = run / "settings.json"
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text() != text:
        raise PerrinError(
            f"{run} holds a run that was started with other settings (settings.json in it). Give "
            "the same ones to go on, or another --out."
        )
    with written_whole(path) as partial:
        partial.write_text(text)

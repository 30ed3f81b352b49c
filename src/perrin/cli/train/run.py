"""What all trainings share: options, the folder of a run, how it is watched and reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from perrin.cli import options as o
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.settings.training import NetworkTraining
    from perrin.train.loop import Batch, Figures, Network, Task

    Validator = Callable[[], Callable[[Network], Figures]]
    """Draws what is validated on, and returns what does it."""

Training = TypeVar("Training", bound="NetworkTraining")
SETTINGS = "settings.json"
"""The file of the folder of a run that says what the run was started with."""
Out = Annotated[
    Path,
    o.output(
        "Folder of the new model; OUT-run beside it keeps checkpoint and metrics.",
        "trained-NETWORK",
        default_factory=lambda: Path(f"trained-{o.this_verb()}"),
    ),
]
Steps = Annotated[int | None, typer.Option(min=1, help="Batches; by default as shipped.")]
Seed = Annotated[int, typer.Option(min=0, help="Of weights and simulated data.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the network.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that simulate events.")]
From = Annotated[
    str | None, typer.Option("--from", help="Go on from this model instead of from nothing.")
]


@dataclass(frozen=True)
class RunOptions:
    """How a network is trained."""

    out: Out
    steps: Steps = None
    seed: Seed = 1
    threads: Threads = 1


@dataclass(frozen=True)
class EventRun(RunOptions):
    """How a network of events is trained."""

    workers: Workers = 1
    disturbed: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Fraction of events from instruments with something wrong."
        ),
    ] = None


@dataclass(frozen=True)
class TrackRun(RunOptions):
    """How a network of trajectories is trained."""

    threads: Threads = 2
    measure: Annotated[
        int, typer.Option(min=50, help="Tracks of each cell for the figures on the card.")
    ] = 2000

    def settings(self, kind: type[Training], plain: Training | None = None) -> Training:
        """Return the settings of a training, as `plain` but for what was given."""
        given = o.given(seed=self.seed, steps=self.steps)
        return o.settings_from(kind, **(plain.model_dump() if plain else {}) | given)


@contextmanager
def trained_events(out: Path) -> Iterator[Path]:
    """Give the folder, in that of the run, to make a network of events in; then it is `out`."""
    from perrin.io.disk import move_new

    run = run_folder(out)
    yield run / out.name
    move_new(run / out.name, out)
    say_done(out, run)


def _check_torch() -> None:
    """Raise `PerrinError` where torch is not installed."""
    try:
        import perrin.train.loop  # noqa: F401
    except ImportError as error:
        raise PerrinError(f"training needs more ({error}): pip install 'perrin[train]'.") from error


def run_folder(out: Path) -> Path:
    """Return the folder of checkpoint and metrics; ask before any long work.

    Raises `PerrinError` where `out` is there, and where torch is not installed.
    """
    from perrin.io.output_folder import output_folder

    _check_torch()
    if out.exists():
        raise PerrinError(f"{out} is already there; choose another folder for the new model.")
    output_folder(out)
    return beside(out)


def beside(out: Path) -> Path:
    """Return the folder of what is done of the work whose results go to `out`."""
    return out.with_name(out.name + "-run")


def begin(run: Path, about: dict[str, Any]) -> None:
    """Keep what a run was started with; raises `PerrinError` where it would go on differently."""
    from perrin.io.output import written_file

    path = run / SETTINGS
    if run.exists() and not path.exists() and (not run.is_dir() or any(run.iterdir())):
        raise PerrinError(
            f"{run}, where a run would keep what is done, holds something else. Choose another "
            "--out, or give that another name."
        )
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text() != text:
        raise PerrinError(
            f"{run} holds a run that was started with other settings (settings.json in it). Give "
            "the same ones to go on, or another --out."
        )
    run.mkdir(exist_ok=True)
    with written_file(path, overwrite=True) as partial:
        partial.write_text(text)


def train_watched(
    task: Task[Network, Batch], *, run: Path, threads: int, validator: Validator[Network]
) -> Network:
    """Train with a bar and the figures of each validation; return the averaged network.

    Raises `PerrinError` where the user stops it, with how far it got.
    """
    from perrin.train.loop import train

    done = 0

    def say(figures: Figures) -> None:
        typer.echo("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))

    def move(step: int) -> None:
        nonlocal done
        done = step
        bar(step / task.steps)

    with o.progress_bar("training") as bar:
        try:
            return train(
                task, run=run, threads=threads, validate=validator(), progress=say, advanced=move
            )
        except KeyboardInterrupt as stop:
            raise PerrinError(
                f"stopped after {done} of {task.steps} batches; the same command goes on from "
                "there."
            ) from stop


def train_on_tracks(
    running: TrackRun,
    task: Task[Network, Batch],
    *,
    about: dict[str, Any],
    validator: Validator[Network],
    write: Callable[[Network], object],
    measure: Callable[[int], dict[str, Any]],
) -> None:
    """Train a network of trajectories, write it and measure it, from begin to end.

    `about` is what the run was started with. `measure` takes the seed of trajectories that the
    training has not seen, and returns what the card says of the model that was written.
    """
    from perrin.train.export import record_measured
    from perrin.train.loop import read_metrics

    out, seed = running.out, running.seed + 1
    run = run_folder(out)
    begin(run, about)
    write(train_watched(task, run=run, threads=running.threads, validator=validator))
    typer.echo("measuring")
    curve = read_metrics(run / "metrics.csv")
    record_measured(out, figures=measure(seed) | {"seed": seed, "training_curve": curve})
    say_done(out, run)


def say_done(out: Path, run: Path) -> None:
    """Say where everything is."""
    typer.echo(f"model in {out}; training curve and checkpoint in {run}")

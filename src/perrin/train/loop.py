"""The training loop of every network: averaged weights, checkpoints that resume, metrics."""

from __future__ import annotations

import copy
import csv
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from perrin.io.output import written_file

Figures = dict[str, float]
Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


class Schedule(Protocol):
    """The learning rate: of a step, and after a validation."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        ...

    def validated(self, figures: Figures) -> None:
        """Take note of the figures of a validation."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint has to hold."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint held."""
        ...


@dataclass
class Cosine:
    """Warmed up linearly, then half a cosine down to zero at the last step."""

    highest: float
    warmup: int
    steps: int

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        warm = min(1.0, (step + 1) / self.warmup)
        return self.highest * warm * 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def validated(self, figures: Figures) -> None:
        """Take note of nothing."""

    def state(self) -> dict[str, Any]:
        """Return nothing: the step says all."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take nothing."""


@dataclass
class Plateau:
    """Constant, times `factor` when the watched figure has not fallen for `patience` validations.

    As `torch.optim.lr_scheduler.ReduceLROnPlateau`: the first one beyond the patience counts.
    """

    start: float
    factor: float
    patience: int
    watched: str
    _now: float = field(init=False)
    _best: float = math.inf
    _waited: int = 0

    def __post_init__(self) -> None:
        self._now = self.start

    def rate(self, step: int) -> float:
        """Return the learning rate, the same until the next validation."""
        del step
        return self._now

    def validated(self, figures: Figures) -> None:
        """Lower the rate when the watched figure has stayed where it was for too long."""
        if figures[self.watched] < self._best * (1 - 1e-4):
            self._best, self._waited = figures[self.watched], 0
            return
        self._waited += 1
        if self._waited > self.patience:
            self._now, self._waited = self._now * self.factor, 0

    def state(self) -> dict[str, Any]:
        """Return rate, best figure and validations waited."""
        return {"now": self._now, "best": self._best, "waited": self._waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from these."""
        self._now, self._best, self._waited = state["now"], state["best"], state["waited"]


@dataclass
class Task(Generic[Network, Batch]):
    """What is trained and how.

    Attributes
    ----------
    network, optimizer
        As at the first step; a checkpoint replaces their state.
    batches : callable
        From a step to the batches from that step on: a batch depends on its step alone.
    loss : callable
        (network, batch) to the scalar that is made small.
    schedule : Schedule
        Learning rate.
    steps, validate_every : int
        Batches in all, and between validations (which also save a checkpoint).
    clip : float
        Largest norm of the gradient.
    average : float
        Decay of the averaged weights, which are validated and returned; 0 for the weights
        themselves.

    """

    network: Network
    optimizer: torch.optim.Optimizer
    batches: Callable[[int], Iterator[Batch]]
    loss: Callable[[Network, Batch], Tensor]
    schedule: Schedule
    steps: int
    validate_every: int
    clip: float = 1.0
    average: float = 0.0


def train(
    task: Task[Network, Batch],
    *,
    run: Path,
    threads: int,
    validate: Callable[[Network], Figures],
    progress: Callable[[Figures], None],
    advanced: Callable[[int], None] = lambda _step: None,
) -> Network:
    """Train a network and return its averaged weights.

    `run` keeps checkpoint.pt and metrics.csv; a run that was stopped goes on from its last
    checkpoint, which Ctrl-C writes before it stops the run. `validate` gives figures of the
    averaged network, which go to `progress` and to metrics.csv with the step, the seconds of
    this sitting, the learning rate and the loss; `advanced` is told each step done.
    """
    torch.set_num_threads(threads)
    run.mkdir(parents=True, exist_ok=True)
    averaged = copy.deepcopy(task.network).requires_grad_(False)
    step = _resume(task, averaged, run / "checkpoint.pt")
    batches = task.batches(step)
    started, losses = time.perf_counter(), []
    with _asked_to_stop() as asked:
        while step < task.steps:
            losses.append(_advance(task, averaged, next(batches), step))
            step += 1
            advanced(step)
            if step % task.validate_every == 0 or step == task.steps:
                averaged.eval()
                figures = {
                    "step": float(step),
                    "seconds": round(time.perf_counter() - started, 1),
                    "rate": task.schedule.rate(step - 1),
                    "loss": sum(losses) / len(losses),
                    **validate(averaged),
                }
                losses.clear()
                task.schedule.validated(figures)
                progress(figures)
                _append(run / "metrics.csv", figures)
                _save(task, averaged, step, run / "checkpoint.pt")
            elif asked():
                _save(task, averaged, step, run / "checkpoint.pt")
            if asked():
                raise KeyboardInterrupt
    return averaged.eval()


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was typed, instead of stopping in a half step."""
    asked: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number)) if main else None
    try:
        yield lambda: bool(asked)
    finally:
        if main:
            signal.signal(signal.SIGINT, before)


def read_metrics(path: Path) -> list[Figures]:
    """Return the rows of a metrics.csv."""
    with path.open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _advance(task: Task[Network, Batch], averaged: Network, batch: Batch, step: int) -> float:
    for group in task.optimizer.param_groups:
        group["lr"] = task.schedule.rate(step)
    task.network.train()
    loss = task.loss(task.network, batch)
    task.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(task.network.parameters(), task.clip)
    task.optimizer.step()
    decay = min(task.average, (step + 1) / (step + 11))
    with torch.no_grad():
        torch._foreach_lerp_(
            list(averaged.parameters()), list(task.network.parameters()), 1 - decay
        )
        for kept, now in zip(averaged.buffers(), task.network.buffers(), strict=True):
            kept.copy_(now)
    return float(loss.detach())


def _resume(task: Task[Network, Batch], averaged: nn.Module, path: Path) -> int:
    """Put back what the last checkpoint holds, if there is one; return its step."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    task.network.load_state_dict(saved["network"])
    averaged.load_state_dict(saved["averaged"])
    task.optimizer.load_state_dict(saved["optimizer"])
    task.schedule.restore(saved["schedule"])
    return int(saved["step"])


def _save(task: Task[Network, Batch], averaged: nn.Module, step: int, path: Path) -> None:
    with written_file(path, overwrite=True) as partial:
        torch.save(
            {
                "network": task.network.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": task.optimizer.state_dict(),
                "schedule": task.schedule.state(),
                "step": step,
            },
            partial,
        )


def _append(path: Path, figures: Figures) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(figures)
        writer.writerow([f"{value:.6g}" for value in figures.values()])

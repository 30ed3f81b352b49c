"""The training loop of every network: averaged weights, checkpoints that resume, metrics."""

from __future__ import annotations

import csv
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.optim.swa_utils import PARAM_LIST, AveragedModel

from perrin.io.output import written_file

Figures = dict[str, float]
Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


@dataclass
class Task(Generic[Network, Batch]):
    """What is trained and how."""

    network: Network
    optimizer: torch.optim.Optimizer
    """network, optimizer: as at the first step; a checkpoint replaces their state."""
    batches: Callable[[int], Iterator[Batch]]
    """From a step to the batches from that step on: a batch depends on its step alone."""
    loss: Callable[[Network, Batch], Tensor]
    """(network, batch) to the scalar that is made small."""
    schedule: LRScheduler
    """Of the optimizer's learning rate; it moves with every step, or where `watched` is given
    (`torch.optim.lr_scheduler.ReduceLROnPlateau`) with that figure of every validation."""
    steps: int
    validate_every: int
    """steps, validate_every: batches in all, and between validations (which also save a
    checkpoint)."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    average: float = 0.0
    """Decay of the averaged weights, which are validated and returned; 0 for the weights
    themselves."""
    watched: str | None = None


def cosine(
    optimizer: torch.optim.Optimizer, *, highest: float, warmup: int, steps: int
) -> LambdaLR:
    """Return rates warmed up linearly, then half a cosine down to zero at the last step.

    The optimizer has to be made with ``lr=1.0``, which the rates are factors of.
    """

    def rate(step: int) -> float:
        warm = min(1.0, (step + 1) / warmup)
        return highest * warm * 0.5 * (1 + math.cos(math.pi * step / steps))

    return LambdaLR(optimizer, rate)


def averaged_of(network: nn.Module, *, decay: float) -> AveragedModel:
    """Return the averaged weights of a network, which at first follow it faster than `decay`."""

    def average(kept: PARAM_LIST, now: PARAM_LIST, updates: Tensor | int) -> None:
        own = min(decay, int(updates) / (int(updates) + 10))
        torch._foreach_lerp_(kept, now, 1 - own)

    averaged = AveragedModel(network, multi_avg_fn=average)
    averaged.requires_grad_(False)
    averaged.update_parameters(network)  # the first one copies: the average begins with it
    return averaged


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
    averaged = averaged_of(task.network, decay=task.average)
    trained = cast("Network", averaged.module)
    step = _resume(task, averaged, run / "checkpoint.pt")
    batches = task.batches(step)
    started, losses = time.perf_counter(), []
    with _asked_to_stop() as asked:
        while step < task.steps:
            rate = task.optimizer.param_groups[0]["lr"]
            losses.append(_advance(task, averaged, next(batches)))
            step += 1
            advanced(step)
            if step % task.validate_every == 0 or step == task.steps:
                trained.eval()
                figures = {
                    "step": float(step),
                    "seconds": round(time.perf_counter() - started, 1),
                    "rate": rate,
                    "loss": sum(losses) / len(losses),
                    **validate(trained),
                }
                losses.clear()
                if task.watched is not None:
                    task.schedule.step(figures[task.watched])
                progress(figures)
                _append(run / "metrics.csv", figures)
                _save(task, averaged, step, run / "checkpoint.pt")
            elif asked():
                _save(task, averaged, step, run / "checkpoint.pt")
            if asked():
                raise KeyboardInterrupt
    return trained.eval()


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


def _advance(task: Task[Network, Batch], averaged: AveragedModel, batch: Batch) -> float:
    task.network.train()
    loss = task.loss(task.network, batch)
    task.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(task.network.parameters(), task.clip)
    task.optimizer.step()
    if task.watched is None:
        task.schedule.step()
    averaged.update_parameters(task.network)
    return float(loss.detach())


def _resume(task: Task[Network, Batch], averaged: nn.Module, path: Path) -> int:
    """Put back what the last checkpoint holds, if there is one; return its step."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    task.network.load_state_dict(saved["network"])
    averaged.load_state_dict(saved["averaged"])
    task.optimizer.load_state_dict(saved["optimizer"])
    task.schedule.load_state_dict(saved["schedule"])
    return int(saved["step"])


def _save(task: Task[Network, Batch], averaged: nn.Module, step: int, path: Path) -> None:
    with written_file(path, overwrite=True) as partial:
        torch.save(
            {
                "network": task.network.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": task.optimizer.state_dict(),
                "schedule": task.schedule.state_dict(),
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

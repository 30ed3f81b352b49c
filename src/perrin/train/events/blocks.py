"""Fresh events in blocks, each drawn in a process of its own: what both event networks share."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perrin.settings.training import EventTraining
from perrin.train.events.source import leave_ctrl_c
from perrin.train.loop import Task
from perrin.train.recipe import task_of

_AHEAD = 2  # blocks that each process draws before they are asked for

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Events:
    """Histories (N, 33, 17, 17) and the number of the class of each (N,).

    The histories are float16 until a batch is handed out, to travel lightly. What a network is
    told besides, (N, ...) each, its own kind of events adds.
    """

    views: NDArray[np.float16] | NDArray[np.float32]
    labels: NDArray[np.int64]

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Self:
        return type(self)(*(values[rows] for values in vars(self).values()))

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return several as one."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


Batch = TypeVar("Batch", bound=Events)


def events_task(
    network: Network,
    recipe: EventTraining,
    *,
    draw_block: Callable[[int], Batch],
    block_steps: int,
    loss: Callable[[Network, Batch], Tensor],
    workers: int,
) -> Task[Network, Batch]:
    """Return the training of `network` on blocks of `block_steps` batches."""
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def batches(step: int) -> Iterator[Batch]:
        blocks = stream(draw_block, first=step // block_steps, workers=workers)
        return _batches(blocks, recipe.batch, block_steps, begin=step % block_steps)

    return task_of(network, recipe, batches=batches, loss=loss)


def stream(draw_block: Callable[[int], Batch], *, first: int, workers: int) -> Iterator[Batch]:
    """Yield blocks without end from number `first`.

    Each depends on its number alone, whatever the number of workers.
    """
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Batch]] = deque()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=leave_ctrl_c) as pool:
        try:
            while True:
                while len(waiting) < _AHEAD * workers:
                    waiting.append(pool.submit(draw_block, first))
                    first += 1
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _batches(blocks: Iterator[Batch], size: int, steps: int, *, begin: int) -> Iterator[Batch]:
    for block in blocks:
        for k in range(begin, steps):
            batch = block[k * size : (k + 1) * size]
            yield replace(batch, views=batch.views.astype(np.float32))
        begin = 0

"""Training on walks that are drawn beside the network, in order, each batch from its own seed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import TypeVar

import numpy as np
from torch import Tensor, nn

from perrin.settings.training import NetworkTraining
from perrin.train.loop import Task
from perrin.train.recipe import task_of

Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


def fresh_task(
    network: Network,
    settings: NetworkTraining,
    *,
    draw: Callable[[np.random.Generator], Batch],
    loss: Callable[[Network, Batch], Tensor],
) -> Task[Network, Batch]:
    """Return the training of `network` on fresh batches."""
    return task_of(
        network,
        settings,
        batches=lambda step: drawn_ahead(draw, seed=settings.seed, first_step=step),
        loss=loss,
    )


def drawn_ahead(
    draw: Callable[[np.random.Generator], Batch], *, seed: int, first_step: int, ahead: int = 6
) -> Iterator[Batch]:
    """Yield batches without end from `first_step` on; each depends on seed and step alone."""
    queue: Queue[Batch | Exception] = Queue(maxsize=ahead)

    def fill() -> None:
        step = first_step
        try:
            while True:
                own = np.random.SeedSequence(seed, spawn_key=(step,))
                queue.put(draw(np.random.default_rng(own)))
                step += 1
        except Exception as error:  # raised again where the batch is taken
            queue.put(error)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        batch = queue.get()
        if isinstance(batch, Exception):
            raise batch
        yield batch

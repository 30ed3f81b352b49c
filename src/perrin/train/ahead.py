"""Batches drawn in a thread beside the network, in order, each from its own seed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import TypeVar

import numpy as np

Batch = TypeVar("Batch")


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

"""Threads over stretches of frames or events: kernels let go of Python's lock, all cores work.

Numba's own parallel loops do the same, and take two to four times as long to compile.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numba
import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # items a thread: what waits is held in memory
_here = threading.local()
"""``busy`` in the threads that are made here: the cores have their work already."""


def _enter() -> None:
    _here.busy = True


def cores() -> int:
    """Return how many threads to use: what numba would (all cores, or NUMBA_NUM_THREADS)."""
    return int(numba.get_num_threads())


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield work(item) in the order of the items; these are made here, in the caller's thread.

    As many threads as numba would use (NUMBA_NUM_THREADS). What they raise is raised here.
    """
    threads = numba.get_num_threads()
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, initializer=_enter) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def over_rows(kernel: Callable[..., object], count: int, *arguments: Any) -> None:
    """Call kernel(first, last, *arguments) on stretches that make up 0 to `count`, in threads.

    What it finds it writes into its arguments, each row for itself. Within `in_threads` there is
    one stretch: all cores work already.
    """
    threads = 1 if getattr(_here, "busy", False) else min(numba.get_num_threads(), count)
    if threads < 2:
        kernel(0, count, *arguments)
        return
    ends = np.linspace(0, count, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        for done in [
            pool.submit(kernel, first, last, *arguments) for first, last in pairwise(ends)
        ]:
            done.result()

"""Rows in worker processes of this computer, each with its share of the cores."""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from perrin.batch.job import Job, Outcome, run_job
from perrin.errors import PerrinError
from perrin.threads import cores
from perrin.types import Progress

_THREADS = (*("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),)
_DIED_TWICE = "the process that ran it died twice (out of memory, or killed)"


class Processes:
    """Runs rows in `workers` processes; together they use the cores that there are, once.

    A process that dies (killed, or out of memory) takes no other row with it: its rows are run
    again, one at a time, and one that kills its process again has failed.
    """

    def __init__(self, workers: int, *, work: Callable[[Job], Outcome] = run_job) -> None:
        if workers < 1:
            raise PerrinError(f"--workers is {workers}; give 1 or more")
        self.workers = workers
        self._work = work

    def run(self, jobs: Sequence[Job], *, within: Progress | None = None) -> Iterator[Outcome]:
        """Run the jobs; on Ctrl-C the rows in hand are finished, and no other is begun."""
        del within  # rows in other processes do not say how far they are
        waiting, deaths = deque(jobs), Counter[str]()
        while waiting:
            suspects = [job for job in waiting if deaths[job.name]]
            workers = 1 if suspects else min(self.workers, len(waiting))
            chosen = deque(suspects) if suspects else waiting
            if suspects:
                waiting = deque(job for job in waiting if not deaths[job.name])
            lost: list[Job] = []
            yield from self._in_pool(chosen, workers, lost)
            for job in lost:
                deaths[job.name] += 1
                if deaths[job.name] > 1:
                    yield Outcome(job.name, "failed", _DIED_TWICE)
                else:
                    waiting.append(job)
            if chosen is not waiting:
                waiting.extend(chosen)

    def _in_pool(self, waiting: deque[Job], workers: int, lost: list[Job]) -> Iterator[Outcome]:
        """Run jobs until none is left or a process dies; those in hand then are `lost`."""
        before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, str(max(1, cores() // self.workers))))
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet)
        running: dict[Future[Outcome], Job] = {}
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    job = waiting.popleft()
                    running[pool.submit(self._work, job)] = job
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    job = running.pop(future)
                    try:
                        outcome = future.result()
                    except BrokenProcessPool:
                        lost += [job, *running.values()]
                        return
                    yield outcome
        except KeyboardInterrupt:
            wait(running)  # finished rows are kept: their records are on the disk
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _quiet() -> None:
    """Leave Ctrl-C to the process that hands out the rows."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

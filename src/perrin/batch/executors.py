"""Who runs the rows. Every executor gives the same results, bit for bit: a row knows no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from perrin.batch.job import Job, Outcome, run_job
from perrin.types import Progress


class Executor(Protocol):
    """Runs jobs and gives their outcomes as they end, in any order, each job once."""

    def run(self, jobs: Sequence[Job], *, within: Progress | None = None) -> Iterator[Outcome]:
        """Run the jobs; `within` is called with the fraction done of the row in hand, if known.

        On `KeyboardInterrupt` rows in hand are finished or leave nothing behind.
        """


class InProcess:
    """Runs the rows here, one after the other, with all cores for each."""

    def __init__(self, work: Callable[[Job, Progress | None], Outcome] = run_job) -> None:
        self._work = work

    def run(self, jobs: Sequence[Job], *, within: Progress | None = None) -> Iterator[Outcome]:
        """Run the jobs in their order."""
        for job in jobs:
            yield self._work(job, within)


def executor_for(*, workers: int | None = None, cluster: str | None = None) -> Executor:
    """Return who runs rows: this process, `workers` processes, or a Dask cluster.

    cluster: ``local`` (of `workers`), the address of a scheduler, or a YAML file of dask-jobqueue.
    """
    if cluster is not None:
        from perrin.batch.cluster import Cluster

        return Cluster(cluster, workers=workers or 2)
    if workers is not None and workers != 1:
        from perrin.batch.processes import Processes

        return Processes(workers)
    return InProcess()

"""Rows on a Dask cluster: local, by the address of a scheduler, or of a queue such as SLURM."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

from perrin.batch.job import Job, Outcome, run_job
from perrin.errors import PerrinError
from perrin.types import Progress

Client = Any
"""`distributed.Client`, whose package has no types."""
_QUEUES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "local": "LocalCluster",
}
"""Classes of dask-jobqueue by the name of the queue in a configuration file."""
_one = threading.Lock()


class Cluster:
    """Runs rows on a Dask cluster; all of its workers must see the same folders.

    where: ``local``, the address of a scheduler (``tcp://host:8786``), or a YAML file for
    dask-jobqueue with ``queue`` (slurm, pbs, sge, lsf, local), ``jobs``, and the keywords of its
    class. A worker that is lost takes no row with it: another one runs it.
    """

    def __init__(self, where: str, *, workers: int = 2) -> None:
        self.where, self.workers = where, workers

    def run(self, jobs: Sequence[Job], *, within: Progress | None = None) -> Iterator[Outcome]:
        """Run the jobs; on Ctrl-C rows that have not begun are taken back."""
        del within
        with ExitStack() as stack:
            client = self._client(stack)
            yield from _outcomes(client, jobs)

    def _client(self, stack: ExitStack) -> Client:
        try:
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise PerrinError(
                f"--cluster needs more ({error}): pip install 'perrin[cluster]'."
            ) from error
        if self.where.endswith((".yaml", ".yml")):
            return stack.enter_context(
                distributed.Client(stack.enter_context(_queue(Path(self.where))))
            )
        if self.where == "local":
            local = distributed.LocalCluster(
                n_workers=self.workers, threads_per_worker=1, dashboard_address=None
            )
            return stack.enter_context(distributed.Client(stack.enter_context(local)))
        if "://" not in self.where:
            raise PerrinError(
                f"--cluster is {self.where!r}; give local, an address as tcp://host:8786, or a "
                "YAML file"
            )
        try:
            return stack.enter_context(distributed.Client(self.where, timeout=10))
        except (OSError, ValueError) as error:
            raise PerrinError(
                f"there is no Dask scheduler at {self.where} ({error}). Start one with `dask "
                "scheduler`, and workers with `dask worker`."
            ) from error


def _outcomes(client: Client, jobs: Sequence[Job]) -> Iterator[Outcome]:
    distributed: Any = import_module("distributed")
    futures = {
        client.submit(
            run_alone, job, key=f"perrin-{job.name}-{os.urandom(4).hex()}", pure=False
        ): job
        for job in jobs
    }
    done = distributed.as_completed(list(futures))
    try:
        for future in done:
            job = futures[future]
            if future.status == "finished":
                yield future.result()
            else:
                error = future.exception()
                said = (
                    "its worker died again and again"
                    if type(error).__name__ == "KilledWorker"
                    else ""
                )
                yield Outcome(job.name, "failed", said or f"on the cluster: {error}")
            future.release()
    finally:
        left = [future for future in futures if not future.done()]
        if left:
            client.cancel(left)


def run_alone(job: Job) -> Outcome:
    """Run a row on a worker: one at a time, with as many threads as the worker has."""
    numba: Any = import_module("numba")
    threads = import_module("distributed").get_worker().state.nthreads
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    with _one:
        return run_job(job)


def _queue(path: Path) -> Any:
    """The cluster that a configuration file describes, with its jobs asked for."""
    asked = _configuration(path)
    jobs, queue = asked.pop("jobs"), asked.pop("queue")
    try:
        module = import_module("dask_jobqueue.local" if queue == "local" else "dask_jobqueue")
    except ImportError as error:
        raise PerrinError(
            f"--cluster {path} needs dask-jobqueue ({error}): pip install 'perrin[cluster]'."
        ) from error
    try:
        cluster = getattr(module, _QUEUES[queue])(**asked)
    except (TypeError, ValueError) as error:
        raise PerrinError(f"{path}: {error}; its keys are those of {_QUEUES[queue]}.") from error
    cluster.scale(jobs=jobs)
    return cluster


def _configuration(path: Path) -> dict[str, Any]:
    try:
        import yaml

        asked = yaml.safe_load(path.read_text(encoding="utf-8"))
    except ImportError as error:
        raise PerrinError(
            f"--cluster {path} needs PyYAML: pip install 'perrin[cluster]'."
        ) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PerrinError(f"--cluster {path} cannot be read as YAML ({error}).") from error
    jobs = asked.get("jobs") if isinstance(asked, Mapping) else None
    if not isinstance(asked, dict) or asked.get("queue") not in _QUEUES:
        raise PerrinError(f"{path} needs a key 'queue', one of {', '.join(_QUEUES)}.")
    if not isinstance(jobs, int) or jobs < 1:
        raise PerrinError(f"{path} needs a key 'jobs', how many to submit; it is {jobs!r}.")
    return asked

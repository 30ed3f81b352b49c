"""Work of rows that ends their process, or says what the process may use; for worker processes."""

from __future__ import annotations

import os
import signal

from perrin.batch.job import Job, Outcome, run_job
from perrin.threads import cores


def die(job: Job) -> Outcome:
    """Kill this process in the first row the first time, in the third always."""
    mark = job.place.parent / f"{job.name}.died"
    if job.name == "s1_rep1" or (job.name == "s0_rep1" and not mark.exists()):
        job.place.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run_job(job)


def how_many_threads(job: Job) -> Outcome:
    """Say in the reason how many threads networks and kernels may use."""
    import numba

    return Outcome(job.name, "failed", f"{cores()} {numba.get_num_threads()}")

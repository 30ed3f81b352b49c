"""Whoever runs the rows, the results are the same, and nothing finished is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.batch import executors, run_batch
from perrin.batch.cluster import Cluster
from perrin.batch.job import Job, Outcome, run_job
from perrin.batch.processes import Processes
from perrin.errors import PerrinError
from perrin.io.manifest import is_as_written, read_manifest
from perrin.threads import cores
from perrin.types import Progress

from .conftest import Plate

Command = Callable[..., tuple[int, str, str]]
WELLS = [{"A": 200, "AB": 90}, {"A": 190, "AB": 100}, {"A": 60, "B": 90}, {}]
SAME = ("measurements.csv", "species.csv", "replicates.csv", "sheet.csv")
ROW = ("events.csv", "species.csv")


def contents(out: Path) -> dict[str, bytes]:
    """All that must not depend on who ran it."""
    rows = [
        f"rows/{path.parent.name}/results/{n}" for path in out.glob("rows/*/results") for n in ROW
    ]
    return {name: (out / name).read_bytes() for name in (*SAME, *rows)}


@pytest.fixture
def by_hand(plate: Plate, tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
    sheet = plate(*WELLS, A_nM=["1", "2", "3", "4"])
    run_batch(sheet, tmp_path / "here", resamples=10, species="A:66,B:150,AB:216")
    return sheet, contents(tmp_path / "here")


def test_processes_give_the_same_files(
    by_hand: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    sheet, expected = by_hand
    found = run_batch(
        sheet, tmp_path / "out", resamples=10, species="A:66,B:150,AB:216", executor=Processes(2)
    )
    assert found.ran == 4
    assert contents(tmp_path / "out") == expected
    assert "NUMBA_NUM_THREADS" not in os.environ


@pytest.fixture
def rows_that_die(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that worker processes can import too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return import_module("rows_that_die")


def test_a_row_that_kills_its_process_fails_alone(
    plate: Plate, tmp_path: Path, rows_that_die: ModuleType
) -> None:
    found = run_batch(
        plate(*WELLS), tmp_path / "out", resamples=0, executor=Processes(2, work=rows_that_die.die)
    )
    assert found.measurements["status"].tolist() == ["ok", "ok", "failed", "no events"]
    assert "died twice" in found.measurements["reason"][2]


def test_processes_share_the_cores(plate: Plate, tmp_path: Path, rows_that_die: ModuleType) -> None:
    here = cores()
    found = run_batch(
        plate(*WELLS),
        tmp_path / "out",
        executor=Processes(here, work=rows_that_die.how_many_threads),
    )
    assert set(found.measurements["reason"]) == {"1 1"}
    with pytest.raises(PerrinError, match="--workers is 0"):
        Processes(0)


@contextmanager
def daemon(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with_children(process, signal.SIGKILL)


def with_children(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    process.wait(30)


def address(log: Path) -> str:
    for _ in range(600):
        for word in log.read_text().split():
            if word.startswith("tcp://") and word[-1].isdigit():
                return word
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_a_scheduler_and_workers_over_tcp_one_of_them_killed(
    by_hand: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    sheet, expected = by_hand
    log = tmp_path / "scheduler.log"
    worker = ("dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")
    with daemon("dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1", log=log):
        where = address(log)
        with (
            daemon(worker[0], where, *worker[1:], log=tmp_path / "one.log") as one,
            daemon(worker[0], where, *worker[1:], log=tmp_path / "two.log"),
        ):

            def kill_one(line: Any) -> None:
                if one.poll() is None:
                    with_children(one, signal.SIGKILL)

            found = run_batch(
                sheet,
                tmp_path / "out",
                resamples=10,
                species="A:66,B:150,AB:216",
                executor=Cluster(where),
                progress=kill_one,
            )
            assert one.poll() is not None
    assert found.ran == 4
    assert contents(tmp_path / "out") == expected


def test_what_is_no_cluster_is_said(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(*WELLS[:1])
    (tmp_path / "a.yaml").write_text("queue: moon\njobs: 2\n")
    (tmp_path / "b.yaml").write_text("queue: slurm\n")
    for where, message in (
        ("somewhere", "give local, an address"),
        (str(tmp_path / "a.yaml"), "a key 'queue', one of slurm"),
        (str(tmp_path / "b.yaml"), "a key 'jobs'"),
        (str(tmp_path / "none.yaml"), "cannot be read as YAML"),
    ):
        with pytest.raises(PerrinError, match=message):
            run_batch(sheet, tmp_path / "out", executor=Cluster(where))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of tornado
def test_a_queue_of_jobs_as_a_file_describes_it(plate: Plate, tmp_path: Path) -> None:
    """dask-jobqueue's own local queue: the way through the file is that of SLURM."""
    config = tmp_path / "queue.yaml"
    config.write_text(
        "queue: local\njobs: 1\ncores: 1\nprocesses: 1\nmemory: 2GB\n"
        f"log_directory: {tmp_path}\n"
        "scheduler_options:\n  dashboard_address: ':0'\n  host: 127.0.0.1\n"
        "worker_extra_args: ['--no-dashboard']\n"
    )
    found = run_batch(
        plate(*WELLS[:2]), tmp_path / "out", resamples=0, executor=Cluster(str(config))
    )
    assert found.counts == {"ok": 2}


def test_a_batch_killed_at_random_moments_loses_nothing_finished(
    plate: Plate, tmp_path: Path
) -> None:
    sheet, out = plate(*WELLS, *WELLS[:3], seed=4), tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "perrin",
        "batch",
        str(sheet),
        "--out",
        str(out),
        "--resamples",
        "0",
        "--species",
        "A:66,AB:216",
    ]
    rng = np.random.default_rng(6)
    finished: dict[str, int] = {}
    for _ in range(int(os.environ.get("PERRIN_KILLS", "3"))):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(2, 8))
        process.kill()
        process.wait(30)
        now = {str(p): p.stat().st_mtime_ns for p in out.glob("rows/*/row.json")}
        assert {name: now.get(name) for name in finished} == finished
        finished = now
        for record in out.glob("rows/*/row.json"):
            results = record.parent / "results"
            if results.exists():
                files = read_manifest(results)
                assert files
                assert all(is_as_written(results, name, files) for name in files)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{7 - len(finished)} run now" in done.stdout
    assert {p: Path(p).stat().st_mtime_ns for p in finished} == finished
    table = pd.read_csv(out / "measurements.csv")
    assert table["status"].tolist() == ["ok"] * 3 + ["no events"] + ["ok"] * 3
    assert not list(tmp_path.rglob(".perrin-*"))


def test_ctrl_c_keeps_what_is_finished_and_says_so(
    run: Command, plate: Plate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal itself, in the third row: no sooner and no later, however fast the computer."""
    sheet, out = plate(*WELLS, *WELLS[:3], seed=5), tmp_path / "out"

    def interrupted(job: Job, within: Progress | None) -> Outcome:
        if job.line == 4:  # the first line of the sheet is its header
            signal.raise_signal(signal.SIGINT)
        return run_job(job, within)

    monkeypatch.setattr(executors, "executor_for", lambda **_: executors.InProcess(interrupted))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status, said, errors = run("batch", sheet, "--out", out)
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 130, errors
    assert "what is finished is kept" in errors
    assert "not run" in said
    table = pd.read_csv(out / "measurements.csv")
    assert table["status"].tolist() == ["ok"] * 2 + ["not run"] * 5
    assert len(list(out.glob("rows/*/row.json"))) == 2

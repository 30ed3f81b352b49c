"""Many measurements: sheets, titrations, workers, a cluster, kills, a thousand tables, the page.

Fresh seeds, simulated tables and counts. Parts can be named: ``python benchmarks/many.py affinity
kills``; they are empty, affinity, outside, overhead, workers, cluster, kills, page and thousand.
``--part 0.1`` runs a tenth of the repeats, rows and tables; what it ran is in the table.

- affinity: 12 concentrations in duplicate, 1,500 landings a well; efficiencies of all windows and
  stocks off by 10% (one standard deviation), each well pipetted to 3%; Kd drawn inside the range.
- outside: the same with Kd a hundred times below and thirty times beyond the concentrations.
- overhead: CPU time of `run_batch` over the same rows by functions, and by a command each.
- kills: SIGKILL at random moments; what was finished stays, byte for byte, and nothing is half.
- thousand: tables of 5,000 events, two workers, without the pictures of the rows; memory is that of
  all processes together (proportional set size).
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _measure import Row, keep_to_two_cores, megabytes, print_goals
from _plates import SPECIES, command, memory, write_movies, write_tables
from perrin.batch import run_batch
from perrin.batch.cluster import Cluster
from perrin.batch.executors import InProcess
from perrin.batch.job import Job, Outcome, run_job
from perrin.io import read_events
from perrin.io.manifest import is_as_written, read_manifest
from perrin.mass.affinity import Titration
from perrin.mass.affinity_estimate import estimate_affinity
from perrin.mass.affinity_model import observed, parse_model
from perrin.pipeline import fit_spectrum
from perrin.results import write_results
from perrin.types import Progress

B = np.repeat(np.geomspace(0.5, 120, 12), 2)
WITH_A = np.stack([np.full(24, 10.0), B], axis=1)
RIVAL = np.stack([np.full(24, 10.0), np.full(24, 20.0), np.repeat(np.geomspace(2, 2000, 12), 2)], 1)
Design = tuple[str, tuple[str, ...], np.ndarray, tuple[tuple[float, float], ...]]
TITRATIONS: dict[str, Design] = {
    "A+B=AB": ("A+B=AB", ("A", "B", "AB"), WITH_A, ((2, 60),)),
    "A+B=AB, B not seen": ("A+B=AB", ("A", "AB"), WITH_A, ((2, 60),)),
    "A+A=AA": ("A+A=AA", ("A", "AA"), B[:, None], ((2, 60),)),
    "A+B=AB+AB=A2B2": (
        *("A+B=AB+AB=A2B2", ("A", "B", "AB", "A2B2"), WITH_A),
        ((2, 30), (2, 30)),
    ),
    "competition": ("competition", ("A+AC", "B", "AB"), RIVAL, ((2, 20), (5, 100))),
}
"""Model, windows, totals, and the range of each constant."""


def titration(design: Design, kd: np.ndarray, rng: np.random.Generator) -> Titration:
    """Counts of one titration of the constants `kd`."""
    text, windows, totals, _ = design
    model = parse_model(text)
    seen = observed(model, [name.split("+") for name in windows])
    off = rng.normal(0, 0.1, totals.shape[1]) + rng.normal(0, 0.03, totals.shape)
    c = model.concentrations(np.log(kd), totals * np.exp(off)) @ seen.T
    rates = c * np.exp(rng.normal(0, 0.1, len(windows)))
    counts = [rng.multinomial(1500, row / row.sum()) for row in rates]
    return Titration.of(model, totals, counts, seen=seen, windows=windows)


def affinity(part: float, _folder: Path) -> Iterator[Row]:
    """How often the truth is inside, and the mean error."""
    for number, (name, design) in enumerate(TITRATIONS.items()):
        rng, count = (
            np.random.default_rng(100 + number),
            max(int((200 if len(design[3]) == 1 else 100) * part), 5),
        )
        inside: list[list[bool]] = [[] for _ in design[3]]
        off: list[list[float]] = [[] for _ in design[3]]
        told = 0
        for _ in range(count):
            kd = np.exp([rng.uniform(log(low), log(high)) for low, high in design[3]])
            found = estimate_affinity(titration(design, kd, rng)).constants
            for k, one in enumerate(found):
                told += one.kd_nM is not None
                low, high = one.low_nM or 0.0, one.high_nM or np.inf
                inside[k].append(bool(low <= kd[k] <= high))
                if one.kd_nM is not None:
                    off[k].append(log(one.kd_nM / kd[k]))
        for k in range(len(design[3])):
            which = f", constant {k + 1}" if len(design[3]) > 1 else ""
            share, bias = float(np.mean(inside[k])), float(np.mean(off[k]))
            se = sqrt(share * (1 - share) / count)
            yield Row(
                f"{name}{which}: truth inside the 95% interval, {count} titrations",
                f"{share:.1%} (standard error {se:.1%}); {len(off[k])} determined",
                "93 to 97%",
                0.93 <= share <= 0.97,
            )
            yield Row(
                f"{name}{which}: mean error of log Kd",
                f"{bias:.3f} (standard error {np.std(off[k]) / sqrt(len(off[k])):.3f})",
                "below .05",
                abs(bias) < 0.05,
            )


def outside(part: float, _folder: Path) -> Iterator[Row]:
    """A constant that the concentrations do not bracket is a limit, and it holds."""
    for name in ("A+B=AB", "A+A=AA"):
        for kd, wanted in ((0.005, "upper limit"), (3600.0, "lower limit")):
            rng, count = np.random.default_rng(7), max(int(20 * part), 3)
            right = held = 0
            for _ in range(count):
                one = estimate_affinity(titration(TITRATIONS[name], np.array([kd]), rng))
                first = one.constants[0]
                right += first.kd_nM is None
                held += (first.low_nM or 0) <= kd <= (first.high_nM or np.inf)
            yield Row(
                f"{name}, Kd {kd:g} nM, measured at .5 to 120 nM: no Kd but a limit ({wanted})",
                f"{right} of {count}; the limit holds in {held}",
                "always",
                right == count,
            )


def empty(_part: float, folder: Path) -> Iterator[Row]:
    """24 tables, one of them only a header."""
    sheet = write_tables(folder / "t", 24, 500, empty=6)
    run = command(sheet, folder / "out", "--resamples", "0", "--no-figures")
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    status = pd.read_csv(folder / "out" / "measurements.csv")["status"]
    found = len(list((folder / "out").glob("rows/*/results/summary.json")))
    yield Row(
        "24 tables with one empty: exit code, results, status of the empty one",
        f'{done.returncode}, {found}, "{status[6]}"',
        '0, 23, "no events"',
        (done.returncode, found, status[6]) == (0, 23, "no events"),
    )


def overhead(part: float, folder: Path) -> Iterator[Row]:
    """CPU time of the sheet over the rows by hand; each row in both ways, one after the other."""
    count = max(int(24 * part), 4)
    sheet = write_tables(folder / "t", count, 2000)
    run_batch(sheet, folder / "warm", species=SPECIES, resamples=10)
    by_hand = folder / "hand"
    by_hand.mkdir()
    spent = 0.0

    def both(job: Job, progress: Progress | None) -> Outcome:
        nonlocal spent
        outcome = run_job(job, progress)
        start = time.process_time()
        by_functions(job.path, by_hand / job.name)
        spent += time.process_time() - start
        return outcome

    start = time.process_time()
    run_batch(sheet, folder / "out", species=SPECIES, executor=InProcess(both))
    batch = time.process_time() - start - spent
    one = [sys.executable, "-m", "perrin", "spectrum", str(sheet.with_name("w0000.csv"))]
    before = os.times()
    subprocess.run([*one, "--out", str(folder / "one")], check=True, capture_output=True)
    after = os.times()
    typed = count * sum(after[2:4]) - count * sum(before[2:4])
    over = batch / spent - 1
    yield Row(
        f"sheet of {count} over the same rows by functions, CPU", f"{over:+.1%}", "5%", over < 0.05
    )
    over = batch / typed - 1
    yield Row("over `perrin spectrum` typed for each, CPU", f"{over:+.0%}", "5%", over < 0.05)


def by_functions(path: Path, out: Path) -> None:
    """A row as a user would run it in Python."""
    (found,) = fit_spectrum(read_events(path), None, resamples=200, seed=0)
    write_results(out, found, inputs=[path])


def workers(part: float, folder: Path) -> Iterator[Row]:
    """24 movies of 20 s in two processes and in one, one core each."""
    count = max(int(24 * part), 4)
    sheet = write_movies(folder / "m", count, 20.0)
    os.environ["NUMBA_NUM_THREADS"] = "1"
    wall = {}
    for number in (2, 1):
        start = time.perf_counter()
        more = ("--workers", str(number), "--resamples", "20")
        run = command(sheet, folder / f"out{number}", *more)
        subprocess.run(run, check=True, capture_output=True)
        wall[number] = time.perf_counter() - start
    ratio = wall[1] / wall[2]
    yield Row(
        f"{count} movies of 20 s, two workers over one", f"{ratio:.2f} times", "1.8", ratio >= 1.8
    )


def cluster(part: float, folder: Path) -> Iterator[Row]:
    """Movies through a scheduler and two workers over TCP; one is killed in the middle."""
    from distributed import LocalCluster

    start: Any = LocalCluster  # untyped
    count = max(int(96 * part), 4)
    sheet = write_movies(folder / "m", count, 4.0)
    dead: list[int] = []
    peak = 0
    with start(
        n_workers=2, threads_per_worker=1, protocol="tcp://", dashboard_address=None
    ) as local:

        def watched(done: float) -> None:
            nonlocal peak
            for pid in [worker.pid for worker in local.workers.values() if worker.pid]:
                with suppress(OSError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    peak = max(peak, 1024 * int(status.partition("VmHWM:")[2].split()[0]))
                if done > 0.4 and not dead:
                    dead.append(pid)
                    os.kill(pid, signal.SIGKILL)

        found = run_batch(
            sheet,
            folder / "out",
            resamples=0,
            executor=Cluster(local.scheduler_address),
            progress=watched,
        )
    whole = len(list((folder / "out").glob("rows/*/results/summary.json")))
    yield Row(
        f"{count} movies over TCP, one of two workers killed: rows ok, results, killed",
        f"{found.counts.get('ok', 0)}, {whole}, {len(dead)}",
        f"{count}, {count}, 1",
        found.counts == {"ok": count} and whole == count and len(dead) == 1,
    )
    yield Row("peak memory of a worker", megabytes(peak), "1 GB", peak < 1e9)


def kills(part: float, folder: Path) -> Iterator[Row]:
    """SIGKILL at random moments of a batch that goes on each time."""
    times, rng = max(int(30 * part), 3), np.random.default_rng(5)
    sheet, out = write_tables(folder / "t", max(3 * times, 24), 300), folder / "out"
    run = command(sheet, out, "--resamples", "0", "--no-figures")
    kept: dict[str, bytes] = {}
    lost = half = in_rows = 0
    for _ in range(times):
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(kept)
        while not _records(out).keys() - kept.keys() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 2.5))
        process.kill()
        process.wait()
        now = _records(out)
        lost += sum(now.get(name) != text for name, text in kept.items())
        half += sum(not _is_whole(Path(name).parent / "results") for name in now)
        in_rows += len(now) > before
        kept = now
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    now = _records(out)
    lost += sum(now.get(name) != text for name, text in kept.items())
    left = len(list(folder.rglob(".perrin-*")))
    status = pd.read_csv(out / "measurements.csv")["status"]
    yield Row(
        f"{times} kills: finished rows lost, half results, left behind; then all rows end",
        f"{lost}, {half}, {left}; {int((status == 'ok').sum())} of {len(status)}, exit "
        f"{done.returncode} ({in_rows} kills after rows of their own)",
        "0, 0, 0; all",
        (lost, half, left, done.returncode) == (0, 0, 0, 0) and bool((status == "ok").all()),
    )


def _records(out: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in out.glob("rows/*/row.json")}


def _is_whole(results: Path) -> bool:
    files = read_manifest(results)
    if not files:
        return False
    return all(is_as_written(results, name, files) for name in files)


def thousand(part: float, folder: Path) -> Iterator[Row]:
    """Tables of 5,000 events to the page."""
    count = max(int(1000 * part), 10)
    sheet = write_tables(folder / "t", count, 5000)
    start, before = time.perf_counter(), os.times()
    run = command(sheet, folder / "out", "--workers", "2", "--no-figures")
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL)
    with memory(process.pid) as most:
        code = process.wait()
    wall, cpu = time.perf_counter() - start, sum(os.times()[2:4]) - sum(before[2:4])
    said = f"{wall:.0f} s, {cpu:.0f} CPU s, exit {code}"
    goal = 300.0 if count == 1000 else None
    yield Row(
        f"{count} tables of 5,000 events to the page, two workers",
        said,
        "1000 in 5 minutes",
        None if goal is None else wall <= goal,
    )
    yield Row("peak memory, all processes", megabytes(most[0]), "1.5 GB", most[0] < 1.5e9)


def page(part: float, folder: Path) -> Iterator[Row]:
    """The page over 96 measurements: its size, and the time to open it."""
    from playwright.sync_api import sync_playwright

    count = max(int(96 * part), 12)
    sheet = write_tables(folder / "t", count, 500)
    run_batch(sheet, folder / "out", species=SPECIES, resamples=0, figures=False)
    path = folder / "out" / "report.html"
    size = path.stat().st_size
    yield Row(f"page of {count} measurements", f"{size / 1e6:.2f} MB", "12 MB", size < 12e6)
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium")
        )
        view = browser.new_page()
        start = time.perf_counter()
        view.goto(path.as_uri())
        view.wait_for_selector("body[data-ready=yes]")
        took = time.perf_counter() - start
        browser.close()
    yield Row("opened in chromium", f"{took:.2f} s", "2 s", took < 2)


PARTS: dict[str, Callable[[float, Path], Iterator[Row]]] = {
    "empty": empty,
    "affinity": affinity,
    "outside": outside,
    "overhead": overhead,
    "workers": workers,
    "cluster": cluster,
    "kills": kills,
    "page": page,
    "thousand": thousand,
}


def main() -> None:
    """Measure the parts that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--part", type=float, default=1.0)
    told: Any = parser.parse_args()
    keep_to_two_cores()
    rows: list[Row] = []
    for name in told.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            rows += PARTS[name](told.part, Path(folder))
    print_goals(rows)


if __name__ == "__main__":
    main()

"""What the benchmark of many measurements is made on: tables, movies, sheets; memory of a tree."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd

SPECIES = "A:66,B:150,AB:216"
MASSES = (66.0, 150.0, 216.0)


def write_tables(folder: Path, count: int, events: int, *, empty: int | None = None) -> Path:
    """Tables as DiscoverMP writes them, pairs of replicates, and their sheet."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(count + events)
    head = (
        "frame_indices,x_coords,y_coords,contrasts,masses_kDa,fit_errors,frame_signal_scores,"
        "neareast_neighbour_distances,selections"
    )
    sheet = ["file,sample,replicate,A_nM,B_nM"]
    for k in range(count):
        bound = (k // 2) / max(count / 2 - 1, 1)
        shares = (0.6 * (1 - bound), 0.25, 0.15 + 0.6 * bound)
        of = rng.multinomial(0 if k == empty else events, shares)
        mass = np.concatenate([rng.normal(m, 5 + 0.04 * m, n) for m, n in zip(MASSES, of)])  # noqa: B905
        table = pd.DataFrame(
            {
                "frame": np.arange(len(mass)),
                "x": rng.uniform(5, 120, len(mass)),
                "y": rng.uniform(5, 40, len(mass)),
                "contrast": -4e-5 * rng.permutation(mass),
            }
        )
        table["mass"] = table["contrast"] / -4e-5
        table = table.assign(error=rng.uniform(1e-4, 1e-3, len(mass)), score=1, near=30.0, kept=1)
        text = table.to_csv(index=False, header=False, float_format="%.7g")
        (folder / f"w{k:04d}.csv").write_text(f"{head}\n{text}")
        sheet.append(f"w{k:04d}.csv,s{k // 2},{k % 2 + 1},10,{1 + k // 2}")
    (folder / "plate.csv").write_text("\n".join(sheet) + "\n")
    return folder / "plate.csv"


def command(sheet: Path, out: Path, *more: str) -> list[str]:
    """What is typed."""
    batch = [sys.executable, "-m", "perrin", "batch", str(sheet), "--out", str(out)]
    return [*batch, "--species", SPECIES, *more]


def write_movies(folder: Path, count: int, seconds: float) -> Path:
    """One simulated movie of BSA under as many names."""
    folder.mkdir(parents=True)
    run = [sys.executable, "-m", "perrin", "simulate", "landings", "--preset", "bsa"]
    run += ["--seconds", str(seconds), "--seed", "1", "--out", str(folder / "m0000.mp")]
    subprocess.run(run, check=True, capture_output=True)
    for k in range(1, count):
        os.link(folder / "m0000.mp", folder / f"m{k:04d}.mp")
    rows = [f"m{k:04d}.mp,s{k // 2},{k % 2 + 1}" for k in range(count)]
    (folder / "plate.csv").write_text("\n".join(["file,sample,replicate", *rows]) + "\n")
    return folder / "plate.csv"


@contextmanager
def memory(pid: int) -> Iterator[list[int]]:
    """The most memory (PSS) that a process and its children held together."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(1.0):
            told = subprocess.run(
                ["/bin/ps", "--no-headers", "-o", "pid", "--ppid", str(pid), "--pid", str(pid)],
                capture_output=True,
                text=True,
                check=False,
            )
            total = 0
            for one in told.stdout.split():
                with suppress(OSError, IndexError, ValueError):
                    rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
                    total += 1024 * int(rollup.partition("\nPss:")[2].split()[0])
            most[0] = max(most[0], total)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()

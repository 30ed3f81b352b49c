"""Whole commands beside those of an earlier commit, run in turn: CPU time and memory, then and now.

The commit (`BASE`, c9b2ede unless told) is checked out beside this one and runs with the same
packages. Each command runs once with either code, unmeasured, then in turn, `PAIRS` times with
each, and every pair gives one ratio: what else the machine does meets both. CPU time is that of
all threads together. Each code has a numba cache and bytecode of its own, filled by the first run
(an installer compiles bytecode; where none may be written, the larger code starts later).

- *landings*: the demo's movie of 60 s, calibrated: everything on.
- *first run*: the same with an empty numba cache each time.
- *diffusion*: 2,000 tracks of 100 frames.
- *spectrum*: 300,000 masses.
- *track*: 560 spheres a frame, 100 frames of 512 x 512.
- *import*, *help*, *inspect*: of the package, of the command, of the demo's movie.

Run: ``make bench-pair`` (half an hour), or ``make bench-pair ROWS="spectrum help"``.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from _measure import Child, keep_to_two_cores, megabytes, print_table, run_child, skip

HERE = Path(__file__).resolve().parents[1]
BASE = os.environ.get("BASE", "c9b2ede")
PAIRS = int(os.environ.get("PAIRS", "3"))
MASSES, TRACKS, FRAMES = 300_000, 2_000, 100
PERRIN = (sys.executable, "-m", "perrin")


@dataclass(frozen=True)
class Code:
    """One of the two: its source, and the folder of what it makes and compiles."""

    source: Path
    folder: Path

    def run(self, *command: str | Path, cache: Path | None = None) -> Child:
        """Run a Python command with this code, from its folder."""
        return run_child(
            (sys.executable, *command),
            cwd=self.folder,
            PYTHONPATH=str(self.source),
            NUMBA_CACHE_DIR=str(cache or self.folder / "numba"),
            PYTHONDONTWRITEBYTECODE="",
            PYTHONPYCACHEPREFIX=str(self.folder / "bytecode"),
        )

    def perrin(self, *command: str | Path, cache: Path | None = None) -> Child:
        """Run the perrin command."""
        return self.run("-m", "perrin", *command, cache=cache)


Run = Callable[[Code, Path], Child]


def landings(code: Code, data: Path) -> Child:
    """Run the whole command."""
    return code.perrin(*_landings(code, data))


def first_run(code: Code, data: Path) -> Child:
    """Run the whole command with nothing compiled."""
    with tempfile.TemporaryDirectory(dir=code.folder) as empty:
        return code.perrin(*_landings(code, data), cache=Path(empty))


def _landings(code: Code, data: Path) -> tuple[str | Path, ...]:
    movie, line = demo_movie(data, "bsa", seed=2), code.folder / "calibration.json"
    if not line.is_file():
        ladder = demo_movie(data, "dynamin", seed=1)
        code.perrin("calibrate", ladder, "--ladder", "dynamin", "--out", line)
    return ("landings", movie, "--calibration", line, "--out", "landings", "--overwrite")


def diffusion(code: Code, data: Path) -> Child:
    """Characterize tracks, half of which jump."""
    table = data / "tracks.csv"
    if not table.is_file():
        rng = np.random.default_rng(1)
        steps = rng.normal(size=(TRACKS, FRAMES, 2))
        steps[: TRACKS // 2] *= 3 * (rng.random((TRACKS // 2, FRAMES, 1)) < 0.1)
        x = np.cumsum(steps, axis=1) + 0.2 * rng.normal(size=steps.shape)
        of_frames = {
            "particle": np.repeat(np.arange(TRACKS), FRAMES),
            "frame": np.tile(np.arange(FRAMES), TRACKS),
        }
        places = {"x": x[..., 0].ravel(), "y": x[..., 1].ravel()}
        pd.DataFrame(of_frames | places).to_csv(table, index=False)
    return code.perrin("diffusion", table, "--units", "unknown", "--out", "motion", "--overwrite")


def spectrum(code: Code, data: Path) -> Child:
    """Find the species in a table of masses."""
    table = data / "masses.csv"
    if not table.is_file():
        rng = np.random.default_rng(5)
        counts = rng.multinomial(MASSES, [0.35, 0.3, 0.2, 0.1, 0.05])
        species = ((66, 7), (148, 9), (300, 13), (480, 18))
        parts = [rng.normal(*one, n) for one, n in zip(species, counts, strict=False)]
        masses = rng.permutation(np.concatenate([*parts, rng.uniform(40, 800, counts[-1])]))
        pd.DataFrame({"contrasts": -4e-5 * masses, "masses_kDa": masses}).to_csv(table, index=False)
    return code.perrin("spectrum", table, "--out", "spectrum", "--overwrite")


def track(code: Code, data: Path) -> Child:
    """Track a crowded field."""
    movie = data / "crowded.tif"
    if not movie.is_file():
        field = ("--count", "560", "--frames", "100", "--size-px", "512", "--step-nm", "3")
        run_child((*PERRIN, "simulate", "motion", "--kind", "spheres", *field, "--out", movie))
    return code.perrin("track", movie, "--kind", "spheres", "--out", "tracks", "--overwrite")


def imported(code: Code, _data: Path) -> Child:
    """Import the package and nothing else."""
    return code.run("-c", "import perrin")


def asked(code: Code, _data: Path) -> Child:
    """Ask the command what it can do."""
    return code.perrin("--help")


def inspect(code: Code, data: Path) -> Child:
    """Look at the demo's movie."""
    return code.perrin("inspect", demo_movie(data, "bsa", seed=2))


def demo_movie(data: Path, preset: str, *, seed: int) -> Path:
    """Simulate a movie of `make demo` if it is not there."""
    movie = data / f"{preset}.mp"
    if not movie.is_file():
        options = ("--preset", preset, "--seconds", "60", "--seed", str(seed))
        run_child((*PERRIN, "simulate", "landings", *options, "--out", movie))
    return movie


ROWS: dict[str, Run] = {
    "landings": landings,
    "first": first_run,
    "diffusion": diffusion,
    "spectrum": spectrum,
    "track": track,
    "import": imported,
    "help": asked,
    "inspect": inspect,
}


def main() -> None:
    """Print the table."""
    keep_to_two_cores()
    chosen = os.environ.get("ROWS", "").split() or list(ROWS)
    if unknown := set(chosen) - ROWS.keys():
        sys.exit(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    with tempfile.TemporaryDirectory(prefix="perrin-pair-") as name:
        folder = Path(name)
        base = checked_out(folder / "base")
        codes = [Code(base / "src", folder / "old"), Code(HERE / "src", folder / "new")]
        for code in codes:
            code.folder.mkdir()
            found = Path(code.run("-c", "import perrin; print(perrin.__file__)").output)
            if not found.is_relative_to(code.source):
                sys.exit(f"{found} was imported, not what is below {code.source}")
        print(f"Commit {BASE} against this one, {PAIRS} pairs.\n")
        heads = ("what", "CPU s then", "now", "times as fast (range)", "peak then", "now")
        print_table(heads, [])
        for what in chosen:  # each as soon as it is known: a whole run takes long
            print("|", " | ".join(row(what, *codes, data=folder)), "|", flush=True)


def row(what: str, old: Code, new: Code, *, data: Path) -> tuple[str, ...]:
    """Run one command with both codes in turn; its line of the table."""
    pairs: list[tuple[Child, Child]] = []
    run = ROWS[what]
    print(f"  {what} ...", file=sys.stderr, flush=True)
    for code in (old, new):
        run(code, data)
    for number in range(PAIRS):
        turn = (old, new) if number % 2 == 0 else (new, old)
        done = {code: run(code, data) for code in turn}
        pairs.append((done[old], done[new]))
    ratios = [then.cpu_s / now.cpu_s for then, now in pairs]
    times = [statistics.median(child.cpu_s for child in side) for side in zip(*pairs, strict=True)]
    peaks = [max(child.peak_bytes for child in side) for side in zip(*pairs, strict=True)]
    return (
        what,
        *(f"{seconds:.3g}" for seconds in times),
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        *(megabytes(size) for size in peaks),
    )


def checked_out(folder: Path) -> Path:
    """Write the files of the commit into a folder."""
    git = shutil.which("git")
    if git is None:
        skip("git is not installed")
    archive = folder.with_suffix(".tar")
    command = (git, "-C", str(HERE), "archive", BASE, "src", "-o", str(archive))
    if subprocess.run(command, check=False).returncode:
        skip(f"commit {BASE} is not in this checkout")
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


if __name__ == "__main__":
    main()

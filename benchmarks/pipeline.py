"""A 60 s movie to a spectrum: time and memory, and the memory of a movie ten times as long.

The movie: the preset ``bsa`` at one landing per um^2 and second, 14,500 frames of 151 x 38
uint16 in a plain ``.mp`` file (168 MB; 1.7 GB for the long one, in a temporary folder).

- *warm*: the second and later calls of `analyze_landings` in one process, without figures and
  bootstrap, the file opened anew each time.
- *cold*: the whole command ``perrin landings``, in a new process, with 200 bootstrap
  resamples, tables and figures; numba's compiled code on disk, as in every run but the first.
- *first run*: the same with an empty numba cache, so that everything is compiled.

Memory is the peak of a whole process (resident, interpreter and libraries included).

Run: ``python benchmarks/pipeline.py`` (about four minutes; Linux or macOS).
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from _measure import (
    Child,
    Row,
    keep_to_two_cores,
    megabytes,
    perrin_command,
    print_goals,
    run_child,
    timed,
)

SECONDS = 60
LONGER = 10
WARM_REPEATS = 7
COLD_REPEATS = 3
GOAL_WARM_S, GOAL_COLD_S, GOAL_BYTES = 2.5, 12.0, 1e9
SAME = 1.1  # times the memory of the short movie still counts as the same


def main() -> None:
    """Print the table."""
    keep_to_two_cores()
    with tempfile.TemporaryDirectory(prefix="perrin-bench-") as folder:
        movie, cache = Path(folder, "bsa.mp"), Path(folder, "numba")
        simulate(movie, SECONDS)
        first = landings(movie, cache)
        cold = [landings(movie, cache) for _ in range(COLD_REPEATS)]
        warm = analyze_repeatedly(movie, cache, WARM_REPEATS)
        once = analyze_repeatedly(movie, cache, 1)
        long_movie = Path(folder, "long.mp")
        simulate(long_movie, SECONDS * LONGER)
        long = analyze_repeatedly(long_movie, cache, 1)
        long_command = landings(long_movie, cache)
    print_goals(
        [
            *rows_of_short(warm, first, cold),
            *rows_of_long(once, long, long_command, max(run.peak_bytes for run in cold)),
        ]
    )


def rows_of_short(warm: Child, first: Child, cold: list[Child]) -> list[Row]:
    """Return what the movie of 60 s takes, in time and memory."""
    wall = statistics.median(run.wall_s for run in cold)
    cpu = statistics.median(run.cpu_s for run in cold)
    peak = max(run.peak_bytes for run in (warm, first, *cold))
    spectrum, events = json.loads(warm.output)
    return [
        Row(
            f"movie to spectrum, warm, {events} events",
            spectrum["text"],
            f"{GOAL_WARM_S} s",
            spectrum["wall_s"] <= GOAL_WARM_S,
        ),
        Row(
            "whole command, cold, with bootstrap and figures",
            f"{wall:.1f} s (CPU {cpu:.1f}; {COLD_REPEATS} runs)",
            f"{GOAL_COLD_S:.0f} s",
            wall <= GOAL_COLD_S,
        ),
        Row(
            "the very first run: numba compiles",
            f"{first.wall_s:.1f} s (CPU {first.cpu_s:.1f})",
        ),
        Row("peak memory of all these", megabytes(peak), "below 1 GB", peak < GOAL_BYTES),
    ]


def rows_of_long(once: Child, long: Child, command: Child, short_bytes: int) -> list[Row]:
    """Return the memory of the long movie beside that of the short one."""
    ratio = long.peak_bytes / once.peak_bytes
    _, events = json.loads(long.output)
    return [
        Row(
            f"memory of a movie {LONGER} times as long, movie to spectrum",
            f"{megabytes(long.peak_bytes)} for {events} events, against "
            f"{megabytes(once.peak_bytes)}: {ratio:.2f} times",
            "the same",
            ratio <= SAME,
        ),
        Row(
            "the same for the whole command",
            f"{megabytes(command.peak_bytes)}, {command.peak_bytes / short_bytes:.2f} times; "
            f"{command.wall_s:.0f} s (CPU {command.cpu_s:.0f})",
        ),
    ]


def simulate(movie: Path, seconds: float) -> None:
    """Write the movie of the benchmark."""
    options = ("--preset", "bsa", "--density", "1", "--seconds", str(seconds), "--seed", "1")
    run_child((perrin_command(), "simulate", "landings", *options, "--out", movie))


def landings(movie: Path, cache: Path) -> Child:
    """Run the whole command in a new process, numba's code from `cache`."""
    command = (perrin_command(), "landings", movie, "--out", movie.parent / "results")
    return run_child((*command, "--overwrite"), NUMBA_CACHE_DIR=str(cache))


def analyze_repeatedly(movie: Path, cache: Path, repeats: int) -> Child:
    """Time `analyze` in a process of its own."""
    command = (sys.executable, __file__, movie, str(repeats))
    return run_child(command, NUMBA_CACHE_DIR=str(cache))


def analyze(movie: Path, repeats: int) -> None:
    """In the child: movie to spectrum, timed; prints JSON."""
    from perrin import analyze_landings, open_movie

    def once() -> int:
        with open_movie(movie) as opened:
            found = analyze_landings(opened, classifier=None, quantifier=None, resamples=0)
            return len(found.events)

    events = once()
    timing = timed(once, repeats=repeats, warm_up=0)
    print(json.dumps([{"wall_s": timing.wall_s, "text": str(timing)}, events]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        analyze(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()

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
    wall = statistics.median(run.wall_s for run in cold)
    cpu = statistics.median(run.cpu_s for run in cold)
    peak = max(warm.peak_bytes, *(run.peak_bytes for run in (first, *cold)))
    ratio = long.peak_bytes / once.peak_bytes
    spectrum, events = json.loads(warm.output)
    _, long_events = json.loads(long.output)
    whole_ratio = long_command.peak_bytes / max(run.peak_bytes for run in cold)
    print_goals(
        [
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
            Row(
                f"memory of a movie {LONGER} times as long, movie to spectrum",
                f"{megabytes(long.peak_bytes)} for {long_events} events, against "
                f"{megabytes(once.peak_bytes)}: {ratio:.2f} times",
                "the same",
                ratio <= SAME,
            ),
            Row(
                "the same for the whole command",
                f"{megabytes(long_command.peak_bytes)}, {whole_ratio:.2f} times; "
                f"{long_command.wall_s:.0f} s (CPU {long_command.cpu_s:.0f})",
            ),
        ]
    )


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
            return len(analyze_landings(opened).events)

    events = once()
    timing = timed(once, repeats=repeats, warm_up=0)
    print(json.dumps([{"wall_s": timing.wall_s, "text": str(timing)}, events]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        analyze(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()

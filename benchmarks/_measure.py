"""What the benchmarks share: timing, child processes, a table, a way to say "not here".

Called as a program, it runs a command and prints how that went as its last line: the system
counts the memory of the process that starts another into the peak of the one started, so a
child is measured by this small one and not by the benchmark itself.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

SKIPPED = 77  # exit status, as automake has it
CORES = 2


@dataclass(frozen=True)
class Timing:
    """Medians over the repeats, seconds; CPU time is that of all threads together."""

    wall_s: float
    cpu_s: float
    fastest_s: float
    repeats: int

    def __str__(self) -> str:
        return (
            f"{self.wall_s:.3g} s (fastest {self.fastest_s:.3g}, CPU {self.cpu_s:.3g}; "
            f"{self.repeats} runs)"
        )


@dataclass(frozen=True)
class Child:
    """How a process went: seconds, and the most memory it held, bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


@dataclass(frozen=True)
class Row:
    """One line of a table with goals: what was measured, what came out, what was wanted."""

    what: str
    figure: str
    goal: str = ""
    met: bool | None = None


def timed(function: Callable[[], object], *, repeats: int, warm_up: int = 1) -> Timing:
    """Call `function` a few times unmeasured, then `repeats` times."""
    for _ in range(warm_up):
        function()
    wall, cpu = [], []
    for _ in range(repeats):
        wall_0, cpu_0 = time.perf_counter(), time.process_time()
        function()
        wall.append(time.perf_counter() - wall_0)
        cpu.append(time.process_time() - cpu_0)
    return Timing(statistics.median(wall), statistics.median(cpu), min(wall), repeats)


def run_child(
    command: Sequence[str | Path], *, cwd: Path | None = None, **environment: str
) -> Child:
    """Run a command to its end and measure it; what it prints comes back as text."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), *map(str, command)],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed\n{done.stdout}")
    output, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    return Child(**json.loads(figures), output=output)


def measure(command: Sequence[str]) -> None:
    """Run a command, its output going where ours goes; print seconds and memory as JSON."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(1)
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = usage.ru_utime + usage.ru_stime
    print()
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_bytes": usage.ru_maxrss * unit}))


def keep_to_two_cores() -> None:
    """Hold this process and its children to two cores, where the system can (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    os.environ.setdefault("NUMBA_NUM_THREADS", str(min(CORES, os.cpu_count() or CORES)))


def perrin_command() -> Path:
    """Path of the `perrin` command beside this Python."""
    return Path(sys.executable).with_name("perrin")


def print_goals(rows: Sequence[Row]) -> None:
    """Print rows with goals."""
    met = {None: "", True: "yes", False: "**no**"}
    print_table(
        ("what", "figure", "goal", "met"),
        [(row.what, row.figure, row.goal, met[row.met]) for row in rows],
    )


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    for line in (heads, ["---"] * len(heads), *rows):
        print("|", " | ".join(map(str, line)), "|")


def skip(reason: str) -> NoReturn:
    """End this script: what it needs is not on this machine."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def megabytes(size: float) -> str:
    """Bytes as text, in MB."""
    return f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    measure(sys.argv[1:])

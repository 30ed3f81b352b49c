"""Run every benchmark and write benchmarks/RESULTS.md.

A benchmark is a script in this folder whose name does not start with an underscore. It runs
alone (``python benchmarks/x.py``), starts with a docstring whose first line says what is
measured, prints Markdown on standard output (progress goes to standard error), and exits with
status 0, or 77 after printing ``skipped: why`` where it lacks something. Nothing else: what it
prints goes into the results as it is, and a failure is written down as one.

Run: ``make bench``, or ``python benchmarks/run.py pipeline files`` for some of them; sections
of scripts that are not run keep what they said.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from _measure import SKIPPED, keep_to_two_cores

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "RESULTS.md"
BUSY_CORES = 0.2
NETWORKS = {
    "all_landings": ("classifier", "quantifier"),
    "calibration": ("classifier", "quantifier"),
    "andi": ("andi",),
    "experiments": ("classifier",),
    "kinds": ("mixture", "kinds"),
    "mixture": ("mixture",),
    "mixture_bound": ("mixture",),
    "real_motion": ("mixture", "kinds"),
    "regimes": ("mixture",),
    "tracking": ("mixture",),
}
"""Shipped networks that a script measures: their hashes go into its section."""
PACKAGES = ("perrin", "numpy", "scipy", "numba", "pandas", "h5py", "matplotlib")


def main() -> None:
    """Run the scripts named on the command line, or all."""
    keep_to_two_cores()
    scripts = {
        path.stem: path
        for path in sorted(FOLDER.glob("*.py"))
        if not path.name.startswith("_") and path != Path(__file__).resolve()
    }
    unknown = set(sys.argv[1:]) - scripts.keys()
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(scripts)}")
    sections = {name: text for name, text in previous().items() if name in scripts}
    for name in sys.argv[1:] or scripts:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections[name] = section(scripts[name])
        ordered = [f"<!-- {name} -->\n{sections[name].strip()}\n" for name in sorted(sections)]
        RESULTS.write_text("\n".join(["# Measured\n", *ordered]), encoding="utf-8")
    print(RESULTS)


def section(script: Path) -> str:
    """Run one script; its part of the results."""
    others, start = other_work(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, script.name], cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=False
    )
    took = time.perf_counter() - start
    said = done.stdout.strip()
    if done.returncode not in (0, SKIPPED):
        said += f"\n\n**failed** with status {done.returncode}"
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"## {script.stem}: {title(script)}\n\n"
        f"`python benchmarks/{script.name}`, {when}, {took:.0f} s. {machine()} {others}\n\n"
        f"{networks(script.stem)}{said}\n"
    )


def networks(name: str) -> str:
    """Names of the networks that a script measures, each with the start of its sha256."""
    weights = FOLDER.parent / "src" / "perrin" / "models" / "weights"
    found = []
    for network in NETWORKS.get(name, ()):
        card = json.loads((weights / network / "card.json").read_text(encoding="utf-8"))
        found.append(f"{network} {card['sha256'][:12]}")
    return f"Networks: {', '.join(found)}.\n\n" if found else ""


def title(script: Path) -> str:
    """First line of the script's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "no docstring"
    return text.partition("\n")[0].rstrip(".")


def previous() -> dict[str, str]:
    """Sections of the results that exist, by script."""
    if not RESULTS.is_file():
        return {}
    _, *parts = RESULTS.read_text(encoding="utf-8").split("<!-- ")
    return {name: text for name, _, text in (part.partition(" -->\n") for part in parts)}


def machine() -> str:
    """Processor, cores used, system and versions, in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = models[0].partition(":")[2].strip() if models else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    return (
        f"{model}, {cores} cores used, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def installed(package: str) -> str:
    """Return the version of a package, or a dash."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"


def other_work() -> str:
    """How much of the machine others used in the second before a script starts (Linux)."""
    stat = Path("/proc/stat")
    if not stat.is_file():
        return ""
    before = busy_ticks(stat)
    time.sleep(1)
    cores = (busy_ticks(stat) - before) / os.sysconf("SC_CLK_TCK")
    note = ": wall times are too long, look at CPU times" if cores > BUSY_CORES else ""
    return f"Other work at the start: {cores:.1f} cores{note}."


def busy_ticks(stat: Path) -> int:
    """Return clock ticks spent working since the start of the machine, all cores together."""
    user, nice, system, _idle, _wait, *others = map(int, stat.read_text().split()[1:8])
    return user + nice + system + sum(others)


if __name__ == "__main__":
    main()

"""Simulated trajectories a second on one core, 2D, 100 frames, beside andi-datasets.

Beside it only where andi-datasets can be imported (``pip install andi-datasets IPython``).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from perrin.simulate.walks import WALKS

LENGTH, COUNT, REPEATS = 100, 20_000, 5
GOALS = {"fbm": 75_000, "ctrw": 400_000}
LOW_HIGH = {"fbm": (0.1, 1.0), "ctrw": (0.2, 0.98), "sbm": (0.1, 1), "levy": (1.1, 1.9)}


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    rng = np.random.default_rng(1)
    other = andi()
    print(f"{COUNT} trajectories at a time, best of {REPEATS}; one core, {LENGTH} frames, 2D.\n")
    print("| walk | perrin, a second | andi-datasets, a second | goal |")
    print("|---|---|---|---|")
    for kind, walk in WALKS.items():
        low, high = LOW_HIGH.get(kind, (0.2, 0.9))
        alpha = rng.uniform(low, high, COUNT)
        walk(alpha[:10], length=LENGTH, rng=rng)
        ours = COUNT / best(lambda: walk(alpha, length=LENGTH, rng=rng))  # noqa: B023
        theirs = f"{andi_speed(other, kind, alpha[:500]):,.0f}" if other else "not installed"
        goal = f"{GOALS[kind]:,}" if kind in GOALS else ""
        print(f"| {kind} | {ours:,.0f} | {theirs} | {goal} |")


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return min(times)


def andi() -> Any:
    warnings.simplefilter("ignore")
    try:
        from andi_datasets.models_theory import models_theory
    except ImportError as error:
        print(f"andi-datasets: {error}", file=sys.stderr)
        return None
    return models_theory()


def andi_speed(theory: Any, kind: str, alpha: np.ndarray) -> float:
    draw = getattr(theory, {"levy": "lw"}.get(kind, kind))
    return len(alpha) / best(lambda: [draw(LENGTH, a, D=2) for a in alpha])


if __name__ == "__main__":
    main()

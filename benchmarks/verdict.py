"""How often the verdict on a movie raises an alarm where nothing is wrong.

Movies of 20 s from the simulator of `instruments.py`, each drawn within what the networks have
learned: density, light, speckle, and one of five mixtures of masses; the sixth mixture has a
species that is heavier than any of the training, whose alarm is right.

Run: ``python benchmarks/verdict.py`` (30 movies, about 10 s each), or with another number.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from _measure import keep_to_two_cores, print_table
from instruments import MASSES, VARIANTS, Variant, judged, simulate
from perrin.pipeline import analyze_landings

MIXTURES = (
    MASSES,
    ((66.0, 0.6), (150.0, 0.4)),
    ((90.0, 0.4), (180.0, 0.3), (360.0, 0.3)),
    ((150.0, 1.0),),
    ((440.0, 0.5), (660.0, 0.5)),
    ((60.0, 0.2), (120.0, 0.2), (480.0, 0.3), (1000.0, 0.3)),
)
FIRST_SEED = 100


def drawn(seed: int) -> Variant:
    """Return a good instrument and its sample."""
    rng = np.random.default_rng(seed)
    return replace(
        VARIANTS["control"],
        species=MIXTURES[seed % len(MIXTURES)],
        density=_between(0.3, 2.5, rng),
        electrons=_between(5e5, 1.2e6, rng),
        dynamic=_between(1e-4, 3e-4, rng),
        dynamic_time_s=float(rng.uniform(2, 8)),
    )


def _between(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def main() -> None:
    """Print one row a movie, and how many of each kind raised an alarm."""
    keep_to_two_cores()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    rows, alarms = [], {False: 0, True: 0}
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        variant = drawn(seed)
        movie, truth = simulate(variant, seed=1000 + seed, seconds=20.0)
        result = analyze_landings(movie, resamples=0)
        verdict = result.verdict
        assert verdict is not None  # noqa: S101 - there are networks
        heavy = variant.species is MIXTURES[-1]
        alarms[heavy] += not verdict.learned
        numbers = (verdict.noise_correlation, verdict.ring_left, verdict.unsure)
        kept = judged(result.events, truth)["kept"]
        said = "; ".join(verdict.causes) or "-"
        rows.append([seed, *(f"{number:.3f}" for number in (*numbers, kept)), said])
    print_table(["seed", "noise correlation", "ring left", "uncertain", "kept", "causes"], rows)
    heavy_movies = sum(seed % len(MIXTURES) == 5 for seed in range(FIRST_SEED, FIRST_SEED + count))
    print(f"alarms: {alarms[False]} of {count - heavy_movies}")
    print(f"with a species heavier than learned: {alarms[True]} of {heavy_movies}")


if __name__ == "__main__":
    main()

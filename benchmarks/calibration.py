"""How often the interval of a mass holds the truth: BSA calibrated with dynamin, pair after pair.

Both movies of a pair are simulated with seeds of their own; the calibrant goes the road of the
sample, as `perrin landings SAMPLE -c CALIBRANT -l dynamin` does. The truth is the mass that the
preset of BSA has.

Run: ``python benchmarks/calibration.py`` (40 pairs of 30 s, about 20 s each), or with the number
of pairs and their seconds: ``python benchmarks/calibration.py 10 60``.
"""

from __future__ import annotations

import sys
from statistics import mean, stdev

from scipy.stats import binomtest

import perrin
from _measure import Row, keep_to_two_cores, print_goals, print_table
from perrin.mass.results import Estimate

BSA_KDA = 66.4
FIRST_SEED = 5000
COVERED = (0.92, 0.98)
"""Goal for the fraction of 95% intervals that hold the truth."""


def main() -> None:
    """Print one row a pair, and the coverage."""
    keep_to_two_cores()
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    found = {seed: lightest(seed, seconds) for seed in range(FIRST_SEED, FIRST_SEED + 2 * pairs, 2)}
    print_table(
        ("seed", "mass, kDa", "95% interval", "holds the truth"),
        [(seed, f"{one.value:.2f}", *_interval(one)) for seed, one in found.items()],
    )
    held = sum(holds(one) for one in found.values())
    sure = binomtest(held, pairs).proportion_ci(0.95, method="wilson")
    masses = [one.value for one in found.values()]
    print()
    print_goals(
        [
            Row(
                f"{pairs} pairs of {seconds:g} s: 95% interval holds {BSA_KDA} kDa",
                f"{held} of {pairs} ({sure.low:.0%} to {sure.high:.0%} can be told apart)",
                f"{COVERED[0]:.0%} to {COVERED[1]:.0%}",
                bool(sure.low <= COVERED[1] and sure.high >= COVERED[0]),
            ),
            Row(
                "mean and standard deviation of the mass",
                f"{mean(masses):.2f} and {stdev(masses):.2f} kDa",
            ),
        ]
    )


def lightest(seed: int, seconds: float) -> Estimate:
    """Return the position of the peak nearest to BSA, kDa, of one pair of movies."""
    calibrant, _ = perrin.simulate_movie(perrin.preset("dynamin"), seconds=seconds, seed=seed)
    calibration = perrin.calibrate(calibrant, "dynamin")
    del calibrant
    sample, _ = perrin.simulate_movie(perrin.preset("bsa"), seconds=seconds, seed=seed + 1)
    spectrum = perrin.analyze_landings(sample, calibration).spectrum
    return min((p.mode for p in spectrum.peaks), key=lambda mode: abs(mode.value - BSA_KDA))


def holds(one: Estimate) -> bool:
    """Tell whether the interval holds the mass of BSA."""
    return one.low is not None and one.high is not None and one.low <= BSA_KDA <= one.high


def _interval(one: Estimate) -> tuple[str, str]:
    ends = "none" if one.low is None else f"{one.low:.1f} to {one.high:.1f}"
    return ends, "yes" if holds(one) else "**no**"


if __name__ == "__main__":
    main()

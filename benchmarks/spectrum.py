"""Time of the mass spectrum of 5,000 events, with and without bootstrap intervals.

Masses are drawn from the species of a preset with a standard deviation of 5 kDa plus 2% of
the mass, 5% of them unbindings. `fit_spectrum` finds the peaks, fits the mixture (number of
components by BIC) and, with a generator, resamples 200 times for the intervals.

Run: ``python benchmarks/spectrum.py`` (seconds).
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from _measure import keep_to_two_cores, print_table, timed
from perrin.mass.spectrum import fit_spectrum
from perrin.settings.spectrum import SpectrumSettings
from perrin.simulate.presets import preset

EVENTS = 5_000
REPEATS = 5


def main() -> None:
    """Print the table."""
    keep_to_two_cores()
    resamples = SpectrumSettings().resamples
    rows = []
    for name in ("bsa", "dynamin", "hsp27"):
        masses = draw(name, np.random.default_rng(1))
        found = fit_spectrum(masses)
        plain = timed(partial(fit_spectrum, masses), repeats=REPEATS)
        intervals = timed(partial(with_intervals, masses), repeats=REPEATS)
        rows.append((name, len(found.peaks), len(found.components), plain, intervals))
    heads = ("masses of", "peaks", "components", "without intervals", f"{resamples} resamples")
    print_table(heads, rows)


def with_intervals(masses: NDArray[np.float64]) -> None:
    """Fit with bootstrap, the same random numbers each time."""
    fit_spectrum(masses, rng=np.random.default_rng(2))


def draw(name: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Masses (5,000,) in kDa of a preset's species, unbindings negative."""
    species = preset(name).species
    fraction = np.array([s.abundance for s in species])
    true = rng.choice([s.mass_kda for s in species], size=EVENTS, p=fraction / fraction.sum())
    measured: NDArray[np.float64] = true + rng.normal(0, 5 + 0.02 * true)
    return np.where(rng.random(EVENTS) < 0.05, -measured, measured)


if __name__ == "__main__":
    main()

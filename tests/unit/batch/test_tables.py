"""Numbers of a species that shows no peak: those of the landings in its window."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.batch.species import Window
from perrin.batch.tables import _mass
from perrin.mass.modes import FWHM_PER_SD


def test_without_a_peak_the_median_is_covered_as_often_as_its_interval_says() -> None:
    rng = np.random.default_rng(6)
    window, edges = Window("A", 150.0, 100, 200), np.arange(0.0, 400.0)
    trials, sd, inside, widths = 800, 8.0, 0, []
    for _ in range(trials):
        masses = np.concatenate([rng.normal(150.3, sd, 80), rng.uniform(210, 390, 40)])
        counts = np.histogram(masses, edges)[0]
        found = _mass({}, window, edges, counts)
        inside += found["mass_kda_low"] <= 150.3 <= found["mass_kda_high"]
        widths.append(found["fwhm_kda"])
    # quartiles of 80 scatter by a tenth, which costs 1% of coverage
    assert inside / trials == pytest.approx(0.95, abs=0.01 + 3 * np.sqrt(0.0475 / trials))
    assert np.mean(widths) == pytest.approx(FWHM_PER_SD * sd, rel=0.03)


def test_too_few_landings_have_no_mass() -> None:
    found = _mass({}, Window("A", 150.0, 100, 200), np.arange(0.0, 400.0), np.zeros(399, int))
    assert np.isnan(list(found.values())).all()

"""Recall and false alarms of the detection on the simulator's full background.

Seeds differ from those that the default thresholds were chosen on (benchmarks/detection.py).
"""

from __future__ import annotations

import pytest
from scipy.stats import binom, chi2

from perrin.landing.detect import detect
from perrin.optics.psf import Psf
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.matching import is_accepted, is_isolated, match_landings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

N_AVG = 10
PSF = Psf.analytic(pixel_nm=72.0)


def test_at_most_one_false_event_a_minute() -> None:
    """The 95% upper limit of a Poisson rate, over ten blank minutes."""
    false = 0
    for seed in range(900, 910):
        movie, _ = simulate_movie(preset("buffer"), seconds=60, seed=seed)
        false += len(detect(movie, n_avg=N_AVG, psf=PSF))
    assert chi2.ppf(0.95, 2 * (false + 1)) / 2 <= 10, f"{false} false events in ten minutes"


@pytest.mark.parametrize(("mass_kda", "recall"), [(66, 0.99), (42, 0.90)])
def test_recall_of_isolated_landings(mass_kda: float, recall: float) -> None:
    assay = LandingAssay(species=(Species(mass_kda=mass_kda, abundance=1.0),), density=1.0)
    movie, truth = simulate_movie(assay, seconds=60, seed=920 + round(mass_kda))
    wanted = truth[is_isolated(truth, n_avg=N_AVG) & is_accepted(truth, movie, n_avg=N_AVG)]
    found = match_landings(wanted, detect(movie, n_avg=N_AVG, psf=PSF)) >= 0
    # Fails where a detector with exactly this recall would do better 999 times in 1000.
    assert found.sum() >= binom.ppf(0.001, len(wanted), recall), f"recall {found.mean():.3f}"

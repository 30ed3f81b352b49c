from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import chi2, linregress

from perrin.errors import PerrinError
from perrin.mass.time_course import landing_density, peak_drift

FIELD = {"start_s": 0.0, "stop_s": 60.0, "area_um2": 30.0, "bin_s": 10.0}


def test_density_is_landings_over_area_and_time():
    density = landing_density(np.array([1.0, 2.0, 11.0]), **FIELD)
    assert density.counts.tolist() == [2, 1, 0, 0, 0, 0]
    assert density.per_um2_s == pytest.approx(np.array([2, 1, 0, 0, 0, 0]) / 300)
    assert density.mean == pytest.approx(3 / 1800)
    json.dumps(density.to_dict())


def test_its_intervals_are_exact_for_poisson_counts():
    density = landing_density(np.array([1.0, 2.0, 11.0]), **FIELD)
    assert density.low[0] == pytest.approx(chi2.ppf(0.025, 4) / 2 / 300)
    assert density.high[0] == pytest.approx(chi2.ppf(0.975, 6) / 2 / 300)
    assert density.low[2] == 0
    assert density.high[2] == pytest.approx(chi2.ppf(0.975, 2) / 2 / 300)


def test_no_landings_still_have_an_upper_limit():
    density = landing_density(np.empty(0), **FIELD)
    assert density.mean == 0
    assert density.mean_high == pytest.approx(chi2.ppf(0.975, 2) / 2 / 1800)


def test_bins_divide_the_accepted_time():
    density = landing_density(np.array([5.0]), **(FIELD | {"bin_s": 7.0}))
    assert density.edges_s[[0, -1]].tolist() == [0, 60]
    assert len(density.counts) == 9


@pytest.mark.parametrize("change", [{"area_um2": 0.0}, {"stop_s": 0.0}, {"bin_s": 0.0}])
def test_no_area_or_time_is_refused(change):
    with pytest.raises(PerrinError, match="above 0"):
        landing_density(np.array([0.0]), **(FIELD | change))


@pytest.mark.parametrize("time", [61.0, -1.0, np.nan])
def test_a_time_outside_is_refused(time):
    with pytest.raises(PerrinError, match="1 of 2 landings lie outside"):
        landing_density(np.array([1.0, time]), **FIELD)


def test_drift_is_the_regression_of_the_peak_s_events():
    rng = np.random.default_rng(1)
    times, masses = rng.uniform(0, 60, 300), rng.normal(100, 8, 300)
    far = rng.uniform(300, 500, 50)
    drift = peak_drift(np.r_[times, times[:50]], np.r_[masses, far], low=0, high=200)
    line = linregress(times, masses)
    assert drift.slope_per_s == pytest.approx(line.slope)
    assert drift.slope_se_per_s == pytest.approx(line.stderr)
    assert drift.p_value == pytest.approx(line.pvalue)
    assert drift.n_events == 300
    assert drift.to_dict()["slope_kda_per_s"] == drift.slope_per_s


def test_a_drift_is_recovered_and_its_absence_too():
    rng = np.random.default_rng(2)
    times = rng.uniform(0, 60, 2000)
    still = peak_drift(times, rng.normal(100, 8, 2000), low=0, high=200)
    moving = peak_drift(times, rng.normal(100 + 0.1 * times, 8), low=0, high=200)
    assert abs(still.slope_per_s) < 4 * still.slope_se_per_s
    assert moving.slope_per_s == pytest.approx(0.1, abs=4 * moving.slope_se_per_s)
    assert moving.change == pytest.approx(6, abs=4 * 60 * moving.slope_se_per_s)
    assert moving.p_value < 1e-6


def test_two_events_have_no_drift():
    assert peak_drift(np.array([1.0, 2.0]), np.array([5.0, 6.0]), low=0, high=9) is None
    assert peak_drift(np.ones(5), np.arange(5.0), low=0, high=9) is None


def test_masses_without_times_are_refused():
    with pytest.raises(PerrinError, match="2 times and 3 masses"):
        peak_drift(np.ones(2), np.ones(3), low=0, high=9)

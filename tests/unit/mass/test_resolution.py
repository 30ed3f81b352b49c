from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from perrin.errors import PerrinError
from perrin.mass.resolution import (
    fit_peak,
    resolving_power,
    valley_criterion,
    valley_resolving_power,
    valley_to_peak,
)
from perrin.stats import bootstrap, percentile_interval, wilson_interval

QUANTILES = (np.arange(4000) + 0.5) / 4000


def test_the_width_of_a_noise_free_gaussian():
    # bins of 5 add a variance of 25 / 12
    values = norm.ppf(QUANTILES, 182, 10)
    fit = fit_peak(values, mode=182, low=0, high=400, bin_width=5)
    assert fit.fwhm == pytest.approx(2.3548 * np.sqrt(100 + 25 / 12), rel=5e-3)
    assert fit.mean == pytest.approx(182, abs=0.1)
    assert resolving_power(182, fit.fwhm) == pytest.approx(182 / fit.fwhm)


@given(st.floats(0.001, 1000))
def test_the_width_scales_with_the_unit(factor):
    values = norm.ppf(QUANTILES[::8], 182.3, 10)
    plain = fit_peak(values, mode=182, low=0, high=400, bin_width=5)
    scaled = fit_peak(
        values * factor, mode=182 * factor, low=0, high=400 * factor, bin_width=5 * factor
    )
    assert scaled.fwhm == pytest.approx(plain.fwhm * factor, rel=0.02)  # an edge event may move


def test_a_background_inside_the_window_widens_by_little():
    rng = np.random.default_rng(1)
    values = np.r_[norm.ppf(QUANTILES, 182, 10), rng.uniform(30, 500, 400)]
    fit = fit_peak(values, mode=182, low=30, high=500, bin_width=5)
    # no background in the fit, by definition: 2% of the summit under the peak adds below 5%
    assert 1 < fit.fwhm / (2.3548 * np.sqrt(100 + 25 / 12)) < 1.05


def test_the_window_stops_at_the_valley():
    values = np.r_[norm.ppf(QUANTILES, 100, 9), norm.ppf(QUANTILES, 145, 9)]
    fit = fit_peak(values, mode=100, low=20, high=122.5, bin_width=5)
    assert fit.fwhm == pytest.approx(2.3548 * 9, rel=0.1)


@pytest.mark.parametrize(
    "values", [np.empty(0), np.array([100.0]), np.full(50, 101.0), np.array([99.0, 104.0])]
)
def test_too_few_bins_have_no_width(values):
    assert fit_peak(values, mode=100, low=0, high=200, bin_width=5) is None


def test_a_width_of_zero_has_no_resolving_power():
    with pytest.raises(PerrinError, match="above 0"):
        resolving_power(100, 0)


def test_the_valley_definition_of_the_paper():
    # Iqbal et al., Table 3: 6-mer and 8-mer 3.5, 14-mer and 16-mer 7.5
    assert valley_resolving_power(6 * 22.8, 8 * 22.8) == pytest.approx(3.5)
    assert valley_resolving_power(14 * 22.8, 16 * 22.8) == pytest.approx(7.5)
    with pytest.raises(PerrinError, match="heavier"):
        valley_resolving_power(5, 5)


@pytest.mark.parametrize(
    ("ratio", "criterion"), [(0, 0.1), (0.1, 0.1), (0.11, 0.3), (0.5, 0.5), (0.51, None)]
)
def test_the_strictest_criterion_that_is_met(ratio, criterion):
    assert valley_criterion(ratio) == criterion


def test_the_valley_of_two_noise_free_gaussians():
    values = np.r_[norm.ppf(QUANTILES, 100, 8), norm.ppf(QUANTILES[::2], 130, 8)]
    sd = np.hypot(8, 3)
    at = np.linspace(90, 140, 50_001)
    density = norm.pdf(at, 100, sd) + 0.5 * norm.pdf(at, 130, sd)
    smaller = density[at > 120].max()
    between = (at > 100) & (at < 130)
    valley = valley_to_peak(values, left=100, right=130, kernel=3)
    assert valley.ratio == pytest.approx(density[between].min() / smaller, abs=0.01)
    assert valley.position == pytest.approx(at[between][density[between].argmin()], abs=1)


def test_a_valley_without_events_is_zero_and_without_peaks_none():
    values = np.r_[np.full(20, 100.0), np.full(20, 200.0)]
    assert valley_to_peak(values, left=100, right=200, kernel=3).ratio == 0
    assert valley_to_peak(values, left=300, right=400, kernel=3) is None
    assert valley_to_peak(values, left=100, right=150, kernel=3) is None


def test_the_bootstrap_knows_the_error_of_a_mean():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, 400)
    drawn = bootstrap(values, lambda v: v.mean(keepdims=True), resamples=2000, rng=rng)
    assert drawn.shape == (2000, 1)
    assert drawn.std() == pytest.approx(values.std() / 20, rel=4 / np.sqrt(2 * 2000))
    low, high = percentile_interval(drawn[:, 0], confidence=0.95)
    assert high - low == pytest.approx(2 * 1.96 * drawn.std(), rel=0.1)


def test_an_interval_of_mostly_missing_numbers_is_missing():
    samples = np.full((100, 2), np.nan)
    samples[:60, 0] = np.arange(60)
    low, high = percentile_interval(samples, confidence=0.5)
    assert (low[0], high[0]) == pytest.approx((14.75, 44.25))
    assert np.isnan([low[1], high[1]]).all()


def test_the_wilson_interval():
    # Newcombe 1998, Table I: 81 in 263 gives .2553 to .3662; 0 in 20 gives 0 to .1611
    assert wilson_interval(81, 263, confidence=0.95) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20, confidence=0.95) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson_interval(20, 20, confidence=0.95)[1] == 1
    with pytest.raises(PerrinError, match="3 in 2"):
        wilson_interval(3, 2, confidence=0.95)

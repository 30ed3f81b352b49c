"""Spreads and intervals against scipy's own, and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from perrin import stats
from perrin.errors import PerrinError


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_the_robust_spread_is_scipys(values: list[float]) -> None:
    expected = oracle.median_abs_deviation(values, scale="normal")
    assert stats.robust_sd(values) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    about = oracle.median_abs_deviation(values, scale="normal", center=lambda x, axis: 0.5)
    assert stats.robust_sd(values, center=0.5) == pytest.approx(about, rel=1e-9, abs=1e-12)


def test_no_values_have_no_spread() -> None:
    assert np.isnan(stats.robust_sd([]))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_the_spread_by_quartiles_is_scipys(values: list[float]) -> None:
    expected = oracle.iqr(values, scale="normal")
    assert stats.quartile_sd(values) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_no_values_have_no_quartiles_and_no_median() -> None:
    assert np.isnan(stats.quartile_sd([]))
    assert np.isnan(stats.median_interval([], confidence=0.95)).all()


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    rng, held, repeats = np.random.default_rng(3), 0, 2000
    for values in rng.normal(7.0, 2.0, (repeats, 101)):
        middle, low, high = stats.median_interval(values, confidence=0.9)
        assert middle == np.median(values)
        held += low <= 7.0 <= high
    # three standard errors of the count, and 1% for quartiles that are themselves measured
    assert abs(held / repeats - 0.9) < 3 * np.sqrt(0.9 * 0.1 / repeats) + 0.01


def test_a_bootstrap_may_draw_the_numbers_of_rows() -> None:
    table = np.arange(12.0).reshape(6, 2)
    drawn = stats.bootstrap(
        np.arange(6),
        lambda rows: table[rows].mean(axis=0),
        resamples=9,
        rng=np.random.default_rng(1),
    )
    rng = np.random.default_rng(1)
    expected = [table[rng.integers(6, size=6)].mean(axis=0) for _ in range(9)]
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("confidence", [0.5, 0.68, 0.9, 0.95, 0.999])
def test_normal_quantiles_are_scipys(confidence: float) -> None:
    expected = oracle.norm.ppf(0.5 + 0.5 * confidence)
    assert stats.normal_quantile(confidence) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_poisson_intervals_are_those_of_chi_squared(confidence: float) -> None:
    counts, tail = np.array([0, 1, 2, 7, 40, 1000]), 0.5 * (1 - confidence)
    low, high = stats.poisson_interval(counts, confidence=confidence)
    np.testing.assert_allclose(low[1:], oracle.chi2.ppf(tail, 2 * counts[1:]) / 2)
    np.testing.assert_allclose(high, oracle.chi2.ppf(1 - tail, 2 * counts + 2) / 2)
    assert low[0] == 0


@pytest.mark.parametrize("mean", [0.3, 2.0, 15.0])
def test_poisson_intervals_hold_the_mean_as_often_as_they_say(mean: float) -> None:
    counts = np.arange(200)
    low, high = stats.poisson_interval(counts, confidence=0.95)
    held = oracle.poisson.pmf(counts, mean)[(low <= mean) & (mean <= high)].sum()
    assert held >= 0.95  # exact: never less; the normal limit holds 0.3 in 0.26 of the cases


@pytest.mark.parametrize(("part", "whole"), [(0, 5), (1, 7), (5, 5), (40, 100)])
def test_wilsons_interval_is_scipys(part: int, whole: int) -> None:
    expected = oracle.binomtest(part, whole).proportion_ci(0.9, method="wilson")
    found = stats.wilson_interval(part, whole, confidence=0.9)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("part", "whole"), [(-1, 5), (6, 5), (0, 0)])
def test_a_fraction_of_nothing_is_refused(part: int, whole: int) -> None:
    with pytest.raises(PerrinError, match=f"a fraction of {part} in {whole}"):
        stats.wilson_interval(part, whole, confidence=0.9)


def test_resamples_of_a_mean_spread_as_its_standard_error() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(3.0, 2.0, 400)
    drawn = stats.bootstrap(values, lambda x: np.array([x.mean()]), resamples=2000, rng=rng)
    assert drawn.shape == (2000, 1)
    error = values.std() / 20
    # the standard error of a standard deviation is itself over sqrt(2 n)
    assert abs(drawn.std() - error) < 4 * error / np.sqrt(2 * 2000)
    ends = stats.percentile_interval(drawn, confidence=0.9)
    np.testing.assert_allclose(ends[:, 0], np.quantile(drawn[:, 0], (0.05, 0.95)))


def test_what_most_resamples_lack_has_no_interval() -> None:
    samples = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 5.0], [3.0, np.nan]])
    ends = stats.percentile_interval(samples, confidence=0.9)
    assert np.isfinite(ends[:, 0]).all()
    assert np.isnan(ends[:, 1]).all()

"""Peaks of resamples, against each resample written out and measured by the plain steps."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import leastsq

from perrin.mass.modes import (
    density_grid,
    find_modes,
    highest_between,
    kernel_density,
    kernel_widths,
)
from perrin.mass.peaks import Scales, Sorted, _median_distance, measure_peaks
from perrin.mass.resolution import _least_squares, fit_peak, valley_to_peak
from perrin.stats import bootstrap, bootstrap_counts

SCALES = Scales(kernel=3.0, growth=0.02, bin_width=5.0, min_sd=2.0, limit=40.0)

CUT = 4e-6  # a kernel ends at 5 standard deviations, exp(-5^2 / 2) high, or a grid step before


def masses(rng, *, n=2000):
    parts = [rng.normal(66, 6, n // 2), rng.normal(150, 9, n // 3), rng.normal(300, 15, n // 6)]
    # some everywhere: of a valley without any, each point is the lowest
    return np.concatenate([*parts, rng.uniform(40, 400, n // 4)])


def density_of(values):
    grid = density_grid(values, kernel=SCALES.kernel, growth=SCALES.growth)
    widths = kernel_widths(grid, kernel=SCALES.kernel, growth=SCALES.growth)
    return grid, widths, kernel_density(values, grid, widths=widths)


def modes_of(values):
    grid, widths, density = density_of(values)
    return find_modes(density, grid, widths=widths, significance=4)


def plain(values, modes):
    """What is measured of each peak, one step after the other, from the values alone."""
    grid, _, density = density_of(values)
    out = np.full((len(modes), 6), np.nan)
    for row, mode in zip(out, modes, strict=True):
        if not ((values >= mode.low) & (values <= mode.high)).any():
            continue
        row[0] = highest_between(density, grid, low=mode.low, high=mode.high)
        low = max(mode.low, SCALES.limit)
        fit = fit_peak(values, mode=row[0], low=low, high=mode.high, bin_width=SCALES.bin_width)
        if fit is not None:
            row[1:4] = fit.mean, fit.fwhm, row[0] / fit.fwhm
    for left, right in pairwise(out):
        if not np.isnan(left[0] + right[0]):
            valley = valley_to_peak(values, left=left[0], right=right[0], kernel=SCALES.kernel)
            left[4:] = valley.position, valley.ratio
    return out


def test_a_resample_is_measured_as_if_it_were_written_out():
    rng = np.random.default_rng(1)
    values = np.sort(masses(rng))
    modes = modes_of(values)
    assert len(modes) == 3
    events = Sorted.of(values, scales=SCALES)
    for _ in range(30):
        drawn = np.bincount(rng.integers(0, values.size, values.size), minlength=values.size)
        sample = np.repeat(values, drawn)
        expected = plain(sample, modes)
        assert np.isfinite(expected[:, :4]).all()
        assert (expected[:-1, 5] > 0.01).all()
        np.testing.assert_allclose(events.measure(modes, drawn), expected, rtol=CUT, atol=1e-12)
        np.testing.assert_allclose(
            measure_peaks(rng.permutation(sample), modes, scales=SCALES),
            expected,
            rtol=CUT,
            atol=1e-12,
        )


def test_a_peak_that_a_resample_has_lost_is_nan():
    values = np.sort(masses(np.random.default_rng(2)))
    modes = modes_of(values)
    drawn = np.where(values > modes[1].low, 0, 1)
    measured = Sorted.of(values, scales=SCALES).measure(modes, drawn)
    assert np.isfinite(measured[0, :4]).all()
    assert np.isnan(measured[0, 4:]).all()
    assert np.isnan(measured[1:]).all()


def test_counts_are_drawn_as_values_are():
    values = np.random.default_rng(3).normal(size=50)

    def mean(drawn):
        return np.array([drawn.mean()])

    def mean_of_counts(often):
        return np.array([(often * values).sum() / often.sum()])

    rng, again = np.random.default_rng(4), np.random.default_rng(4)
    by_value = bootstrap(values, mean, resamples=20, rng=rng)
    by_count = bootstrap_counts(50, mean_of_counts, resamples=20, rng=again)
    np.testing.assert_allclose(by_count, by_value, rtol=1e-12)


@pytest.mark.parametrize("number", [1, 2, 3, 10, 11, 200])
def test_the_median_distance_of_values_that_count_several_times(number):
    rng = np.random.default_rng(number)
    for _ in range(50):
        values = np.sort(rng.normal(size=number))
        drawn = rng.multinomial(number, np.full(number, 1 / number))
        center = rng.normal()
        expected = np.median(np.abs(np.repeat(values, drawn) - center))
        assert _median_distance(values, drawn, center) == pytest.approx(expected, abs=1e-15)


def test_the_fit_is_that_of_minpack():
    rng = np.random.default_rng(5)
    x = np.arange(100.0, 205.0, 5.0)
    for _ in range(100):
        height, mean, sd = rng.uniform(20, 500), rng.uniform(135, 165), rng.uniform(8, 25)
        counts = rng.poisson(height * np.exp(-0.5 * ((x - mean) / sd) ** 2)).astype(np.float64)
        start = counts.max(), 150.0, 15.0
        theirs, *_ = leastsq(
            lambda p, counts=counts: p[0] * np.exp(-0.5 * ((x - p[1]) / p[2]) ** 2) - counts, start
        )
        converged, *ours = _least_squares(x, counts, *start)
        assert converged
        # each stops where a step gains 1e-8 of what is left: off by its root
        np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-4)

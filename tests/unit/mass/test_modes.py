from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from perrin.errors import PerrinError
from perrin.mass.modes import (
    density_grid,
    find_modes,
    highest_between,
    kernel_density,
    kernel_widths,
)

KERNEL, GROWTH = 3.0, 0.015


def density_of(values):
    grid = density_grid(values, kernel=KERNEL, growth=GROWTH)
    widths = kernel_widths(grid, kernel=KERNEL, growth=GROWTH)
    return grid, widths, kernel_density(values, grid, widths=widths)


def exact_density(values, grid):
    widths = np.hypot(KERNEL, GROWTH * values)
    z = (grid[:, None] - values) / widths
    return (np.exp(-0.5 * z**2) / (widths * np.sqrt(2 * np.pi))).sum(axis=1)


@given(st.lists(st.floats(-900, 900), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_the_density_integrates_to_the_counts(values):
    values = np.array(values)
    grid, _, density = density_of(values)
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(values.size, rel=1e-5)


@given(st.lists(st.floats(-900, 900), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_the_binned_density_is_the_sum_of_kernels(values):
    # linear binning adds a variance of at most step^2 / 4: a relative error of
    # (step / kernel)^2 / 8 = 3e-4 at the summit of one event
    values = np.array(values)
    grid, _, density = density_of(values)
    exact = exact_density(values, grid)
    assert np.abs(density - exact).max() < 1e-3 * exact.max()


def test_the_order_of_events_does_not_matter():
    rng = np.random.default_rng(1)
    values = rng.normal(100, 20, 300)
    np.testing.assert_allclose(density_of(values)[2], density_of(values[::-1])[2], atol=1e-12)


def test_an_event_outside_the_grid_is_refused():
    grid = np.arange(0.0, 10.0)
    with pytest.raises(PerrinError, match="leave the density's grid"):
        kernel_density(np.array([11.0]), grid, widths=np.ones(10))


def test_modes_are_found_to_the_grid_s_curvature():
    # far more events than noise: two Gaussians on known places
    quantiles = np.linspace(0.0005, 0.9995, 1000)
    values = np.r_[norm.ppf(quantiles, 100, 8), norm.ppf(quantiles, 200, 8)]
    grid, widths, density = density_of(values)
    modes = find_modes(density, grid, widths=widths, significance=4)
    assert [m.position for m in modes] == pytest.approx([100, 200], abs=0.2)
    assert modes[0].high == modes[1].low == pytest.approx(150, abs=3)
    assert highest_between(density, grid, low=150, high=300) == pytest.approx(200, abs=0.2)


def test_the_valley_of_an_empty_stretch_is_its_middle():
    values = np.r_[np.full(50, 100.0), np.full(50, 300.0)]
    grid, widths, density = density_of(values)
    first, second = find_modes(density, grid, widths=widths, significance=4)
    # the density is cut off at five widths of each kernel, which grow with mass
    left, right = 100 + 5 * np.hypot(3, 1.5), 300 - 5 * np.hypot(3, 4.5)
    assert first.high == second.low == pytest.approx((left + right) / 2, abs=0.5)


def test_no_events_have_no_modes():
    grid, widths, density = density_of(np.empty(0))
    assert find_modes(density, grid, widths=widths, significance=4) == []


def test_one_event_is_one_mode_whose_significance_says_so():
    grid, widths, density = density_of(np.array([120.0]))
    (mode,) = find_modes(density, grid, widths=widths, significance=4)
    assert mode.position == pytest.approx(120, abs=0.01)
    # one count against its own Poisson error, sqrt(sqrt(2)) for a Gaussian kernel
    assert mode.significance == pytest.approx(2**0.25, rel=1e-2)


def test_a_known_position_keeps_its_mode():
    rng = np.random.default_rng(2)
    values = np.r_[rng.normal(100, 8, 800), rng.normal(180, 8, 8)]
    grid, widths, density = density_of(values)
    assert len(find_modes(density, grid, widths=widths, significance=4)) == 1
    modes = find_modes(density, grid, widths=widths, significance=4, known=[180])
    assert modes[1].position == pytest.approx(180, abs=3 * 8 / np.sqrt(8))


@pytest.mark.parametrize("n", [150, 1500])
def test_structureless_background_shows_a_false_peak_in_at_most_one_of_twenty(n):
    # one mode always stays; 100 spectra with a rate of 1/20 exceed 12 once in 700
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(100):
        grid, widths, density = density_of(rng.uniform(40, 900, n))
        false += len(find_modes(density, grid, widths=widths, significance=4)) - 1
    assert false <= 12


def test_each_of_two_clear_peaks_is_found_every_time():
    rng = np.random.default_rng(4)
    for _ in range(50):
        values = np.r_[rng.normal(66, 8, 200), rng.normal(132, 8, 60)]
        grid, widths, density = density_of(values)
        assert len(find_modes(density, grid, widths=widths, significance=4)) == 2

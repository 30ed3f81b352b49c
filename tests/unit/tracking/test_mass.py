"""Mass along a track."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.optics.psf import Psf
from perrin.tracking.mass import blur_factor, find_step, holm, mean_contrast, motion_blur_px

PSF = Psf.analytic(pixel_nm=72.0)


def test_the_error_of_the_mean_is_its_scatter() -> None:
    rng = np.random.default_rng(0)
    levels = [mean_contrast(-0.005 + 4e-4 * rng.standard_normal(100)) for _ in range(400)]
    pulls = np.array([(level.contrast + 0.005) / level.contrast_se for level in levels])
    assert abs(pulls.mean()) < 4 / 20
    # the error itself scatters by about 10 to 15%
    assert 0.95 < pulls.std() < 1.25


def test_correlated_contrasts_have_a_larger_error() -> None:
    rng = np.random.default_rng(1)
    slow = np.convolve(rng.standard_normal(1100), np.ones(4) / 2, mode="valid")
    white = rng.standard_normal(1000)
    ratio = mean_contrast(slow).contrast_se / mean_contrast(white).contrast_se
    assert 1.6 < ratio < 2.2  # two, if all correlation is seen


def test_one_position_has_no_error() -> None:
    assert np.isnan(mean_contrast(np.array([-0.005])).contrast_se)
    assert np.isnan(mean_contrast(np.empty(0)).contrast)


def test_blur_takes_contrast_away_and_is_known() -> None:
    assert blur_factor(PSF, blur_px=0.0) == 1.0
    # the curvature of the PSF: a fit of the whole window loses less than its center
    small, large = blur_factor(PSF, blur_px=0.2), blur_factor(PSF, blur_px=0.8)
    assert 1 > small > large > 0.5
    assert (1 - small) / (1 - large) == pytest.approx((0.2 / 0.8) ** 2, rel=0.3)
    assert motion_blur_px(0.6, exposure=0.5) == pytest.approx(np.sqrt(0.05))


def test_a_change_of_mass_is_found_with_its_size() -> None:
    rng = np.random.default_rng(2)
    values = -0.0057 + 4e-4 * rng.standard_normal(120)
    values[70:] -= 0.003
    frame = np.arange(500, 620)
    step = find_step(frame, values, rng=rng)
    assert step is not None
    assert abs(step.frame - 570) <= 2
    assert step.p_value < 1e-6
    assert abs(step.change + 0.003) < 4 * step.change_se


def test_without_a_change_p_values_are_uniform() -> None:
    rng = np.random.default_rng(3)
    steps = [find_step(np.arange(60), rng.standard_normal(60), rng=rng) for _ in range(150)]
    p_values = np.array([step.p_value for step in steps if step is not None])
    assert abs((p_values < 0.2).mean() - 0.2) < 4 * np.sqrt(0.16 / 150)
    assert find_step(np.arange(10), np.arange(10.0), rng=rng) is None


def test_corrected_p_values_are_those_of_holm() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).max() == 1.0
    assert holm(np.empty(0)).size == 0

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.fit import fit, fit_patches, frame_variance
from perrin.optics.psf import Psf

PSF = Psf.analytic(pixel_nm=72.0)


@settings(deadline=None)
@given(
    amplitude=st.floats(-0.03, -1e-3) | st.floats(1e-3, 0.03),
    background=st.floats(-1e-3, 1e-3),
    dx=st.floats(-1.5, 1.5),
    dy=st.floats(-1.5, 1.5),
)
def test_without_noise_the_fit_is_exact(
    amplitude: float, background: float, dx: float, dy: float
) -> None:
    patch = amplitude * PSF.image(13, dx=dx, dy=dy) + background
    found = fit_patches(patch[None], psf=PSF)
    np.testing.assert_allclose(found.contrast, amplitude, rtol=1e-6)
    np.testing.assert_allclose([found.dx_px[0], found.dy_px[0]], [dx, dy], atol=1e-4)
    assert found.residual[0] < 1e-6 * abs(amplitude) + 1e-12


def test_agrees_with_scipy_on_noisy_patches() -> None:
    rng = np.random.default_rng(3)
    sigma, count = 5e-4, 40
    shift = rng.uniform(-0.5, 0.5, (count, 2))
    patches = np.array([-5e-3 * PSF.image(13, dx=dx, dy=dy) for dx, dy in shift])
    patches += rng.normal(scale=sigma, size=patches.shape)
    found = fit_patches(patches, psf=PSF)
    for i, patch in enumerate(patches):
        solution = least_squares(
            lambda p, data=patch: (p[0] * PSF.image(13, dx=p[2], dy=p[3]) + p[1] - data).ravel(),
            [-5e-3, 0.0, 0.0, 0.0],
            x_scale=[1e-3, 1e-4, 0.1, 0.1],
            xtol=1e-12,
            ftol=1e-12,
        )
        variance = 2 * solution.cost / (169 - 4)
        covariance = variance * np.linalg.inv(solution.jac.T @ solution.jac)
        amplitude = solution.x[0] - covariance[0, 0] / solution.x[0]
        assert np.isclose(found.contrast[i], amplitude, rtol=1e-3)
        assert np.isclose(found.contrast_se[i], covariance[0, 0] ** 0.5, rtol=1e-3)
        assert np.isclose(found.x_se_px[i], covariance[2, 2] ** 0.5, rtol=1e-2)
        assert np.isclose(found.residual[i], variance**0.5, rtol=1e-3)
        np.testing.assert_allclose([found.dx_px[i], found.dy_px[i]], solution.x[2:], atol=2e-3)


def test_masked_pixels_do_not_count() -> None:
    patch = -0.01 * PSF.image(13, dx=0.3)
    inside = np.ones((1, 13, 13), bool)
    inside[0, :, 10:] = False
    patch[:, 10:] = 1e3
    found = fit_patches(patch[None], psf=PSF, inside=inside)
    assert np.isclose(found.contrast[0], -0.01)


def test_a_fit_that_runs_away_is_nan() -> None:
    ramp = np.tile(np.linspace(-1, 1, 13), (13, 1))
    patches = np.array([ramp, np.zeros((13, 13)), np.full((13, 13), np.nan)])
    found = fit_patches(patches, psf=PSF)
    assert np.isnan(found.contrast).all()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(PerrinError, match=r"shape \(13, 13\)"):
        fit_patches(np.zeros((13, 13)), psf=PSF)


def test_events_that_cannot_be_fitted_keep_what_was_detected(plain_movie) -> None:  # type: ignore[no-untyped-def]
    movie = plain_movie([(30.5, 18.2, 30.4, -0.008)])
    events = pd.DataFrame(
        {
            "frame": np.array([30, 5], np.int64),
            "y_px": [18.0, 15.0],
            "x_px": [30.0, 20.0],
            "contrast": [-0.0079, -0.004],
        }
    )
    fitted = fit(movie, events, fit_n_avg=10, psf=PSF)
    assert list(fitted["label"]) == ["", "not fitted"]
    # 5 sigma; the contrast's bound is 1.9e-4 at 8e5 electrons.
    assert abs(fitted["contrast"][0] + 0.008) < 1e-3
    assert abs(fitted["x_px"][0] - 30.4) < 0.2
    assert fitted["contrast"][1] == -0.004
    assert np.isnan(fitted["contrast_se"][1])
    with pytest.raises(PerrinError, match=r"pixels of 60 nm.*72 nm"):
        fit(movie, events, fit_n_avg=10, psf=Psf.analytic(pixel_nm=60.0))


@pytest.mark.parametrize("n_avg", [5, 10])
def test_chi_square_is_one_where_psf_and_noise_are_as_assumed(n_avg: int) -> None:
    rng = np.random.default_rng(4)
    count, sd, contrast = 40, 1e-3, -0.02
    frames = 1 + sd * rng.standard_normal((60, 30, 20 * count))
    middle = 20 * np.arange(count) + 10
    for x in middle:
        frames[31:, 7:24, x - 8 : x + 9] += contrast * PSF.image(17)
        frames[30, 7:24, x - 8 : x + 9] += 0.5 * contrast * PSF.image(17)
    movie = Movie(
        frames=(1e4 * frames).astype(np.float32),
        frame_interval_s=0.004,
        pixel_nm=72.0,
        landing_sign=-1,
    )
    events = pd.DataFrame({"frame": 30, "y_px": 15.0, "x_px": middle.astype(float)})
    events["contrast"] = contrast
    right = fit(movie, events, fit_n_avg=n_avg, psf=PSF)["fit_chi2"]
    wide = Psf.ringed(fwhm_nm=360, ring=0.0, pixel_nm=72.0)
    wrong = fit(movie, events, fit_n_avg=n_avg, psf=wide)["fit_chi2"]
    # 165 degrees of freedom in the residual, 2 (n - 1) differences of each of 169 pixels, which
    # share frames: each is worth two thirds
    se = np.sqrt(2 / 165 + 3 / (2 * (n_avg - 1) * 169))
    assert right.mean() == pytest.approx(1, abs=4 * se / np.sqrt(count))
    assert wrong.min() > 2


def test_the_noise_of_frames_has_no_step_in_it_and_none_is_left_of_three() -> None:
    stacks = np.ones((2, 21, 5, 5))
    stacks[:, 11:] = 0.9
    stacks[:, 10] = 0.93
    stacks += 1e-3 * np.random.default_rng(1).standard_normal(stacks.shape)
    inside = np.ones((2, 5, 5), bool)
    found = frame_variance(stacks, inside)
    np.testing.assert_allclose(found, 1e-6, rtol=4 * np.sqrt(3 / (18 * 25)))
    assert np.isnan(frame_variance(stacks[:, :3], inside)).all()

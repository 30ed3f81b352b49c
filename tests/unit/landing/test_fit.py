from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from perrin.errors import PerrinError
from perrin.landing.fit import fit, fit_patches
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

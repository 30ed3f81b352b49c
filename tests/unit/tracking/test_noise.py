"""Noise that neighbors have in common: measured, and what it does to a fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from perrin.tracking.errors import ErrorScale, scale_of_shape
from perrin.tracking.fitting import fit_shapes
from perrin.tracking.noise import Noise, measure_noise, sandwich
from perrin.tracking.shape import FLAT, POSITION, WIDTH, A, Shape, X, Y, slopes_of

BLUR = 1.0


def blurred(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    noise = gaussian_filter(rng.normal(size=(count, size, size)), (0, BLUR, BLUR), mode="wrap")
    return (noise / noise.std()).astype(np.float32)


def test_correlation_of_blurred_noise_is_that_of_its_kernel() -> None:
    """A Gaussian kernel of width s makes a correlation exp(-d^2 / 4 s^2); masks change nothing."""
    rng = np.random.default_rng(0)
    free = np.ones((96, 96), bool)
    free[20:50, 30:80] = False
    frames = blurred(rng, 24, 96).reshape(12, 2, 96, 96) * np.float32(0.1)
    frames[:, :, ~free] += 5
    noise, spread = measure_noise([(pair, free) for pair in frames], reach=6)
    lag = np.hypot(*np.mgrid[-6:7, -6:7])
    # some 96^2 / 13 independent pixels a frame, 24 frames
    error = 5 * np.sqrt(13 / (24 * free.sum()))
    np.testing.assert_allclose(noise.correlation, np.exp(-(lag**2) / 4 / BLUR**2), atol=error)
    assert spread == pytest.approx(0.1, rel=error)
    assert abs(noise.in_time) < error
    assert noise.clear
    assert not noise.smoothed_in_time


def test_white_noise_changes_no_error() -> None:
    rng = np.random.default_rng(1)
    pairs = [
        (rng.normal(size=(2, 64, 64)).astype(np.float32), np.ones((64, 64), bool))
        for _ in range(12)
    ]
    noise, _ = measure_noise(pairs, reach=16)
    scale = scale_of_shape(noise, Shape(0.0, 2.4, 1.6), amplitude=0.5, kappa=0.0)
    assert scale.of_positions == pytest.approx(1, abs=0.05)
    assert not noise.clear


def test_smoothing_in_time_is_noticed() -> None:
    rng = np.random.default_rng(2)
    first = rng.normal(size=(8, 48, 48))
    second = 0.5 * first + rng.normal(size=first.shape) * np.sqrt(0.75)
    pairs = [
        (np.stack(pair).astype(np.float32), np.ones((48, 48), bool))
        for pair in zip(first, second, strict=True)
    ]
    noise, _ = measure_noise(pairs, reach=4)
    assert noise.in_time == pytest.approx(0.5, abs=5 / np.sqrt(first.size))
    assert noise.smoothed_in_time


def test_nothing_that_is_free_is_white() -> None:
    noise, spread = measure_noise([], reach=3)
    assert noise.neighbors == 0
    assert spread == 0
    nothing = np.zeros((2, 9, 9), np.float32)
    assert measure_noise([(nothing, np.zeros((9, 9), bool))], reach=3)[1] == 0


@pytest.mark.parametrize("kappa", [0.0, -1.0])
def test_errors_of_fits_are_those_that_the_correlation_gives(kappa: float) -> None:
    """Fits of one spot in many frames of blurred noise scatter as the sandwich says."""
    rng = np.random.default_rng(3)
    count, size, sigma = 600, 31, 0.02
    shape = Shape(0.0, 2.4, 1.6)
    q = np.zeros(8)
    q[A], q[WIDTH], q[FLAT] = 0.5, shape.width, shape.flat
    reach = shape.half_window
    starts = np.tile(q, (count, 1))
    starts[:, [X, Y]] = size // 2
    noise = blurred(rng, count, size) * sigma
    image = slopes_of(q, free=(A,), reach=size // 2, kappa=0.0)[0] * q[A]
    noise *= np.sqrt(1 + kappa * image).astype(np.float32)
    frames = (noise + image).astype(np.float32)
    fits = fit_shapes(
        frames, np.arange(count), starts, free=POSITION, half_window=reach, kappa=kappa
    )
    known = Noise(np.exp(-(np.hypot(*np.mgrid[-20:21, -20:21]) ** 2) / 4 / BLUR**2), 0.0)
    scale = scale_of_shape(known, shape, amplitude=0.5, kappa=kappa)
    stated = fits.errors * scale.at(np.zeros(count))
    steadied = scale.steadied(
        fits.variance, np.full(count, sigma**2 * scale.residual), np.full(count, np.inf)
    )
    for name in (A, X, Y):
        scatter = fits.values[:, name].std()
        assert scatter / np.median(stated[:, name] * steadied) == pytest.approx(
            1,
            abs=4 / np.sqrt(2 * count) + 0.03,  # the median error is 3% off the root mean square
        )
    assert scale.of_positions > 2.5
    assert fits.variance.mean() / sigma**2 == pytest.approx(scale.residual, rel=0.05)


def test_independent_pixels_are_fewer_than_pixels() -> None:
    slopes = np.stack([np.ones((21, 21)), np.mgrid[-10:11, -10:11][0]]).astype(float)
    white = sandwich(slopes, Noise.white())
    assert white.independent == pytest.approx(21**2)
    np.testing.assert_allclose(white.factor, 1)
    np.testing.assert_allclose(white.residual, 1)
    np.testing.assert_allclose(ErrorScale.white(9.0).at(np.array([0.3, np.nan])), 1)


def test_factors_follow_the_direction_of_a_rod() -> None:
    """Noise alike along x: the error across a rod that lies along x grows less than along it."""
    along = np.exp(-np.abs(np.arange(-20, 21)) / 3.0)
    correlation = np.zeros((41, 41))
    correlation[20] = along
    rod = Shape(8.0, 2.4, 1.6)
    scale = scale_of_shape(Noise(correlation, 0.0), rod, amplitude=0.5, kappa=0.0)
    flat, upright = scale.at(np.array([0.0, np.pi / 2]))
    assert scale.at(np.array([np.pi]))[0] == pytest.approx(flat)
    assert flat[Y] > upright[Y]
    assert scale.at(np.array([np.pi / 24]))[0, X] == pytest.approx(
        0.5 * (flat[X] + scale.at(np.array([np.pi / 12]))[0, X])
    )

"""Finding: the noise of a smoothed frame, and what stands out of it."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.tracking.find import find, smoothed


@pytest.mark.parametrize("sigma_px", [0.7, 2.0, 3.3])
def test_noise_is_as_strong_at_the_edges_as_inside(sigma_px: float) -> None:
    count = 2000
    frames = np.random.default_rng(0).normal(size=(count, 40, 50)).astype(np.float32)
    spread = smoothed(frames, sigma_px).std(axis=0)
    inside = spread[15:25, 15:35].mean()
    error = 5 / np.sqrt(2 * count)  # five standard errors of one pixel's spread
    np.testing.assert_allclose(spread[[0, 0, -1, 20, 3]][:, [0, 25, -1]], inside, rtol=error)


def test_smoothing_is_that_of_a_gaussian_inside() -> None:
    from scipy.ndimage import gaussian_filter

    frames = np.random.default_rng(1).normal(size=(2, 40, 50)).astype(np.float32)
    expected = np.stack([gaussian_filter(frame, 2.0, radius=6) for frame in frames])
    np.testing.assert_allclose(
        smoothed(frames, 2.0)[:, 6:-6, 6:-6], expected[:, 6:-6, 6:-6], atol=1e-5
    )


def test_noise_is_not_found_more_often_at_the_edges() -> None:
    frames = np.random.default_rng(2).normal(size=(300, 60, 60)).astype(np.float32)
    found, _ = find(frames, sigma_px=2.0, threshold=3.0, regions=False)
    near = np.minimum.reduce([found.x, found.y, 59 - found.x, 59 - found.y]) < 6
    area = 1 - (48 / 60) ** 2
    # maxima at an edge have neighbors on one side only: up to half more of them
    assert near.mean() < 1.5 * area

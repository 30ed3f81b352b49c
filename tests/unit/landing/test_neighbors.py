"""The nearest other event, against the plain way to find it."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.landing.neighbors import nearest_neighbor_px


@pytest.mark.parametrize("within", [0, 3, 40])
def test_the_nearest_neighbor_is_that_of_all_pairs(within: int) -> None:
    rng = np.random.default_rng(5)
    frame = rng.integers(0, 60, 80)
    y, x = rng.uniform(0, 30, (2, 80))
    near = np.abs(frame[:, None] - frame) <= within  # an event just `within` frames away counts
    distance = np.hypot(y[:, None] - y, x[:, None] - x)
    np.fill_diagonal(near, False)
    expected = np.where(near, distance, np.inf).min(axis=1)
    found = nearest_neighbor_px(frame=frame, y_px=y, x_px=x, within_frames=within)
    np.testing.assert_allclose(found, np.where(np.isinf(expected), np.nan, expected), rtol=1e-12)


def test_the_last_frame_that_counts_is_within() -> None:
    place = np.zeros(2)
    for later, expected in ((7, 0.0), (8, np.nan)):
        frame = np.array([10, 10 + later])
        found = nearest_neighbor_px(frame=frame, y_px=place, x_px=place, within_frames=7)
        np.testing.assert_array_equal(found, expected)

"""Pixels averaged in squares."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.binned import binned
from perrin.io.movie import Movie


def movie(height: int, width: int) -> Movie:
    frames = np.random.default_rng(0).integers(0, 60_000, (7, height, width)).astype(np.uint16)
    return Movie.from_array(frames, frame_interval_s=0.1, pixel_nm=2.0, contents="moving")


def test_each_large_pixel_is_the_mean_of_its_square() -> None:
    small = movie(64, 96)
    large = binned(small, 3)
    assert large.frames.shape == (7, 21, 32)
    assert large.pixel_nm == 6.0
    for row, column in ((0, 0), (20, 31), (7, 11)):
        square = small.frames[:, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
        np.testing.assert_allclose(
            large.frames[2:5][:, row, column], square[2:5].mean(axis=(1, 2)), rtol=1e-6
        )
    assert "binned 3 x 3 to 21 x 32 px (1 rows and 0 columns left out)" in large.read_as


def test_one_leaves_the_movie_as_it_is_and_too_few_pixels_are_refused() -> None:
    small = movie(64, 96)
    assert binned(small, 1) is small
    with pytest.raises(PerrinError, match="leaves 12 x 19 pixels of 64 x 96"):
        binned(small, 5)

"""Arrays and files that are no raw movie, however they are handed over."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import open_movie
from perrin.io.movie import Movie

NUMBERS = {"frame_interval_s": 0.004, "pixel_nm": 70.8}
GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((20, 12, 17, 3), "color frames"),
        ((20, 2, 12, 17), "three axes"),
        ((12, 17), "three axes"),
        ((1, 12, 17), "1 frame; a movie has at least 2"),
        ((0, 12, 17), "0 frame"),
        ((20, 0, 17), "without pixels"),
    ],
)
def test_wrong_shapes_are_refused_with_the_shape(shape, said):
    with pytest.raises(PerrinError, match=said):
        Movie.from_array(np.ones(shape, np.uint16), **NUMBERS)


def test_a_float_movie_of_intensities_is_a_movie(frames):
    assert Movie.from_array(frames.astype(np.float32), **NUMBERS).n_frames == 250


def test_a_ratiometric_movie_is_refused(frames):
    floats = frames.astype(np.float64)
    ratio = floats[10:] / floats[:-10] - 1
    with pytest.raises(PerrinError, match="looks ratiometric already"):
        Movie.from_array(ratio, **NUMBERS)


def test_background_subtracted_frames_are_refused(frames):
    with pytest.raises(PerrinError, match="below zero"):
        Movie.from_array(frames.astype(np.int32) - 29_000, **NUMBERS)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_single_nan_or_infinity_is_refused(frames, wrong):
    bad = frames.astype(np.float32)
    bad[200, 3, 3] = wrong
    with pytest.raises(PerrinError, match="NaN or infinite"):
        Movie.from_array(bad, **NUMBERS)


@pytest.mark.parametrize("dtype", [bool, complex, object, "U4"])
def test_other_than_real_numbers_are_refused(dtype):
    with pytest.raises(PerrinError, match="holds real numbers"):
        Movie.from_array(np.ones((20, 12, 17), dtype), **NUMBERS)


def test_nothing_but_zeros_is_refused():
    with pytest.raises(PerrinError, match="nothing but zeros"):
        Movie.from_array(np.zeros((20, 12, 17), np.uint16), **NUMBERS)


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0), (1, 0, 2)])
def test_time_that_is_not_first_is_seen_from_the_content(frames, order):
    swapped = np.transpose(frames, order)
    with pytest.raises(PerrinError, match=r"moveaxis\(frames, \d, 0\)"):
        Movie.from_array(swapped, **NUMBERS)


def test_the_hint_puts_time_first(frames, tmp_path):
    np.save(tmp_path / "a.npy", np.moveaxis(frames, 0, 2))
    with pytest.raises(PerrinError, match=r"shape \(12, 17, 250\).*axis 2 \(250 long\)"):
        open_movie(tmp_path / "a.npy", **GIVEN)
    np.save(tmp_path / "a.npy", np.moveaxis(np.moveaxis(frames, 0, 2), 2, 0))
    assert open_movie(tmp_path / "a.npy", **GIVEN).n_frames == 250


def test_a_short_movie_of_glass_is_a_movie(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames[:8])
    assert open_movie(tmp_path / "a.npy", **GIVEN).n_frames == 8


def test_flicker_of_the_laser_is_not_taken_for_space(frames, tmp_path):
    flicker = 1 + 0.05 * np.random.default_rng(0).standard_normal((8, 1, 1))
    np.save(tmp_path / "a.npy", (frames[:8] * flicker).astype(np.float32))
    assert open_movie(tmp_path / "a.npy", **GIVEN).n_frames == 8


def test_noise_says_nothing_so_that_a_file_with_a_short_first_axis_is_refused(tmp_path):
    noise = np.random.default_rng(0).poisson(1000, (12, 17, 250)).astype(np.uint16)
    np.save(tmp_path / "a.npy", noise)
    with pytest.raises(PerrinError, match=r"\(12, 17, 250\)"):
        open_movie(tmp_path / "a.npy", **GIVEN)
    assert Movie.from_array(noise, **NUMBERS).n_frames == 12  # an array is taken at its word


def test_a_square_field_is_never_taken_for_time(tmp_path):
    noise = np.random.default_rng(0).poisson(1000, (10, 32, 32)).astype(np.uint16)
    np.save(tmp_path / "a.npy", noise)
    assert open_movie(tmp_path / "a.npy", **GIVEN).n_frames == 10

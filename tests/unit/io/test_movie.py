from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perrin.errors import PerrinError
from perrin.io import open_movie, write_mp
from perrin.io.movie import LazyFrames, Movie

NUMBERS = {"frame_interval_s": 0.004, "pixel_nm": 70.8}


class Counted(LazyFrames):
    """Lazy frames over an array, which note what is read."""

    def __init__(self, array):
        super().__init__(Path("counted"), array.shape, array.dtype)
        self.array = array
        self.reads = []

    def _read(self, start, stop):
        self.reads.append((start, stop))
        return self.array[start:stop].copy()

    def close(self):
        pass


def test_a_movie_says_its_size_and_length(movie):
    assert (movie.n_frames, movie.height, movie.width) == (250, 12, 17)
    assert movie.duration_s == pytest.approx(250 * 3 / 726)
    assert movie.format == "array"
    assert movie.name == "array"


def test_an_array_is_not_copied(frames):
    movie = Movie.from_array(frames, **NUMBERS)
    assert np.shares_memory(movie.frames[3:5], frames)


bounds = st.none() | st.integers(-30, 30)


@given(bounds, bounds, st.none() | st.integers(-5, 5).filter(bool))
def test_any_slice_equals_that_of_an_array(start, stop, step):
    array = np.arange(23 * 2 * 3, dtype=np.uint16).reshape(23, 2, 3)
    wanted = slice(start, stop, step)
    np.testing.assert_array_equal(Counted(array)[wanted], array[wanted])


@given(st.integers(-23, 22))
def test_any_index_equals_that_of_an_array(index):
    array = np.arange(23 * 2 * 3, dtype=np.uint16).reshape(23, 2, 3)
    np.testing.assert_array_equal(Counted(array)[index], array[index])


def test_a_slice_reads_its_own_frames_only(frames):
    lazy = Counted(frames)
    lazy[40:60]
    lazy[-1]
    assert lazy.reads == [(40, 60), (249, 250)]


def test_an_index_beyond_the_end_is_an_index_error(frames):
    with pytest.raises(IndexError):
        Counted(frames)[250]


def test_big_endian_frames_come_in_native_order(frames):
    lazy = Counted(frames.astype(">u2"))
    assert lazy.dtype.isnative
    assert lazy[:3].dtype == np.dtype(np.uint16)
    np.testing.assert_array_equal(np.asarray(lazy), frames)


def test_a_nan_in_the_middle_is_refused_with_its_frame(frames):
    bad = frames.astype(np.float32)
    bad[123, 4, 5] = np.nan
    lazy = Counted(bad)
    lazy[:123]
    with pytest.raises(PerrinError, match="frame 123 holds NaN"):
        lazy[100:200]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("frame_interval_s", 0.0, "frame_interval_s is 0"),
        ("frame_interval_s", float("nan"), "frame_interval_s is nan"),
        ("pixel_nm", -70.8, "pixel_nm is -70.8"),
        ("landing_sign", 0, "landing_sign is 0"),
    ],
)
def test_impossible_numbers_are_refused(frames, name, value, said):
    with pytest.raises(PerrinError, match=said):
        Movie.from_array(frames, **{**NUMBERS, name: value})


def test_an_array_movie_pickles_its_array(movie):
    again = pickle.loads(pickle.dumps(movie))  # noqa: S301  made a line above
    np.testing.assert_array_equal(again.frames, movie.frames)
    assert again.provenance == movie.provenance


def test_a_file_movie_reopens_by_path_in_another_process(tmp_path, movie):
    write_mp(tmp_path / "a.mp", movie, compressed=True)
    with open_movie(tmp_path / "a.mp", pixel_nm=72.0, landing_sign=1) as opened:
        changed = dataclasses.replace(opened, instrument="mine")
        sent = pickle.dumps(changed)
    assert len(sent) < 4000
    (tmp_path / "sent").write_bytes(sent)
    code = (
        "import pickle, sys; m = pickle.load(open(sys.argv[1], 'rb'));"
        "print(m.pixel_nm, m.landing_sign, m.instrument, int(m.frames[100:200].sum()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "sent")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    total = int(movie.frames[100:200].sum())
    assert done.stdout.split() == ["72.0", "1", "mine", str(total)]


def test_a_closed_movie_says_so(tmp_path, movie):
    write_mp(tmp_path / "a.mp", movie)
    with open_movie(tmp_path / "a.mp") as opened:
        opened.frames[0]
    with pytest.raises(PerrinError, match="was closed"):
        opened.frames[0]

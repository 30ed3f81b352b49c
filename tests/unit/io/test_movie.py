from __future__ import annotations

import dataclasses
import pickle
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


ARRAY = np.arange(37 * 4 * 5, dtype=np.uint16).reshape(37, 4, 5)


def along(size):
    """What may index one axis."""
    bound = st.none() | st.integers(-size - 9, size + 9)
    step = st.none() | st.integers(-20, 20).filter(bool)
    number = st.integers(-size, size - 1)
    return (
        st.builds(slice, bound, bound, step)
        | number
        | number.map(np.int64)
        | st.lists(number, max_size=4)
        | st.lists(st.booleans(), min_size=size, max_size=size).map(np.array)
    )


@st.composite
def indices(draw):
    """An index of an array (37, 4, 5): fewer parts than axes, new axes, an ellipsis."""
    parts = [draw(along(size)) for size in ARRAY.shape[: draw(st.integers(0, 3))]]
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(parts)))
        tail = [draw(along(size)) for size in ARRAY.shape[3 - len(parts) + cut :]]
        parts = [*parts[:cut], ..., *tail[: len(parts) - cut]]
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return tuple(parts)


@given(indices())
def test_any_index_gives_what_numpy_gives(index):
    try:
        expected = ARRAY[index]
    except IndexError:  # lists of different lengths do not go together
        with pytest.raises(IndexError):
            Counted(ARRAY)[index]
        return
    found = Counted(ARRAY)[index]
    np.testing.assert_array_equal(found, expected, strict=True)


def test_frames_say_what_an_array_says():
    frames = Counted(ARRAY)
    for name in ("shape", "dtype", "ndim", "size", "nbytes"):
        assert getattr(frames, name) == getattr(ARRAY, name)
    assert [int(frame.sum()) for frame in frames] == ARRAY.sum(axis=(1, 2)).tolist()


def test_only_frames_that_are_asked_for_are_read():
    frames = Counted(ARRAY)
    _ = frames[[30, 4, 3, 30]], frames[1::16, 0], frames[5, :2]
    assert frames.reads == [(3, 5), (30, 31), (1, 2), (17, 18), (33, 34), (5, 6)]


@pytest.mark.parametrize("index", [(0, 0, 0, 0), (..., 0, ...), True, ARRAY > 5, 37, -38, 1.5])
def test_what_is_no_index_is_an_index_error(index):
    with pytest.raises(IndexError):
        Counted(ARRAY)[index]


def test_frames_in_a_file_are_an_array_of_dask(tmp_path, movie):
    array = pytest.importorskip("dask.array")
    write_mp(tmp_path / "a.mp", movie)
    with open_movie(tmp_path / "a.mp") as opened:
        lazy = array.from_array(opened.frames, chunks=(40, -1, -1))
        assert (lazy.shape, lazy.dtype) == (movie.frames.shape, movie.frames.dtype)
        part = lazy[10:90:3, 2:, ::-1]
        np.testing.assert_array_equal(part.compute(), movie.frames[10:90:3, 2:, ::-1])
        np.testing.assert_array_equal(lazy.mean(axis=0).compute(), movie.frames.mean(axis=0))


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


def test_a_file_movie_reopens_by_path_in_another_process(tmp_path, movie, run_apart):
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
    said = run_apart(code, tmp_path / "sent")
    total = int(movie.frames[100:200].sum())
    assert said.split() == ["72.0", "1", "mine", str(total)]


def test_a_closed_movie_says_so(tmp_path, movie):
    write_mp(tmp_path / "a.mp", movie)
    with open_movie(tmp_path / "a.mp") as opened:
        opened.frames[0]
    with pytest.raises(PerrinError, match="was closed"):
        opened.frames[0]

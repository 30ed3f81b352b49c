from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perrin.io.held import HeldFrames, held
from perrin.io.movie import LazyFrames, Movie


class Counted(LazyFrames):
    """Lazy frames over an array, which note how often each is read."""

    def __init__(self, array):
        super().__init__(Path("counted"), array.shape, array.dtype)
        self.array = array
        self.reads = np.zeros(len(array), int)

    def _read(self, start, stop):
        self.reads[start:stop] += 1
        return self.array[start:stop].copy()

    def close(self):
        pass


ARRAY = np.random.default_rng(0).integers(0, 999, (30, 6, 7)).astype(np.uint16)


def movie_of(frames):
    return Movie(frames=frames, frame_interval_s=0.004, pixel_nm=72.0, landing_sign=-1)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6))
def test_held_frames_are_those_of_the_source(wanted):
    source = Counted(ARRAY)
    frames = held(movie_of(source)).frames
    for start, stop in wanted:
        np.testing.assert_array_equal(frames[start:stop], ARRAY[start:stop])


def test_each_frame_is_read_once_however_often_it_is_asked_for():
    source = Counted(ARRAY)
    frames = held(movie_of(source)).frames
    for _ in range(3):
        for start in range(0, 30, 7):
            _ = frames[start : start + 9]
    np.testing.assert_array_equal(np.asarray(frames[:, 2]), ARRAY[:, 2])
    assert source.reads.max() < 3  # once, and again only between what was known
    assert source.reads.sum() < 1.5 * len(ARRAY)


def test_what_is_long_or_in_memory_is_left_as_it_is():
    long = movie_of(Counted(ARRAY))
    assert held(long, most_bytes=ARRAY.nbytes - 1) is long
    short = movie_of(ARRAY)
    assert held(short) is short
    again = held(long)
    assert isinstance(again.frames, HeldFrames)
    assert held(again) is again

"""A movie whose frames are read from their file once, and then from memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perrin.io.movie import ArrayFrames, FrameSource, Movie
from perrin.types import Array

HELD_BYTES = 1 << 30
"""Longest movie that is held, a minute of a mass photometer six times over; longer ones are read
again by each step, so that memory does not grow with their length."""


class HeldFrames(ArrayFrames):
    """Frames (T, Y, X) of another source; each is read from it once."""

    def __init__(self, source: FrameSource) -> None:
        self.shape = source.shape
        self.dtype = source.dtype
        self._source = source
        self._frames = np.empty(source.shape, source.dtype)
        self._known = np.zeros(len(source), np.bool_)

    def _read(self, start: int, stop: int) -> Array:
        missing = np.flatnonzero(~self._known[start:stop]) + start
        if len(missing):
            first, last = int(missing[0]), int(missing[-1]) + 1
            self._frames[first:last] = self._source[first:last]
            self._known[first:last] = True
        return self._frames[start:stop]


def held(movie: Movie, *, most_bytes: int = HELD_BYTES) -> Movie:
    """Return the movie with frames that are kept in memory once read; itself where they are long.

    Frames in memory already (an array) stay as they are.
    """
    frames = movie.frames
    if isinstance(frames, (np.ndarray, HeldFrames)):
        return movie
    size = int(np.prod(frames.shape, dtype=np.int64)) * frames.dtype.itemsize
    return movie if size > most_bytes else replace(movie, frames=HeldFrames(frames))

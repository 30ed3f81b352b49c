"""The field around the events: a light ratiometric movie in which every event can be looked at.

A whole movie is too much to carry, and thumbnails of all events are more. Events share the
field, so a few ratiometric frames around each, at half an integration apart, show them all.
Values are whole multiples of the noise: that adds 4% to the noise, and costs two bits a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perrin.io.movie import Movie
from perrin.landing.light import evened, light_field
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import half_length
from perrin.optics.psf import Psf
from perrin.stats import robust_sd
from perrin.types import Float32Array, FloatArray, IntArray

MOST_PIXELS = 10_000_000
"""Of all frames: about 3 MB in the report."""
_STRETCH = 256  # frames that are averaged at once
_MOST_CODE = 127


@dataclass(frozen=True)
class FieldMovie:
    """Ratiometric frames around the events of a movie."""

    frames: IntArray
    """(K,): the frame that each is the step at, rising."""
    codes: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    """(K, Y, X): contrast in units of `unit`, negative for a landing."""
    unit: float
    n_avg: int
    """Frames averaged on each side."""
    psf: FloatArray
    """(97, 97): what a landing's contrast is multiplied with, on a grid of a quarter pixel."""

    @property
    def values(self) -> Float32Array:
        """(K, Y, X): contrast, negative for a landing."""
        return np.float32(self.unit) * self.codes


def field_around(
    movie: Movie, *, frame: IntArray, n_avg: int, psf: Psf, most_pixels: int = MOST_PIXELS
) -> FieldMovie:
    """Return the field around events that land in `frame` (N,): what their thumbnails span.

    Frames are half an integration apart, or a whole one where there are too many; where that is
    still more than `most_pixels`, they are around some of the events, evenly over the movie.
    """
    frames = _wanted(frame, movie, n_avg=n_avg, most=most_pixels // (movie.height * movie.width))
    values = np.empty((len(frames), movie.height, movie.width), np.float32)
    for start, stop in _stretches(frames):
        first = int(frames[start])
        stretch = movie.frames[first - n_avg : int(frames[stop - 1]) + n_avg + 1]
        light = light_field(stretch, first_frame=first - n_avg)
        found = ratiometric(evened(stretch, light), n_avg=n_avg)
        values[start:stop] = found[frames[start:stop] - first]
    values *= np.float32(-movie.landing_sign)
    unit = (
        max(robust_sd(values.ravel()[:: max(1, values.size // 100_000)]), 1e-9)
        if len(frames)
        else 1.0
    )
    values /= np.float32(unit)  # in place: this is among the largest arrays of a measurement
    np.clip(np.rint(values, out=values), -_MOST_CODE, _MOST_CODE, out=values)
    codes = values.astype(np.int8)
    return FieldMovie(frames, codes, float(unit), n_avg, psf.samples())


def _wanted(frame: IntArray, movie: Movie, *, n_avg: int, most: int) -> IntArray:
    """The frames to carry, at most `most`: on a grid, within a thumbnail's reach of events."""
    first, last = n_avg, movie.n_frames - n_avg - 1
    events, half = np.sort(np.asarray(frame, np.int64)), half_length(n_avg)
    for step in (max(1, n_avg // 2), n_avg):
        found = _near(events, half, step)
        if len(found) <= most:
            break
    while len(found) > most and len(events) > 1:
        events = events[:: max(2, len(found) // max(1, most))]
        found = _near(events, half, n_avg)
    return found[(found >= first) & (found <= last)][: max(most, 0)]


def _near(events: IntArray, half: int, step: int) -> IntArray:
    reach = np.arange(-(half // step), half // step + 1)
    return np.unique(np.rint(events / step).astype(np.int64)[:, None] + reach) * step


def _stretches(frames: IntArray) -> Iterator[tuple[int, int]]:
    """Yield runs (start, stop) of `frames` that are averaged together: near each other."""
    if not len(frames):
        return
    run = np.cumsum(np.r_[0, np.diff(frames) > _STRETCH]) * (1 << 32) + frames // _STRETCH
    edges = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(frames)]
    yield from pairwise(edges)

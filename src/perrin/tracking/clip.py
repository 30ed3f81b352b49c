"""The busiest stretch of a movie, kept to draw the tracks on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.io.movie import Movie
from perrin.tracking.background import contrast
from perrin.types import Array, Float32Array, IntArray

_SHADES = (0.2, 99.8)  # percentiles of the pixels that are black and white


@dataclass(frozen=True)
class Clip:
    """A stretch of a movie for pictures: contrast from `low` (0) to `high` (255).

    images: (F, Y, X) uint8, of the frames from `first` on.
    """

    first: int
    images: Array
    low: float
    high: float


def busiest_clip(
    movie: Movie, position_frames: IntArray, mean: Float32Array, *, frames: int
) -> Clip | None:
    """Return the stretch of `frames` frames with most positions; None where there are none.

    position_frames: (N,), the frame of each position. mean: (Y, X), the mean background.
    """
    if not frames or not len(position_frames):
        return None
    length = min(frames, movie.n_frames)
    counts = np.bincount(position_frames, minlength=movie.n_frames)
    total = np.concatenate([[0], np.cumsum(counts)])
    first = int(np.argmax(total[length:] - total[:-length]))
    images = contrast(movie.frames[first : first + length], mean, sign=1)
    low, high = (float(value) for value in np.percentile(images, _SHADES))
    shades = np.clip((images - low) * (255 / max(high - low, 1e-12)), 0, 255)
    return Clip(first, np.rint(shades).astype(np.uint8), low, high)

"""Patterns of the light that move over the field: fringes, and gradients that are no planes.

Interference of the laser with itself moves as the optics warm up. In a ratiometric frame it is
a wave over the whole field that no molecule makes, and it hides molecules and what they do.
It is looked for in the changes of the cosine waves that fit into the field (the modes of a
discrete cosine transform) down to 1 um. Landings, speckle and noise change all of these about
alike and independently; fringes, whatever their phase, change them together along two fixed
directions, one a quarter of a wave from the other. Such principal components are measured in
each frame and divided out of it, before anything is looked for.

Each pattern that is taken out also takes a little of every landing (about the area of a PSF over
that of the field), of a calibrant as of a sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perrin.io.movie import ArrayFrames, FrameSource, Movie
from perrin.landing.light import evened, light_field
from perrin.stats import MAD_TO_SD
from perrin.types import Array, FloatArray, IntArray

_SHORTEST_UM = 1.0
_MOST_MODES = 400  # the longest ones
_LEAST_MODES = 24
_STANDS_OUT = 2.6
"""Variance along a component over the most that noise alone makes of it (Marchenko and Pastur).
The transfer function of a PSF of 340 nm alone makes long waves 1.8 times as strong as short."""
_LONG = 0.8  # of a component's square in the longer half of the modes; a moving stage has half
_MOST_PATTERNS = 8
_PLACES = 384
_MEAN_FRAMES = 64
_FAR = 1.5  # times the median size; a heavy landing or dust counts as that


@dataclass(frozen=True)
class MovingPatterns:
    """What moves over the field of a movie."""

    patterns: FloatArray
    """(K, Y, X): what is taken out of every frame, mean square 1, orthogonal; none where K is 0."""
    wavelength_um: float
    """Of the wave that is strongest in the first one; NaN for none."""
    rms: float
    """Standard deviation, over the field and time, of a ratiometric frame due to them."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know; nothing where nothing moves."""
        if not len(self.patterns):
            return ()
        return (
            f"light moves over the field in waves of about {self.wavelength_um:.1f} um (fringes, "
            f"{self.rms:.1e} rms of a ratiometric frame): taken out of every frame as "
            f"{len(self.patterns)} patterns",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the names."""
        count = len(self.patterns)
        return {
            "patterns": count,
            "wavelength_um": self.wavelength_um if count else None,
            "rms": self.rms,
        }


class PatternFreeFrames(ArrayFrames):
    """Frames (T, Y, X) of another source without patterns, taken out as they are read."""

    def __init__(self, source: FrameSource, mean: FloatArray, patterns: FloatArray) -> None:
        self.shape = source.shape
        self.dtype = np.dtype(np.float32)
        self._source = source
        self._mean = mean
        self._patterns = patterns.reshape(len(patterns), -1)

    def _read(self, start: int, stop: int) -> Array:
        frames = self._source[start:stop]
        even = evened(frames, light_field(frames, first_frame=start))
        relative = (even / self._mean - 1).reshape(len(frames), -1)
        found = relative @ self._patterns.T / relative.shape[1]
        light = 1 + (found @ self._patterns).reshape(frames.shape)
        return np.asarray(frames / light, np.float32)


def without_moving_patterns(movie: Movie, *, n_avg: int) -> tuple[Movie, MovingPatterns]:
    """Return the movie without what moves over its field (itself for nothing), and that."""
    mean = mean_frame(movie)
    found = find_moving_patterns(movie, n_avg=n_avg, mean=mean)
    if not len(found.patterns):
        return movie, found
    return replace(movie, frames=PatternFreeFrames(movie.frames, mean, found.patterns)), found


def find_moving_patterns(
    movie: Movie, *, n_avg: int, mean: FloatArray | None = None
) -> MovingPatterns:
    """Look for what changes within an integration, in up to 384 places of a movie.

    mean : (Y, X) light of each pixel, by default that of 64 frames from all over the movie.
    """
    rows, columns, length_um = _modes_of(movie)
    none = MovingPatterns(np.empty((0, movie.height, movie.width)), float("nan"), 0.0)
    if len(rows) < _LEAST_MODES or movie.n_frames < 2 * n_avg + 1:
        return none
    mean = mean_frame(movie) if mean is None else mean
    change = _changes(movie, mean, rows, columns, n_avg)
    usual = float(MAD_TO_SD * np.median(np.abs(change))) ** 2
    size = np.linalg.norm(change, axis=1, keepdims=True)
    change *= np.minimum(1, _FAR * np.median(size) / np.maximum(size, 1e-30))
    variance, components = np.linalg.eigh(change.T @ change / len(change))
    limit = _STANDS_OUT * usual * (1 + np.sqrt(len(rows) / len(change))) ** 2
    variance, components = variance[::-1], components.T[::-1]
    long = (components[:, : len(rows) // 2] ** 2).sum(axis=1) > _LONG
    chosen = np.flatnonzero((variance > limit) & long)[:_MOST_PATTERNS]
    if not len(chosen) or usual <= 0:
        return none
    modes = _waves(rows, movie.height)[:, :, None] * _waves(columns, movie.width)[:, None]
    first = components[chosen[0]]
    return MovingPatterns(
        patterns=np.einsum("km,myx->kyx", components[chosen], modes),
        wavelength_um=float(length_um[np.argmax(first**2)]),
        rms=float(np.sqrt((variance[chosen] - usual).sum())),
    )


def _modes_of(movie: Movie) -> tuple[IntArray, IntArray, FloatArray]:
    """Half waves along rows and columns, and wavelength, um, of the modes, the longest first."""
    size_um = movie.height * movie.pixel_nm * 1e-3, movie.width * movie.pixel_nm * 1e-3
    most = [max(int(2 * size / _SHORTEST_UM), 1) for size in size_um]
    rows, columns = (part.ravel() for part in np.mgrid[: most[0] + 1, : most[1] + 1])
    rows, columns = rows[1:], columns[1:]  # the mean is no pattern
    length = 2 / np.hypot(rows / size_um[0], columns / size_um[1])
    order = np.argsort(-length, kind="stable")[:_MOST_MODES]
    order = order[length[order] >= _SHORTEST_UM]
    return rows[order], columns[order], length[order]


def _changes(
    movie: Movie, mean: FloatArray, rows: IntArray, columns: IntArray, n_avg: int
) -> FloatArray:
    """Change of each mode (places, K) from n_avg frames to the n_avg after them."""
    last = movie.n_frames - 2 * n_avg
    first = np.linspace(0, last, min(_PLACES, last // n_avg + 1)).astype(int)
    down = _waves(np.arange(rows.max() + 1), movie.height)
    right = _waves(np.arange(columns.max() + 1), movie.width)
    found = []
    for start in first:
        frames = movie.frames[start : start + 2 * n_avg]
        even = evened(frames, light_field(frames, first_frame=int(start)))
        step = (even[n_avg:].mean(axis=0) - even[:n_avg].mean(axis=0)) / mean
        found.append((down @ step @ right.T)[rows, columns] / step.size)
    return np.array(found)


def mean_frame(movie: Movie) -> FloatArray:
    """Return the mean light (Y, X) of each pixel over that of the field."""
    total = np.zeros((movie.height, movie.width))
    places = np.unique(np.linspace(0, movie.n_frames - 1, _MEAN_FRAMES).astype(int))
    for t in places.tolist():
        frame = movie.frames[t : t + 1]
        total += evened(frame, light_field(frame, first_frame=t))[0]
    mean = total / len(places)
    return np.asarray(np.maximum(mean, 0.05))


def _waves(half_waves: IntArray, size: int) -> FloatArray:
    """Cosines (K, size) of that many half waves, mean square 1."""
    at = (np.arange(size) + 0.5) / size
    waves = np.cos(np.pi * half_waves[:, None] * at)
    return np.asarray(np.where(half_waves[:, None] > 0, np.sqrt(2), 1.0) * waves)

"""Whether the noise of neighboring pixels is alike, and what that does to stated errors.

The errors of positions are those of a fit to pixels with noise of their own. A detector that
spreads its charge, video compression or resampling make the noise of neighbors alike; then a
spot of several pixels is known less well than its pixels say: by sqrt(sum of the correlations
of the noise over all lags), for a spot that is wide against them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.io.movie import Movie
from perrin.stats import robust_sd
from perrin.types import FloatArray

_PAIRS = 12  # of neighboring frames that are looked at
_LAGS = 4  # pixels: beyond, what is alike is no noise of the detector
_CLIP = 3.0  # standard deviations beyond which a pixel shows something that moves
_CLEARLY = 0.15  # correlation of neighbors that no white noise of a small field shows by chance


@dataclass(frozen=True)
class NoiseCorrelation:
    """neighbors: correlation at one pixel, mean of x and y. factor: of true over stated errors."""

    neighbors: float
    factor: float

    @property
    def clear(self) -> bool:
        """Whether it is more than chance."""
        return self.neighbors > _CLEARLY


def noise_correlation(movie: Movie) -> NoiseCorrelation:
    """Measure how alike the noise of neighboring pixels is, from differences of frames.

    What stands still drops out of a difference of two frames, what moves is left out by its
    size. Looks at a dozen pairs spread over the movie.
    """
    starts = np.unique(np.linspace(0, movie.n_frames - 2, _PAIRS).astype(np.int64))
    sums = np.zeros((2, _LAGS + 1))
    for start in starts:
        first, second = np.asarray(movie.frames[int(start) : int(start) + 2], dtype=np.float64)
        sums += _products(second - first)
    if not (sums[:, 0] > 0).all():
        return NoiseCorrelation(0.0, 1.0)
    rho = sums / sums[:, :1]
    sides = 1 + 2 * np.maximum(rho[:, 1:], 0).sum(axis=1)
    return NoiseCorrelation(float(rho[:, 1].mean()), float(np.sqrt(sides.prod())))


def _products(change: FloatArray) -> FloatArray:
    """Return mean products of a difference with itself at each lag along y and x, (2, lags)."""
    change = change - np.median(change)
    scatter = robust_sd(change, center=0.0)
    inside = np.abs(change) <= _CLIP * max(scatter, 1e-12)
    values = np.where(inside, change, 0.0)
    found = np.zeros((2, _LAGS + 1))
    for axis in (0, 1):
        for lag in range(min(_LAGS, change.shape[axis] - 1) + 1):
            size = change.shape[axis] - lag
            here, there = (
                np.take(a, range(at, at + size), axis=axis)
                for a, at in ((values, 0), (values, lag))
            )
            both = np.take(inside, range(size), axis=axis) & np.take(
                inside, range(lag, lag + size), axis=axis
            )
            found[axis, lag] = float((here * there).sum()) / max(int(both.sum()), 1)
    return found

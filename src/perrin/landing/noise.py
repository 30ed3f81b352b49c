"""How noisy the matched-filter contrast is, measured on the movie itself.

Noise of frame t and pixel (y, x) = noise of the frame (drift and vibration come and go) times
how noisy that pixel is over the whole movie (the flanks of bright speckles).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.landing.matched import MARGIN_PX
from perrin.stats import MAD_TO_SD
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_CLIP = 3.0
_PRIOR_SAMPLES = 50.0  # the noise map starts from 1 with this weight
_OBVIOUS = 5.0  # times the first guess of the noise: left out of the second
_LEAST_FRACTION = 0.1  # of the pixels must remain for the second guess
_FEW = 4096  # extrema that there is room for at first
_EVERY_PX = 2  # each way, for the median: neighbors are nearly the same after the filter


class NoiseMap:
    """How noisy each pixel is against its frame, built up chunk by chunk."""

    def __init__(self, height: int, width: int) -> None:
        self._total = np.zeros((height, width))
        self._samples = np.zeros((height, width))

    def add(self, contrast: Float32Array, noise: FloatArray, free: BoolArray) -> None:
        """Take in frames (T, Y, X) with their noise (T,), where free of obvious events."""
        _add_clipped(contrast, noise, free, self._total, self._samples)

    def values(self) -> FloatArray:
        """(Y, X), its median about 1; drawn towards 1 where there are few samples."""
        ratio = self._total / np.maximum(self._samples, 1)
        ratio /= max(float(np.median(ratio)), np.finfo(float).tiny)
        weighted = self._samples * ratio**2 + _PRIOR_SAMPLES
        values: FloatArray = np.sqrt(weighted / (self._samples + _PRIOR_SAMPLES))
        return values


def frame_noise(contrast: Float32Array, n_avg: int) -> tuple[FloatArray, BoolArray]:
    """Robust standard deviation of each matched-filter frame, and the pixels it rests on.

    contrast (T, Y, X) gives noise (T,) and free (T, Y, X). The first guess takes all pixels,
    the second leaves out those within half a window and n_avg frames of an extremum beyond
    five times the first.
    """
    floor = float(np.finfo(np.float32).eps)
    free = np.ones(contrast.shape, np.bool_)
    first = np.maximum(MAD_TO_SD * _medians(contrast, free, 0.0), floor)
    _cover(free, extrema(contrast, _OBVIOUS * first), n_avg)
    second = MAD_TO_SD * _medians(contrast, free, _LEAST_FRACTION)
    return np.maximum(np.where(np.isnan(second), first, second), floor), free


def _medians(contrast: Float32Array, free: BoolArray, least_fraction: float) -> FloatArray:
    """Median of |contrast| over the free pixels of each frame; NaN where too few are free."""
    n_frames, height, width = contrast.shape
    every = slice(None, None, _EVERY_PX)
    seen = free[:, every, every].reshape(n_frames, -1)
    values = np.abs(contrast[:, every, every]).reshape(n_frames, -1)
    values[~seen] = np.inf  # behind all others
    values.sort(axis=1)
    count = seen.sum(axis=1)
    middle = np.stack([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)])
    medians: FloatArray = values[np.arange(n_frames), middle].sum(axis=0) / np.float64(2)
    return np.where(count > least_fraction * height * width / _EVERY_PX**2, medians, np.nan)


@njit(cache=True)
def _cover(free, places, n_avg):  # type: ignore[no-untyped-def]
    """Mark the surroundings of each place (t, y, x) as not free."""
    n_frames, height, width = free.shape
    for e in range(len(places)):
        t, y, x = places[e]
        for j in range(max(y - MARGIN_PX, 0), min(y + MARGIN_PX + 1, height)):
            for i in range(max(x - MARGIN_PX, 0), min(x + MARGIN_PX + 1, width)):
                if (j - y) ** 2 + (i - x) ** 2 <= MARGIN_PX * MARGIN_PX:
                    for k in range(max(t - n_avg, 0), min(t + n_avg + 1, n_frames)):
                        free[k, j, i] = False


def extrema(contrast: Float32Array, threshold: FloatArray) -> IntArray:
    """Rows (t, y, x) beyond +/- threshold[t] that no neighbor of 3 x 3 x 3 exceeds."""
    found = np.empty((_FEW, 3), np.int64)
    count = _extrema(contrast, threshold, found)
    if count > _FEW:
        found = np.empty((count, 3), np.int64)
        _extrema(contrast, threshold, found)
    return found[:count]


@njit(cache=True)
def _extrema(contrast, threshold, out):  # type: ignore[no-untyped-def]
    """How many there are; as many as fit are written."""
    n_frames, height, width = contrast.shape
    count = 0
    for t in range(n_frames):
        limit = threshold[t]
        for y in range(height):
            for x in range(width):
                value = contrast[t, y, x]
                if abs(value) < limit or not _is_extremum(contrast, t, y, x):
                    continue
                if count < len(out):
                    out[count, 0], out[count, 1], out[count, 2] = t, y, x
                count += 1
    return count


@njit(cache=True)
def _is_extremum(contrast, t, y, x):  # type: ignore[no-untyped-def]
    """Whether no neighbor exceeds it; of equal ones the first in time, y, x counts."""
    n_frames, height, width = contrast.shape
    size = abs(contrast[t, y, x])
    sign = np.sign(contrast[t, y, x])
    for k in range(max(t - 1, 0), min(t + 2, n_frames)):
        for j in range(max(y - 1, 0), min(y + 2, height)):
            for i in range(max(x - 1, 0), min(x + 2, width)):
                other = sign * contrast[k, j, i]
                earlier = k < t or (k == t and (j < y or (j == y and i < x)))
                if other > size or (earlier and other == size):
                    return False
    return True


@njit(cache=True)
def _add_clipped(contrast, noise, free, total, samples):  # type: ignore[no-untyped-def]
    """Add min(|contrast| / noise, 3) of the free pixels to (Y, X) sums, and count them."""
    n_frames, height, width = contrast.shape
    for t in range(n_frames):
        for y in range(height):
            for x in range(width):
                if free[t, y, x]:
                    total[y, x] += min(abs(contrast[t, y, x]) / noise[t], _CLIP)
                    samples[y, x] += 1.0

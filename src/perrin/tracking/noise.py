"""The noise as it is: how alike that of neighboring pixels is, and what that does to a fit.

The errors of a fit to pixels are those of pixels with noise of their own. A detector that
spreads its charge, compression, resampling, stripes make the noise of neighbors alike. With the
noise's correlation C and the slopes J of the image (each over the noise of its pixel), least
squares has the covariance (J'J)^-1 J'CJ (J'J)^-1 instead of (J'J)^-1 (the sandwich of White,
Econometrica 48, 817 (1980)), and its residual is smaller than the noise by what the fit follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from perrin.stats import robust_sd
from perrin.types import BoolArray, Float32Array, FloatArray

_CLIP = 5.0  # standard deviations beyond which a pixel shows something that is no noise
_SOME = 5000  # pixels that the scatter is taken from
_CLEARLY = 0.15  # correlation of neighbors that no white noise of a small field shows by chance
_IN_TIME = 0.2  # correlation of frames that no background leaves
_LEAST_PAIRS = 0.02  # of the pixels: lags that fewer pairs of pixels have are not known


@dataclass(frozen=True)
class Noise:
    """How alike the noise of two pixels is.

    Attributes
    ----------
    correlation : (2 L + 1, 2 L + 1)
        At lags of -L to L pixels along y and x; 1 in the middle.
    in_time : float
        Of a pixel with itself a frame later.

    """

    correlation: FloatArray
    in_time: float

    @classmethod
    def white(cls) -> Noise:
        """Each pixel by itself."""
        return cls(np.ones((1, 1)), 0.0)

    @property
    def neighbors(self) -> float:
        """Correlation at one pixel, the larger one of x and y."""
        middle = len(self.correlation) // 2
        if not middle:
            return 0.0
        return float(
            max(self.correlation[middle, middle + 1], self.correlation[middle + 1, middle])
        )

    @property
    def clear(self) -> bool:
        """Whether neighbors are more alike than by chance."""
        return self.neighbors > _CLEARLY

    @property
    def smoothed_in_time(self) -> bool:
        """Whether the noise of a frame goes on in the next one, as no camera's does."""
        return self.in_time > _IN_TIME


def measure_noise(
    pairs: Iterable[tuple[Float32Array, BoolArray]], *, reach: int
) -> tuple[Noise, float]:
    """Measure the correlation of noise up to `reach` pixels away; return it and its sd.

    pairs: two neighboring frames each, (2, Y, X), of contrast without background, and the
    pixels (Y, X) that show no particle in either.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    products, counts, later, power = None, None, 0.0, 0.0
    for frames, free in pairs:
        values = np.stack([_centered(frame, free) for frame in frames])
        size = [next_fast_len(n + min(reach, n - 1), real=True) for n in free.shape]
        own = np.abs(rfft2(values, size)) ** 2
        mask = np.abs(rfft2(free.astype(np.float32), size)) ** 2
        far = [min(reach, n - 1) for n in free.shape]
        found = _lags(irfft2(own.mean(axis=0), size), far)
        number = _lags(irfft2(mask, size), far)
        products = found if products is None else products + found
        counts = number if counts is None else counts + number
        later += float((values[0] * values[1]).sum())
        power += float((values**2).sum()) / 2
    if products is None or counts is None or not power > 0:
        return Noise.white(), 0.0
    middle = tuple(n // 2 for n in products.shape)
    known = counts > _LEAST_PAIRS * counts[middle]
    covariance = np.where(known, products / np.maximum(counts, 1), 0.0)
    variance = float(covariance[middle])
    return Noise(covariance / variance, later / power), float(np.sqrt(variance))


def _centered(frame: Float32Array, free: BoolArray) -> FloatArray:
    """Return the noise (Y, X) of the free pixels about their mean, 0 elsewhere."""
    inside = frame[free].astype(np.float64)
    if not inside.size:
        return np.zeros(frame.shape)
    some = inside[:: max(1, inside.size // _SOME)]
    middle = float(np.median(some))
    limit = _CLIP * max(robust_sd(some), some.std() / _CLIP, 1e-12)
    values = np.clip(frame - middle, -limit, limit)
    return np.asarray(np.where(free, values - values[free].mean(), 0.0), np.float64)


def _lags(correlation: FloatArray, far: list[int]) -> FloatArray:
    """Return the middle part of a cyclic correlation: lags of -far to far each way."""
    rows, columns = (np.arange(-n, n + 1) for n in far)
    return np.asarray(correlation[np.ix_(rows, columns)], np.float64)


@dataclass(frozen=True)
class Sandwich:
    """What the noise's correlation does to a least-squares fit of P parameters.

    Attributes
    ----------
    factor : (P,)
        Of true standard errors over those that the residual of the fit and white noise give.
    residual : float
        Mean square of the residual over the variance of the noise.
    independent : float
        Pixels with noise of their own whose mean square scatters as that of the residual.
    left : (S, S)
        Mean square of the residual of each pixel over the variance of its noise.

    """

    factor: FloatArray
    residual: float
    independent: float
    left: FloatArray


def sandwich(slopes: FloatArray, noise: Noise) -> Sandwich:
    """Return what `noise` does to a fit with `slopes` (P, S, S), each over its pixel's noise."""
    from scipy.signal import fftconvolve

    count, height, width = slopes.shape
    flat = slopes.reshape(count, -1)
    inverse = np.linalg.inv(flat @ flat.T)
    seen = fftconvolve(slopes, noise.correlation[None], mode="same", axes=(1, 2))
    spread = flat @ seen.reshape(count, -1).T
    pixels = height * width
    residual = (pixels - float(np.trace(inverse @ spread))) / (pixels - count)
    covariance = inverse @ spread @ inverse
    factor = np.sqrt(np.maximum(covariance.diagonal(), 1e-12) / inverse.diagonal() / residual)
    followed = 2 * inverse @ seen.reshape(count, -1) - covariance @ flat
    left = 1 - (flat * followed).sum(axis=0).reshape(height, width)
    return Sandwich(factor, residual, pixels / _overlap(noise, height, width), left)


def _overlap(noise: Noise, height: int, width: int) -> float:
    """Return the sum of squared correlations over the lags within a window, by their number."""
    rows, columns = (np.arange(n) - n // 2 for n in noise.correlation.shape)
    down = np.maximum(1 - np.abs(rows) / height, 0)
    across = np.maximum(1 - np.abs(columns) / width, 0)
    return float((noise.correlation**2 * np.outer(down, across)).sum())

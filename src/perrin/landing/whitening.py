"""Noise that neighboring pixels share, filtered until they do not: speckle, debris above the glass.

Slow speckle and things that diffuse above the glass change the light in patches about as wide as
a landing. In time they are no different from steps: the power of a landing and of a random walk
fall alike with frequency. In space they are: they have their power in long waves, where a landing
has only a part of its own. So every frame is divided by the root of that power (prewhitening:
Kay, Fundamentals of Statistical Signal Processing 2, 5.4), which leaves white noise. A landing
comes out narrower, with a faint ring, and at its height; with that PSF it is found and fitted.

The power is that of ratiometric frames: a median over places and times, of which landings reach
some. Movies whose neighboring pixels share little noise are left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from perrin.io.held import held
from perrin.io.movie import ArrayFrames, FrameSource, Movie
from perrin.landing.exchange import convolved, filtered_psf
from perrin.landing.light import evened, light_field
from perrin.landing.matched import MARGIN_PX, MatchedFilter
from perrin.landing.patterns import mean_frame
from perrin.landing.ratiometric import ratiometric
from perrin.optics.psf import SAMPLES_PER_PIXEL, Psf
from perrin.types import Array, Float32Array, FloatArray

CORRELATED = 0.01
"""Correlation of neighboring pixels for each frame averaged: movies like those of the training
have .005 to .04 at n_avg 10 (speckle that changes adds up as shot noise goes down)."""
_SHARED = 0.0055
"""The same, from which on frames are filtered."""
_SKEWED, _STEEP = 0.35, 18.0
"""Skewness of the contrast of all places, by itself and over the correlation for each frame, from
which on it is landings that share the noise (many, or with a deep ring), and not the light, which
changes as often either way: 5 to 10 a square micrometer and second give 32 to 38, a ring of -.46
28 to 33, speckle and debris 0 to 15."""
_FAR = 2.0  # standard deviations: what lies beyond counts as that, or a few heavy landings decide
_BLOCKS, _TILE_PX = 24, 8
_SPECTRA, _SPECTRUM_PX, _LEAST_PX = 96, 32, 16
_BEYOND = 1.4
"""Exponent of the power: a network sees a landing for longer than an integration, and what is slow
has more power there."""
_WHITE = 0.4  # cycles a pixel, from which on no lens passes light: noise alone
_MARGIN_PX = 8
_FINE_PX = 65


@dataclass(frozen=True)
class NoiseFilter:
    """What makes the noise of a movie white."""

    correlation: float
    """Of neighboring pixels of ratiometric frames, events left out, before the filter."""
    kernel: FloatArray | None
    """(17, 17); None where the noise is left as it is."""
    power: FloatArray = field(default_factory=lambda: np.ones(0))
    """(K,): noise of waves of 0, 1, ... cycles in 32 px over that of the shortest."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know; nothing where nothing is filtered."""
        if self.kernel is None:
            return ()
        return (
            "light changes in patches about as wide as a landing (speckle, or debris above the "
            f"glass: neighboring pixels share {self.correlation:.2f} of the noise, long waves have "
            f"{self.power.max():.0f} times the power of short ones): every frame is filtered "
            "to white noise, and landings are found and fitted as the filter leaves them",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "filtered": self.kernel is not None,
            "noise_correlation": self.correlation,
            "long_waves": float(self.power.max()) if len(self.power) else None,
        }

    def seen(self, psf: Psf) -> tuple[Psf, float]:
        """Return what the filter makes of a PSF, and of the height of its landings."""
        return (psf, 1.0) if self.kernel is None else filtered_psf(psf, self.kernel)

    def before(self, seen: Psf) -> tuple[Psf, float]:
        """Return the PSF of which the filter made `seen`, and what it made of its height."""
        if self.kernel is None:
            return seen, 1.0
        samples = seen.samples()
        spread = np.zeros([(size - 1) * SAMPLES_PER_PIXEL + 1 for size in self.kernel.shape])
        spread[::SAMPLES_PER_PIXEL, ::SAMPLES_PER_PIXEL] = self.kernel
        size = _FINE_PX * SAMPLES_PER_PIXEL  # a whole number of pixels: the transfer repeats
        spectrum = np.fft.fft2(_centered(samples, size)) / np.fft.fft2(_centered(spread, size))
        image = np.fft.fftshift(np.real(np.fft.ifft2(spectrum)))
        middle, half = size // 2, len(samples) // 2
        near = slice(middle - half, middle + half + 1)
        psf = Psf.from_samples(image[near, near], pixel_nm=seen.pixel_nm, card=seen.card)
        return psf, float(1 / image[middle, middle])

    def applied(self, movie: Movie, *, gain: float) -> Movie:
        """Return the movie filtered, in memory, so that landings with this gain keep their height.

        The movie itself where nothing is to be filtered.
        """
        if self.kernel is None:
            return movie
        kernel = self.kernel / gain
        return held(replace(movie, frames=_WhiteFrames(movie.frames, mean_frame(movie), kernel)))


class _WhiteFrames(ArrayFrames):
    """Frames (T, Y, X) of another source, their light over its mean, filtered as they are read."""

    def __init__(self, source: FrameSource, mean: FloatArray, kernel: FloatArray) -> None:
        self.shape = source.shape
        self.dtype = np.dtype(np.float32)
        self._source = source
        self._mean = mean.astype(np.float32)
        self._kernel = kernel

    def _read(self, start: int, stop: int) -> Array:
        frames = self._source[start:stop]
        change = evened(frames, light_field(frames, first_frame=start)) / self._mean - 1
        margin = ((0, 0), (_MARGIN_PX, _MARGIN_PX), (_MARGIN_PX, _MARGIN_PX))
        return convolved(1 + np.pad(change, margin, mode="reflect"), self._kernel)


def find_noise_filter(movie: Movie, *, n_avg: int) -> NoiseFilter:
    """Look whether neighboring pixels share noise, and return what makes it white."""
    correlation = noise_correlation(movie, n_avg=n_avg)
    small = min(movie.height, movie.width) < _LEAST_PX
    if not correlation > _SHARED * n_avg or small:
        return NoiseFilter(correlation, None)
    if abs(_skewness(movie, n_avg=n_avg)) > min(_SKEWED, _STEEP * correlation / n_avg):
        return NoiseFilter(correlation, None)
    power = _power(movie, n_avg=n_avg)
    return NoiseFilter(correlation, _kernel(power), power)


def noise_correlation(movie: Movie, *, n_avg: int) -> float:
    """Correlation of neighboring pixels along x and y in ratiometric frames without events.

    Of 24 frames, each in tiles of 8 x 8 pixels: the median over all tiles, of which events
    reach a few.
    """
    along, power = [], []
    for change in _changes(movie, n_avg, _BLOCKS):
        inner = change[:-1, :-1]
        along.append(_of_tiles(0.5 * inner * (change[1:, :-1] + change[:-1, 1:])))
        power.append(_of_tiles(inner**2))
    return float(np.median(np.concatenate(along)) / np.median(np.concatenate(power)))


def _changes(movie: Movie, n_avg: int, number: int) -> list[FloatArray]:
    """Ratiometric frames (Y, X) from all over the movie, their median taken off."""
    starts = np.linspace(0, max(movie.n_frames - 2 * n_avg - 1, 0), number).astype(int)
    found = []
    for start in np.unique(starts).tolist():
        frames = np.asarray(movie.frames[start : start + 2 * n_avg + 1])
        change = ratiometric(evened(frames, light_field(frames)), n_avg=n_avg)[0].astype(float)
        found.append(change - np.median(change))
    return found


def _of_tiles(values: FloatArray) -> FloatArray:
    """Mean of each tile of 8 x 8 of (Y, X); a rest at the edges is left out."""
    rows, columns = (min(_TILE_PX, size) for size in values.shape)
    down, right = values.shape[0] // rows, values.shape[1] // columns
    tiles = values[: down * rows, : right * columns].reshape(down, rows, right, columns)
    return np.asarray(tiles.mean(axis=(1, 3)).ravel())


def _skewness(movie: Movie, *, n_avg: int) -> float:
    """Skewness of the matched-filter contrast, landings negative, of all places and times."""
    changes = np.array(_changes(movie, n_avg, _SPECTRA), np.float32) * -movie.landing_sign
    contrast = MatchedFilter.of(Psf.analytic(pixel_nm=movie.pixel_nm)).apply(changes)
    inner = contrast[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].astype(float)
    limit = _FAR * max(float(inner.std()), 1e-30)
    apart = np.clip(inner - np.median(inner), -limit, limit)
    return float((apart**3).mean() / np.square(apart).mean() ** 1.5)


def _power(movie: Movie, *, n_avg: int) -> FloatArray:
    """Noise (K,) of waves of 0, 1, ... cycles in 32 px over that of the shortest, 1 at least.

    The periodogram of each Hann-windowed tile is exponentially distributed: its median is log 2
    of its mean.
    """
    size = min(_SPECTRUM_PX, movie.height, movie.width)
    window = np.hanning(size + 2)[1:-1]
    window = np.outer(window, window)
    tiles: list[Float32Array] = []
    for change in _changes(movie, n_avg, _SPECTRA):
        places = np.lib.stride_tricks.sliding_window_view(change, (size, size))
        chosen = places[:: size // 2, :: size // 2] * window
        spectrum = np.abs(np.fft.fft2(chosen.reshape(-1, size, size))) ** 2
        tiles.append(spectrum.astype(np.float32))
    power = np.median(np.concatenate(tiles), axis=0)
    cycles = _cycles(size)
    ring = np.rint(cycles * _SPECTRUM_PX).astype(int)
    mean = np.bincount(ring.ravel(), power.ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    known = np.flatnonzero(np.bincount(ring.ravel()))
    mean = np.interp(np.arange(len(mean)), known, mean[known])
    white = float(np.median(power[(cycles >= _WHITE) & (cycles <= 0.5)]))
    mean[0] = mean[1]  # the median of each frame was taken off
    return np.maximum(mean / max(white, 1e-30), 1.0)


def _kernel(power: FloatArray) -> FloatArray:
    """Return the kernel (17, 17) whose transfer is one over the root of a power (K,)."""
    cycles = _cycles(_FINE_PX) * _SPECTRUM_PX
    transfer = np.interp(cycles, np.arange(len(power)), power) ** (-0.5 * _BEYOND)
    kernel = np.fft.fftshift(np.real(np.fft.ifft2(transfer)))
    near = slice(_FINE_PX // 2 - _MARGIN_PX, _FINE_PX // 2 + _MARGIN_PX + 1)
    return np.ascontiguousarray(kernel[near, near])


def _centered(values: FloatArray, size: int) -> FloatArray:
    """Values (K, K), K odd, in a field (size, size) whose first pixel is their middle."""
    out = np.zeros((size, size))
    half, middle = len(values) // 2, size // 2
    place = slice(middle - half, middle + half + 1)
    out[place, place] = values
    return np.asarray(np.fft.ifftshift(out))


def _cycles(size: int) -> FloatArray:
    """Cycles a pixel (size, size) of a discrete Fourier transform, over all directions."""
    along = np.fft.fftfreq(size)
    return np.asarray(np.hypot(along[:, None], along))

"""Stated errors under noise that is alike in neighboring pixels, for a particle's image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.landing.matched import WINDOW_PX
from perrin.optics.psf import Psf
from perrin.tracking.noise import Noise, sandwich
from perrin.tracking.shape import (
    ANGLE,
    FLAT,
    HALF,
    POSITION,
    WIDTH,
    WITH_ANGLE,
    A,
    Shape,
    X,
    Y,
    slopes_of,
)
from perrin.types import FloatArray

_DIRECTIONS = 12  # over half a turn, for rods
_PHASES = (0.0, 0.25, 0.5)  # of a pixel
_OF_FRAME = 30.0  # pixels: weight of the noise of the frame beside that of a window
_DELTA = 1e-3  # px


@dataclass(frozen=True)
class ErrorScale:
    """What the noise's correlation does to stated errors.

    Attributes
    ----------
    factor : (K, 8)
        Of true over stated standard errors, by parameter, at K directions over half a turn.
    residual : float
        Mean square of the residual of a good fit over the variance of the noise.
    independent : float
        Pixels with noise of their own in a window.

    """

    factor: FloatArray
    residual: float
    independent: float

    @classmethod
    def white(cls, pixels: float) -> ErrorScale:
        """Noise of its own in each of so many pixels."""
        return cls(np.ones((1, 8)), 1.0, pixels)

    def at(self, angle: FloatArray) -> FloatArray:
        """Return the factors (N, 8) at directions (N,), radians."""
        count = len(self.factor)
        place = (np.nan_to_num(angle) % np.pi) / np.pi * count
        low = np.floor(place).astype(np.int64)
        part = (place - low)[:, None]
        here, there = self.factor[low % count], self.factor[(low + 1) % count]
        return np.asarray(here + part * (there - here), np.float64)

    def steadied(
        self, variance: FloatArray, expected: FloatArray, allowed: FloatArray
    ) -> FloatArray:
        """Return what errors (N,) change by with the noise of the whole frame taken in.

        variance: that a fit leaves; expected: that the noise of the frame leaves. Few pixels with
        noise of their own know their noise badly by themselves. More than `allowed` is no noise.
        """
        own = self.independent
        both = (own * variance + _OF_FRAME * expected) / (own + _OF_FRAME)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: FloatArray = np.where(variance <= allowed, np.sqrt(both / variance), 1.0)
        return found

    @property
    def of_positions(self) -> float:
        """Factor of the error of a position, over both axes and all directions."""
        return float(np.sqrt((self.factor[:, [X, Y]] ** 2).mean()))


def scale_of_shape(noise: Noise, shape: Shape, *, amplitude: float, kappa: float) -> ErrorScale:
    """Return what the noise does to fits of gold: position, contrast, and angle of rods."""
    rods = shape.half > 0
    free = WITH_ANGLE if rods else POSITION
    angles = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS if rods else np.zeros(1)
    reach = shape.half_window
    factor = np.ones((len(angles), 8))
    told = []
    for k, angle in enumerate(angles):
        squares = np.zeros(len(free))
        for phase in _PHASES:
            q = np.zeros(8)
            q[A], q[X], q[Y], q[ANGLE] = amplitude, phase, phase, angle
            q[HALF], q[WIDTH], q[FLAT] = shape.half, shape.width, shape.flat
            found = sandwich(slopes_of(q, free=free, reach=reach, kappa=kappa), noise)
            squares += found.factor**2 / len(_PHASES)
            told.append(found)
        factor[k, list(free)] = np.sqrt(squares)
    return ErrorScale(
        factor,
        float(np.mean([found.residual for found in told])),
        float(np.mean([found.independent for found in told])),
    )


def scale_of_psf(noise: Noise, psf: Psf) -> ErrorScale:
    """Return what the noise does to fits of molecules: position and contrast."""
    image = psf.image(WINDOW_PX)
    slopes = [image, np.ones_like(image)]
    for name in ("dx", "dy"):
        up, down = (psf.image(WINDOW_PX, **{name: sign * _DELTA}) for sign in (1, -1))
        slopes.append((up - down) / (2 * _DELTA))
    found = sandwich(np.stack(slopes), noise)
    factor = np.ones((1, 8))
    factor[0, list(POSITION)] = found.factor
    return ErrorScale(factor, found.residual, found.independent)

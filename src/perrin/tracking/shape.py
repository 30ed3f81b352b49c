"""The image of a small piece of metal, which `perrin.tracking.fitting` fits.

Contrast of a pixel at distance d from the axis of the particle (a segment of half length h; a
point for a sphere)::

    r = A S(d) + b,   S(d) = (1 + e^-k) / (1 + e^(d^2 / w^2 - k))

w is a width and k how flat the top is: from a Gaussian (k far below 0) to a disc with a blurred
edge (k far above). S is smooth everywhere, and even in both axes of the particle, so that
position and angle are free of any error in h, w and k (their derivatives are odd).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.types import FloatArray

A, B, X, Y, ANGLE, HALF, WIDTH, FLAT = range(8)
"""Places of the parameters in a row."""
POSITION = (A, B, X, Y)
WITH_ANGLE = (A, B, X, Y, ANGLE)
EVERYTHING = tuple(range(8))
ROUND = (A, B, X, Y, WIDTH, FLAT)
SIZES = (A, B, X, Y, ANGLE, HALF, WIDTH)

LEAST_WEIGHT = 0.05  # of 1 + kappa r
OUT = 3.0  # ln of how small S is where a window ends


@dataclass(frozen=True)
class Shape:
    """Half length of the axis, width and flatness of the image of one kind of particle, px."""

    half: float
    width: float
    flat: float

    @property
    def radius(self) -> float:
        """Distance from the axis at which the image has half its contrast, px."""
        return float(self.width * np.sqrt(np.log(np.exp(self.flat) + 2)))

    @property
    def reach(self) -> float:
        """Distance from the center at which next to nothing is left, px."""
        return float(self.half + self.width * np.sqrt(OUT + np.log(np.exp(self.flat) + 1)))

    @property
    def half_window(self) -> int:
        """Half the side of the window of a fit, px."""
        return int(np.ceil(self.reach)) + 1


def slopes_of(values: FloatArray, *, free: tuple[int, ...], reach: int, kappa: float) -> FloatArray:
    """Return the slopes (P, S, S) of an image `values` (8,) by the `free` parameters.

    Each over the noise of its pixel, in a window of `reach` pixels on each side of the origin.
    """
    y, x = (axis.ravel().astype(float) for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    image, slopes = np.empty(x.size), np.ones((8, x.size))
    fill_model(x, y, values, True, image, slopes)
    noise = np.sqrt(np.maximum(1 + kappa * image, LEAST_WEIGHT))
    return np.asarray((slopes[list(free)] / noise).reshape(len(free), 2 * reach + 1, -1))


@njit(cache=True, inline="always")
def _exp(z):  # type: ignore[no-untyped-def]
    """Return e^z to 1e-9 for |z| < 10, by squaring: unlike libm's, it lets loops be vectorized."""
    x = z * (1 / 256)
    y = 1 + x * (1 + x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120)))))
    for _ in range(8):
        y *= y
    return y


@njit(cache=True, inline="always")
def _axes(dx, dy, cos, sin, half):  # type: ignore[no-untyped-def]
    """Return where a pixel is along and across a particle, and how far beyond its axis."""
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    return along, across, max(abs(along) - half, 0.0)


@njit(cache=True, inline="always")
def profile(q, dx, dy, cos, sin):  # type: ignore[no-untyped-def]
    """Return S at a distance from the center of a particle q (8,)."""
    _, across, beyond = _axes(dx, dy, cos, sin, q[HALF])
    square = beyond * beyond + across * across
    power = _exp(min(square / (q[WIDTH] * q[WIDTH]) - q[FLAT], 60.0))
    return (1.0 + np.exp(-q[FLAT])) / (1.0 + power)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def add_shapes(frames, frame, values, half_window, sign):  # type: ignore[no-untyped-def]
    """Add sign * A S of each particle (N, 8) to frames (T, Y, X), in place."""
    n_frames, height, width = frames.shape
    for t in range(n_frames):
        for i in range(len(values)):
            if frame[i] != t:
                continue
            q = values[i]
            cos, sin = np.cos(q[ANGLE]), np.sin(q[ANGLE])
            row, column = int(np.rint(q[Y])), int(np.rint(q[X]))
            for y in range(max(0, row - half_window), min(height, row + half_window + 1)):
                for x in range(max(0, column - half_window), min(width, column + half_window + 1)):
                    value = profile(q, x - q[X], y - q[Y], cos, sin)
                    frames[t, y, x] += sign * q[A] * value


@njit(cache=True, fastmath=True, error_model="numpy")
def fill_model(x, y, q, more, model, slopes):  # type: ignore[no-untyped-def]
    """Fill in A S + b for N pixels, and its derivatives (8, N) by the parameters.

    more: those by angle, half length, width and flatness too. Numbers are taken out of q, the
    loops kept short, and divisions not checked for 0, for the compiler to vectorize them.
    """
    cos, sin = np.cos(q[ANGLE]), np.sin(q[ANGLE])
    a, b, x0, y0, half, width, flat = q[A], q[B], q[X], q[Y], q[HALF], q[WIDTH], q[FLAT]
    steep = 1.0 / (width * width)
    high, edge = 1.0 + np.exp(-flat), 1.0 / (1.0 + np.exp(flat))
    for n in range(len(x)):
        _, across, beyond = _axes(x[n] - x0, y[n] - y0, cos, sin, half)
        model[n] = _exp(min((beyond * beyond + across * across) * steep - flat, 60.0))
    if more:
        for n in range(len(x)):
            along, across, beyond = _axes(x[n] - x0, y[n] - y0, cos, sin, half)
            part = 1.0 / (1.0 + model[n])
            slope = -2.0 * a * steep * high * model[n] * part * part  # by half of d^2
            toward = beyond if along > 0.0 else -beyond
            slopes[ANGLE, n] = slope * across * (toward - along)
            slopes[HALF, n] = -slope * beyond
            slopes[WIDTH, n] = -slope * (beyond * beyond + across * across) / width
            slopes[FLAT, n] = a * high * part * (1.0 - part - edge)
    for n in range(len(x)):
        along, across, beyond = _axes(x[n] - x0, y[n] - y0, cos, sin, half)
        part = 1.0 / (1.0 + model[n])
        slope = -2.0 * a * steep * high * model[n] * part * part
        toward = beyond if along > 0.0 else -beyond
        slopes[X, n] = slope * (across * sin - toward * cos)
        slopes[Y, n] = -slope * (across * cos + toward * sin)
        slopes[A, n] = high * part
        model[n] = a * high * part + b

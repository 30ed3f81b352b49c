"""The image of a small piece of metal, and its fit: position, angle and their errors.

Contrast of a pixel at distance d from the axis of the particle (a segment of half length h; a
point for a sphere)::

    r = A S(d) + b,   S(d) = (1 + e^-k) / (1 + e^(d^2 / w^2 - k))

w is a width and k how flat the top is: from a Gaussian (k far below 0) to a disc with a blurred
edge (k far above). S is smooth everywhere, and even in both axes of the particle, so that
position and angle are free of any error in h, w and k (their derivatives are odd).

The fit is weighted least squares by Levenberg and Marquardt. The variance of a pixel is
proportional to 1 + kappa r (shot noise: kappa near 1), with r from the model; its size follows
from the residual. Standard errors are those of the inverse Fisher information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit

from perrin.landing.fit import solve
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

A, B, X, Y, ANGLE, HALF, WIDTH, FLAT = range(8)
"""Places of the parameters in a row."""
POSITION = (A, B, X, Y)
WITH_ANGLE = (A, B, X, Y, ANGLE)
EVERYTHING = tuple(range(8))
ROUND = (A, B, X, Y, WIDTH, FLAT)
SIZES = (A, B, X, Y, ANGLE, HALF, WIDTH)

_ITERATIONS = 25
_TOLERANCE = 5e-3  # px, or radians times half length: what is left then is far below any error
LEAST_WEIGHT = 0.05  # of 1 + kappa r
_FLAT = (-6.0, 12.0)
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


@dataclass(frozen=True)
class ShapeFits:
    """Fits of N windows: parameters and standard errors (N, 8), NaN where one failed.

    variance : (N,)
        Of a pixel without signal, from the residual.
    misfit : (N,)
        Root mean square of the residual over the amplitude.
    """

    values: FloatArray
    errors: FloatArray
    variance: FloatArray
    misfit: FloatArray

    @classmethod
    def none(cls, starts: FloatArray) -> Self:
        """Fits that are yet to be made, from `starts` (N, 8)."""
        nan = np.full(len(starts), np.nan)
        return cls(starts.copy(), np.full_like(starts, np.nan), nan, nan.copy())

    def __getitem__(self, rows: IntArray | BoolArray) -> ShapeFits:
        return ShapeFits(*(column[rows] for column in vars(self).values()))


def fit_shapes(
    frames: Float32Array,
    frame: IntArray,
    starts: FloatArray,
    *,
    free: tuple[int, ...],
    half_window: int | IntArray,
    kappa: float,
    neighbors: tuple[IntArray, FloatArray] | None = None,
    sign: int = -1,
) -> ShapeFits:
    """Fit N particles in frames (T, Y, X) of contrast, positive for a particle.

    Parameters
    ----------
    frames : (T, Y, X) float32
        Contrast, background removed.
    frame : (N,)
        Index of the frame of each particle.
    starts : (N, 8)
        Parameters to start from; those not in `free` stay.
    free : tuple of int
        Parameters to fit.
    half_window : int or (N,)
        Pixels on each side of the starting pixel that count; what is outside the field does not.
    kappa : float
        How the variance grows with the contrast.
    neighbors : (first (N + 1,), values (M, 8)), optional
        Images divided out before a fit: i has values[first[i]] to values[first[i + 1]]. What
        passes through two particles passes through one after the other.
    sign : int
        -1 where particles are darker than their surroundings: for the division.

    """
    if neighbors is None:
        neighbors = np.zeros(len(starts) + 1, np.int64), np.zeros((0, 8))
    found = ShapeFits.none(starts)
    which = np.array(free, dtype=np.int64)
    windows = np.broadcast_to(np.asarray(half_window, np.int64), len(starts))
    given = (frames, frame, starts, which, windows, kappa, *neighbors, float(sign))
    _fit(*given, found.values, found.errors, found.variance, found.misfit)
    return found


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


@njit(cache=True, nogil=True)
def _fit(  # type: ignore[no-untyped-def]
    frames,
    frame,
    starts,
    free,
    half_windows,
    kappa,
    first,
    others,
    sign,
    values,
    errors,
    variance,
    misfit,
):
    for i in range(len(starts)):
        half_window = half_windows[i]
        x, y, data = window_of(frames[frame[i]], starts[i], half_window)
        for j in range(first[i], first[i + 1]):
            divide(x, y, data, others[j], sign)
        normal = np.empty((len(free), len(free)))
        cost = _fit_one(x, y, data, values[i], free, kappa, half_window, normal)
        if cost >= 0.0:
            variance[i] = cost / (len(data) - len(free))
            misfit[i] = np.sqrt(variance[i]) / values[i, A]
            _state(errors[i], free, normal, variance[i])
        else:
            values[i] = np.nan


@njit(cache=True)
def window_of(image, q, half_window):  # type: ignore[no-untyped-def]
    """List the pixels around the start, as far as they are in the field: x, y and contrast."""
    height, width = image.shape
    row, column = int(np.rint(q[Y])), int(np.rint(q[X]))
    top, left = max(0, row - half_window), max(0, column - half_window)
    bottom, right = min(height, row + half_window + 1), min(width, column + half_window + 1)
    count = max(bottom - top, 0) * max(right - left, 0)
    xs, ys, data = np.empty(count), np.empty(count), np.empty(count)
    n = 0
    for y in range(top, bottom):
        for x in range(left, right):
            xs[n], ys[n], data[n] = x, y, image[y, x]
            n += 1
    return xs, ys, data


@njit(cache=True, fastmath=True, error_model="numpy")
def divide(x, y, data, q, sign):  # type: ignore[no-untyped-def]
    """Divide the light by what another particle leaves of it."""
    cos, sin = np.cos(q[ANGLE]), np.sin(q[ANGLE])
    for n in range(len(data)):
        other = q[A] * profile(q, x[n] - q[X], y[n] - q[Y], cos, sin)
        data[n] = sign * ((1.0 + sign * data[n]) / max(1.0 + sign * other, 0.05) - 1.0)


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


@njit(cache=True, fastmath=True, error_model="numpy")
def _normal(x, y, data, q, free, kappa, before, weight, slopes, normal, right):  # type: ignore[no-untyped-def]
    """Weights and normal equations at q; returns the cost by the weights `before` and by these."""
    rest = np.empty(len(data))
    fill_model(x, y, q, len(free) > 4, rest, slopes)
    cost_before, cost = 0.0, 0.0
    for n in range(len(data)):
        weight[n] = 1.0 / max(1.0 + kappa * rest[n], LEAST_WEIGHT)
        rest[n] = data[n] - rest[n]
        cost_before += before[n] * rest[n] * rest[n]
        cost += weight[n] * rest[n] * rest[n]
        rest[n] *= weight[n]
    normal_equations(slopes, free, weight, rest, normal, right)
    return cost_before, cost


@njit(cache=True, fastmath=True, error_model="numpy", inline="always")
def normal_equations(slopes, rows, weight, weighted, normal, right):  # type: ignore[no-untyped-def]
    """Fill in the normal equations by `rows` of slopes (P, N), of weighted residuals (N,)."""
    for a in range(len(rows)):
        one = slopes[rows[a]]
        total = 0.0
        for n in range(len(weight)):
            total += one[n] * weighted[n]
        right[a] = total
        for b in range(a + 1):
            other = slopes[rows[b]]
            total = 0.0
            for n in range(len(weight)):
                total += weight[n] * one[n] * other[n]
            normal[a, b] = total
            normal[b, a] = total


@njit(cache=True)
def moved(q, step, free, trial):  # type: ignore[no-untyped-def]
    """Take a step within bounds; return how far it goes."""
    trial[:] = q
    far = 0.0
    for a in range(len(free)):
        name = free[a]
        delta = step[a]
        if name in (X, Y):
            delta = min(max(delta, -2.0), 2.0)
            far = max(far, abs(delta))
        elif name == ANGLE:
            delta = min(max(delta, -0.5), 0.5)
            far = max(far, abs(delta) * max(q[HALF], 1.0))
        elif name == WIDTH:
            delta = min(max(delta, -0.5 * q[WIDTH]), q[WIDTH])
            far = max(far, abs(delta))
        elif name == HALF:
            delta = max(delta, -q[HALF])
            far = max(far, abs(delta))
        elif name == FLAT:
            delta = min(max(delta, -1.0), 1.0)
            delta = min(max(q[FLAT] + delta, _FLAT[0]), _FLAT[1]) - q[FLAT]
        trial[name] += delta
    return far


@njit(cache=True)
def _fit_one(x, y, data, q, free, kappa, half_window, normal):  # type: ignore[no-untyped-def]
    """Fit one window; q is the start and the result, normal the Fisher information there.

    Returns the weighted sum of squares that is left, -1 where the fit did not work.
    """
    count = len(free)
    if len(data) <= count:
        return -1.0
    x0, y0 = q[X], q[Y]
    weight, next_weight = np.ones_like(data), np.empty_like(data)
    next_normal, scaled = np.empty_like(normal), np.empty_like(normal)
    right, next_right, step = np.empty(count), np.empty(count), np.empty(count)
    slopes, trial = np.ones((8, len(data))), np.empty(8)  # that by b stays 1
    damping = 1e-3
    converged = False
    _, cost = _normal(x, y, data, q, free, kappa, weight, weight, slopes, normal, right)
    for _ in range(_ITERATIONS):
        scaled[:] = normal
        for a in range(count):
            scaled[a, a] *= 1.0 + damping
        if not solve(scaled, right, step):
            return -1.0
        far = moved(q, step, free, trial)
        old, new = _normal(
            x, y, data, trial, free, kappa, weight, next_weight, slopes, next_normal, next_right
        )
        if old <= cost:
            q[:], normal[:], right[:], weight[:] = trial, next_normal, next_right, next_weight
            cost = new
            damping = max(damping * 0.2, 1e-9)
        else:
            damping *= 10.0
        if far < _TOLERANCE:
            converged = True
            break
    far_off = max(abs(q[X] - x0), abs(q[Y] - y0)) > half_window
    return cost if converged and not far_off and q[A] > 0.0 else -1.0


@njit(cache=True)
def _state(error, free, normal, variance):  # type: ignore[no-untyped-def]
    """Standard errors: the diagonal of the inverse of the Fisher information."""
    count = len(free)
    right, step = np.empty(count), np.empty(count)
    for a in range(count):
        right[:] = 0.0
        right[a] = variance
        if solve(normal.copy(), right, step):
            error[free[a]] = np.sqrt(max(step[a], 0.0))

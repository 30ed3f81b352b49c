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

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.landing.fit import solve

FloatArray = NDArray[np.float64]

A, B, X, Y, ANGLE, HALF, WIDTH, FLAT = range(8)
"""Places of the parameters in a row."""
POSITION = (A, B, X, Y)
WITH_ANGLE = (A, B, X, Y, ANGLE)
EVERYTHING = tuple(range(8))
ROUND = (A, B, X, Y, WIDTH, FLAT)

_ITERATIONS = 25
_TOLERANCE = 5e-3  # px, or radians times half length: what is left then is far below any error
_LEAST_WEIGHT = 0.05  # of 1 + kappa r
_FLAT = (-6.0, 12.0)
_OUT = 3.0  # ln of how small S is where a window ends


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
        """Distance from the centre at which next to nothing is left, px."""
        return float(self.half + self.width * np.sqrt(_OUT + np.log(np.exp(self.flat) + 1)))

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


def fit_shapes(
    frames: NDArray[np.float32],
    frame: NDArray[np.int64],
    starts: FloatArray,
    *,
    free: tuple[int, ...],
    half_window: int,
    kappa: float,
    neighbors: tuple[NDArray[np.int64], FloatArray] | None = None,
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
    half_window : int
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
    values, errors = starts.copy(), np.full_like(starts, np.nan)
    variance, misfit = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    _fit(
        frames,
        frame,
        starts,
        np.array(free, dtype=np.int64),
        half_window,
        kappa,
        *neighbors,
        float(sign),
        values,
        errors,
        variance,
        misfit,
    )
    return ShapeFits(values, errors, variance, misfit)


@njit(cache=True, inline="always")
def profile(q, dx, dy, cos, sin):  # type: ignore[no-untyped-def]
    """Return S, dS/d(d^2), and along, across, beyond: where the pixel is in the particle's axes."""
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    beyond = max(abs(along) - q[HALF], 0.0)
    square = beyond * beyond + across * across
    steep = 1.0 / (q[WIDTH] * q[WIDTH])
    power = np.exp(min(square * steep - q[FLAT], 60.0))
    value = (1.0 + np.exp(-q[FLAT])) / (1.0 + power)
    slope = -value * power / (1.0 + power) * steep
    return value, slope, along, across, beyond


@njit(cache=True, parallel=True)
def add_shapes(frames, frame, values, half_window, sign):  # type: ignore[no-untyped-def]
    """Add sign * A S of each particle (N, 8) to frames (T, Y, X), in place."""
    n_frames, height, width = frames.shape
    for t in prange(n_frames):
        for i in range(len(values)):
            if frame[i] != t:
                continue
            q = values[i]
            cos, sin = np.cos(q[ANGLE]), np.sin(q[ANGLE])
            row, column = int(np.rint(q[Y])), int(np.rint(q[X]))
            for y in range(max(0, row - half_window), min(height, row + half_window + 1)):
                for x in range(max(0, column - half_window), min(width, column + half_window + 1)):
                    value = profile(q, x - q[X], y - q[Y], cos, sin)[0]
                    frames[t, y, x] += sign * q[A] * value


@njit(cache=True, parallel=True)
def _fit(  # type: ignore[no-untyped-def]
    frames,
    frame,
    starts,
    free,
    half_window,
    kappa,
    first,
    others,
    sign,
    values,
    errors,
    variance,
    misfit,
):
    for i in prange(len(starts)):
        data, top, left = _window(frames[frame[i]], starts[i], half_window)
        for j in range(first[i], first[i + 1]):
            _divide(data, top, left, others[j], sign)
        ok = _fit_one(data, top, left, values[i], free, kappa, half_window)
        if ok:
            _judge(data, top, left, values[i], errors[i], free, kappa, i, variance, misfit)
        else:
            values[i] = np.nan


@njit(cache=True)
def _window(image, q, half_window):  # type: ignore[no-untyped-def]
    """Cut the window around the starting pixel, as far as it is in the field."""
    height, width = image.shape
    row, column = int(np.rint(q[Y])), int(np.rint(q[X]))
    top, left = max(0, row - half_window), max(0, column - half_window)
    bottom, right = min(height, row + half_window + 1), min(width, column + half_window + 1)
    return image[top:bottom, left:right].astype(np.float64), top, left


@njit(cache=True)
def _divide(data, top, left, q, sign):  # type: ignore[no-untyped-def]
    """Divide the light by what another particle leaves of it."""
    cos, sin = np.cos(q[ANGLE]), np.sin(q[ANGLE])
    for j in range(data.shape[0]):
        for i in range(data.shape[1]):
            other = q[A] * profile(q, left + i - q[X], top + j - q[Y], cos, sin)[0]
            left_over = max(1.0 + sign * other, 0.05)
            data[j, i] = sign * ((1.0 + sign * data[j, i]) / left_over - 1.0)


@njit(cache=True)
def _gradient(q, value, slope, along, across, beyond, cos, sin, out):  # type: ignore[no-untyped-def]
    """Derivatives of A S + b by the eight parameters."""
    of_square = q[A] * slope
    d_along = 2.0 * beyond * np.sign(along)
    d_across = 2.0 * across
    top = 1.0 / (1.0 + np.exp(q[FLAT]))
    power = -slope * q[WIDTH] * q[WIDTH] / max(value, 1e-300)  # E / (1 + E)
    square = beyond * beyond + across * across
    out[A] = value
    out[B] = 1.0
    out[X] = of_square * (-d_along * cos + d_across * sin)
    out[Y] = of_square * (-d_along * sin - d_across * cos)
    out[ANGLE] = of_square * (d_along * across - d_across * along)
    out[HALF] = -of_square * 2.0 * beyond
    out[WIDTH] = -of_square * 2.0 * square / q[WIDTH]
    out[FLAT] = q[A] * value * (power - top)


@njit(cache=True, fastmath=True)
def _normal(data, top, left, q, free, kappa, before, weight, normal, right):  # type: ignore[no-untyped-def]
    """Weights and normal equations at q; returns the cost by the weights `before` and by these."""
    cos, sin = np.cos(q[ANGLE]), np.sin(q[ANGLE])
    gradient = np.empty(8)
    chosen = np.empty(8)
    normal[:] = 0.0
    right[:] = 0.0
    cost_before, cost = 0.0, 0.0
    count = len(free)
    for j in range(data.shape[0]):
        for i in range(data.shape[1]):
            value, slope, along, across, beyond = profile(
                q, left + i - q[X], top + j - q[Y], cos, sin
            )
            model = q[A] * value + q[B]
            w = 1.0 / max(1.0 + kappa * model, _LEAST_WEIGHT)
            weight[j, i] = w
            rest = data[j, i] - model
            cost_before += before[j, i] * rest * rest
            cost += w * rest * rest
            _gradient(q, value, slope, along, across, beyond, cos, sin, gradient)
            for a in range(count):
                chosen[a] = gradient[free[a]]
            for a in range(count):
                scaled = w * chosen[a]
                right[a] += scaled * rest
                for b in range(a + 1):
                    normal[a, b] += scaled * chosen[b]
    for a in range(count):
        for b in range(a):
            normal[b, a] = normal[a, b]
    return cost_before, cost


@njit(cache=True)
def _moved(q, step, free, trial):  # type: ignore[no-untyped-def]
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
def _fit_one(data, top, left, q, free, kappa, half_window):  # type: ignore[no-untyped-def]
    """Fit one window; q is the start and the result. Returns whether it worked."""
    count = len(free)
    if data.size <= count:
        return False
    x0, y0 = q[X], q[Y]
    weight, next_weight = np.ones_like(data), np.empty_like(data)
    normal, right, step = np.empty((count, count)), np.empty(count), np.empty(count)
    next_normal, next_right = np.empty_like(normal), np.empty_like(right)
    trial = np.empty(8)
    damping = 1e-3
    converged = False
    _, cost = _normal(data, top, left, q, free, kappa, weight, weight, normal, right)
    for _ in range(_ITERATIONS):
        scaled = normal.copy()
        for a in range(count):
            scaled[a, a] *= 1.0 + damping
        if not solve(scaled, right, step):
            return False
        far = _moved(q, step, free, trial)
        old, new = _normal(
            data, top, left, trial, free, kappa, weight, next_weight, next_normal, next_right
        )
        if old <= cost:
            q[:] = trial
            cost = new
            weight, next_weight = next_weight, weight
            normal, next_normal = next_normal, normal
            right, next_right = next_right, right
            damping = max(damping * 0.2, 1e-9)
        else:
            damping *= 10.0
        if far < _TOLERANCE:
            converged = True
            break
    far_off = max(abs(q[X] - x0), abs(q[Y] - y0)) > half_window
    return converged and not far_off and q[A] > 0.0


@njit(cache=True)
def _judge(data, top, left, q, error, free, kappa, i, variance, misfit):  # type: ignore[no-untyped-def]
    """Errors from the Fisher information, and how well the model fits."""
    count = len(free)
    weight = np.empty_like(data)
    normal, right, step = np.empty((count, count)), np.empty(count), np.empty(count)
    _, cost = _normal(data, top, left, q, free, kappa, weight, weight, normal, right)
    variance[i] = cost / (data.size - count)
    misfit[i] = np.sqrt(variance[i]) / q[A]
    for a in range(count):
        right[:] = 0.0
        right[a] = variance[i]
        if solve(normal.copy(), right, step):
            error[free[a]] = np.sqrt(max(step[a], 0.0))

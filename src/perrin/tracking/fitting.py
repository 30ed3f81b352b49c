"""Fits of images of gold: position, angle and their errors, of one particle or of several at once.

Weighted least squares by Levenberg and Marquardt. The variance of a pixel is proportional to
1 + kappa r (shot noise: kappa near 1), with r from the model; its size follows from the residual.
Standard errors are those of the inverse Fisher information.

Light passes through particles that touch one after the other, so that the contrast of several is::

    r = s (prod_j (1 + s A_j S_j) - 1) + b

with s = -1 for dark particles, +1 for bright ones. What each takes from the other is in their
errors: these grow where two images say the same (A and places of all, one b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit

from perrin.landing.fit import solve
from perrin.tracking.shape import (
    ANGLE,
    FLAT,
    HALF,
    LEAST_WEIGHT,
    WIDTH,
    A,
    B,
    X,
    Y,
    fill_model,
    profile,
)
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_ITERATIONS = 25
_TOLERANCE = 5e-3  # px, or radians times half length: what is left then is far below any error
_FLAT = (-6.0, 12.0)

Listed = tuple[IntArray, FloatArray]
"""Images beside each of N particles, (first (N + 1,), values (M, 8)): i has values[first[i]] to
values[first[i + 1]]."""


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
    neighbors: Listed | None = None,
    touching: Listed | None = None,
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
        Parameters to fit, B among them.
    half_window : int or (N,)
        Pixels on each side of the starting pixel that count; what is outside the field does not.
    kappa : float
        How the variance grows with the contrast.
    neighbors : Listed, optional
        Images divided out before a fit.
    touching : Listed, optional
        Images fitted together with each, from these starts.
    sign : int
        -1 where particles are darker than their surroundings.

    """
    none = np.zeros(len(starts) + 1, np.int64), np.zeros((0, 8))
    found = ShapeFits.none(starts)
    own = np.array([name for name in free if name != B], np.int64)
    # arrays of one kind only: for each other kind of them the kernel would be compiled again
    windows = np.array(np.broadcast_to(half_window, len(starts)), np.int64)
    first = np.ascontiguousarray(starts, np.float64)
    lists = (*(touching or none), *(neighbors or none))
    given = (frames, frame, first, *lists, own, windows, float(kappa), float(sign))
    _fit(*given, found.values, found.errors, found.variance, found.misfit)
    return found


@njit(cache=True, nogil=True)
def _fit(  # type: ignore[no-untyped-def]
    frames,
    frame,
    starts,
    first,
    others,
    first_near,
    near,
    free,
    half_windows,
    kappa,
    sign,
    values,
    errors,
    variance,
    misfit,
):
    for i in range(len(starts)):
        x, y, data = _window_of(frames[frame[i]], starts[i], half_windows[i])
        for j in range(first_near[i], first_near[i + 1]):
            divide(x, y, data, near[j], sign)
        group = np.empty((1 + first[i + 1] - first[i], 8))
        put(group[0], starts[i])
        for j in range(first[i], first[i + 1]):
            put(group[1 + j - first[i]], others[j])
        count = len(group) * len(free) + 1
        normal = np.empty((count, count))
        cost = fit_group(x, y, data, group, free, kappa, sign, half_windows[i], normal)
        if cost >= 0.0:
            put(values[i], group[0])
            variance[i] = cost / (len(data) - count)
            misfit[i] = np.sqrt(variance[i]) / group[0, A]
            state(errors[i], free, normal, variance[i], 0)
        else:
            for k in range(8):
                values[i, k] = np.nan


@njit(cache=True)
def put(row, numbers):  # type: ignore[no-untyped-def]
    """Write numbers into a row: a loop compiles in a fraction of the time of an assignment."""
    for k in range(len(numbers)):
        row[k] = numbers[k]


@njit(cache=True)
def put_rows(rows, numbers):  # type: ignore[no-untyped-def]
    """Write numbers (M, N) into rows."""
    for m in range(len(numbers)):
        put(rows[m], numbers[m])


@njit(cache=True)
def _window_of(image, q, half_window):  # type: ignore[no-untyped-def]
    """List the pixels around the start, as far as they are in the field: x, y and contrast."""
    height, width = image.shape
    row, column = int(np.rint(q[Y])), int(np.rint(q[X]))
    top, left = max(0, row - half_window), max(0, column - half_window)
    bottom, right = min(height, row + half_window + 1), min(width, column + half_window + 1)
    return pixels_of(image, top, left, bottom, right)


@njit(cache=True)
def pixels_of(image, top, left, bottom, right):  # type: ignore[no-untyped-def]
    """List the pixels of some rows and columns: x, y and contrast."""
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


@njit(cache=True)
def fit_group(x, y, data, group, free, kappa, sign, half_window, normal):  # type: ignore[no-untyped-def]
    """Fit M particles (M, 8) in one window; return what is left, -1 where it did not work.

    group holds the start and the result, its first row the background; normal (P, P) becomes the
    Fisher information there, by particle and `free`, the background last.
    """
    count = len(normal)
    if len(data) <= count:
        return -1.0
    x0, y0 = group[0, X], group[0, Y]
    weight, next_weight = np.ones_like(data), np.empty_like(data)
    next_normal, scaled = np.empty_like(normal), np.empty_like(normal)
    right, ahead, step = np.empty(count), np.empty(count), np.empty(count)
    slopes, trial = np.ones((max(count, 8), len(data))), np.empty_like(group)  # that by b stays 1
    damping = 1e-3
    converged = False
    _, cost = _normal(x, y, data, group, free, kappa, sign, weight, weight, slopes, normal, right)
    for _ in range(_ITERATIONS):
        put_rows(scaled, normal)
        for a in range(count):
            scaled[a, a] *= 1.0 + damping
        if not solve(scaled, right, step):
            return -1.0
        far = _all_moved(group, step, free, trial)
        old, new = _normal(
            x, y, data, trial, free, kappa, sign, weight, next_weight, slopes, next_normal, ahead
        )
        if old <= cost:
            put_rows(group, trial)
            put_rows(normal, next_normal)
            put(right, ahead)
            put(weight, next_weight)
            cost = new
            damping = max(damping * 0.2, 1e-9)
        else:
            damping *= 10.0
        if far < _TOLERANCE:
            converged = True
            break
    far_off = max(abs(group[0, X] - x0), abs(group[0, Y] - y0)) > half_window
    return cost if converged and not far_off and group[0, A] > 0.0 else -1.0


@njit(cache=True, fastmath=True, error_model="numpy")
def _normal(x, y, data, group, free, kappa, sign, before, weight, slopes, normal, right):  # type: ignore[no-untyped-def]
    """Weights and normal equations at a group; the cost by the weights `before` and by these."""
    rest, rows = np.empty(len(data)), np.arange(len(right))
    if len(group) == 1:
        fill_model(x, y, group[0], len(free) > 3, rest, slopes)
        for a in range(len(free)):
            rows[a] = free[a]
        rows[len(free)] = B
    else:
        _fill_many(x, y, group, free, sign, rest, slopes)
    cost_before, cost = 0.0, 0.0
    for n in range(len(data)):
        weight[n] = 1.0 / max(1.0 + kappa * rest[n], LEAST_WEIGHT)
        rest[n] = data[n] - rest[n]
        cost_before += before[n] * rest[n] * rest[n]
        cost += weight[n] * rest[n] * rest[n]
        rest[n] *= weight[n]
    _normal_equations(slopes, rows, weight, rest, normal, right)
    return cost_before, cost


@njit(cache=True, fastmath=True, error_model="numpy")
def _fill_many(x, y, group, free, sign, model, slopes):  # type: ignore[no-untyped-def]
    """Fill in the contrast of M particles for N pixels, and its derivatives (P, N)."""
    each = len(free)
    light, own = np.ones(len(x)), np.ones((8, len(x)))
    lights = np.empty((len(group), len(x)))
    single = np.empty(8)
    for m in range(len(group)):
        put(single, group[m])
        single[B] = 0.0
        fill_model(x, y, single, each > 3, model, own)
        for n in range(len(x)):
            lights[m, n] = max(1.0 + sign * model[n], 0.05)
            light[n] *= lights[m, n]
        for a in range(each):
            put(slopes[m * each + a], own[free[a]])
    for m in range(len(group)):
        for a in range(each):
            for n in range(len(x)):
                slopes[m * each + a, n] *= light[n] / lights[m, n]
    for n in range(len(x)):
        model[n] = sign * (light[n] - 1.0) + group[0, B]


@njit(cache=True, fastmath=True, error_model="numpy", inline="always")
def _normal_equations(slopes, rows, weight, weighted, normal, right):  # type: ignore[no-untyped-def]
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
def _all_moved(group, step, free, trial):  # type: ignore[no-untyped-def]
    """Take a step of M particles and of their background; return how far it goes."""
    far, each = 0.0, len(free)
    for m in range(len(group)):
        far = max(far, _moved(group[m], step[m * each : (m + 1) * each], free, trial[m]))
    trial[0, B] += step[len(step) - 1]
    return far


@njit(cache=True)
def _moved(q, step, free, trial):  # type: ignore[no-untyped-def]
    """Take a step within bounds; return how far it goes."""
    put(trial, q)
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
def state(error, free, normal, variance, m):  # type: ignore[no-untyped-def]
    """Standard errors of one of a group, the m-th: from the inverse of the Fisher information."""
    count = len(normal)
    right, step, lower = np.empty(count), np.empty(count), np.empty((count, count))
    for a in range(len(free) + 1):
        place = m * len(free) + a if a < len(free) else count - 1
        for b in range(count):
            right[b] = 0.0
            put(lower[b], normal[b])
        right[place] = variance
        if solve(lower, right, step):
            error[free[a] if a < len(free) else B] = np.sqrt(max(step[place], 0.0))

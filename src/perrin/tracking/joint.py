"""Particles that touch, fitted together: what each takes from the other is in their errors.

Light passes through one after the other, so that the contrast of several is::

    r = s (prod_j (1 + s A_j S_j) - 1) + b

with s = -1 for dark particles, +1 for bright ones. Each particle is fitted with those that touch
it in its own window; its standard errors are those of the inverse of the Fisher information of
all of them, so that they grow where two images say the same (A and places of both, one b).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.landing.fit import solve
from perrin.tracking.shape import (
    LEAST_WEIGHT,
    A,
    B,
    ShapeFits,
    X,
    Y,
    divide,
    fill_model,
    moved,
    normal_equations,
    window_of,
)
from perrin.types import Float32Array, FloatArray, IntArray

_ITERATIONS = 25
_TOLERANCE = 5e-3  # px

Listed = tuple[IntArray, IntArray]
"""Where the neighbors of each of K start (K + 1,), and these: `perrin.tracking.pairs.listed`."""


def fit_together(
    frames: Float32Array,
    frame: IntArray,
    values: FloatArray,
    rows: IntArray,
    *,
    touching: Listed,
    near: Listed,
    free: tuple[int, ...],
    half_windows: IntArray,
    kappa: float,
    sign: int,
) -> ShapeFits:
    """Fit K `rows` of `values` (N, 8), each with those that `touching` lists for it.

    Those that `near` lists for it are divided out. Returns the fits of the K,
    NaN where one failed.
    """
    found = ShapeFits.none(values[rows])
    own = np.array([name for name in free if name != B], np.int64)
    lists = (rows, *touching, *near)
    given = (frames, frame, values, *lists, own, half_windows, kappa, float(sign))
    _fit(*given, found.values, found.errors, found.variance, found.misfit)
    return found


@njit(cache=True, nogil=True)
def _fit(  # type: ignore[no-untyped-def]
    frames,
    frame,
    start,
    rows,
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
    for k in range(len(rows)):
        x, y, data = window_of(frames[frame[rows[k]]], start[rows[k]], half_windows[k])
        for j in range(first_near[k], first_near[k + 1]):
            divide(x, y, data, start[near[j]], sign)
        group = np.empty((1 + first[k + 1] - first[k], 8))
        group[0] = start[rows[k]]
        for j in range(first[k], first[k + 1]):
            group[1 + j - first[k]] = start[others[j]]
        count = len(group) * len(free) + 1
        normal = np.empty((count, count))
        cost = _fit_group(x, y, data, group, free, kappa, sign, half_windows[k], normal)
        values[k] = np.nan
        if cost >= 0.0:
            values[k] = group[0]
            variance[k] = cost / (len(data) - count)
            misfit[k] = np.sqrt(variance[k]) / group[0, A]
            right, step = np.empty(count), np.empty(count)
            for a in range(len(free) + 1):
                place = a if a < len(free) else count - 1
                right[:] = 0.0
                right[place] = variance[k]
                if solve(normal.copy(), right, step):
                    errors[k, free[a] if a < len(free) else B] = np.sqrt(max(step[place], 0.0))


@njit(cache=True)
def _fit_group(x, y, data, group, free, kappa, sign, half_window, normal):  # type: ignore[no-untyped-def]
    """Fit M particles (M, 8) in one window, by Levenberg and Marquardt; -1 where it did not work.

    group holds the start and the result, its first row the background; normal (P, P) becomes the
    Fisher information there, by particle and `free`, the background last.
    """
    count = len(normal)
    if len(data) <= count:
        return -1.0
    x0, y0 = group[0, X], group[0, Y]
    weight, next_weight = np.ones_like(data), np.empty_like(data)
    next_normal, scaled = np.empty_like(normal), np.empty_like(normal)
    right, next_right, step = np.empty(count), np.empty(count), np.empty(count)
    trial = np.empty_like(group)
    damping = 1e-3
    _, cost = _normal(x, y, data, group, free, kappa, sign, weight, weight, normal, right)
    converged = False
    for _ in range(_ITERATIONS):
        scaled[:] = normal
        for a in range(count):
            scaled[a, a] *= 1.0 + damping
        if not solve(scaled, right, step):
            return -1.0
        far = 0.0
        for m in range(len(group)):
            part = step[m * len(free) : (m + 1) * len(free)]
            far = max(far, moved(group[m], part, free, trial[m]))
        trial[0, B] = group[0, B] + step[count - 1]
        old, new = _normal(
            x, y, data, trial, free, kappa, sign, weight, next_weight, next_normal, next_right
        )
        if old <= cost:
            group[:], normal[:], right[:], weight[:] = trial, next_normal, next_right, next_weight
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
def _normal(x, y, data, group, free, kappa, sign, before, weight, normal, right):  # type: ignore[no-untyped-def]
    """Weights and normal equations of M particles; the cost by weights `before` and by these."""
    members, each, pixels = len(group), len(free), len(data)
    count = members * each + 1
    slopes = np.ones((count, pixels))
    light, image, own = np.ones(pixels), np.empty(pixels), np.ones((8, pixels))
    lights = np.empty((members, pixels))
    single = np.empty(8)
    for m in range(members):
        single[:] = group[m]
        single[B] = 0.0
        fill_model(x, y, single, each > 3, image, own)
        lights[m] = np.maximum(1.0 + sign * image, 0.05)
        light *= lights[m]
        for a in range(each):
            slopes[m * each + a] = own[free[a]]
    for m in range(members):
        for a in range(each):
            slopes[m * each + a] *= light / lights[m]
    model = sign * (light - 1.0) + group[0, B]
    weight[:] = 1.0 / np.maximum(1.0 + kappa * model, LEAST_WEIGHT)
    rest = data - model
    cost_before, cost = 0.0, 0.0
    for n in range(pixels):
        cost_before += before[n] * rest[n] * rest[n]
        cost += weight[n] * rest[n] * rest[n]
        rest[n] *= weight[n]
    normal_equations(slopes, np.arange(count), weight, rest, normal, right)
    return cost_before, cost

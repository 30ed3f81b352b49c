"""Maximum likelihood for FBM with localization noise: the classical best where it holds.

Steps between the frames that are seen are Gaussian; with x FBM of step variance s^2 per axis
and noise of standard deviation sigma, their covariance follows from |t - t'|^alpha for any
times, so gaps need no filling in. Steps of all axes are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.linalg import cho_factor, cho_solve

from perrin.diffusion.blur import blurred_msd
from perrin.errors import PerrinError
from perrin.types import BoolArray, FloatArray

_ALPHA = (0.02, 1.98)
_LOG_NOISE = (-8.0, 4.0)  # ln of sigma^2 / s^2; the lower end is as good as none
_NOISY = np.array([[0.5, -5.0], [1.0, -1.0]])  # where fits start: alpha, ln of sigma^2 / s^2
_NOISELESS = np.array([[0.7, -8.0]])
_MOST_STEPS = 60
_NEAR = (0.02, 0.2)  # from a peak: no other one is so close
_ENOUGH = 1e-7  # a step that gains less log-likelihood than this was the last one


@dataclass(frozen=True)
class FbmFit:
    """Per axis: exponent, root mean square one-frame step, localization error, log-likelihood.

    alpha_se: standard error of alpha by the curvature of the log-likelihood, step and noise fitted
    beside it where they are; NaN where alpha is at an end of its range or nothing bends.
    """

    alpha: float
    alpha_se: float
    step: float
    noise_sigma: float
    log_likelihood: float


def fit_fbm(
    positions: FloatArray,
    seen: BoolArray,
    *,
    noisy: bool = True,
    noise_sigma: float | None = None,
    exposure: float = 0.0,
) -> FbmFit:
    """Fit FBM, with localization noise if `noisy`, to positions (L, d) where `seen` (L,).

    `noise_sigma`: the localization error of one axis where it is known; it is not fitted then.
    `exposure`: fraction of the frame interval with light; its blur is taken off, so that the step
    is that of the particle.
    Raises `PerrinError` for fewer than four positions or a track that never moves.
    """
    times = np.flatnonzero(seen).astype(np.float64)
    if len(times) < 4:
        raise PerrinError(f"a track of {len(times)} positions tells no exponent; give 4 or more.")
    steps = np.diff(positions[seen], axis=0)
    unit = float(np.sqrt((steps**2).mean()))
    if not unit > 0:
        raise PerrinError("the track never moves: it has no exponent. Leave it out.")
    steps = np.ascontiguousarray(steps / unit)
    known = -1.0 if noise_sigma is None else (noise_sigma / unit) ** 2
    starts = _NOISY if noisy else _NOISELESS
    light = float(exposure)
    alpha, log_ratio, value = best_fit(steps, times, known, noisy, light, starts)
    alpha_se = _alpha_error(steps, times, known, noisy, light, np.array([alpha, log_ratio]))
    ratio = np.exp(log_ratio) if noisy and log_ratio > _LOG_NOISE[0] + 0.01 else 0.0
    square, log_determinant = _square(steps, times, alpha, ratio, light)
    value, variance = _profile(square, log_determinant, steps)
    if known >= 0 and ratio > 0:
        value = _at(value, variance, known / ratio, steps.size)
        variance = known / ratio
    step = unit * np.sqrt(variance)
    return FbmFit(
        alpha=alpha,
        alpha_se=alpha_se,
        step=float(step),
        noise_sigma=float(step * np.sqrt(ratio)),
        log_likelihood=value - steps.size * float(np.log(unit)),
    )


def alpha_bound(alpha: float, *, length: int, dims: int) -> float:
    """Return the Cramer-Rao bound on the standard error of alpha: noise-free FBM, scale unknown.

    Fisher information of a Gaussian: tr(C^-1 dC C^-1 dC) / 2 for each pair of parameters.
    """
    lag = np.abs(np.subtract.outer(np.arange(length - 1), np.arange(length - 1))).astype(float)
    covariance = _step_covariance(np.arange(length, dtype=np.float64), alpha)
    derivative = 0.5 * (_slope(lag + 1, alpha) - 2 * _slope(lag, alpha) + _slope(lag - 1, alpha))
    a = cho_solve(cho_factor(covariance), derivative)
    information = 0.5 * dims * np.array([[(a * a.T).sum(), a.trace()], [a.trace(), length - 1]])
    return float(np.sqrt(np.linalg.inv(information)[0, 0]))


def _alpha_error(
    steps: FloatArray, times: FloatArray, known: float, noisy: bool, light: float, at: FloatArray
) -> float:
    """Return the standard error of alpha at the best parameters: alpha, ln of the noise ratio."""
    if not _ALPHA[0] + 0.01 < at[0] < _ALPHA[1] - 0.01:
        return float("nan")
    value = _value(steps, times, known, noisy, light, at)
    _, curve = _derivatives(steps, times, known, noisy, light, at, value)
    information = -curve[0, 0]
    if noisy and at[1] > _LOG_NOISE[0] + 0.01:
        information = -curve[0, 0] + curve[0, 1] ** 2 / curve[1, 1] if curve[1, 1] < 0 else 0.0
    return float(1 / np.sqrt(information)) if information > 0 else float("nan")


def _slope(lag: FloatArray, alpha: float) -> FloatArray:
    """Return the derivative of |lag|^alpha by alpha."""
    size = np.abs(lag)
    safe = np.where(size > 0, size, 1.0)
    slope: FloatArray = safe**alpha * np.log(safe)
    return slope


def _step_covariance(times: FloatArray, alpha: float) -> FloatArray:
    """Return the covariance of the steps between `times` (K,): (K - 1, K - 1)."""
    power = np.abs(np.subtract.outer(times, times)) ** alpha
    covariance: FloatArray = 0.5 * (
        power[1:, :-1] + power[:-1, 1:] - power[1:, 1:] - power[:-1, :-1]
    )
    return covariance


@njit(cache=True)
def best_fit(steps, times, known, noisy, light, starts):  # type: ignore[no-untyped-def]
    """Return alpha, ln of the noise ratio and the log-likelihood where that is highest.

    known: squared noise of one axis, or below 0 to fit it. starts (n, 2): where to begin.
    """
    best = (starts[0, 0], starts[0, 1], -np.inf)
    for k in range(len(starts)):
        found = _climb(steps, times, known, noisy, light, starts[k], best)
        if found[2] > best[2]:
            best = found
    return best


@njit(cache=True)
def _climb(steps, times, known, noisy, light, start, top):  # type: ignore[no-untyped-def]
    """Newton's method with Levenberg's damping from one start, inside the box of parameters.

    Derivatives are central differences. A parameter at its end that would leave is held. top:
    alpha, ln of the noise ratio and value of a peak; a climb that comes near it ends there.
    """
    low, high = (_ALPHA[0], _LOG_NOISE[0]), (_ALPHA[1], _LOG_NOISE[1])
    at, ahead, damping = np.empty(2), np.empty(2), 1e-3
    at[0], at[1] = start[0], start[1]
    free = np.empty(2, np.bool_)
    value = _value(steps, times, known, noisy, light, at)
    for _ in range(_MOST_STEPS):
        slope, curve = _derivatives(steps, times, known, noisy, light, at, value)
        for k in range(2):
            leaves = (at[k] <= low[k] and slope[k] < 0) or (at[k] >= high[k] and slope[k] > 0)
            free[k] = not leaves and (noisy or k == 0)
        rose = 0.0
        while damping < 1e8:
            step = _uphill(slope, curve, free, damping)
            for k in range(2):
                ahead[k] = min(max(at[k] + step[k], low[k]), high[k])
            there = _value(steps, times, known, noisy, light, ahead)
            if there >= value:
                rose, value = there - value, there
                at[0], at[1] = ahead[0], ahead[1]
                damping = max(damping / 10, 1e-9)
                break
            damping *= 10
        if rose < _ENOUGH:
            break
        if abs(at[0] - top[0]) < _NEAR[0] and abs(at[1] - top[1]) < _NEAR[1]:
            return top
    return at[0], at[1], value


@njit(cache=True)
def _derivatives(steps, times, known, noisy, light, at, value):  # type: ignore[no-untyped-def]
    """Return slope (2,) and curvature (2, 2) of the log-likelihood, `value` at `at`."""
    slope, curve = np.zeros(2), np.zeros((2, 2))
    curve[0, 0] = curve[1, 1] = -1.0
    size = (1e-3, 1e-2)
    around = np.zeros(6)  # above and below in alpha, in the noise, in both
    there = np.empty(2)
    for point in range(6 if noisy else 2):
        sign, which = 1 - 2 * (point % 2), point // 2
        there[0] = at[0] + sign * size[0] if which != 1 else at[0]
        there[1] = at[1] + sign * size[1] if which != 0 else at[1]
        around[point] = _value(steps, times, known, noisy, light, there)
    for k in range(2 if noisy else 1):
        above, below = around[2 * k], around[2 * k + 1]
        slope[k] = (above - below) / (2 * size[k])
        curve[k, k] = (above - 2 * value + below) / size[k] ** 2
    if noisy:
        straight = curve[0, 0] * size[0] ** 2 + curve[1, 1] * size[1] ** 2
        curve[0, 1] = (around[4] + around[5] - 2 * value - straight) / (2 * size[0] * size[1])
        curve[1, 0] = curve[0, 1]
    return slope, curve


@njit(cache=True)
def _uphill(slope, curve, free, damping):  # type: ignore[no-untyped-def]
    """Return Newton's step on the free parameters, turned uphill and damped."""
    across = -curve[0, 1] if free[0] and free[1] else 0.0
    first, second = -curve[0, 0], -curve[1, 1]
    mean, half = 0.5 * (first + second), 0.5 * (first - second)
    least = mean - np.sqrt(half**2 + across**2)
    lift = max(0.0, 1e-3 - least) + damping * (abs(first) + abs(second))
    a, b, c = first + lift, across, second + lift
    determinant = a * c - b * b
    up = slope[0] if free[0] else 0.0
    right = slope[1] if free[1] else 0.0
    one, other = (c * up - b * right) / determinant, (a * right - b * up) / determinant
    return min(max(one, -1.0), 1.0), min(max(other, -1.0), 1.0)


@njit(cache=True)
def _value(steps, times, known, noisy, light, at):  # type: ignore[no-untyped-def]
    """Return the log-likelihood at alpha, ln ratio; at the best step variance, or known noise."""
    ratio = np.exp(at[1]) if noisy else 0.0
    square, log_determinant = _square(steps, times, at[0], ratio, light)
    value, variance = _profile(square, log_determinant, steps)
    if known >= 0:
        value = _at(value, variance, known / ratio, steps.size)
    return value


@njit(cache=True)
def _profile(square, log_determinant, steps):  # type: ignore[no-untyped-def]
    """Return the log-likelihood at the best step variance, and that variance."""
    if not np.isfinite(square):  # rounding near alpha = 2: such a point is never the best one
        return -1e300, 1.0
    variance = square / steps.size
    value = -0.5 * (
        steps.size * (np.log(2 * np.pi * variance) + 1) + steps.shape[1] * log_determinant
    )
    return value, variance


@njit(cache=True)
def _at(value, best, variance, count):  # type: ignore[no-untyped-def]
    """Return the log-likelihood at a step variance, from that at the best one."""
    relative = best / variance
    return value + 0.5 * count * (np.log(relative) + 1 - relative)


@njit(cache=True)
def _square(steps, times, alpha, ratio, light):  # type: ignore[no-untyped-def]
    """Return the sum over axes of s' C^-1 s, and ln det C: infinite where C is not positive."""
    count = len(times)
    if times[-1] - times[0] == count - 1:  # no gaps: C is Toeplitz
        msd = _msd(count - 1, alpha, light)
        row = np.empty(count - 1)
        row[0] = msd[1] + 2 * ratio
        row[1] = 0.5 * msd[2] - msd[1] - ratio
        for k in range(2, count - 1):
            row[k] = 0.5 * (msd[k + 1] + msd[k - 1]) - msd[k]
        return _innovations(row, steps)
    return _dense(steps, times, alpha, ratio, light)


@njit(cache=True)
def _msd(count, alpha, light):  # type: ignore[no-untyped-def]
    """Return the MSD over 0 to `count` frames, of which those without blur are t^alpha."""
    msd = np.empty(count + 1)
    for k in range(count + 1):
        msd[k] = blurred_msd(k, alpha, light)
    return msd


@njit(cache=True)
def _dense(steps, times, alpha, ratio, light):  # type: ignore[no-untyped-def]
    """Return the same for any times, by Cholesky's factor."""
    count = len(times)
    power = _msd(int(times[-1] - times[0]), alpha, light)
    size, dims = count - 1, steps.shape[1]
    factor = np.zeros((size, size))
    square, log_determinant = 0.0, 0.0
    white = np.zeros((dims, size))
    for i in range(size):
        for j in range(i + 1):
            a, b = int(times[i] - times[j]), int(times[i + 1] - times[j + 1])
            c, d = int(times[i + 1] - times[j]), abs(int(times[i] - times[j + 1]))
            value = 0.5 * (power[c] + power[d] - power[a] - power[b])
            if i == j:
                value += 2 * ratio
            elif i == j + 1:
                value -= ratio
            value -= _dot(factor[i], factor[j], 0, j)
            if i > j:
                factor[i, j] = value / factor[j, j]
            elif not value > 0.0:
                return np.inf, np.inf
            else:
                factor[i, i] = np.sqrt(value)
        log_determinant += 2 * np.log(factor[i, i])
        for axis in range(dims):
            white[axis, i] = (steps[i, axis] - _dot(factor[i], white[axis], 0, i)) / factor[i, i]
            square += white[axis, i] ** 2
    return square, log_determinant


@njit(cache=True, fastmath={"contract"})
def _innovations(row, steps):  # type: ignore[no-untyped-def]
    """Return the same for a Toeplitz C with first row `row`, by Schur's algorithm.

    Of C = L D L', `along` holds a column of L D from its diagonal on; what each innovation says
    of the later steps is taken off them at once. No sum runs over a loop, so that several numbers
    are worked on at a time.
    """
    size, dims = steps.shape
    left = np.empty((dims, size))
    for axis in range(dims):
        for k in range(size):
            left[axis, k] = steps[k, axis]
    along, across = np.empty(size), np.empty(size)
    for k in range(size):
        along[k] = across[k] = row[k]
    square, log_determinant = 0.0, 0.0
    for k in range(size):
        variance = along[0]
        if not variance > 0.0:
            return np.inf, np.inf
        log_determinant += np.log(variance)
        ahead = size - k - 1
        for axis in range(dims):
            new = left[axis, k]
            square += new * new / variance
            told, rest, column = new / variance, left[axis, k + 1 :], along[1:]
            for j in range(ahead):
                rest[j] -= told * column[j]
        if ahead:
            behind = across[k + 1 :]
            reflection = behind[0] / variance
            for j in range(ahead):
                one, other = along[j], behind[j]
                along[j] = one - reflection * other
                behind[j] = other - reflection * one
    return square, log_determinant


@njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(a, b, first, count):  # type: ignore[no-untyped-def]
    """Return the sum of a[k] b[first + k] for `count` numbers, in any order: several at once."""
    total = 0.0
    for k in range(count):
        total += a[k] * b[first + k]
    return total

"""Maximum likelihood for FBM with localisation noise: the classical best where it holds.

Steps between the frames that are seen are Gaussian; with x FBM of step variance s^2 per axis
and noise of standard deviation sigma, their covariance follows from |t - t'|^alpha for any
times, so gaps need no filling in. Steps of all axes are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from perrin.errors import PerrinError

FloatArray = NDArray[np.float64]

_ALPHA = (0.02, 1.98)
_LOG_NOISE = (-8.0, 4.0)  # ln of sigma^2 / s^2; the lower end is as good as none


@dataclass(frozen=True)
class FbmFit:
    """Per axis: exponent, root mean square one-frame step, localisation error, log-likelihood."""

    alpha: float
    step: float
    noise_sigma: float
    log_likelihood: float


def fit_fbm(
    positions: FloatArray,
    seen: NDArray[np.bool_],
    *,
    noisy: bool = True,
    noise_sigma: float | None = None,
) -> FbmFit:
    """Fit FBM, with localisation noise if `noisy`, to positions (L, d) where `seen` (L,).

    `noise_sigma`: the localisation error of one axis where it is known; it is not fitted then.
    Raises `PerrinError` for fewer than four positions or a track that never moves.
    """
    times = np.flatnonzero(seen).astype(np.float64)
    if len(times) < 4:
        raise PerrinError(f"a track of {len(times)} positions tells no exponent; give 4 or more.")
    steps = np.diff(positions[seen], axis=0)
    unit = np.sqrt((steps**2).mean())
    if not unit > 0:
        raise PerrinError("the track never moves: it has no exponent. Leave it out.")
    steps = steps / unit

    known = None if noise_sigma is None else (noise_sigma / unit) ** 2

    def cost(parameters: FloatArray) -> float:
        ratio = float(np.exp(parameters[1])) if noisy else 0.0
        value, variance = _profile(steps, times, float(parameters[0]), ratio)
        return -(value if known is None else _at(value, variance, known / ratio, steps.size))

    starts = [(0.5, -5.0), (1.0, -1.0)] if noisy else [(0.7, -8.0)]
    bounds = [_ALPHA, _LOG_NOISE if noisy else (-8.0, -8.0)]
    found = min(
        (minimize(cost, start, method="L-BFGS-B", bounds=bounds) for start in starts),
        key=lambda result: float(result.fun),
    )
    alpha, log_ratio = float(found.x[0]), float(found.x[1])
    ratio = np.exp(log_ratio) if noisy and log_ratio > _LOG_NOISE[0] + 0.01 else 0.0
    value, variance = _profile(steps, times, alpha, float(ratio))
    if known is not None and ratio > 0:
        value = _at(value, variance, known / ratio, steps.size)
        variance = known / ratio
    step = unit * np.sqrt(variance)
    return FbmFit(
        alpha=alpha,
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


def _profile(
    steps: FloatArray, times: FloatArray, alpha: float, ratio: float
) -> tuple[float, float]:
    """Return the log-likelihood at the best step variance, and that variance."""
    if times[-1] - times[0] == len(times) - 1:  # no gaps
        lag = np.arange(len(times), dtype=np.float64) ** alpha
        row = 0.5 * (lag[1:] + np.abs(np.arange(-1, len(lag) - 2)) ** alpha) - lag[:-1]
        row[0] += 2 * ratio
        row[1] -= ratio
        square, log_determinant = _innovations(row, steps)
    else:
        square, log_determinant = _dense(steps, times, alpha, ratio)
    if not np.isfinite(square):  # rounding near alpha = 2: such a point is never the best one
        return -1e300, 1.0
    variance = square / steps.size
    log_determinant *= steps.shape[1]
    value = -0.5 * (steps.size * (np.log(2 * np.pi * variance) + 1) + log_determinant)
    return float(value), float(variance)


def _at(value: float, best: float, variance: float, count: int) -> float:
    """Return the log-likelihood at a step variance, from that at the best one."""
    relative = best / variance
    return value + 0.5 * count * (float(np.log(relative)) + 1 - relative)


def _dense(steps: FloatArray, times: FloatArray, alpha: float, ratio: float) -> tuple[float, float]:
    """Return the sum over axes of s' C^-1 s, and ln det C, for any times."""
    covariance = _step_covariance(times, alpha)
    index = np.arange(len(covariance))
    covariance[index, index] += 2 * ratio
    covariance[index[1:], index[:-1]] -= ratio
    covariance[index[:-1], index[1:]] -= ratio
    try:
        factor = cho_factor(covariance, lower=True, check_finite=False)
    except LinAlgError:
        return np.inf, np.inf
    square = (steps * cho_solve(factor, steps, check_finite=False)).sum()
    return float(square), float(2 * np.log(np.diag(factor[0])).sum())


@njit(cache=True)
def _innovations(row, steps):  # type: ignore[no-untyped-def]
    """Return the same for a Toeplitz C with first row `row`, by Durbin and Levinson."""
    size, dims = steps.shape
    past = np.zeros(size)  # coefficients that predict a step from those before it
    turned = np.zeros(size)
    variance = row[0]
    square = 0.0
    log_determinant = 0.0
    for k in range(size):
        if k:
            reflection = row[k]
            for j in range(k - 1):
                reflection -= past[j] * row[k - 1 - j]
            reflection /= variance
            turned[: k - 1] = past[: k - 1]
            for j in range(k - 1):
                past[j] = turned[j] - reflection * turned[k - 2 - j]
            past[k - 1] = reflection
            variance *= 1.0 - reflection * reflection
        if variance <= 0.0:
            return np.inf, np.inf
        log_determinant += np.log(variance)
        for axis in range(dims):
            missed = steps[k, axis]
            for j in range(k):
                missed -= past[j] * steps[k - 1 - j, axis]
            square += missed * missed / variance
    return square, log_determinant

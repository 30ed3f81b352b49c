"""Likelihoods of Gaussian motion on a grid: FBM, rest, a harmonic trap, steady drift.

Steps of all axes are independent and in units of their root mean square. Memory is cut at `ORDER`
frames (an autoregressive model of that order, from Durbin and Levinson), and starts afresh after
a gap: what compares kinds of motion needs no more. The exact fit of FBM is in
`perrin.diffusion.likelihood`; harmonic trap and drift are exact (Kalman), gaps included.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ORDER = 16
ALPHAS = np.concatenate([[0.05], np.arange(0.1, 1.95, 0.1), [1.95]])
"""Exponents of the grid; 1 is among them."""
BROWNIAN = 10
RATIOS = np.array([0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
"""Squared noise over squared step of one axis, where the noise is not known."""
MOVED = np.array([1.8, 1.4, 1.12, 0.9, 0.7, 0.5, 0.3, 0.12, 0.03])
"""Squared step without noise over that with it, where the noise is known."""
TIMES = np.geomspace(1.0, 200.0, 14)
"""Relaxation times of the trap, frames."""
TRAPPED = np.geomspace(0.25, 60.0, 14)
"""Variance of one axis in the trap over the squared step; of the noise's, where that is more."""
DRIFTING = np.geomspace(0.02, 2.0, 16)
"""Squared step without drift and noise over the squared step."""
NONE = -1e300
_EXACT = 1e-12  # of the squared step: less is left over by no motion but a straight line


@njit(cache=True, nogil=True)
def memory(row, order):  # type: ignore[no-untyped-def]
    """Return predictors (order + 1, order) and variances (order + 1,) of a Toeplitz covariance.

    Row k predicts a step from the k before it, the latest first; no prediction where rounding
    leaves no variance.
    """
    past, variance = np.zeros((order + 1, order)), np.empty(order + 1)
    variance[0] = row[0]
    for k in range(1, order + 1):
        missed = row[k]
        for j in range(k - 1):
            missed -= past[k - 1, j] * row[k - 1 - j]
        reflection = missed / variance[k - 1]
        for j in range(k - 1):
            past[k, j] = past[k - 1, j] - reflection * past[k - 1, k - 2 - j]
        past[k, k - 1] = reflection
        variance[k] = max(variance[k - 1] * (1.0 - reflection * reflection), 1e-12)
    return past, variance


@njit(cache=True, nogil=True)
def fbm_row(alpha, ratio, order):  # type: ignore[no-untyped-def]
    """Return the covariance of steps up to `order` frames apart, squared step 1, noise `ratio`."""
    row, power = np.empty(order + 1), np.empty(order + 1)
    for k in range(order + 1):
        power[k] = np.exp(alpha * np.log(k + 1.0))
    row[0] = 1.0 + 2 * ratio
    row[1] = 0.5 * power[1] - 1.0 - ratio
    for k in range(2, order + 1):
        row[k] = 0.5 * (power[k] + power[k - 2]) - power[k - 1]
    return row


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def innovations(backwards, known, past, variance):  # type: ignore[no-untyped-def]
    """Return what is new in n steps over its standard deviation, (n, d), and sum of ln variances.

    backwards (d, n): the steps of each axis, the last one first, so that sums run along memory.
    known (n,): frames that a step is preceded by without a gap, at most the order.
    """
    dims, count = backwards.shape
    new = np.empty((count, dims))
    total = 0.0
    size, level = np.empty(len(variance)), np.empty(len(variance))
    for k in range(len(variance)):
        size[k], level[k] = 1.0 / np.sqrt(variance[k]), np.log(variance[k])
    for t in range(count):
        k = known[t]
        total += level[k]
        for axis in range(dims):
            expected = 0.0
            for j in range(k):
                expected += past[k, j] * backwards[axis, count - t + j]
            new[t, axis] = (backwards[axis, count - 1 - t] - expected) * size[k]
    return new, total


@njit(cache=True, nogil=True)
def _score(new, total, scale):  # type: ignore[no-untyped-def]
    """Return log-likelihood; at the best scale where `scale` is 0, which is returned too."""
    dims = new.shape[1]
    square = 0.0
    for t in range(len(new)):
        for axis in range(dims):
            square += new[t, axis] ** 2
    best = square / new.size if scale == 0.0 else scale
    return -0.5 * (square / best + new.size * np.log(2 * np.pi * best) + dims * total), best


@njit(cache=True, nogil=True)
def fbm_surface(backwards, known, noise, order):  # type: ignore[no-untyped-def]
    """Return log-likelihoods (alphas,) at the best step and noise, and where the best of all is.

    backwards, known: as of `innovations`. noise: squared noise of one axis, or below 0 where not
    known. The best: alpha, ratio, scale, log-likelihood.
    """
    found = np.full(len(ALPHAS), NONE)
    best = (1.0, 0.0, 1.0, NONE)
    tried = len(MOVED) if noise >= 0 else len(RATIOS)
    values = np.empty(tried)
    for a in range(len(ALPHAS)):
        for j in range(tried):
            ratio = noise / MOVED[j] if noise >= 0 else RATIOS[j]
            past, variance = memory(fbm_row(ALPHAS[a], ratio, order), order)
            new, total = innovations(backwards, known, past, variance)
            value, scale = _score(new, total, MOVED[j] if noise >= 0 else 0.0)
            values[j] = value
            if value > best[3]:
                best = (ALPHAS[a], ratio, scale, value)
        found[a] = _peak(values)
    return found, best


@njit(cache=True, nogil=True)
def _peak(values):  # type: ignore[no-untyped-def]
    """Return the height of the parabola through the highest of equally spaced values."""
    k = np.argmax(values)
    if k in (0, len(values) - 1):
        return values[k]
    curve = values[k - 1] - 2 * values[k] + values[k + 1]
    slope = 0.5 * (values[k + 1] - values[k - 1])
    if not curve < 0:
        return values[k]
    return values[k] + min(-0.5 * slope * slope / curve, 3.0)


@njit(cache=True, nogil=True)
def at_rest(positions, noise, unit):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of steps of a particle at rest, positions (k, d): noise alone.

    noise: squared, of one axis, or below 0: the best. unit: squared length; both as `unit`.
    """
    count, dims = positions.shape
    square = 0.0
    for axis in range(dims):
        mean = 0.0
        for t in range(count):
            mean += positions[t, axis]
        mean /= count
        for t in range(count):
            square += (positions[t, axis] - mean) ** 2
    square /= unit
    free = (count - 1) * dims
    level = max(square / free, _EXACT) if noise < 0 else max(noise, 1e-9)
    shared = dims * np.log(count)  # the place is unknown: a flat prior
    return -0.5 * (square / level + free * np.log(2 * np.pi * level) + shared)


@njit(cache=True, nogil=True)
def trapped(positions, times, tau, variance, noise):  # type: ignore[no-untyped-def]
    """Return (square, ln determinant, ln information) of a harmonic trap around an unknown center.

    positions (k, d) at times (k,); variance of one axis in the trap, noise: its squared error.
    """
    count, dims = positions.shape
    state, ones, spread = np.zeros(dims), 0.0, variance
    products, information, square, total = np.zeros(dims), 0.0, 0.0, 0.0
    gap, kept, seen, gain, level, settled = 0.0, 1.0, 1.0, 0.0, 0.0, False
    for t in range(count):
        ahead = times[t] - times[t - 1] if t else 0.0
        if ahead != gap:
            gap, kept, settled = ahead, np.exp(-ahead / tau), False
        if not settled:
            spread = variance + kept * kept * (spread - variance)
            settled = abs(spread + noise - seen) < 1e-9 * seen
            seen = spread + noise
            gain, level = spread / seen, np.log(seen)
            spread *= 1 - gain
        total += level
        ones *= kept
        u = 1.0 - ones
        information += u * u / seen
        ones += gain * u
        for axis in range(dims):
            state[axis] *= kept
            e = positions[t, axis] - state[axis]
            products[axis] += u * e / seen
            square += e * e / seen
            state[axis] += gain * e
    for axis in range(dims):
        square -= products[axis] ** 2 / information
    return square, total, np.log(information)


@njit(cache=True, nogil=True)
def trap_surface(positions, times, noise, unit):  # type: ignore[no-untyped-def]
    """Return log-likelihoods (times, variances) of a harmonic trap, and scales.

    noise: squared, in `unit`, or below 0: the ratio to the trap's variance is the second axis
    then (`RATIOS`), and the scale is the best one.
    """
    count, dims = positions.shape
    free = (count - 1) * dims
    tried = len(TRAPPED) if noise >= 0 else len(RATIOS)
    found, scales = np.empty((len(TIMES), tried)), np.ones((len(TIMES), tried))
    where = positions / np.sqrt(unit)
    for i in range(len(TIMES)):
        for j in range(tried):
            own = noise if noise >= 0 else max(RATIOS[j], 1e-4) / TIMES[i]
            size = TRAPPED[j] * max(1.0, 0.5 * noise) if noise >= 0 else 1.0
            square, total, information = trapped(where, times, TIMES[i], size, own)
            scale = 1.0 if noise >= 0 else max(square / free, _EXACT)
            scales[i, j] = size if noise >= 0 else scale
            found[i, j] = -0.5 * (
                square / scale + free * np.log(2 * np.pi * scale) + dims * (total + information)
            )
    return found, scales


@njit(cache=True, nogil=True)
def drift_surface(positions, times, noise, unit):  # type: ignore[no-untyped-def]
    """Return log-likelihoods (steps,) of Brownian motion with drift, and the drift at the best.

    The drift has d entries, and the squared error of one of them follows. noise as above.
    """
    count, dims = positions.shape
    tried = len(DRIFTING) if noise >= 0 else len(RATIOS)
    found, drift, error, best = np.full(tried, NONE), np.zeros(dims), 1.0, NONE
    steps, gaps = np.empty((count - 1, dims)), np.empty(count - 1)
    for t in range(count - 1):
        gaps[t] = times[t + 1] - times[t]
        for axis in range(dims):
            steps[t, axis] = (positions[t + 1, axis] - positions[t, axis]) / np.sqrt(unit)
    free = (count - 1) * dims
    for j in range(tried):
        step = DRIFTING[j] if noise >= 0 else 1.0
        level = noise if noise >= 0 else RATIOS[j]
        square, total, products, information = _drifting(steps, gaps, step, level)
        for axis in range(dims):
            square -= products[axis] ** 2 / information
        scale = 1.0 if noise >= 0 else max(square / free, _EXACT)
        value = -0.5 * (square / scale + free * np.log(2 * np.pi * scale) + dims * total)
        found[j] = value
        if value >= best:
            best, error = value, scale / information
            for axis in range(dims):
                drift[axis] = products[axis] / information
    return found, drift, error


@njit(cache=True, nogil=True)
def _drifting(steps, gaps, step, noise):  # type: ignore[no-untyped-def]
    """Return sums of innovations of Brownian steps with noise, and of those that a drift makes."""
    count, dims = steps.shape
    total, information, square = 0.0, 0.0, 0.0
    before, of_drift, products = np.zeros(dims), 0.0, np.zeros(dims)
    seen = 0.0
    for t in range(count):
        back = noise / seen if t else 0.0  # the noise that two neighbors share
        seen = step * gaps[t] + 2 * noise - back * noise
        of_drift = gaps[t] + back * of_drift
        information += of_drift * of_drift / seen
        total += np.log(seen)
        for axis in range(dims):
            before[axis] = steps[t, axis] + back * before[axis]
            square += before[axis] ** 2 / seen
            products[axis] += before[axis] * of_drift / seen
    return square, total, products, information

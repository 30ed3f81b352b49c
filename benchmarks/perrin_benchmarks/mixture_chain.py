"""The sampler of `perrin_benchmarks.mixture_posterior`: one Markov chain, compiled."""

# ruff: noqa: NPY002 - a chain in numba has a seed of its own

from __future__ import annotations

import numpy as np
from numba import njit

FBM = (0.1, 1.0)
CTRW = (0.2, 0.98)
"""Priors of the exponents: uniform (`MixtureSettings`)."""

_GRID = 200


@njit(cache=True)
def _covariance(alpha, count):  # type: ignore[no-untyped-def]
    """Covariance of the steps of an FBM with unit step."""
    of_lag = np.empty(count)
    for k in range(count):
        of_lag[k] = 0.5 * ((k + 1.0) ** alpha + abs(k - 1.0) ** alpha - 2.0 * float(k) ** alpha)
    out = np.empty((count, count))
    for i in range(count):
        for j in range(count):
            out[i, j] = of_lag[abs(i - j)]
    return out


@njit(cache=True)
def _inner(count):  # type: ignore[no-untyped-def]
    """Matrix Q with spread^2 = step' Q step: positions about their mean from their steps."""
    out = np.empty((count, count))
    length = count + 1
    for i in range(count):
        for j in range(count):
            # step i moves the frames after it
            later_i, later_j = (length - 1 - i) / length, (length - 1 - j) / length
            out[i, j] = min(later_i, later_j) - later_i * later_j
    return out


@njit(cache=True)
def _log_wait(wait, alpha):  # type: ignore[no-untyped-def]
    return np.log(alpha) - (1 + alpha) * np.log(wait) if wait >= 1.0 else -np.inf


@njit(cache=True)
def _log_still(wait, alpha):  # type: ignore[no-untyped-def]
    return -alpha * np.log(wait) if wait > 1.0 else 0.0


@njit(cache=True)
def _log_gap(before, after, end, alpha):  # type: ignore[no-untyped-def]
    """Log density of the wait from `before` to `after`, or of none until the `end`."""
    if after < 0:
        return _log_still(end - before, alpha)
    return _log_wait(after - before, alpha)


@njit(cache=True)
def _log_prior(spread_c, spread_f):  # type: ignore[no-untyped-def]
    """Log of w (1 - w): w uniform, per logarithm of the ratio of the scales."""
    return np.log(spread_c) + np.log(spread_f) - 2 * np.log(spread_c + spread_f)


@njit(cache=True)
def _solve(covariance, jump, ratio, noise, steps):  # type: ignore[no-untyped-def]
    """Log determinant and quadratic form of ``S + ratio^2 diag(n) + noise^2 E``, and that matrix.

    All in units of b^2.
    """
    matrix = covariance.copy()
    for t in range(len(jump)):
        if jump[t] >= 0:
            matrix[t, t] += ratio * ratio
        matrix[t, t] += 2 * noise * noise
        if t:
            matrix[t, t - 1] -= noise * noise
            matrix[t - 1, t] -= noise * noise
    factor = np.linalg.cholesky(matrix)
    half = steps.copy()
    log_det, square = 0.0, 0.0
    for t in range(len(jump)):
        log_det += 2 * np.log(factor[t, t])
        for k in range(steps.shape[1]):
            found = steps[t, k]
            for i in range(t):
                found -= factor[t, i] * half[i, k]
            half[t, k] = found / factor[t, t]
            square += half[t, k] ** 2
    return log_det, square, matrix


@njit(cache=True)
def _after(jump, t):  # type: ignore[no-untyped-def]
    """Time of the first jump after step t, -1 where there is none."""
    for later in range(t + 1, len(jump)):
        if jump[later] >= 0:
            return jump[later]
    return -1.0


@njit(cache=True)
def _grow(inverse, weighed, t, factor):  # type: ignore[no-untyped-def]
    """Change the inverse and what it makes of the steps for a jump more, or less, at step t."""
    column = inverse[:, t].copy()
    count, dims = weighed.shape
    for k in range(dims):
        part = factor * weighed[t, k]
        for i in range(count):
            weighed[i, k] -= part * column[i]
    for i in range(count):
        scaled = factor * column[i]
        for j in range(count):
            inverse[i, j] -= scaled * column[j]


@njit(cache=True)
def _move_jumps(jump, steps, inverse, spread_c, spread_f, inner, ratio, b, alpha_c):  # type: ignore[no-untyped-def]
    """Add or take away a jump at each step in turn; return the new squared spread of the jumps."""
    count, dims = steps.shape
    end, number = float(count), int((jump >= 0).sum())
    weighed = inverse @ steps
    before = 0.0
    for t in range(count):
        adding = jump[t] < 0
        if not adding and number == 1:
            before = jump[t]
            continue
        after = _after(jump, t)
        time = t + np.random.random() if adding else jump[t]
        change = (
            _log_gap(before, time, end, alpha_c)
            + _log_gap(time, after, end, alpha_c)
            - _log_gap(before, after, end, alpha_c)
        )
        if change == -np.inf:
            continue
        sign = 1.0 if adding else -1.0
        power = sign * ratio * ratio
        grown = 1 + power * inverse[t, t]
        new_c = spread_c + sign * inner[t, t]
        log_ratio = sign * change - dims / 2 * np.log(grown)
        log_ratio += power * (weighed[t] ** 2).sum() / grown / (2 * b * b)
        log_ratio += _log_prior(ratio * np.sqrt(new_c), spread_f)
        log_ratio -= _log_prior(ratio * np.sqrt(spread_c), spread_f)
        if np.log(np.random.random()) < log_ratio:
            _grow(inverse, weighed, t, power / grown)
            number += 1 if adding else -1
            spread_c = new_c
            jump[t] = time if adding else -1.0
        if jump[t] >= 0:
            before = jump[t]
    return spread_c


@njit(cache=True)
def _move_times(jump, alpha_c):  # type: ignore[no-untyped-def]
    """Move each jump within its frame."""
    end = float(len(jump))
    before = 0.0
    for t in range(len(jump)):
        if jump[t] < 0:
            continue
        after = _after(jump, t)
        time = t + np.random.random()
        change = (
            _log_gap(before, time, end, alpha_c)
            + _log_gap(time, after, end, alpha_c)
            - _log_gap(before, jump[t], end, alpha_c)
            - _log_gap(jump[t], after, end, alpha_c)
        )
        if np.log(np.random.random()) < change:
            jump[t] = time
        before = jump[t]


@njit(cache=True)
def _draw_alpha_ctrw(jump):  # type: ignore[no-untyped-def]
    """Draw the exponent of the waits; a walk without a jump was drawn again."""
    end = float(len(jump))
    of_waits, before = 0.0, 0.0
    for t in range(len(jump)):
        if jump[t] >= 0:
            of_waits += np.log(jump[t] - before)
            before = jump[t]
    if end - before > 1:
        of_waits += np.log(end - before)
    cell = (CTRW[1] - CTRW[0]) / _GRID
    grid = CTRW[0] + (np.arange(_GRID) + 0.5) * cell
    log = (jump >= 0).sum() * np.log(grid) - grid * of_waits - np.log(1 - end ** (-grid))
    below = np.cumsum(np.exp(log - log.max()))
    chosen = np.searchsorted(below, np.random.random() * below[-1])
    return grid[chosen] + (np.random.random() - 0.5) * cell


@njit(cache=True)
def _log_likelihood(log_det, square, size, dims, b, sigma):  # type: ignore[no-untyped-def]
    """Log likelihood of the steps; without noise b is integrated over, with the prior 1 / b."""
    if sigma == 0:
        return -dims / 2 * log_det - size / 2 * np.log(square)
    return -dims / 2 * log_det - size * np.log(b) - square / (2 * b * b)


@njit(cache=True)
def _draw_spreads(jump, steps, inverse, covariance, root, inner, ratio, b, sigma):  # type: ignore[no-untyped-def]
    """Draw both paths from their posterior; return their spreads."""
    count, dims = steps.shape
    spread_c, spread_f = 0.0, 0.0
    for k in range(dims):
        of_c = np.zeros(count)
        for t in range(count):
            if jump[t] >= 0:
                of_c[t] = b * ratio * np.random.normal()
        of_f = b * (root @ np.random.standard_normal(count))
        missed = steps[:, k] - of_c - of_f
        if sigma > 0:
            missed -= np.diff(sigma * np.random.standard_normal(count + 1))
        missed = inverse @ missed
        for t in range(count):
            if jump[t] >= 0:
                of_c[t] += ratio * ratio * missed[t]
        of_f += covariance @ missed
        spread_c += of_c @ (inner @ of_c)
        spread_f += of_f @ (inner @ of_f)
    return np.sqrt(spread_c), np.sqrt(spread_f)


@njit(cache=True)
def _spread_of_jumps(jump, inner):  # type: ignore[no-untyped-def]
    """Squared spread of jumps of unit size."""
    spread = 0.0
    for t in range(len(jump)):
        if jump[t] >= 0:
            spread += inner[t, t]
    return spread


@njit(cache=True)
def _draw_scale(square, size):  # type: ignore[no-untyped-def]
    """Draw the scale b where there is no noise: its posterior is known."""
    return np.sqrt(square / 2 / np.random.gamma(size / 2, 1.0))


@njit(cache=True)
def _move_scales(state, fbm, jump, steps, inner, spread_c, sigma, width):  # type: ignore[no-untyped-def]
    """Try twice to move scales and exponent of the FBM; return all of it and how often taken.

    state: ratio, alpha_f, b, spread_f, log determinant and square; fbm: covariance, its root,
    and the matrix of the steps.
    """
    ratio, alpha_f, b, spread_f, log_det, square = state
    covariance, root, matrix = fbm
    count, dims = steps.shape
    size, taken = count * dims, 0
    for _ in range(2):
        new_ratio = ratio * np.exp(2 * width * np.random.normal())
        new_alpha = alpha_f + 0.3 * width * np.random.normal()
        new_b = b * np.exp(width * np.random.normal()) if sigma > 0 else b
        if not FBM[0] < new_alpha < FBM[1] or not 1e-4 < new_ratio < 1e4:
            continue
        new = _covariance(new_alpha, count)
        new_f = np.sqrt((inner * new).sum())
        new_det, new_square, new_matrix = _solve(new, jump, new_ratio, sigma / new_b, steps)
        jumps = np.sqrt(spread_c)
        log_ratio = _log_likelihood(new_det, new_square, size, dims, new_b, sigma)
        log_ratio -= _log_likelihood(log_det, square, size, dims, b, sigma)
        log_ratio += _log_prior(new_ratio * jumps, new_f)
        log_ratio -= _log_prior(ratio * jumps, spread_f)
        if np.log(np.random.random()) < log_ratio:
            ratio, alpha_f, covariance, spread_f = new_ratio, new_alpha, new, new_f
            log_det, square, matrix, b = new_det, new_square, new_matrix, new_b
            root = np.linalg.cholesky(covariance)
            taken += 1
    return (ratio, alpha_f, b, spread_f, log_det, square), (covariance, root, matrix), taken


@njit(cache=True)
def draw_chain(steps, jump, start, sigma, sweeps, seed):  # type: ignore[no-untyped-def]
    """Return w, alpha_fbm, alpha_ctrw and weight of each sweep, (sweeps, 4)."""
    np.random.seed(seed)
    count, dims = steps.shape
    size = count * dims
    inner = _inner(count)
    alpha_f, alpha_c, ratio, b = start[0], start[1], start[2] / start[3], start[3]
    covariance = _covariance(alpha_f, count)
    root = np.linalg.cholesky(covariance)
    spread_f = np.sqrt((inner * covariance).sum())
    log_det, square, matrix = _solve(covariance, jump, ratio, sigma / b, steps)
    inverse = np.linalg.inv(matrix)
    spread_c = _spread_of_jumps(jump, inner)
    out = np.empty((sweeps, 4))
    width, tried, taken = 0.3, 0, 0
    for sweep in range(sweeps):
        if sigma == 0:
            b = _draw_scale(square, size)
        spread_c = _move_jumps(jump, steps, inverse, spread_c, spread_f, inner, ratio, b, alpha_c)
        _move_times(jump, alpha_c)
        alpha_c = _draw_alpha_ctrw(jump)
        log_det, square, matrix = _solve(covariance, jump, ratio, sigma / b, steps)
        state, fbm, moved = _move_scales(
            (ratio, alpha_f, b, spread_f, log_det, square),
            (covariance, root, matrix),
            jump,
            steps,
            inner,
            spread_c,
            sigma,
            width,
        )
        ratio, alpha_f, b, spread_f, log_det, square = state
        covariance, root, matrix = fbm
        tried, taken = tried + 2, taken + moved
        if sweep < sweeps // 5 and sweep % 20 == 19:
            width = min(max(width * (1.3 if taken > 0.3 * tried else 0.75), 0.01), 2.0)
            tried, taken = 0, 0
        inverse = np.linalg.inv(matrix)
        if sigma == 0:
            b = _draw_scale(square, size)
        of_c, of_f = _draw_spreads(jump, steps, inverse, covariance, root, inner, ratio, b, sigma)
        weight = _log_prior(of_c, of_f) - _log_prior(ratio * np.sqrt(spread_c), spread_f)
        out[sweep] = of_c / (of_c + of_f), alpha_f, alpha_c, np.exp(weight)
    return out

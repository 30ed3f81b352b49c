"""What tells kinds of motion apart: the numbers that the network of kinds looks at.

Of each track: how likely it is as FBM of each exponent, at rest, in a harmonic trap, with a
drift, with diffusivities that change; moments, memory and order of its steps; what the mixture
network says of it; and what is known of its camera. Nothing depends on place, unit or rotation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from perrin.diffusion.gaussian_evidence import (
    ALPHAS,
    BROWNIAN,
    ORDER,
    at_rest,
    drift_surface,
    fbm_row,
    fbm_surface,
    innovations,
    memory,
    trap_surface,
)
from perrin.diffusion.standard import Prediction
from perrin.diffusion.switching_evidence import switching
from perrin.diffusion.windows import Track
from perrin.types import BoolArray, FloatArray, IntArray

LAGS = (2, 4, 8, 16, 32, 64)
"""Frames at which the MSD is compared with that of one."""
MEMORY = (1, 2, 3, 5, 8, 16)
"""Steps over which the order of their sizes is looked at."""
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles of the length of steps."""
_TINY = 1e-12


def evidence(tracks: Sequence[Track], prediction: Prediction) -> FloatArray:
    """Return the numbers of each track, (N, q) finite; prediction: the mixture network's of them.

    A track has to have moved between neighboring frames.
    """
    rows = []
    for track, quantiles, steps in zip(tracks, prediction.quantiles, prediction.steps, strict=True):
        own = _of_positions(
            np.ascontiguousarray(track.positions[track.seen]),
            np.flatnonzero(track.seen).astype(np.float64),
            track.noise if np.isfinite(track.noise) else -1.0,
        )
        rows.append(np.concatenate([own, _of_answer(quantiles, steps), _camera(track)]))
    finite = np.nan_to_num(np.array(rows), nan=0.0, posinf=50.0, neginf=-50.0)
    looked: FloatArray = finite.clip(-50, 50)
    return looked


def _of_answer(quantiles: FloatArray, steps: FloatArray) -> FloatArray:
    """Return what the mixture network says of the whole, and how its steps differ."""
    jump, ctrw = steps[:, 0], steps[:, 1]
    follow = np.corrcoef(jump[1:], jump[:-1])[0, 1] if jump.std() > 1e-6 else 0.0
    of_steps = (jump.mean(), jump.std(), ctrw.mean(), ctrw.std(), follow, (jump > 0.5).mean())
    return np.concatenate([quantiles.ravel(), of_steps])


def _camera(track: Track) -> FloatArray:
    told = np.isfinite(track.exposure)
    return np.array(
        [
            float(track.positions.shape[1]),
            1.0 - track.seen.mean(),
            float(told),
            track.exposure if told else 0.0,
        ]
    )


def _of_positions(positions: FloatArray, times: FloatArray, error: float) -> FloatArray:
    """Return the numbers of positions (k, d) at times (k,); error: of one axis, -1 if unknown."""
    dims = positions.shape[1]
    whole = np.diff(positions, axis=0)
    near = np.diff(times) == 1.0
    steps = whole[near]
    unit = float((steps**2).mean())
    noise = min(error * error / unit, 2.0) if error >= 0 else -1.0
    steps = steps / np.sqrt(unit)
    order = min(ORDER, max(len(steps) - 1, 1))
    known = remembered(near, order)
    backwards = np.ascontiguousarray(steps[::-1].T)
    fbm, best = fbm_surface(backwards, known, noise, order)
    past, variance = memory(fbm_row(best[0], best[1], order), order)
    new, _ = innovations(backwards, known, past, variance)
    square = (new**2).sum(axis=1) / max(float((new**2).mean()), 1e-300)
    parts = (
        _gaussian(positions, times, noise, unit, fbm),
        _signed(switching(square, dims)),
        _signed(switching((steps**2).sum(axis=1), dims)),
        _moments(positions, times, steps),
        _order(square),
        (np.log(len(positions)), float(noise >= 0), max(noise, 0.0), best[0], best[1]),
    )
    return np.concatenate(parts)


def remembered(near: BoolArray, order: int) -> IntArray:
    """Return how many steps come before each step without a gap, at most `order`: (n,).

    near: which displacements between neighboring positions are steps of one frame.
    """
    at = np.arange(len(near))
    gap = np.maximum.accumulate(np.where(near, -1, at))
    before: IntArray = np.minimum(at - gap - 1, order)[near]
    return before


def _signed(values: FloatArray) -> FloatArray:
    """Return values drawn together: linear near 0, logarithmic far away."""
    drawn: FloatArray = np.sign(values) * np.log1p(np.abs(values))
    return drawn


def _gaussian(
    positions: FloatArray, times: FloatArray, noise: float, unit: float, fbm: FloatArray
) -> FloatArray:
    """Return what the kinds of Gaussian motion say, each over Brownian motion."""
    dims = positions.shape[1]
    top = fbm.max()
    weight = np.exp(fbm - top)
    weight /= weight.sum()
    mean = float(weight @ ALPHAS)
    spread = float(np.sqrt(weight @ (ALPHAS - mean) ** 2))
    drift, velocity, error = drift_surface(positions, times, noise, unit)
    trap, _ = trap_surface(positions, times, noise, unit)
    fast = 0.5 * float((velocity**2).sum()) / error
    brownian = drift.max() - fast
    beyond, held = top - fbm[BROWNIAN], trap.max() - brownian
    found = (
        beyond,
        at_rest(positions, noise, unit) - brownian,
        held,
        float(np.log(np.exp(trap - trap.max()).mean())) + held,
        fast,
        held - beyond,
        fast - beyond,
    )
    at = int(trap.argmax()) // trap.shape[1]
    speed = np.log(np.sqrt((velocity**2).sum() / dims) + 1e-3)
    by_exponent = (fbm[::3] - top) / np.sqrt(len(times))
    return np.concatenate([_signed(np.array(found)), (mean, spread, speed, at), by_exponent])


def _moments(positions: FloatArray, times: FloatArray, steps: FloatArray) -> FloatArray:
    """Return ln MSD and kurtosis at several lags, memory of steps, quantiles, spread, shape."""
    dims = positions.shape[1]
    second, fourth, known = lagged(positions, times, np.array((1, *LAGS)))
    size = np.sqrt((steps**2).sum(axis=1))
    follow = [
        float((steps[lag:] * steps[:-lag]).sum()) / len(steps) / dims if lag < len(steps) else 0.0
        for lag in (1, 2, 3, 5)
    ]
    ordered = np.log(np.sort(size) + 1e-3)
    away = positions - positions.mean(axis=0)
    spread = (away**2).mean(axis=0)
    total = ((positions[-1] - positions[0]) ** 2).mean()
    far = (away**2).sum(axis=1).max()
    large = steps * size[:, None]
    one = max(second[0], 1e-300)
    kurtosis = fourth / np.where(second > 0, second, 1.0) ** 2
    shape = (
        np.log(dims * total / one + 1e-3),
        np.log(dims * spread.mean() / one + 1e-3),
        float(((away**4).mean(axis=0) / np.maximum(spread, 1e-300) ** 2).mean()),
        float((np.ptp(positions, axis=0) / np.sqrt(np.maximum(spread, 1e-300))).mean()),
        np.sqrt(far / max(float(spread.mean()), 1e-300)),
        np.log((large.sum(axis=0) ** 2).sum() / ((large**2).sum() + _TINY) + 1e-3),
    )
    parts = (
        np.where(known, np.log(second / one + 1e-6), 0.0)[1:],
        np.where(known, np.log(kurtosis + 1e-6), 0.0)[:5],
        known,
        follow,
        np.interp(SHARES, np.linspace(0, 1, len(ordered)), ordered),
        ordered[-1:],
        shape,
    )
    return np.concatenate(parts)


@njit(cache=True, nogil=True)
def lagged(positions, times, lags):  # type: ignore[no-untyped-def]
    """Return mean square and fourth power of displacements over `lags`, and which are told.

    Told: a pair, and a lag of at most a third of the track.
    """
    count, dims = positions.shape
    second, fourth = np.zeros(len(lags)), np.zeros(len(lags))
    known = np.zeros(len(lags), np.bool_)
    for k in range(len(lags)):
        pairs, ahead = 0, 0
        for first in range(count):
            while ahead < count and times[ahead] < times[first] + lags[k]:
                ahead += 1
            if ahead < count and times[ahead] == times[first] + lags[k]:
                square = 0.0
                for axis in range(dims):
                    square += (positions[ahead, axis] - positions[first, axis]) ** 2
                second[k] += square
                fourth[k] += square * square
                pairs += 1
        if pairs:
            second[k] /= pairs
            fourth[k] /= pairs
        known[k] = pairs > 0 and second[k] > 0 and lags[k] <= (times[-1] - times[0] + 1) / 3
    return second, fourth, known


def _order(square: FloatArray) -> FloatArray:
    """Return how sizes of innovations (n,) go together over `MEMORY` steps, and in blocks."""
    count = len(square)
    found = []
    for values in (np.log(square + 1e-4), np.minimum(square, 6.0)):
        away = values - values.mean()
        mean = float((away**2).mean()) + 1e-9
        for lag in MEMORY:
            pairs = count - lag
            together = float((away[lag:] * away[:-lag]).sum()) if pairs > 2 else 0.0
            found.append(together / mean / np.sqrt(max(pairs, 1)))
    edges = np.linspace(0, count, max(count // 10, 1) + 1).astype(int)
    means = np.add.reduceat(square, edges[:-1]) / np.diff(edges)
    middle = means.mean() + 1e-9
    found += [np.log(means.max() / middle + 1e-3), np.log(means.min() / middle + 1e-3)]
    return np.array(found)

"""Is a track out of the model? A posterior predictive check, track by track.

Replicates are drawn from what the network answered, each from parameters within their intervals:
FBM and Brownian motion, jumps at the steps where it sees them, localization noise, the same
length, gaps and exposure; where the track switches, FBM moves it in its regimes only. Track and
replicates are compared in statistics that the network was not asked for: MSD at several lags,
kurtosis, velocity autocorrelation, anisotropy, and whether large steps lead back.

How odd the track is among its replicates is the mean of its three largest deviations; how often a
track of the model is as odd was measured on simulated ones, by length, for the network at hand, and
is on its card (`perrin.models.cards.Discrepancies`), because answers are uncertain in ways that
independent intervals do not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from perrin.diffusion.regimes import find_regimes
from perrin.diffusion.standard import TARGETS, from_unit
from perrin.simulate.walk_noise import SUBFRAMES, expose
from perrin.simulate.walks import brownian, fbm
from perrin.stats import normal_quantile
from perrin.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from perrin.diffusion.windows import Track
    from perrin.models.cards import Discrepancies

REPLICATES = 80
LAGS = (2, 4, 8, 16, 32, 64)
"""Frames at which the MSD is compared, over that of one frame; up to a quarter of the track."""
MEMORY = (1, 2, 3)
"""Frames at which the velocity autocorrelation is compared."""
LONG_MEMORY = tuple(range(8, 24))
"""Frames over which its mean is compared."""
WORST = 3
"""Deviations that count: the largest ones."""
REACH = 0.5
"""Fraction of the width of the intervals over which parameters are drawn. They are drawn one by
one, while their errors go together: with all of the width replicates differ by more
than they should."""
BLOCK = 16
"""Steps over which the direction of motion is taken."""
LEVELS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Fractions of the tracks of the model whose distances a card holds."""
LENGTHS = (30, 100, 300, 1000)
"""Frames of these tracks."""
SEED = 7
"""Of the replicates; each track has its own from it."""
_INDEX = {name: k for k, (name, _, _) in enumerate(TARGETS)}
_FRACTIONS = ("fraction_fbm", "fraction_brownian", "fraction_noise", "fraction_ctrw")
_NORMAL = normal_quantile(0.9)  # the intervals are 90%
_TINY = 1e-9
_NOTHING = 0.01  # a smaller fraction of the steps changes no statistic


def distance(track: Track, quantiles: FloatArray, steps: FloatArray) -> float:
    """Return how far a track is from its replicates: the mean of its `WORST` largest deviations.

    A deviation is that from the median of the replicates, 1.645 where it reaches their 5% or 95%
    quantile. quantiles (10, 3), steps (L - 1, 2): as in `perrin.diffusion.standard.Prediction`.
    """
    rng = np.random.default_rng([SEED, track.particle % 2**32, len(track.seen)])
    observed = statistics(track.positions[None], track.seen)[0]
    made = statistics(replicates(track, quantiles, steps, count=REPLICATES, rng=rng), track.seen)
    low, middle, high = _quantiles(made)
    away = observed - middle
    reach = np.maximum(np.where(away > 0, high - middle, middle - low), _TINY)
    return float(np.sort(_NORMAL * np.abs(away) / reach)[-WORST:].mean())


def p_values(distances: FloatArray, lengths: IntArray, table: Discrepancies) -> FloatArray:
    """Return the fraction (N,) of the model's tracks, about as long, that are more discrepant.

    Between the levels of the table ln p is a line of the distance; beyond the last, p is no
    surer than half of it.
    """
    nearest = np.abs(np.log(np.divide.outer(lengths, np.array(table.lengths)))).argmin(axis=1)
    log_levels = np.log([1.0, *table.levels, table.levels[-1] / 2])
    p = [
        np.exp(np.interp(far, [0.0, *edges, 2 * edges[-1]], log_levels))
        for far, edges in zip(distances, (table.distances[k] for k in nearest), strict=True)
    ]
    return np.array(p, dtype=np.float64)


def replicates(
    track: Track,
    quantiles: FloatArray,
    steps: FloatArray,
    *,
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return `count` tracks that the answer could have come from, (count, L, d), any unit."""
    length, dims = track.positions.shape
    drawn = _parameters(quantiles, count, rng, noise=_noise_fraction(track))
    fractions = {name: np.sqrt(drawn[name]) for name in _FRACTIONS}
    alpha = np.clip(from_unit(drawn["alpha_fbm"], _INDEX["alpha_fbm"]), 0.02, 1.98)
    blurred = track.exposure > 0
    fine = SUBFRAMES if blurred else 1
    walks = {"fraction_fbm": fbm(alpha, length=length * fine, rng=rng, dims=dims)}
    if drawn["fraction_brownian"].max() > _NOTHING:
        walks["fraction_brownian"] = brownian(count, length=length * fine, rng=rng, dims=dims)
    moved = np.zeros((count, length - 1, dims))
    where = _of_fbm(steps[:, 1], count, rng)
    for name, walk in walks.items():
        seen = expose(walk, track.exposure) if blurred else walk
        _add_steps(np.ascontiguousarray(seen), where, fractions[name], moved)
    jumping = rng.random((count, length - 1)) < steps[:, 0]
    rate = max(float(steps[:, 0].mean()), 1 / length)
    jumps = rng.standard_normal(moved.shape)
    noise = rng.standard_normal((count, length, dims))
    size = fractions["fraction_ctrw"] / np.sqrt(rate), fractions["fraction_noise"] / np.sqrt(2)
    _add_up(moved, jumping, jumps, noise, *size)
    return noise


@njit(cache=True, nogil=True)
def _add_steps(walks, where, size, moved):  # type: ignore[no-untyped-def]
    """Add the steps of walks (N, L, d) where they move, scaled to the root mean square `size` (N,).

    A walk has one scale for all axes: that of its steps with zeros where it does not move.
    """
    count, steps, dims = moved.shape
    for n in range(count):
        square = 0.0
        for t in range(steps):
            if where[n, t]:
                for axis in range(dims):
                    square += (walks[n, t + 1, axis] - walks[n, t, axis]) ** 2
        scale = size[n] / max(np.sqrt(square / (steps * dims)), _TINY)
        for t in range(steps):
            if where[n, t]:
                for axis in range(dims):
                    moved[n, t, axis] += (walks[n, t + 1, axis] - walks[n, t, axis]) * scale


@njit(cache=True, nogil=True)
def _add_up(moved, jumping, jumps, noise, jump_size, noise_size):  # type: ignore[no-untyped-def]
    """Turn normal `noise` (N, L, d) into positions: of steps, jumps, and noise of its size."""
    count, steps, dims = moved.shape
    at = np.empty(dims)
    for n in range(count):
        for axis in range(dims):
            at[axis] = 0.0
            noise[n, 0, axis] *= noise_size[n]
        for t in range(steps):
            for axis in range(dims):
                at[axis] += moved[n, t, axis]
                if jumping[n, t]:
                    at[axis] += jumps[n, t, axis] * jump_size[n]
                noise[n, t + 1, axis] = at[axis] + noise[n, t + 1, axis] * noise_size[n]


def _quantiles(made: FloatArray) -> FloatArray:
    """Return the 5%, 50% and 95% quantiles of each statistic, (3, q)."""
    ranked = np.sort(made, axis=0)
    at = np.array([0.05, 0.5, 0.95]) * (len(made) - 1)
    below = at.astype(np.int64)
    low, high = ranked[below], ranked[np.minimum(below + 1, len(made) - 1)]
    found: FloatArray = low + (high - low) * (at - below)[:, None]
    return found


def statistics(positions: FloatArray, seen: BoolArray) -> FloatArray:
    """Return the compared statistics of tracks (N, L, d) with the same frames `seen` (L,): (N, q).

    ln of the MSD at `LAGS` over that at one frame; ln of the kurtosis of the length of steps over 1
    and 4 frames; velocity autocorrelation at `MEMORY` and over `LONG_MEMORY`; ln of the anisotropy
    of steps in blocks; ln of the squared sum of s|s| over its sum of squares (small where large
    steps lead back). They do not change with rotation or unit; short tracks have fewer.
    """
    length, dims = positions.shape[1:]
    lags = [lag for lag in LAGS if lag <= length // 4]
    long = LONG_MEMORY if length > 4 * max(LONG_MEMORY) else ()
    found = np.empty((len(positions), len(lags) + 2 + len(MEMORY) + bool(long) + (dims > 1) + 1))
    compared = np.array(lags, np.int64), np.array(MEMORY), np.array(long, np.int64)
    _statistics(np.ascontiguousarray(positions), seen, *compared, found)
    return found


@njit(cache=True, nogil=True)
def _statistics(positions, seen, lags, memory, long, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N, q), track after track; each axis is laid along memory, so that sums are quick.

    The kurtosis is that of the length, so that rotation changes nothing: 1 + 2 / d of a Gaussian.
    """
    count, length, dims = positions.shape
    there, pairs = np.empty(length - 1, np.bool_), 0
    for t in range(length - 1):
        there[t] = seen[t] and seen[t + 1]
        pairs += there[t]
    at, step, square = np.empty((dims, length)), np.empty((dims, length - 1)), np.empty(length)
    for n in range(count):
        mean = 0.0
        for axis in range(dims):
            for t in range(length):
                at[axis, t] = positions[n, t, axis]
            for t in range(length - 1):
                step[axis, t] = at[axis, t + 1] - at[axis, t] if there[t] else 0.0
                mean += step[axis, t] ** 2
        mean = max(mean / max(pairs, 1), _TINY)
        column = 0
        for lag in lags:
            msd, _ = _moments(at, seen, lag, square)
            out[n, column] = np.log(max(msd, _TINY) / mean)
            column += 1
        for lag in (1, 4):
            second, fourth = _moments(at, seen, lag, square)
            out[n, column] = np.log(max(fourth / max(second, _TINY) ** 2, _TINY))
            column += 1
        for lag in memory:
            out[n, column] = _memory(step, there, lag) / mean
            column += 1
        if len(long):
            total = 0.0
            for lag in long:
                total += _memory(step, there, lag)
            out[n, column] = total / len(long) / mean
            column += 1
        if dims > 1:
            out[n, column] = np.log(max(_anisotropy(step), _TINY))
            column += 1
        out[n, column] = np.log(_leading_back(step, square))


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _moments(at, seen, lag, square):  # type: ignore[no-untyped-def]
    """Return <|s|^2> and <|s|^4> of the displacements over `lag` frames that are there.

    at (d, L): positions; square (L,): room.
    """
    dims, length = at.shape
    for first in range(length - lag):
        square[first] = 0.0
    for axis in range(dims):
        for first in range(length - lag):
            square[first] += (at[axis, first + lag] - at[axis, first]) ** 2
    pairs, second, fourth = 0, 0.0, 0.0
    for first in range(length - lag):
        both = seen[first] & seen[first + lag]
        size = square[first] if both else 0.0
        pairs += both
        second += size
        fourth += size * size
    return second / max(pairs, 1), fourth / max(pairs, 1)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _memory(step, there, lag):  # type: ignore[no-untyped-def]
    """Return <s(t) s(t + lag)> of the steps (d, L - 1) that are there; others are zero."""
    dims, steps = step.shape
    pairs, total = 0, 0.0
    for t in range(steps - lag):
        pairs += there[t] & there[t + lag]
    for axis in range(dims):
        for t in range(steps - lag):
            total += step[axis, t] * step[axis, t + lag]
    return total / max(pairs, 1)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _anisotropy(step):  # type: ignore[no-untyped-def]
    """Return how far the steps (d, L - 1) of a block have one axis, mean over blocks: 0 to 1.

    From the traceless part of the sum of s s^T over the block, which no rotation changes.
    """
    dims, steps = step.shape
    block = min(BLOCK, steps)
    length, size = 0.0, 0.0
    for first in range(0, steps // block * block, block):
        trace, square = 0.0, 0.0
        for i in range(dims):
            for j in range(dims):
                product = 0.0
                for t in range(first, first + block):
                    product += step[i, t] * step[j, t]
                square += product * product
                trace += product if i == j else 0.0
        square -= trace * trace / dims
        length += np.sqrt(max(square, 0.0) * dims / (dims - 1))
        size += trace
    return length / max(size, _TINY)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _leading_back(step, size):  # type: ignore[no-untyped-def]
    """Return the squared sum of s|s| over its sum of squares; size (L,): room."""
    dims, steps = step.shape
    for t in range(steps):
        size[t] = 0.0
    for axis in range(dims):
        for t in range(steps):
            size[t] += step[axis, t] ** 2
    squares, far = 0.0, 0.0
    for t in range(steps):
        squares += size[t] * size[t]
        size[t] = np.sqrt(size[t])
    for axis in range(dims):
        total = 0.0
        for t in range(steps):
            total += step[axis, t] * size[t]
        far += total * total
    return (far + _TINY) / (squares + _TINY)


def _moved(positions: FloatArray, seen: BoolArray, lag: int) -> FloatArray:
    """Return the displacements over `lag` frames, (N, L - lag, d), zero where an end is unseen."""
    far: FloatArray = positions[:, lag:] - positions[:, :-lag]
    if not seen.all():
        far *= (seen[lag:] & seen[:-lag])[:, None]
    return far


def _noise_fraction(track: Track) -> float:
    """Return the fraction of the squared step that the known localization error makes, or NaN."""
    step = _moved(track.positions[None], track.seen, 1)
    pairs = int((track.seen[1:] & track.seen[:-1]).sum()) * track.positions.shape[1]
    square = float((step**2).sum()) / max(pairs, 1)
    return float(min(2 * track.noise**2 / max(square, _TINY), 1.0))


def _parameters(
    quantiles: FloatArray, count: int, rng: np.random.Generator, *, noise: float
) -> dict[str, FloatArray]:
    """Return draws (count,) of the fractions, which sum to 1, and of alpha_fbm in 0 to 1.

    noise: the fraction of localization noise where it is known, else NaN.
    """
    low, middle, high = quantiles.T[:, :, None]
    normal = rng.standard_normal((len(quantiles), count))
    reach = np.where(normal > 0, high - middle, middle - low) / _NORMAL
    values = np.clip(middle + REACH * normal * reach, 0.0, 1.0)
    drawn = {name: values[_INDEX[name]] for name in (*_FRACTIONS, "alpha_fbm")}
    moving = [name for name in _FRACTIONS if name != "fraction_noise"]
    if np.isfinite(noise):
        drawn["fraction_noise"] = np.full(count, noise)
        left = np.maximum(sum(drawn[name] for name in moving), _TINY) / max(1 - noise, _TINY)
        return drawn | {name: drawn[name] / left for name in moving}
    total = np.maximum(sum(drawn[name] for name in _FRACTIONS), _TINY)
    return drawn | {name: drawn[name] / total for name in _FRACTIONS}


def _of_fbm(p: FloatArray, count: int, rng: np.random.Generator) -> BoolArray:
    """Return which steps FBM moves, (count, L - 1): all, unless the track switches."""
    if not any(regime.changed for regime in find_regimes(p)):
        return np.ones((count, len(p)), dtype=bool)
    moved: BoolArray = p <= rng.random((count, 1))
    return moved

"""How often particles go from one state of exponent and K to another, and how long they stay.

Visits that are too short to be seen as segments count too: the states are hidden, each step has
a density in each of them given the `MEMORY` before it, and the probabilities of a change are
those of the greatest likelihood (Baum and Welch, as in Rabiner, Proc. IEEE 77, 257 (1989)).
Tracks begin and end in the middle of a stay, which this likelihood knows: nothing is censored
without being counted. Errors are those of scores that differ from particle to particle (Berndt,
Hall, Hall and Hausman 1974), so that they count particles, not steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.diffusion.segmentation import States
from perrin.stats import normal_quantile
from perrin.types import FloatArray, IntArray

MEMORY = 3
_ROUNDS = 60
_STILL = 1e-4  # largest relative change of a probability in the last round
_LEAST = 1e-6
_REACH = normal_quantile(0.9)
_WIDEST = np.log(1e4)


@dataclass(frozen=True)
class Changes:
    """Of m states: number (m, m) of changes expected in time (m,) steps, probability a step.

    low, high (m, m): 90% interval of the probability. stay, stay_low, stay_high (m,): mean number
    of steps of a stay; infinite where no change is seen. occupancy (N, m): time of each particle.
    """

    number: FloatArray
    time: FloatArray
    probability: FloatArray
    low: FloatArray
    high: FloatArray
    stay: FloatArray
    stay_low: FloatArray
    stay_high: FloatArray
    occupancy: FloatArray


def changes(steps: Sequence[FloatArray], before: Sequence[IntArray], states: States) -> Changes:
    """Return how tracks of steps (n, d) go from state to state.

    before (n,): how many steps come before each without a missing frame.
    """
    density = [
        _densities(
            np.ascontiguousarray(own, np.float64),
            np.minimum(known, MEMORY).astype(np.int64),
            states.past,
            states.precision,
            states.level,
        )
        for own, known in zip(steps, before, strict=True)
    ]
    logs, stops = np.concatenate(density), np.cumsum([len(one) for one in density])
    count = len(states.K)
    chance = np.full((count, count), 0.05 / max(count - 1, 1))
    np.fill_diagonal(chance, 0.95 if count > 1 else 1.0)
    first = np.full(count, 1 / count)
    for _ in range(_ROUNDS):
        moved, spent, began = _expected(logs, stops, chance, first)
        total = moved.sum(axis=0) + _LEAST
        after = total / total.sum(axis=1, keepdims=True)
        first = (began.sum(axis=0) + _LEAST) / (began.sum() + count * _LEAST)
        off = np.abs(after / chance - 1).max()
        chance = after
        if off < _STILL:
            break
    return _with_errors(moved, spent, chance)


def _with_errors(moved: FloatArray, spent: FloatArray, chance: FloatArray) -> Changes:
    """Return the answer; moved (N, m, m), spent (N, m): what each track is expected to do."""
    count = len(chance)
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
    score = np.array(
        [
            moved[:, a, b] - moved[:, a, a] * chance[a, b] / max(chance[a, a], _LEAST)
            for a, b in pairs
        ]
    ).reshape(len(pairs), len(moved))
    covariance = np.linalg.pinv(score @ score.T, rcond=1e-8, hermitian=True)
    number = moved.sum(axis=0)
    low, high = np.zeros((count, count)), np.zeros((count, count))
    for k, (a, b) in enumerate(pairs):
        few = 1 / max(number[a, b], 0.05)  # no fewer than a Poisson number has
        error = np.sqrt(max(covariance[k, k], few))
        reach = np.exp(min(_REACH * error, _WIDEST))
        low[a, b], high[a, b] = chance[a, b] / reach, min(chance[a, b] * reach, 1.0)
    leave = 1 - np.diag(chance)
    stay, ends = np.full(count, np.inf), np.full((2, count), np.inf)
    for a in range(count):
        own = [k for k, pair in enumerate(pairs) if pair[0] == a]
        if not leave[a] > 10 * _LEAST:
            continue
        slope = np.array([chance[pairs[k]] / leave[a] for k in own])
        error = np.sqrt(
            max(
                slope @ covariance[np.ix_(own, own)] @ slope,
                1 / (number[a].sum() - number[a, a] + 0.05),
            )
        )
        reach = np.exp(min(_REACH * error, _WIDEST))
        stay[a], ends[0, a], ends[1, a] = 1 / leave[a], 1 / leave[a] / reach, 1 / leave[a] * reach
    np.fill_diagonal(number, 0.0)
    return Changes(number, spent.sum(axis=0), chance, low, high, stay, ends[0], ends[1], spent)


@njit(cache=True, nogil=True)
def _densities(steps, known, past, precision, level):  # type: ignore[no-untyped-def]
    """Return the log-density (n, m) of each step in each state, given up to `MEMORY` before it."""
    count, dims = steps.shape
    found = np.empty((count, precision.shape[1]))
    for t in range(count):
        m = known[t]
        for k in range(found.shape[1]):
            value = -dims * level[m, k]
            for axis in range(dims):
                new = steps[t, axis]
                for j in range(m):
                    new -= past[m, j, k] * steps[t - 1 - j, axis]
                value -= 0.5 * new * new * precision[m, k]
            found[t, k] = value
    return found


@njit(cache=True, nogil=True)
def _expected(logs, stops, chance, first):  # type: ignore[no-untyped-def]
    """Return expected changes (N, m, m), steps (N, m) and first states (N, m) of each track."""
    tracks, count = len(stops), logs.shape[1]
    moved, spent = np.zeros((tracks, count, count)), np.zeros((tracks, count))
    began = np.zeros((tracks, count))
    start = 0
    for n in range(tracks):
        density, ahead, scale = _ahead(logs[start : stops[n]], chance, first)
        _backwards(density, ahead, scale, chance, moved[n], spent[n], began[n])
        start = stops[n]
    return moved, spent, began


@njit(cache=True, nogil=True)
def _ahead(logs, chance, first):  # type: ignore[no-untyped-def]
    """Return density (n, m), how probable each state is by then (n, m), and its scale (n,)."""
    size, count = logs.shape
    density, ahead, scale = np.empty((size, count)), np.empty((size, count)), np.zeros(size)
    for t in range(size):
        top = logs[t, 0]
        for k in range(1, count):
            top = max(top, logs[t, k])
        for k in range(count):
            density[t, k] = np.exp(logs[t, k] - top) + 1e-300
            total = first[k]
            if t:
                total = 0.0
                for j in range(count):
                    total += ahead[t - 1, j] * chance[j, k]
            ahead[t, k] = total * density[t, k]
            scale[t] += ahead[t, k]
        for k in range(count):
            ahead[t, k] /= scale[t]
    return density, ahead, scale


@njit(cache=True, nogil=True)
def _backwards(density, ahead, scale, chance, moved, spent, began):  # type: ignore[no-untyped-def]
    """Add what is expected of one track, from its end to its start."""
    size, count = density.shape
    back, later = np.empty(count), np.empty(count)
    for k in range(count):
        back[k] = 1.0
    for t in range(size - 1, -1, -1):
        total = 0.0
        for k in range(count):
            total += ahead[t, k] * back[k]
        for k in range(count):
            own = ahead[t, k] * back[k] / total
            spent[k] += own
            began[k] = own  # the last one is of the start
        if t == 0:
            break
        for j in range(count):
            later[j] = 0.0
            for k in range(count):
                part = chance[j, k] * density[t, k] * back[k] / scale[t]
                moved[j, k] += ahead[t - 1, j] * part
                later[j] += part
        for k in range(count):
            back[k] = later[k]

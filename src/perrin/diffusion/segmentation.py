"""Piecewise FBM: where a track changes in exponent or diffusion coefficient, and what each part is.

A track is a chain of segments, each FBM of one exponent and generalized diffusion coefficient K
(MSD of one axis 2 K t^alpha) from a grid, or at rest, seen with a known localization error; a
segment remembers nothing of the one before. The likelihood is that of the steps given those
before them in the segment, up to `ORDER` (`perrin.diffusion.gaussian_evidence.memory`). The best
chain is found in one pass over the track for all starts and all states at once: a segment older
than the memory needs no start of its own.

Steps across missing frames are left out: the memory begins anew behind them, the segment goes on.

How common each state and a change are is learned from all tracks of one sample together
(`learn`): tracks of few states are told better where these are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit

from perrin.diffusion.gaussian_evidence import fbm_row, memory
from perrin.types import Float32Array, FloatArray, IntArray

ORDER = 8
LEAST_STEPS = 3
"""A segment has at least so many steps."""
GAIN = -2.0
"""Log-odds given to each change: F1 of change points is best there, with few invented."""
ALPHAS = np.concatenate([np.arange(0.1, 1.85, 0.1), [1.9, 1.98]])
KS_A_FACTOR = 0.3
"""Distance of neighboring K on the grid, in natural logarithms."""
ROUGHLY = 2
"""Steps to the next place of a change that is looked at, where only the states are learned."""
_ROUNDS = 4
_COARSE = 2  # rounds on every second alpha and K of the grid
_LEARN_FROM = 60  # tracks at most, evenly taken
_FLOOR = 0.03  # of the weight that all states share evenly
_KEPT = 1e-3  # states of less weight, against the most common one, are left out
_RESTING = 0.02  # first weight of rest


@dataclass(frozen=True)
class States:
    """alpha (n,), K (n,), weight (n,) with sum 1; K = 0: at rest. change: probability a step.

    past (ORDER + 1, ORDER, n), precision and level (ORDER + 1, n): predictors, one over the
    variance and half its logarithm, by the number of steps remembered.
    """

    alpha: FloatArray
    K: FloatArray
    weight: FloatArray
    change: float
    past: Float32Array
    precision: Float32Array
    level: Float32Array

    def only(self, rows: IntArray) -> States:
        """Return these states alone, their weights with sum 1."""
        weight = self.weight[rows]
        return States(
            self.alpha[rows],
            self.K[rows],
            weight / weight.sum(),
            self.change,
            np.ascontiguousarray(self.past[:, :, rows]),
            np.ascontiguousarray(self.precision[:, rows]),
            np.ascontiguousarray(self.level[:, rows]),
        )


@dataclass(frozen=True)
class Segmented:
    """Segments of a track: starts (s,) in steps, the first 0; posterior (s, n) of the states."""

    starts: IntArray
    posterior: FloatArray


def grid(noise: float, *, ks: tuple[float, float]) -> States:
    """Return the states of a grid, all equally common; noise: localization error of one axis."""
    levels = np.exp(np.arange(np.log(ks[0]), np.log(ks[1]) + KS_A_FACTOR / 2, KS_A_FACTOR))
    alpha = np.concatenate([[0.0], np.repeat(ALPHAS, len(levels))])
    k = np.concatenate([[0.0], np.tile(levels, len(ALPHAS))])
    weight = np.full(len(k), (1 - _RESTING) / (len(k) - 1))
    weight[0] = _RESTING
    return replace(states_of(alpha, k, noise), weight=weight)


def states_of(alpha: FloatArray, k: FloatArray, noise: float, *, order: int = ORDER) -> States:
    """Return the states of these alpha (n,) and K (n,), all equally common; order: their memory.

    `segment` takes states of the memory `ORDER`, `scored` of any.
    """
    past, precision, level = _bank(alpha, k, noise**2, order)
    return States(
        alpha,
        k,
        np.full(len(k), 1 / len(k)),
        0.01,
        past.astype(np.float32),
        precision.astype(np.float32),
        level.astype(np.float32),
    )


def weighted(states: States, weight: FloatArray) -> States:
    """Return the states with these weights, of which all states share a little evenly."""
    shared = (1 - _FLOOR) * weight / weight.sum() + _FLOOR / len(weight)
    return replace(states, weight=shared)


def learn(
    steps: Sequence[FloatArray],
    states: States,
    *,
    before: Sequence[IntArray] | None = None,
    every: int = 1,
) -> States:
    """Return the states with the weights, and the change, that suit these tracks (n, d) together.

    states: of `grid`. before: of each track, as `segment` takes it, and every: above 1 it takes
    less time, and short visits count less. Rounds of expectation and maximization over the best
    chains of `_LEARN_FROM` tracks: first on every second alpha and K, then on what lies around
    those that are needed.
    """
    known = [None] * len(steps) if before is None else before
    thin = max(1, -(-len(steps) // _LEARN_FROM))
    own = states.only(_every_second(states))
    for turn in range(_ROUNDS):
        counted, changes, total = np.zeros(len(own.K)), 0, 0
        for track, seen in zip(steps[::thin], known[::thin], strict=True):
            found = segment(track, own, before=seen, every=every)
            counted += found.posterior.sum(axis=0)
            changes += len(found.starts) - 1
            total += len(track)
        own = replace(weighted(own, counted), change=(changes + 0.5) / (total + 100.0))
        if turn == _COARSE - 1:
            own = _finer(states, own)
    return own


def _every_second(states: States) -> IntArray:
    """Return rest and every second alpha and K of a grid."""
    alpha, k = places(states)
    return np.flatnonzero((states.K == 0) | ((alpha % 2 == 0) & (k % 2 == 0)))


def _finer(states: States, coarse: States) -> States:
    """Return those of a grid that are common or beside what is, each with a share of its weight."""
    alpha, k = places(states)
    rows = _every_second(states)
    near = (np.abs(np.subtract.outer(alpha[rows], alpha)) <= 1) & (
        np.abs(np.subtract.outer(k[rows], k)) <= 1
    )
    rests = states.K == 0
    near &= np.equal.outer(rests[rows], rests)
    least = _KEPT * coarse.weight.max() + _FLOOR / len(rows)
    common = (coarse.weight > least) | (coarse.K == 0)
    weight = (coarse.weight * common / near.sum(axis=1)) @ near
    kept = np.flatnonzero(weight > 0)
    return replace(weighted(states.only(kept), weight[kept]), change=coarse.change)


def places(states: States) -> tuple[IntArray, IntArray]:
    """Return the place (n,) of each state's alpha and K among those of its grid; rest: 0."""
    moving = states.K > 0
    found = np.zeros((2, len(moving)), np.int64)
    for own, values in zip(found, (states.alpha, states.K), strict=True):
        own[moving] = np.unique(values[moving], return_inverse=True)[1]
    return found[0], found[1]


def segment(
    steps: FloatArray,
    states: States,
    *,
    gain: float = 0.0,
    before: IntArray | None = None,
    every: int = 1,
) -> Segmented:
    """Return the best chain of segments of a track's steps (n, d).

    gain: logarithm of odds that each change has to bring beyond its probability. before (n,): how
    many steps come before each without a missing frame; None: no frame is missing. every: changes
    are looked for at each such step, the first included.
    """
    own = np.ascontiguousarray(steps, np.float32)
    known = _known(before, len(own))
    weight = np.log(states.weight).astype(np.float32)
    cost = np.log(states.change / (1 - states.change)) - gain
    bank = states.past, states.precision, states.level
    starts = _decode(own, known, *bank, weight, np.float32(cost), every)
    scores = np.array(
        [
            weight + scored(own[first:stop], states, before=known[first:stop])
            for first, stop in pairwise([*map(int, starts), len(own)])
        ]
    )
    posterior = np.exp(scores - scores.max(axis=1, keepdims=True))
    return Segmented(starts, posterior / posterior.sum(axis=1, keepdims=True))


def scored(
    steps: FloatArray | Float32Array, states: States, *, before: IntArray | None = None
) -> FloatArray:
    """Return the log-likelihood (n,) of one segment's steps in each state."""
    own = np.ascontiguousarray(steps, np.float32)
    known = _known(before, len(own), states.past.shape[1])
    found: FloatArray = _scores(own, known, states.past, states.precision, states.level)
    return found


def _known(before: IntArray | None, count: int, order: int = ORDER) -> IntArray:
    """Return how many steps, up to `order`, come before each without a missing frame."""
    known = np.arange(count) if before is None else before
    found: IntArray = np.minimum(known, order).astype(np.int64)
    return found


@njit(cache=True, nogil=True)
def _bank(alpha, k, noise, order):  # type: ignore[no-untyped-def]
    """Return predictors and variances of each state, by the steps remembered."""
    count = len(k)
    past = np.zeros((order + 1, order, count))
    precision, level = np.zeros((order + 1, count)), np.zeros((order + 1, count))
    row = np.zeros(order + 1)
    for i in range(count):
        if k[i] > 0:
            row = fbm_row(alpha[i], 0.5 * noise / k[i], order)
            for m in range(order + 1):
                row[m] *= 2 * k[i]
        else:
            row = np.zeros(order + 1)
            row[0], row[1] = 2.0 * noise, -noise
        own, variance = memory(row, order)
        for m in range(order + 1):
            for j in range(m):
                past[m, j, i] = own[m, j]
            precision[m, i] = 1.0 / variance[m]
            level[m, i] = 0.5 * np.log(2 * np.pi * variance[m])
    return past, precision, level


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _scored(steps, t, m, past, precision, level, new, score):  # type: ignore[no-untyped-def]
    """Fill score (n,) with the log-density of step t given the m before it, for all states."""
    dims, count = steps.shape[1], len(score)
    for k in range(count):
        score[k] = -dims * level[m, k]
    for axis in range(dims):
        for k in range(count):
            new[k] = steps[t, axis]
        for j in range(m):
            before = steps[t - 1 - j, axis]
            for k in range(count):
                new[k] -= past[m, j, k] * before
        for k in range(count):
            score[k] -= np.float32(0.5) * new[k] * new[k] * precision[m, k]


@njit(cache=True, nogil=True)
def _scores(steps, known, past, precision, level):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of one segment in each state; known (n,): steps before each."""
    count = precision.shape[1]
    total, new, score = np.zeros(count), np.empty(count, np.float32), np.empty(count, np.float32)
    for t in range(len(steps)):
        _scored(steps, t, min(t, known[t]), past, precision, level, new, score)
        for k in range(count):
            total[k] += score[k]
    return total


@njit(cache=True, nogil=True)
def _come_of_age(young, score, old, old_start, start):  # type: ignore[no-untyped-def]
    """Let segments that began at `start` join the old ones where they are better; add a score."""
    for k in range(len(old)):
        if young[k] > old[k]:
            old[k], old_start[k] = young[k], start
        old[k] += score[k]


@njit(cache=True, nogil=True)
def _decode(steps, known, past, precision, level, weight, cost, every):  # type: ignore[no-untyped-def]
    """Return the starts of the best chain. weight (n,): logarithms; cost: of a change.

    known (n,): steps, at most `ORDER`, that come before each without a missing frame. every: steps
    from one start that is looked at to the next.
    """
    length, count = len(steps), len(weight)
    new, score = np.empty(count, np.float32), np.empty(count, np.float32)
    young, old = np.empty((ORDER, count), np.float32), np.empty(count, np.float32)
    old_start = np.zeros(count, np.int64)
    for k in range(count):
        old[k] = -1e30
        for m in range(ORDER):
            young[m, k] = -1e30
    entry, least = np.zeros(length + 1, np.float32), min(LEAST_STEPS, length)
    final_start = np.zeros(length, np.int64)
    for t in range(length):
        best = np.float32(-1e30)
        start: Any = 0
        for m in range(min(t, ORDER), -1, -1):
            if m < ORDER and (t - m) % every:
                continue
            _scored(steps, t, min(m, known[t]), past, precision, level, new, score)
            place = (t - m) % ORDER
            if m == ORDER:
                if (t - m) % every == 0:
                    _come_of_age(young[place], score, old, old_start, t - m)
                else:
                    old += score
                best, start = old[0], old_start[0]
                for k in range(1, count):
                    if old[k] > best:
                        best, start = old[k], old_start[k]
                continue
            top = np.float32(-1e30)
            for k in range(count):
                begun = entry[t] + weight[k] if m == 0 else young[place, k]
                young[place, k] = begun + score[k]
                top = max(top, young[place, k])
            if m + 1 >= least and top > best:
                best, start = top, t - m
        entry[t + 1] = best + cost
        final_start[t] = start
    return _starts(final_start)


@njit(cache=True, nogil=True)
def _starts(final_start):  # type: ignore[no-untyped-def]
    """Return the starts of the best chain, from that of the segment that ends at each step."""
    length = len(final_start)
    number, at = 0, length - 1
    while at >= 0:
        number += 1
        at = final_start[at] - 1
    starts, at = np.empty(number, np.int64), length - 1
    for k in range(number - 1, -1, -1):
        starts[k] = final_start[at]
        at = final_start[at] - 1
    return starts

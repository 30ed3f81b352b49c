"""Tracks of one sample as chains of segments: where each changes, K and alpha with intervals.

Around `perrin.diffusion.segmentation`, which finds the changes, for tracks in any unit, with
missing frames. What a segment's own steps say of alpha and K is told with a prior flat in alpha
and in ln K, so that particles stay independent of each other; how common changes are, and how
many states there are, is learned from all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.diffusion.kind_evidence import remembered
from perrin.diffusion.populations import Populations, nearest, populations
from perrin.diffusion.rare_states import with_rare
from perrin.diffusion.segmentation import (
    GAIN,
    LEAST_STEPS,
    ORDER,
    Segmented,
    States,
    grid,
    learn,
    scored,
    segment,
    states_of,
    weighted,
)
from perrin.diffusion.windows import Track
from perrin.types import BoolArray, FloatArray, IntArray

Interval = tuple[float, float, float]
"""Low end, middle and high end."""
LEAST_TRACK = 4
"""Steps that a track needs."""
RESTS = -1
_ALIKE = (0.15, 0.3)  # of alpha and ln K: nearer populations are one state
_LEAST_NOISE = 0.01  # of the root mean square step: no noise at all leaves rest no width
_BLOCK = 6  # steps over which the range of K is looked for
_WIDEST = np.exp(11.0)  # of the range of K
_FINE = (15, 17)  # of alpha and ln K around what is likely
_MEMORY = 24  # steps: with the few that find changes, intervals of alpha hold it too rarely
_TAIL = 5e-4
_ENDS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Steps:
    """Displacements (n, d) of one frame each, the frame (n,) each starts at, from the first.

    before (n,): how many of them come before each without a missing frame.
    """

    own: FloatArray
    frame: IntArray
    before: IntArray


@dataclass(frozen=True)
class Piece:
    """A segment of a track: its steps `first` to `stop` (exclusive).

    K: MSD of one axis 2 K t^alpha, in the unit of the positions and frames; at rest K is 0, with
    the high end of what it may be. start: 5% and 95% quantile of the change at its start, in
    steps; NaN for the first.
    """

    first: int
    stop: int
    rests: bool
    K: Interval
    alpha: Interval
    start: tuple[float, float]


@dataclass(frozen=True)
class Chains:
    """Steps and segments of each track, and which state of the sample (from 0) each is in.

    States are numbered from the fastest on; rest is the last. least_noise: localization error below
    which there is none, in the unit of the positions.
    """

    steps: list[Steps]
    pieces: list[list[Piece]]
    state: list[IntArray]
    least_noise: float


def steps_of(track: Track) -> Steps:
    """Return the one-frame displacements of a track."""
    times = np.flatnonzero(track.seen)
    near = np.diff(times) == 1
    own = np.diff(track.positions[track.seen], axis=0)[near]
    return Steps(own, times[:-1][near], remembered(near, _MEMORY))


def chains(tracks: Sequence[Track], *, noise: float, gain: float = GAIN) -> Chains | None:
    """Return the segments of the tracks of one sample; None where nothing moves.

    noise: localization error of one axis, the same for all. Every track needs `LEAST_TRACK` steps.
    """
    steps = [steps_of(track) for track in tracks]
    square = float(np.concatenate([one.own for one in steps]).var()) if steps else 0.0
    if not square > 0:
        return None
    unit = np.sqrt(square)
    scaled = [Steps(one.own / unit, one.frame, one.before) for one in steps]
    level = max(noise / unit, _LEAST_NOISE)
    all_states = grid(level, ks=_range(scaled, level))
    own, before = [one.own for one in scaled], [one.before for one in scaled]
    states = learn(own, all_states, before=before)
    found = [segment(a, states, before=b) for a, b in zip(own, before, strict=True)]
    states, found = with_rare(own, found, states, all_states, before=before)
    _, weight = populations(found, _lengths(found, scaled), states)
    states = weighted(states, weight)
    found = [segment(a, states, before=b, gain=gain) for a, b in zip(own, before, strict=True)]
    kinds, _ = populations(found, _lengths(found, scaled), states)
    group = _alike(kinds, noise=level)
    place = [group[nearest(part, kinds, states)] for part in found]
    pieces = [
        _pieces(part, one, own == RESTS, all_states, noise=level, unit=unit)
        for part, one, own in zip(found, scaled, place, strict=True)
    ]
    return Chains(steps, pieces, _numbered(place), _LEAST_NOISE * unit)


def _alike(kinds: Populations, *, noise: float) -> IntArray:
    """Return a number (m,) for each population, the same for those that the grid cannot part."""
    group = np.arange(len(kinds.K))
    for k in range(len(group)):
        if kinds.K[k] < 0.5 * noise**2:
            group[k] = RESTS
            continue
        for other in range(k):
            near = abs(kinds.alpha[k] - kinds.alpha[other]) < _ALIKE[0]
            if near and abs(np.log(kinds.K[k] / kinds.K[other])) < _ALIKE[1]:
                group[k] = group[other]
                break
    return group


def _numbered(place: Sequence[IntArray]) -> list[IntArray]:
    """Return the groups numbered from 0, the fastest first, rest last; those of no segment go."""
    used = sorted(set(np.concatenate(place).tolist()) if place else set(), key=_rest_last)
    number = {group: k for k, group in enumerate(used)}
    return [np.array([number[group] for group in own.tolist()], np.int64) for own in place]


def _rest_last(group: int) -> tuple[bool, int]:
    return group == RESTS, group


def _lengths(found: Sequence[Segmented], steps: Sequence[Steps]) -> list[FloatArray]:
    return [
        np.diff(np.append(part.starts, len(one.own))).astype(float)
        for part, one in zip(found, steps, strict=True)
    ]


def _range(steps: Sequence[Steps], noise: float) -> tuple[float, float]:
    """Return the least and the largest K that are looked for."""
    blocks = []
    for one in steps:
        edges = np.arange(0, len(one.own), _BLOCK)
        sums = np.add.reduceat((one.own**2).mean(axis=1), edges)
        blocks.append(sums / np.diff(np.append(edges, len(one.own))))
    k = 0.5 * np.concatenate(blocks)
    high = 3 * float(np.quantile(k, 0.999))
    low = max(0.2 * noise**2, 0.2 * float(np.quantile(k, 0.01)) - noise**2, high / _WIDEST)
    return min(low, high / 100), high


def _pieces(
    found: Segmented, steps: Steps, rests: BoolArray, every: States, *, noise: float, unit: float
) -> list[Piece]:
    """Return the segments of a track, with what their steps say of alpha and K."""
    stops = np.append(found.starts[1:], len(steps.own))
    told, best = [], []
    for first, stop in zip(found.starts, stops, strict=True):
        own, before = steps.own[first:stop], steps.before[first:stop]
        alpha, k, at = _posterior(own, before, every, noise)
        told.append((alpha, k))
        best.append(at)
    pieces = []
    for row, (first, stop) in enumerate(zip(found.starts, stops, strict=True)):
        start = (np.nan, np.nan)
        if row:
            a = int(found.starts[row - 1])
            low, high = _turn(steps.own[a:stop], steps.before[a:stop], best[row - 1], best[row])
            start = (a + low, a + high)
        alpha, k = told[row]
        low, middle, high = (value * unit**2 for value in k)
        pieces.append(
            Piece(
                int(first),
                int(stop),
                bool(rests[row]),
                (0.0, 0.0, high) if rests[row] else (low, middle, high),
                (np.nan, np.nan, np.nan) if rests[row] else alpha,
                start,
            )
        )
    return pieces


def _posterior(
    steps: FloatArray, before: IntArray, every: States, noise: float
) -> tuple[Interval, Interval, States]:
    """Return alpha and K of a segment, with 90% intervals, and its likeliest state, rest too."""
    score = scored(steps, every, before=before)
    moving = every.K > 0
    weight = np.exp(score[moving] - score[moving].max())
    alpha = np.linspace(*_likely(every.alpha[moving], weight, (0.05, 1.99)), _FINE[0])
    logs = np.linspace(*_likely(np.log(every.K[moving]), weight, (-np.inf, np.inf)), _FINE[1])
    of_alpha, of_k = np.repeat(alpha, len(logs)), np.tile(np.exp(logs), len(alpha))
    fine = states_of(np.append(of_alpha, 0.0), np.append(of_k, 0.0), noise, order=_MEMORY)
    told = scored(steps, fine, before=before)
    top, own = np.array([told.argmax()]), told[:-1]
    p = np.exp(own - own.max()).reshape(len(alpha), len(logs))
    low, middle, high = np.exp(_quantiles(logs, p.sum(axis=0)))
    return _quantiles(alpha, p.sum(axis=1)), (low, middle, high), fine.only(top)


def _likely(
    values: FloatArray, weight: FloatArray, bounds: tuple[float, float]
) -> tuple[float, float]:
    """Return the range of a grid's values that holds nearly all weight, a grid point wider."""
    levels, place = np.unique(np.round(values, 9), return_inverse=True)
    mass = np.bincount(place, weights=weight, minlength=len(levels))
    total = np.cumsum(mass) / mass.sum()
    first = int(np.searchsorted(total, _TAIL))
    last = int(np.searchsorted(total, 1 - _TAIL))
    step = float(levels[1] - levels[0])
    low = levels[first] - step
    high = levels[min(last, len(levels) - 1)] + step
    return max(float(low), bounds[0]), min(float(high), bounds[1])


def _quantiles(values: FloatArray, weight: FloatArray) -> Interval:
    """Return the 5%, 50% and 95% quantile of a density on an even grid."""
    half = 0.5 * (values[1] - values[0])
    edges = np.append(values - half, values[-1] + half).clip(values[0], values[-1])
    total = np.concatenate([[0.0], np.cumsum(weight / weight.sum())])
    low, middle, high = np.interp(_ENDS, total, edges)
    return float(low), float(middle), float(high)


def _turn(steps: FloatArray, before: IntArray, left: States, right: States) -> tuple[float, float]:
    """Return the 5% and 95% quantile of where two states change, in steps from the first's start.

    Both states are taken as known.
    """
    banks = [
        (one.past[:, :, 0].astype(float), one.precision[:, 0].astype(float), one.level[:, 0])
        for one in (left, right)
    ]
    known = np.minimum(before, ORDER).astype(np.int64)
    own = np.ascontiguousarray(steps, np.float64)
    logs = _turns(own, known, *banks[0], *banks[1])
    inside = slice(LEAST_STEPS, len(steps) - LEAST_STEPS + 1)
    weight = np.exp(logs[inside] - logs[inside].max())
    total = np.cumsum(weight) / weight.sum()
    low, high = np.searchsorted(total, (_ENDS[0], _ENDS[2])) + LEAST_STEPS
    return float(low), float(min(high, len(steps) - LEAST_STEPS))


@njit(cache=True, nogil=True)
def _density(steps, t, m, past, precision, level):  # type: ignore[no-untyped-def]
    """Return the log-density of step t given the m before it."""
    value = -steps.shape[1] * level[m]
    for axis in range(steps.shape[1]):
        new = steps[t, axis]
        for j in range(m):
            new -= past[m, j] * steps[t - 1 - j, axis]
        value -= 0.5 * new * new * precision[m]
    return value


@njit(cache=True, nogil=True)
def _turns(steps, known, past, precision, level, past_2, precision_2, level_2):  # type: ignore[no-untyped-def]
    """Return the log-likelihood (n + 1,) of a change before each step."""
    count = len(steps)
    later = np.empty((count, ORDER + 1))  # of the second state, by the steps since its start
    for t in range(count):
        for m in range(ORDER + 1):
            most = min(m, known[t], t)
            later[t, m] = _density(steps, t, most, past_2, precision_2, level_2)
    found = np.zeros(count + 1)
    aged = 0.0  # of the second state's steps that remember all they can
    for s in range(count, -1, -1):
        if s + ORDER < count:
            aged += later[s + ORDER, ORDER]
        found[s] = aged
        for m in range(min(ORDER, count - s)):
            found[s] += later[s + m, m]
    earlier = 0.0
    for s in range(count):
        earlier += _density(steps, s, min(s, known[s]), past, precision, level)
        found[s + 1] += earlier
    return found

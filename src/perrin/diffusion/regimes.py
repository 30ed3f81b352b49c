"""Regimes of one track: which stretches follow FBM, which a CTRW, and where that changes.

The network says for every step how probable it is that it follows the CTRW (`p`). A hidden
sequence of three states is decoded from that: FBM, CTRW, and undecided, which costs a constant
a step, so that only a stretch whose probabilities are sure on (geometric) average is called one
or the other. What both move at all times has probabilities in between and stays undecided,
instead of being cut into regimes that are not there.

Of a track that changes once, p at a step is the probability that the change has come by then:
its distribution function. The change point is its median, the interval its 5% and 95% quantiles.
The fraction of CTRW near a frame follows in the same way: a step is CTRW where p exceeds one number
drawn uniformly for the whole track, so that 5% and 95% of that number give the interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perrin.types import FloatArray, IntArray

FBM, CTRW, UNDECIDED = 0, 1, 2
LABELS = ("fbm", "ctrw", "undecided")

SURE = 0.88
"""A stretch is FBM or CTRW if the geometric mean of the probability of its steps is above this."""
SWITCH = 3.0
"""Cost of a change of state, in natural logarithms of probability."""
SHORTEST = 10
"""A shorter stretch is no regime; frames, the shortest track that the network takes."""
LONGEST_GAP = 30
"""An undecided stretch up to here between FBM and CTRW is where one changes to the other."""
NEAR = 10
"""Frames to each side over which the fraction of CTRW near a frame is taken."""
TAIL = 0.05
_LEAST = 1e-3  # probabilities are no surer than this


@dataclass(frozen=True)
class Regime:
    """Steps `start` to `stop` (exclusive), step i from frame i to i + 1 of its track.

    label: one of FBM, CTRW, UNDECIDED. start_low, start_high: 90% interval of the change at its
    start; NaN where no change between FBM and CTRW starts it.
    """

    label: int
    start: int
    stop: int
    start_low: float = np.nan
    start_high: float = np.nan

    @property
    def changed(self) -> bool:
        """Whether it starts with a change from FBM to CTRW or back."""
        return not np.isnan(self.start_low)


def find_regimes(p: FloatArray) -> list[Regime]:
    """Return the regimes of a track, one after the other, from its probabilities of CTRW (L - 1,).

    There is at least one; neighbors have different labels.
    """
    states = _decode(p, np.log(SURE), SWITCH)
    if (states == states[0]).all():  # as of most tracks: nothing to join or to part
        return [Regime(int(states[0]) if len(p) >= SHORTEST else UNDECIDED, 0, len(p))]
    runs = _runs(states)
    runs = _joined(
        [replace(run, label=UNDECIDED) if run.stop - run.start < SHORTEST else run for run in runs]
    )
    runs = _joined(_settled(runs))
    return _with_changes(_parted(runs, p), p)


def fraction_near(p: FloatArray) -> FloatArray:
    """Return the fraction of steps near each step that follow the CTRW: (L - 1,) -> (L - 1, 3).

    Low end, mean and high end of a 90% interval; near: up to `NEAR` frames to both sides.
    """
    sure, mean, possible = (
        _running_mean(values) for values in (p > 1 - TAIL, np.asarray(p, float), p > TAIL)
    )
    return np.stack([sure, mean, possible], axis=1)


def confidence(p: FloatArray, regime: Regime) -> float:
    """Return the mean probability of the label of a regime, NaN for an undecided one."""
    if regime.label == UNDECIDED:
        return float("nan")
    part = p[regime.start : regime.stop]
    return float((part if regime.label == CTRW else 1 - part).mean())


def _running_mean(values: NDArray[np.generic]) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    at = np.arange(len(values))
    first, last = np.maximum(at - NEAR, 0), np.minimum(at + NEAR + 1, len(values))
    mean: FloatArray = (total[last] - total[first]) / (last - first)
    return mean


def _runs(states: IntArray) -> list[Regime]:
    cuts = [0, *(np.flatnonzero(np.diff(states)) + 1), len(states)]
    return [Regime(int(states[a]), int(a), int(b)) for a, b in pairwise(cuts)]


def _joined(runs: list[Regime]) -> list[Regime]:
    """Return `runs` with neighbors of the same label made one."""
    found = runs[:1]
    for run in runs[1:]:
        if run.label == found[-1].label:
            found[-1] = replace(found[-1], stop=run.stop)
        else:
            found.append(run)
    return found


def _settled(runs: list[Regime]) -> list[Regime]:
    """Give short undecided stretches the label around them, where it is the same on both sides."""
    settled = list(runs)
    for k, run in enumerate(runs):
        if run.label != UNDECIDED or run.stop - run.start >= SHORTEST:
            continue
        around = {runs[j].label for j in (k - 1, k + 1) if 0 <= j < len(runs)}
        if len(around) == 1:
            settled[k] = replace(run, label=around.pop())
    return settled


def _parted(runs: list[Regime], p: FloatArray) -> list[Regime]:
    """Part undecided stretches between FBM and CTRW at the change, where they are not too long."""
    found: list[Regime] = []
    for k, run in enumerate(runs):
        between = 0 < k < len(runs) - 1 and runs[k - 1].label != runs[k + 1].label
        if run.label == UNDECIDED and between and run.stop - run.start <= LONGEST_GAP:
            at = _median(p[run.start : run.stop], rising=runs[k + 1].label == CTRW)
            found[-1] = replace(found[-1], stop=run.start + at)
        else:
            first = found[-1].stop if found else 0
            found.append(replace(run, start=first))
    return found


def _with_changes(runs: list[Regime], p: FloatArray) -> list[Regime]:
    """Put the change points to where their distribution has its median, with their intervals."""
    found = runs[:1]
    for run in runs[1:]:
        before = found[-1]
        if UNDECIDED in (before.label, run.label):
            found.append(run)
            continue
        rising = run.label == CTRW
        come = p if rising else 1 - p
        at = run.start
        earlier = np.flatnonzero(come[before.start : at] <= TAIL)
        later = np.flatnonzero(come[at : run.stop] >= 1 - TAIL)
        low = before.start + int(earlier[-1]) + 1 if earlier.size else before.start
        high = at + int(later[0]) if later.size else run.stop
        found.append(replace(run, start_low=float(low), start_high=float(high)))
    return found


def _median(p: FloatArray, *, rising: bool) -> int:
    """Return the number of steps before the change that leaves the fewest expected errors."""
    come = p if rising else 1 - p
    errors = np.concatenate([[0.0], np.cumsum(come)]) + np.concatenate(
        [np.cumsum((1 - come)[::-1])[::-1], [0.0]]
    )
    return int(errors.argmin())


@njit(cache=True, nogil=True)
def _highest(score):  # type: ignore[no-untyped-def]
    """Return the first of the three states with the highest score."""
    best = 0
    for k in range(1, 3):
        if score[k] > score[best]:
            best = k
    return best


@njit(cache=True, nogil=True)
def _decode(p, undecided, switch):  # type: ignore[no-untyped-def]
    """Return the likeliest states of steps p (n,): FBM, CTRW or undecided (Viterbi)."""
    count = len(p)
    back = np.zeros((count, 3), np.int8)
    score = np.zeros(3)
    gain = np.zeros(3)
    gain[2] = undecided
    for t in range(count):
        sure = min(max(p[t], _LEAST), 1 - _LEAST)
        gain[0], gain[1] = np.log(1 - sure), np.log(sure)
        best = _highest(score)
        leap = score[best] - switch
        for k in range(3):
            if t > 0 and leap > score[k]:
                back[t, k] = best
                score[k] = leap
            else:
                back[t, k] = k
            score[k] += gain[k]
    states = np.zeros(count, np.int64)
    state = _highest(score)
    for t in range(count - 1, -1, -1):
        states[t] = state
        state = back[t, state]
    return states

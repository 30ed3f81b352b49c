"""How alike two positions look: what tells particles apart besides where they are.

A rod keeps its direction, a particle its size and contrast. What a link costs more for a
difference D of one of them is the logarithm of how much likelier D is of one particle than of two::

    D^2 / 2 (1 / s^2 - 1 / o^2)

(two Gaussians; their constants are the same for all links) with s the usual difference along a
track and o that of others in the same frame. It is nothing where all particles look the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.stats import MAD_TO_SD
from perrin.types import BoolArray, FloatArray, IntArray

_MOST = 9.0  # of the squares together: a fit of two that overlap may be far off in one of them
_LEAST = 30  # links: with fewer nothing is known of the differences
_NARROW = 1e-6  # of the difference of others


@dataclass(frozen=True)
class Marks:
    """K marks of N positions.

    values : (N, K)
        NaN where one is not known.
    periods : (K,)
        After which a mark is the same again, as the direction of a rod; inf for none. Marks with a
        period wander, so that they differ more after a longer time.
    """

    values: FloatArray
    periods: FloatArray

    def differences(self, one: IntArray, other: IntArray) -> FloatArray:
        """Return the differences (M, K) of positions `one` and `other`, rows (M,)."""
        found = self.values[other] - self.values[one]
        turns = np.where(np.isfinite(self.periods), self.periods, 0.0)
        with np.errstate(invalid="ignore"):
            return np.asarray(found - turns * np.rint(found / self.periods), np.float64)


@dataclass(frozen=True)
class Likeness:
    """What a difference of each mark costs.

    same, others (K,): usual square of the difference along a track, and of two in one frame.
    step_px: root mean square step of one axis.
    """

    marks: Marks
    same: FloatArray
    others: FloatArray
    step_px: float

    def squares(self, one: IntArray, other: IntArray, later: IntArray | int = 1) -> FloatArray:
        """Return what is added to squared distances (M,), px^2, of links so many frames `later`."""
        square = self.marks.differences(one, other) ** 2
        wander = np.where(np.isfinite(self.marks.periods), np.reshape(later, (-1, 1)), 1)
        weight = np.maximum(1 / (self.same * wander) - 1 / self.others, 0.0)
        cost = np.nansum(square * weight, axis=1)
        return np.asarray(self.step_px**2 * np.minimum(cost, _MOST), np.float64)


def measure_likeness(
    frame: IntArray, particle: IntArray, marks: Marks, *, step_px: float
) -> Likeness | None:
    """Return the likeness of positions that were linked by their places; None if that says nothing.

    frame, particle (N,): those in order of frames. Medians, so that the few wrong links and
    wrong fits do not count.
    """
    order = np.lexsort((frame, particle))
    follows = (np.diff(particle[order]) == 0) & (np.diff(frame[order]) == 1)
    before, after = order[:-1][follows], order[1:][follows]
    beside = np.flatnonzero(np.diff(frame) == 0)
    if min(len(before), len(beside)) < _LEAST:
        return None
    same = _variances(marks.differences(before, after))
    others = _variances(marks.differences(beside, beside + 1))
    others = np.where(np.isfinite(marks.periods), marks.periods**2 / 12, others)  # any direction
    known = np.isfinite(same) & np.isfinite(others) & (others > 0)
    if not known.any():
        return None
    kept = Marks(marks.values[:, known], marks.periods[known])
    same, others = same[known], others[known]
    return Likeness(kept, np.maximum(same, _NARROW * others), others, step_px)


def _variances(differences: FloatArray) -> FloatArray:
    """Return robust mean squares (K,) of differences (M, K); NaN where fewer than `_LEAST` are."""
    found = np.full(differences.shape[1], np.nan)
    for k, column in enumerate(differences.T):
        known = column[np.isfinite(column)]
        if len(known) >= _LEAST:
            found[k] = (MAD_TO_SD * np.median(np.abs(known))) ** 2
    return found


def marks_of(
    contrast: FloatArray, angle: FloatArray, extent: FloatArray | None, *, known: BoolArray
) -> Marks:
    """Return the marks of N particles that are `known` (N,) to be single ones.

    Direction (radians, NaN without one), logarithms of the contrast and of the size, the last
    where each has its own.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [angle, np.log(np.abs(contrast))]
        if extent is not None:
            columns.append(np.log(extent))
    values = np.column_stack(columns)
    values[~known] = np.nan
    return Marks(values, np.array([np.pi] + [np.inf] * (len(columns) - 1)))

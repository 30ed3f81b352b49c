"""Joint fits of several particles that overlap, in one window around them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.tracking.extent import windows
from perrin.tracking.fitting import Listed, divide, fit_group, pixels_of, put, put_rows, state
from perrin.tracking.shape import B, X, Y
from perrin.types import Float32Array, FloatArray, IntArray


@dataclass(frozen=True)
class Groups:
    """G groups of particles: `values` (M, 8) from first[g] to first[g + 1] are those of group g.

    frame (G,): index of its frame; box (G, 4): its pixels, from row and column to row and column.
    """

    frame: IntArray
    first: IntArray
    values: FloatArray
    box: IntArray

    @classmethod
    def of(cls, frame: int, groups: list[FloatArray], boxes: list[IntArray]) -> Groups:
        """Groups (K, 8) of one frame in boxes (4,)."""
        first = np.cumsum([0, *map(len, groups)]).astype(np.int64)
        return cls(
            np.full(len(groups), frame, np.int64),
            first,
            np.concatenate([np.empty((0, 8)), *groups]),
            np.array(boxes, np.int64).reshape(-1, 4),
        )


@dataclass(frozen=True)
class GroupFits:
    """Fits of G groups of M particles in all: parameters and standard errors (M, 8).

    cost (G,): sum of the weighted squares that are left, inf where a fit failed; pixels (G,).
    """

    values: FloatArray
    errors: FloatArray
    cost: FloatArray
    pixels: IntArray


def box_of(values: FloatArray, shape: tuple[int, ...]) -> IntArray:
    """Return the box (4,) that holds the windows of particles (M, 8) in a field (Y, X)."""
    reach = windows(values)
    top, left = (np.rint(values[:, k]).astype(np.int64) - reach for k in (Y, X))
    low = np.maximum([top.min(), left.min()], 0)
    high = np.minimum([(top + 2 * reach).max() + 1, (left + 2 * reach).max() + 1], shape)
    return np.array([*low, *np.maximum(high, low)], np.int64)


def fit_groups(
    frames: Float32Array,
    groups: Groups,
    *,
    free: tuple[int, ...],
    kappa: float,
    sign: int,
    beside: Listed | None = None,
) -> GroupFits:
    """Fit groups of particles in frames (T, Y, X) of contrast, each with one background.

    beside: images next to each group, divided out before (`perrin.tracking.fitting`).
    """
    count = len(groups.frame)
    found = GroupFits(
        groups.values.copy(),
        np.full_like(groups.values, np.nan),
        np.full(count, np.inf),
        np.zeros(count, np.int64),
    )
    own = np.array([name for name in free if name != B], np.int64)
    near = beside or (np.zeros(count + 1, np.int64), np.zeros((0, 8)))
    given = (frames, groups.frame, groups.first, groups.values, groups.box, *near)
    made = found.values, found.errors, found.cost, found.pixels
    _fit_groups(*given, own, float(kappa), float(sign), made)
    return found


@njit(cache=True, nogil=True)
def _fit_groups(  # type: ignore[no-untyped-def]
    frames, frame, first, starts, boxes, first_near, near, free, kappa, sign, found
):
    values, errors, cost, pixels = found
    for g in range(len(frame)):
        x, y, data = pixels_of(frames[frame[g]], boxes[g, 0], boxes[g, 1], boxes[g, 2], boxes[g, 3])
        for j in range(first_near[g], first_near[g + 1]):
            divide(x, y, data, near[j], sign)
        group = np.empty((first[g + 1] - first[g], 8))
        put_rows(group, starts[first[g] : first[g + 1]])
        count = len(group) * len(free) + 1
        normal = np.empty((count, count))
        pixels[g] = len(data)
        wide = max(boxes[g, 2] - boxes[g, 0], boxes[g, 3] - boxes[g, 1])
        left = fit_group(x, y, data, group, free, kappa, sign, wide, normal)
        if left < 0.0:
            continue
        cost[g] = left
        variance = left / (len(data) - count)
        for m in range(len(group)):
            put(values[first[g] + m], group[m])
            state(errors[first[g] + m], free, normal, variance, m)

"""The nearest event to each event in space, among those close in time."""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.types import FloatArray, IntArray


def nearest_neighbor_px(
    *,
    frame: IntArray,
    y_px: FloatArray,
    x_px: FloatArray,
    within_frames: int,
) -> FloatArray:
    """Distance (N,) in pixels to the nearest other event at most `within_frames` away.

    Events of either sign count. NaN where there is none, in any order of the events.
    """
    order = np.argsort(frame, kind="stable")
    distance = np.full(len(frame), np.nan)
    squared = np.full(len(frame), np.inf)
    _nearest(frame[order], y_px[order], x_px[order], within_frames, squared)
    distance[order] = np.where(np.isinf(squared), np.nan, np.sqrt(squared))
    return distance


@njit(cache=True)
def _nearest(frame, y, x, within, squared):  # type: ignore[no-untyped-def]
    """Squared distance of each event to the nearest one, at most what `squared` held."""
    for e in range(len(frame)):
        later = e + 1
        while later < len(frame) and frame[later] - frame[e] <= within:
            d = (y[later] - y[e]) ** 2 + (x[later] - x[e]) ** 2
            squared[e] = min(squared[e], d)
            squared[later] = min(squared[later], d)
            later += 1

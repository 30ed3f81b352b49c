"""How far w's interval reaches, so that it holds each w as often as it says, not on average.

The network's intervals hold the truth in 90% over its prior of w; a superposition whose few jumps
do not show reads as FBM, and then its w lies above the interval far more often. Here the interval
is that of a test: a w belongs to it where its distance from the middle, in units of the network's
interval, is one that tracks of this w exceed on this side in 5% at most (Neyman's construction;
with a network's interval as the statistic Masserano et al., AISTATS 2023).
"""

from __future__ import annotations

import numpy as np

from perrin.settings.base import Settings
from perrin.types import FloatArray, IntArray

_FINE = np.linspace(0.0, 1.0, 201)
LEAST_WIDTH = 0.005
"""Of one side of an interval, where distances are told in units of it."""


class RatioReach(Settings):
    """Distances, in units of the network's interval, that a w may have from the middle.

    below, above [length][w]: on either side, for tracks of about `lengths` frames and this `w`.
    """

    lengths: tuple[int, ...]
    w: tuple[float, ...]
    below: tuple[tuple[float, ...], ...]
    above: tuple[tuple[float, ...], ...]


def reaching(intervals: FloatArray, frames: IntArray, reach: RatioReach) -> FloatArray:
    """Return intervals (N, 3) of w of tracks of so many frames (N,), never narrower than before."""
    found = intervals.copy()
    length = np.abs(np.log(np.divide.outer(frames, np.array(reach.lengths)))).argmin(axis=1)
    for side, allowed in ((0, reach.below), (2, reach.above)):
        sign = side - 1
        far = np.array([np.interp(_FINE, reach.w, own) for own in allowed])[length]
        width = np.maximum(sign * (intervals[:, side] - intervals[:, 1]), LEAST_WIDTH)
        away = sign * (_FINE - intervals[:, 1:2]) / width[:, None]
        held = (away >= 0) & (away <= far)
        if side == 0:
            end = np.where(held, _FINE, np.inf).min(axis=1)
            found[:, 0] = np.minimum(found[:, 0], end)
        else:
            end = np.where(held, _FINE, -np.inf).max(axis=1)
            found[:, 2] = np.maximum(found[:, 2], end)
    return found

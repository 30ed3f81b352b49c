"""When a molecule came or left: the change point in the trace of one pixel.

Two levels and free change frames, by least squares: one step (before, after), or a visit
(outside, inside) if its second step pays. The frame of a change costs nothing while it lies
between the two levels, because a molecule lands somewhere inside its landing frame. For a
visit shorter than the averaging the ratiometric contrast only has a plateau; this finds its
beginning and end.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

_MAD_TO_SD = 1.4826
_SECOND_STEP = 12.0  # drop of the squared error, in variances, that a second step must bring


def best_steps(
    trace: NDArray[np.float32], sign: NDArray[np.float64], *, n_avg: int, reach: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the change of the given sign nearest to what each trace shows.

    Parameters
    ----------
    trace : (N, T)
        Contrast of single frames, the candidate in the middle, T = 2 (n_avg + reach) + 1.
    sign : (N,)
        +1 for a rising step, -1 for a falling one.
    n_avg : int
        Frames on each side that the step over its scatter is taken from.
    reach : int
        Frames that the change may lie off the middle.

    Returns
    -------
    shift : (N,) int
        Frames from the middle to the change.
    t_value : (N,)
        Step between the two windows over its standard error. The scatter is the median
        absolute frame-to-frame change within each window (so that a second step does not
        count); with n_avg = 1 there is none, and the value is 0.

    """
    shift = np.zeros(len(trace), np.int64)
    t_value = np.zeros(len(trace))
    _best_steps(trace.astype(np.float64), sign, n_avg, reach, shift, t_value)
    return shift, t_value


@njit(cache=True, parallel=True)
def _best_steps(trace, sign, n_avg, reach, shift, t_value):  # type: ignore[no-untyped-def]
    count, length = trace.shape
    for e in prange(count):
        values = trace[e] - trace[e].mean()
        sums = np.zeros(length + 1)
        sums[1:] = np.cumsum(values)
        squares = (values * values).sum()
        variance = 0.5 * (_MAD_TO_SD * np.median(np.abs(np.diff(values)))) ** 2
        middle = length // 2
        least = np.inf
        for h in range(middle - reach, middle + reach + 1):
            error = _two_levels(values, sums, squares, h, length, sign[e])
            for other in range(length):
                if abs(other - h) > 1:
                    visit = _two_levels(values, sums, squares, h, other, sign[e])
                    error = min(error, visit + _SECOND_STEP * variance)
            if error < least:
                least = error
                shift[e] = h - middle
        h = middle + shift[e]
        left, right = trace[e, h - n_avg : h], trace[e, h + 1 : h + 1 + n_avg]
        changes = np.concatenate((np.abs(np.diff(left)), np.abs(np.diff(right))))
        if changes.size:
            scatter = max(_MAD_TO_SD * np.median(changes) / np.sqrt(2.0), 1e-12)
            t_value[e] = abs(right.mean() - left.mean()) / (scatter * np.sqrt(2.0 / n_avg))


@njit(cache=True)
def _two_levels(values, sums, squares, h, other, sign):  # type: ignore[no-untyped-def]
    """Squared error of one level between frames h and other and another level elsewhere.

    `other` = T: the level after h lasts to the end. Infinite where the step at h has the
    wrong sign. sums (T + 1,) are the cumulative sums of the values, squares their sum of
    squares.
    """
    length = len(values)
    first, last = min(h, other), max(h, other)
    inside = sums[last] - sums[first + 1]
    n_inside = last - first - 1
    outside = sums[length] - inside - values[h]
    n_outside = length - 1 - n_inside
    squares -= values[h] * values[h]
    if other < length:
        outside -= values[other]
        n_outside -= 1
        squares -= values[other] * values[other]
    if n_inside == 0 or n_outside == 0:
        return np.inf
    inside /= n_inside
    outside /= n_outside
    step = inside - outside if other > h else outside - inside
    if step * sign <= 0.0:
        return np.inf
    low, high = min(inside, outside), max(inside, outside)
    error = squares - n_inside * inside * inside - n_outside * outside * outside
    error += (values[h] - min(max(values[h], low), high)) ** 2
    if other < length:
        error += (values[other] - min(max(values[other], low), high)) ** 2
    return error

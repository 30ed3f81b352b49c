"""When a molecule came or left: the change point in the trace of one pixel.

Two levels and free change frames, by least squares: one step (before, after), or a visit
(outside, inside) if its second step pays. The frame of a change costs nothing while it lies
between the two levels, because a molecule lands somewhere inside its landing frame. For a
visit shorter than the averaging the ratiometric contrast only has a plateau; this finds its
beginning and end.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.threads import over_rows
from perrin.types import Float32Array, FloatArray, IntArray

_SECOND_STEP = 12.0  # variances: what the search for a second step finds in noise alone


def best_steps(
    trace: Float32Array,
    *,
    sign: FloatArray,
    noise: FloatArray,
    reach: int,
) -> tuple[IntArray, FloatArray]:
    """Find the change of the given sign that explains each trace best.

    Parameters
    ----------
    trace : (N, T)
        Contrast of single frames, the candidate in the middle.
    sign : (N,)
        +1 for a rising step, -1 for a falling one.
    noise : (N,)
        Standard deviation of a single frame's contrast.
    reach : int
        Frames that the change may lie off the middle.

    Returns
    -------
    shift : (N,) int
        Frames from the middle to the change.
    snr : (N,)
        Root of the squares that the two levels explain, in units of the noise: for a step in
        the middle of T frames, its height over its standard error. A visit pays 12 variances
        for its second step. A molecule that stays has T / 2 frames on each side to show it,
        so this tells it from a fluctuation that passes the spatial threshold by chance.

    """
    shift = np.zeros(len(trace), np.int64)
    snr = np.zeros(len(trace))
    traces = trace.astype(np.float64)
    over_rows(_best_steps, len(trace), traces, sign, noise, reach, shift, snr)
    return shift, snr


@njit(cache=True, nogil=True)
def _best_steps(first, last, trace, sign, noise, reach, shift, snr):  # type: ignore[no-untyped-def]
    length = trace.shape[1]
    values, sums = np.empty(length), np.zeros(length + 1)
    for e in range(first, last):
        mean, squares = 0.0, 0.0
        for t in range(length):
            mean += trace[e, t]
        mean /= length
        for t in range(length):
            values[t] = trace[e, t] - mean
            sums[t + 1] = sums[t] + values[t]
            squares += values[t] * values[t]
        variance = noise[e] * noise[e]
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
        snr[e] = np.sqrt(max(squares - least, 0.0) / max(variance, 1e-30))


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

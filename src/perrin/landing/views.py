"""What a network sees of an event: an array made from its stack of normalized frames.

Both views start from the stacks of `perrin.landing.thumbnails`, in training as in use:

thumbnail
    The paper's: ratiometric frames, standardized (paper 002, "Model Training").
history
    The change of each pixel since before the landing, averaged over stretches of time that
    grow away from the landing. It does not depend on n_avg, which only says how far it
    reaches: nothing is blurred by a long integration, nothing is lost by a short one.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import frames_around
from perrin.threads import over_rows
from perrin.types import BoolArray, Float32Array, FloatArray

View = Literal["thumbnail", "history"]

EDGES = (1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26, 31, 41, 61, 81)
"""Frames from the landing where the stretches of a history begin, on either side."""
HISTORY_CHANNELS = 2 * (len(EDGES) - 1) + 3


def look(
    stacks: Float32Array,
    inside: BoolArray,
    *,
    view: View,
    n_avg: int,
    landing_sign: int,
) -> Float32Array:
    """Return what a network sees of events.

    Parameters
    ----------
    stacks : (N, before + 1 + after, S, S)
        Normalized frames, see `perrin.landing.thumbnails.frames_around`.
    inside : (N, S, S)
        Which pixels lie in the field of view; the others are 0 in every view.
    view : "thumbnail" or "history"
        Which one.
    n_avg : int
        Integration that the stacks were cut for.
    landing_sign : int
        -1 where a landing makes raw pixels darker, else 1.

    Returns
    -------
    (N, 1, T, S, S) float32 for thumbnails, (N, 33, S, S) for histories

    Raises
    ------
    PerrinError
        For stacks of another length.

    """
    before, after = frames_around(n_avg)
    if stacks.shape[1] != before + 1 + after:
        raise PerrinError(
            f"stacks have {stacks.shape[1]} frames; n_avg = {n_avg} needs {before + 1 + after}. "
            "Cut them with perrin.landing.thumbnails.iter_stacks."
        )
    if view == "thumbnail":
        values = ratiometric(stacks, n_avg=n_avg) * np.float32(-landing_sign)
        return standardized(values, inside)[:, None]
    return histories(stacks, inside, before=before, landing_sign=landing_sign)


def standardized(values: Float32Array, inside: BoolArray) -> Float32Array:
    """Z-score of each thumbnail (N, T, S, S) over its pixels in the field; 0 beyond it."""
    out = np.empty_like(values)
    over_rows(_standardize, len(values), values, inside, out)
    return out


def histories(
    stacks: Float32Array,
    inside: BoolArray,
    *,
    before: int,
    landing_sign: int,
) -> Float32Array:
    """Histories (N, 33, S, S) of stacks (N, T, S, S) whose landing frame has index `before`.

    Channels: 15 stretches before the landing (nearest first), the landing frame, 15 stretches
    after it; each is the mean over the stretch divided by the mean over all frames before,
    minus 1, negative for a landing, over their root mean square. A stretch beyond the stack
    is 0. Then the field of view (0 or 1), and the natural logarithm of that root mean square
    over the noise of one frame, the same in all pixels.
    """
    seen, _ = scaled_histories(stacks, inside, before=before, landing_sign=landing_sign)
    return seen


def scaled_histories(
    stacks: Float32Array,
    inside: BoolArray,
    *,
    before: int,
    landing_sign: int,
) -> tuple[Float32Array, Float32Array]:
    """Histories (N, 33, S, S) as `histories` has them, and their scales (N,) in contrast.

    A scale is the root mean square that the history was divided by: with it the amplitude of
    an event is kept. It is 0 for a stack that lies outside the field.
    """
    count, _, height, width = stacks.shape
    out = np.zeros((count, HISTORY_CHANNELS, height, width), np.float32)
    scale = np.zeros(count, np.float32)
    given = stacks, inside, before, float(-landing_sign), np.array(EDGES)
    over_rows(_histories, count, *given, out, scale)
    return out, scale


def stretches(before: int, after: int) -> FloatArray:
    """Return the weights (31, before + 1 + after) of the frames in each stretch of a history.

    The rows sum to 1, or to 0 where a stretch lies beyond the stack.
    """
    bins, total = len(EDGES) - 1, before + 1 + after
    weights = np.zeros((2 * bins + 1, total))
    weights[bins, before] = 1.0
    for k in range(bins):
        early = slice(max(before - EDGES[k + 1] + 1, 0), max(before - EDGES[k] + 1, 0))
        late = slice(min(before + EDGES[k], total), min(before + EDGES[k + 1], total))
        for row, frames in ((k, early), (bins + 1 + k, late)):
            if frames.stop > frames.start:
                weights[row, frames] = 1.0 / (frames.stop - frames.start)
    return weights


@njit(cache=True, nogil=True)
def _standardize(first, last, values, inside, out):  # type: ignore[no-untyped-def]
    _, length, height, width = values.shape
    for e in range(first, last):
        total, square, number = 0.0, 0.0, 0
        for t in range(length):
            for y in range(height):
                for x in range(width):
                    if inside[e, y, x]:
                        total += values[e, t, y, x]
                        square += values[e, t, y, x] ** 2
                        number += 1
        mean = total / max(number, 1)
        spread = np.sqrt(max(square / max(number, 1) - mean * mean, 1e-30))
        for t in range(length):
            for y in range(height):
                for x in range(width):
                    if inside[e, y, x]:
                        out[e, t, y, x] = (values[e, t, y, x] - mean) / spread
                    else:
                        out[e, t, y, x] = 0.0


@njit(cache=True, nogil=True)
def _histories(first, last, stacks, inside, before, sign, edges, out, scale):  # type: ignore[no-untyped-def]
    _, length, height, width = stacks.shape
    channels = 2 * len(edges) - 1
    for e in range(first, last):
        square, frames, changed, steps = 0.0, 0.0, 0.0, 0
        for y in range(height):
            for x in range(width):
                if inside[e, y, x]:
                    own, number = _changes(stacks, e, y, x, before, sign, edges, out)
                    square += own
                    frames += number
                    for t in range(1, length):
                        changed += abs(float(stacks[e, t, y, x]) - float(stacks[e, t - 1, y, x]))
                    steps += length - 1
        if steps == 0:
            continue
        rms = np.sqrt(max(square / frames, 1e-30))
        noise = max(changed / steps * 0.886, 1e-15)  # sqrt(pi) / 2: of a normal difference
        scale[e] = rms
        unit, loudness = np.float32(rms), np.log(rms / noise)
        for y in range(height):
            for x in range(width):
                for c in range(channels):
                    out[e, c, y, x] /= unit
                out[e, channels, y, x] = 1.0 if inside[e, y, x] else 0.0
                out[e, channels + 1, y, x] = loudness


@njit(cache=True)
def _changes(stacks, e, y, x, before, sign, edges, out):  # type: ignore[no-untyped-def]
    """Change of one pixel in every stretch; sum of squares over frames, and their number."""
    bins, length = len(edges) - 1, stacks.shape[1]
    reference = _mean(stacks, e, y, x, 0, before)
    square, frames = 0.0, 0
    for c in range(2 * bins + 1):
        if c == bins:
            first, last = before, before + 1
        elif c < bins:
            first, last = max(before - edges[c + 1] + 1, 0), before - edges[c] + 1
        else:
            k = c - bins - 1
            first, last = before + edges[k], min(before + edges[k + 1], length)
        if last > first:
            value = sign * (_mean(stacks, e, y, x, first, last) / reference - 1.0)
            out[e, c, y, x] = value
            square += (last - first) * value * value
            frames += last - first
    return square, frames


@njit(cache=True)
def _mean(stacks, e, y, x, first, last):  # type: ignore[no-untyped-def]
    """Mean of one pixel over the frames from first to before last."""
    total = 0.0
    for t in range(first, last):
        total += stacks[e, t, y, x]
    return total / (last - first)

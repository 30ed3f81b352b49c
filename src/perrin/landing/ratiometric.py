"""The ratiometric movie: what changed between the frames before and after each moment.

``r[i] = mean(F[i+1 : i+n+1]) / mean(F[i-n : i]) - 1``

Frame i itself is left out, because a particle lands somewhere inside its landing frame:
including that frame would cost min(phase, 1 - phase) / n of the contrast. Each frame is
divided by its whole-frame mean first, which removes laser power noise; the means are
passed in, so that a patch and a whole frame give the same numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from perrin.errors import PerrinError
from perrin.types import AnyArray, Float32Array, FloatArray


def frame_means(frames: AnyArray, *, first_frame: int = 0) -> FloatArray:
    """Mean of each frame: (T, Y, X) intensity in, (T,) out.

    Raises `PerrinError` if a frame is black or holds NaN: it cannot be normalized.
    `first_frame` is the number of frames[0] in its movie, for that message.
    """
    means: FloatArray = _means(frames)
    bad = np.flatnonzero(~(means > 0))
    if bad.size:
        raise PerrinError(
            f"frame {first_frame + bad[0]} has a mean of {means[bad[0]]:g} counts; a frame "
            "must be brighter than 0 and free of NaN. Cut the bad frames out of the movie."
        )
    return means


def ratiometric(
    frames: AnyArray, *, n_avg: int, frame_mean: FloatArray | None = None
) -> Float32Array:
    """Ratiometric frames from intensity frames.

    Parameters
    ----------
    frames : (..., T, Y, X)
        Intensity, any unit; leading axes are independent stacks.
    n_avg : int
        Frames averaged on each side.
    frame_mean : (T,) or (..., T), optional
        Whole-frame mean of each frame; by default the frames count as normalized already.

    Returns
    -------
    (..., T - 2 n_avg, Y, X) float32
        Relative change; index 0 belongs to frame n_avg.

    Raises
    ------
    PerrinError
        If n_avg is below 1 or there are fewer than 2 n_avg + 1 frames.

    """
    *lead, n_frames, height, width = frames.shape
    if n_avg < 1:
        raise PerrinError(f"n_avg is {n_avg}; it counts frames averaged on each side, so 1 or more")
    if n_frames < 2 * n_avg + 1:
        raise PerrinError(
            f"{n_frames} frames are too few for n_avg = {n_avg}: at least {2 * n_avg + 1} are "
            "needed. Use a longer movie or a smaller n_avg."
        )
    stacks = frames.reshape(-1, n_frames, height, width)
    weight = np.ones((len(stacks), n_frames))
    if frame_mean is not None:
        weight[:] = 1.0 / np.broadcast_to(frame_mean, (*lead, n_frames)).reshape(-1, n_frames)
    out = np.empty((len(stacks), n_frames - 2 * n_avg, height, width), np.float32)
    _ratiometric(stacks, weight, n_avg, out)
    return out.reshape(*lead, n_frames - 2 * n_avg, height, width)


@njit(cache=True, parallel=True, fastmath={"reassoc"})
def _means(frames):  # type: ignore[no-untyped-def]
    n_frames, height, width = frames.shape
    means = np.empty(n_frames)
    for t in prange(n_frames):
        total = 0.0
        for y in range(height):
            for x in range(width):
                total += frames[t, y, x]
        means[t] = total / (height * width)
    return means


@njit(cache=True, parallel=True, error_model="numpy")
def _ratiometric(stacks, weight, n, out):  # type: ignore[no-untyped-def]
    count, n_frames, height, width = stacks.shape
    for job in prange(count * height):
        s, y = job // height, job % height
        before = np.zeros(width)
        after = np.zeros(width)
        for t in range(n):
            for x in range(width):
                before[x] += stacks[s, t, y, x] * weight[s, t]
                after[x] += stacks[s, t + n + 1, y, x] * weight[s, t + n + 1]
        for i in range(n, n_frames - n):
            for x in range(width):
                out[s, i - n, y, x] = after[x] / before[x] - 1.0
            if i + n + 1 < n_frames:
                for x in range(width):
                    before[x] += stacks[s, i, y, x] * weight[s, i]
                    before[x] -= stacks[s, i - n, y, x] * weight[s, i - n]
                    after[x] += stacks[s, i + n + 1, y, x] * weight[s, i + n + 1]
                    after[x] -= stacks[s, i + 1, y, x] * weight[s, i + 1]

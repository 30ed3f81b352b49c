"""The ratiometric movie: what changed between the frames before and after each moment.

``r[i] = mean(F[i+1 : i+n+1]) / mean(F[i-n : i]) - 1``

Frame i itself is left out, because a particle lands somewhere inside its landing frame:
including that frame would cost min(phase, 1 - phase) / n of the contrast. Frames are evened
first (`perrin.landing.light`): divided by the plane of their light, which removes the noise of
the laser's power and of its direction.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.threads import over_rows
from perrin.types import Array, Float32Array


def ratiometric(frames: Array, *, n_avg: int) -> Float32Array:
    """Ratiometric frames from evened frames.

    Parameters
    ----------
    frames : (..., T, Y, X)
        Light of each pixel over that of its frame (`perrin.landing.light.evened`); leading axes
        are independent stacks.
    n_avg : int
        Frames averaged on each side.

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
    out = np.empty((len(stacks), n_frames - 2 * n_avg, height, width), np.float32)
    over_rows(_ratiometric, len(stacks) * height, stacks, n_avg, out)
    return out.reshape(*lead, n_frames - 2 * n_avg, height, width)


@njit(cache=True, nogil=True, error_model="numpy")
def _ratiometric(first, last, stacks, n, out):  # type: ignore[no-untyped-def]
    _, n_frames, height, width = stacks.shape
    for job in range(first, last):
        s, y = job // height, job % height
        before = np.zeros(width)
        after = np.zeros(width)
        for t in range(n):
            for x in range(width):
                before[x] += stacks[s, t, y, x]
                after[x] += stacks[s, t + n + 1, y, x]
        for i in range(n, n_frames - n):
            for x in range(width):
                out[s, i - n, y, x] = after[x] / before[x] - 1.0
            if i + n + 1 < n_frames:
                for x in range(width):
                    before[x] += stacks[s, i, y, x]
                    before[x] -= stacks[s, i - n, y, x]
                    after[x] += stacks[s, i + n + 1, y, x]
                    after[x] -= stacks[s, i + 1, y, x]

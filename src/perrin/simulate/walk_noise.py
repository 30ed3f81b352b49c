"""What a camera does to a walk: blur within the exposure, and frames without a position."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.types import FloatArray

SUBFRAMES = 8
"""Positions in one frame of a walk that is to be blurred."""


def expose(fine: FloatArray, exposure: float) -> FloatArray:
    """Return what the camera reports: the mean position within each exposure.

    fine: (N, L * SUBFRAMES, d) -> (N, L, d); `exposure` is the fraction of the frame interval,
    from its start, in which light is collected. Raises `PerrinError` for part of a frame.
    """
    count, length, dims = fine.shape
    if length % SUBFRAMES:
        raise PerrinError(
            f"{length} positions are no whole number of frames; give {SUBFRAMES} a frame."
        )
    lit = max(1, round(exposure * SUBFRAMES))
    frames = fine.reshape(count, length // SUBFRAMES, SUBFRAMES, dims)
    mean: FloatArray = frames[:, :, :lit].mean(axis=2)
    return mean


def lose_frames(
    count: int, length: int, *, expected: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which frames are seen, (N, L): gaps of two frames on average, `expected` in all.

    The first and the last frame are always seen: a track begins and ends with a position.
    """
    seen = np.ones((count, length), dtype=bool)
    if expected > 0:
        drawn = rng.random((count, length))
        lose = expected / (2 * (1 - expected))
        for frame in range(1, length - 1):
            seen[:, frame] = np.where(
                seen[:, frame - 1], drawn[:, frame] >= lose, drawn[:, frame] < 0.5
            )
    return seen

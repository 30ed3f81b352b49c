"""Walks that change: FBM in parts, to be cut by `perrin.diffusion.segments`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perrin.simulate.walks import fbm
from perrin.types import FloatArray


def piecewise_fbm(
    parts: Sequence[tuple[int, float, float]], *, rng: np.random.Generator, dims: int = 2
) -> FloatArray:
    """Return one walk (L, d) of FBM parts, each (steps, alpha, K), joined where they end.

    Along each axis MSD = 2 K t^alpha within a part; parts do not remember each other.
    """
    steps = [
        np.sqrt(2 * k) * np.diff(fbm([alpha], length=n + 1, rng=rng, dims=dims)[0], axis=0)
        for n, alpha, k in parts
    ]
    walk: FloatArray = np.cumsum(np.concatenate([np.zeros((1, dims)), *steps]), axis=0)
    return walk

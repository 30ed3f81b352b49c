"""How large the images of gold are, of many at once: `perrin.tracking.shape.Shape` by rows."""

from __future__ import annotations

import numpy as np

from perrin.tracking.shape import FLAT, HALF, OUT, WIDTH
from perrin.types import FloatArray, IntArray


def radii(values: FloatArray) -> FloatArray:
    """Return where each of N images `values` (N, 8) has half its contrast, from its axis, px."""
    found: FloatArray = values[:, WIDTH] * np.sqrt(np.log(np.exp(values[:, FLAT]) + 2))
    return found


def extents(values: FloatArray) -> FloatArray:
    """Return the distance from the center to the farthest edge of N images (N, 8), px."""
    return radii(values) + values[:, HALF]


def windows(values: FloatArray) -> IntArray:
    """Return half the side of the window of a fit of each of N images (N, 8), px."""
    wide = values[:, WIDTH] * np.sqrt(OUT + np.log(np.exp(values[:, FLAT]) + 1))
    reach: IntArray = np.ceil(values[:, HALF] + wide).astype(np.int64) + 1
    return reach

"""The light of each frame over the field: a plane, which every frame is divided by.

A laser flickers, and its beam wanders: the light of a frame changes as a whole and by a
gradient. Both are in every pixel, so a plane fitted to all pixels of the frame finds them to
1e-5, and what is divided by it has neither. A plane is as little as removes a gradient: it
cannot follow a molecule (``A PSF`` with its own constant background is fitted beside it), and
its noise in a corner is a hundredth of that of a pixel.

A plane is three numbers: its value at pixel (0, 0), its rise for one row down, and for one
column to the right. They are passed on, so that a patch and a whole frame give the same numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.threads import over_rows
from perrin.types import Array, Float32Array, FloatArray

_DARKEST = 0.2  # of the mean: no corner of a plane is darker, whatever shape the beam has


def light_field(frames: Array, *, first_frame: int = 0) -> FloatArray:
    """Least-squares plane of each frame: (T, Y, X) intensity in, (T, 3) out.

    On a full grid rows, columns and the mean are orthogonal, so that each number is a sum.
    Raises `PerrinError` if a frame is black or holds NaN: it cannot be normalized.
    `first_frame` is the number of frames[0] in its movie, for that message.
    """
    height, width = frames.shape[1:]
    moments = np.empty((3, len(frames)))
    over_rows(_moments, len(frames), frames, moments)
    mean, by_row, by_column = moments
    bad = np.flatnonzero(~(mean > 0))
    if bad.size:
        raise PerrinError(
            f"frame {first_frame + bad[0]} has a mean of {mean[bad[0]]:g} counts; a frame "
            "must be brighter than 0 and free of NaN. Cut the bad frames out of the movie."
        )
    return plane(mean, by_row, by_column, field=(height, width))


def plane(
    mean: FloatArray,
    by_row: FloatArray,
    by_column: FloatArray,
    *,
    field: tuple[int, int],
    limited: bool = True,
) -> FloatArray:
    """Return the planes (..., 3) of fields (Y, X pixels) with these moments.

    mean of all pixels, and the mean of each pixel times its distance from the middle row and
    from the middle column, (...) each. Where a corner would come out darker than a fifth of the
    mean (light in one corner only), the slopes are reduced.
    """
    height, width = field
    down = by_row / max((height**2 - 1) / 12, 1e-9) if height > 1 else 0.0 * mean
    right = by_column / max((width**2 - 1) / 12, 1e-9) if width > 1 else 0.0 * mean
    if limited:
        fall = np.abs(down) * (height - 1) / 2 + np.abs(right) * (width - 1) / 2
        least = np.minimum(1.0, (1 - _DARKEST) * np.abs(mean) / np.maximum(fall, 1e-300))
        down, right = down * least, right * least
    corner = mean - down * (height - 1) / 2 - right * (width - 1) / 2
    return np.stack([corner, down, right], axis=-1)


def shifted(light: FloatArray, *, row: Array | float, column: Array | float) -> FloatArray:
    """Return planes (..., 3) as a patch sees them whose pixel (0, 0) is at (row, column)."""
    moved = light.copy()
    moved[..., 0] += light[..., 1] * row + light[..., 2] * column
    return moved


def values(light: FloatArray, *, height: int, width: int) -> FloatArray:
    """Return what planes (..., 3) are in the pixels of a field: (..., height, width)."""
    rows, columns = np.arange(height)[:, None], np.arange(width)
    corner, down, right = (light[..., k, None, None] for k in range(3))
    return np.asarray(corner + down * rows + right * columns)


def evened(frames: Array, light: FloatArray) -> Float32Array:
    """Frames (T, Y, X) over their planes (T, 3): about 1 everywhere."""
    out = np.empty(frames.shape, np.float32)
    over_rows(_divide, len(frames), frames, light, out)
    return out


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _moments(first, last, frames, out):  # type: ignore[no-untyped-def]
    _, height, width = frames.shape
    count = height * width
    for t in range(first, last):
        total, down, right = 0.0, 0.0, 0.0
        for y in range(height):
            line, along = 0.0, 0.0
            for x in range(width):
                value = float(frames[t, y, x])
                line += value
                along += value * (x - 0.5 * (width - 1))
            total += line
            right += along
            down += line * (y - 0.5 * (height - 1))
        out[0, t] = total / count
        out[1, t] = down / count
        out[2, t] = right / count


@njit(cache=True, nogil=True, error_model="numpy")
def _divide(first, last, frames, light, out):  # type: ignore[no-untyped-def]
    _, height, width = frames.shape
    for t in range(first, last):
        for y in range(height):
            row = light[t, 0] + light[t, 1] * y
            for x in range(width):
                out[t, y, x] = frames[t, y, x] / (row + light[t, 2] * x)

"""What moving particles do to the light of a frame: gold in a beam, molecules on a membrane.

Gold takes electrons away along its thickness t: what passes is exp(-t / absorption). A rod is
a cylinder with half spheres at its ends, lying flat; a sphere is the same without a cylinder.
Its image is blurred by the microscope and averaged over the pixel (together one Gaussian).
A molecule changes the light by its contrast times the point-spread function.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.optics.psf import HALF_WIDTH_PX, Psf, evaluate
from perrin.types import FloatArray

SAMPLES = 8
"""Samples a pixel of the tables."""
_PIXEL_VARIANCE = 1 / 12
_TAIL = 4.0  # blurs beyond the edge at which a table ends


def gold_table(*, length: float, width: float, blur: float, absorption: float) -> FloatArray:
    """Return the fraction of electrons that gold takes away, (V, U), one quadrant of it.

    All lengths in pixels; u along the rod and v across it, from the center, in steps of 1/8
    pixel. A sphere has ``length = width``.
    """
    from scipy.ndimage import gaussian_filter

    sigma = float(np.hypot(blur, np.sqrt(_PIXEL_VARIANCE)))
    half = (length - width) / 2
    reach = width / 2 + _TAIL * sigma + 1
    u = np.arange(0, int((half + reach) * SAMPLES) + 1) / SAMPLES
    v = np.arange(0, int(reach * SAMPLES) + 1) / SAMPLES
    beyond = np.maximum(u[None, :] - half, 0.0)
    thickness = 2 * np.sqrt(np.maximum((width / 2) ** 2 - beyond**2 - v[:, None] ** 2, 0.0))
    taken = 1 - np.exp(-thickness / absorption)
    whole = np.concatenate([taken[:0:-1], taken])
    whole = np.concatenate([whole[:, :0:-1], whole], axis=1)
    blurred: FloatArray = gaussian_filter(whole, sigma * SAMPLES, truncate=_TAIL)
    return np.ascontiguousarray(blurred[len(v) - 1 :, len(u) - 1 :])


def add_gold(
    light: NDArray[np.floating[Any]],
    *,
    tables: FloatArray,
    x: FloatArray,
    y: FloatArray,
    angle: FloatArray,
    present: NDArray[np.bool_],
    sign: float,
) -> None:
    """Multiply `light` (T, Y, X) by 1 + sign * (what each particle takes away), in place.

    tables (P, V, U); x, y (P, T, K): places within the exposure; angle (P, T), radians;
    present (P, T). `sign` is -1 for dark particles.
    """
    _add_gold(light, tables, x, y, angle, present, sign)


def add_molecules(
    light: NDArray[np.float32],
    *,
    psf: Psf,
    contrast: FloatArray,
    x: FloatArray,
    y: FloatArray,
    present: NDArray[np.bool_],
) -> None:
    """Multiply `light` (T, Y, X) by 1 + contrast * PSF of each molecule; contrast (P, T)."""
    _add_molecules(light, psf.coefficients, contrast, x, y, present)


@njit(cache=True)
def read_table(table, u, v):  # type: ignore[no-untyped-def]
    """Return a quadrant table (V, U) at (u, v) pixels from the center, linear between samples."""
    a, b = abs(u) * SAMPLES, abs(v) * SAMPLES
    i, j = int(a), int(b)
    if i + 1 >= table.shape[1] or j + 1 >= table.shape[0]:
        return 0.0
    f, g = a - i, b - j
    return (1 - g) * ((1 - f) * table[j, i] + f * table[j, i + 1]) + g * (
        (1 - f) * table[j + 1, i] + f * table[j + 1, i + 1]
    )


@njit(cache=True, parallel=True)
def _add_gold(light, tables, x, y, angle, present, sign):  # type: ignore[no-untyped-def]
    count, height, width = light.shape
    subframes = x.shape[2]
    for t in prange(count):
        for p in range(len(x)):
            if not present[p, t]:
                continue
            table = tables[p]
            reach = np.hypot(table.shape[0], table.shape[1]) / SAMPLES
            cos, sin = np.cos(angle[p, t]), np.sin(angle[p, t])
            low_x, high_x = x[p, t].min() - reach, x[p, t].max() + reach
            low_y, high_y = y[p, t].min() - reach, y[p, t].max() + reach
            for row in range(max(0, int(low_y)), min(height, int(high_y) + 2)):
                for column in range(max(0, int(low_x)), min(width, int(high_x) + 2)):
                    taken = 0.0
                    for k in range(subframes):
                        dx, dy = column - x[p, t, k], row - y[p, t, k]
                        taken += read_table(table, dx * cos + dy * sin, dy * cos - dx * sin)
                    if taken != 0.0:
                        light[t, row, column] *= 1.0 + sign * taken / subframes


@njit(cache=True, parallel=True)
def _add_molecules(light, psf, contrast, x, y, present):  # type: ignore[no-untyped-def]
    count, height, width = light.shape
    subframes = x.shape[2]
    for t in prange(count):
        for p in range(len(x)):
            if not present[p, t]:
                continue
            left = max(0, int(np.ceil(x[p, t].min() - HALF_WIDTH_PX)))
            right = min(width, int(x[p, t].max() + HALF_WIDTH_PX) + 1)
            top = max(0, int(np.ceil(y[p, t].min() - HALF_WIDTH_PX)))
            bottom = min(height, int(y[p, t].max() + HALF_WIDTH_PX) + 1)
            if left >= right or top >= bottom:
                continue
            image = np.empty((bottom - top, right - left))
            total = np.zeros_like(image)
            for k in range(subframes):
                evaluate(psf, x[p, t, k] - left, y[p, t, k] - top, image)
                total += image
            for row in range(top, bottom):
                for column in range(left, right):
                    change = contrast[p, t] * total[row - top, column - left] / subframes
                    light[t, row, column] *= 1.0 + change

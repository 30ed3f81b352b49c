"""Molecules on a window of pixels and frames.

Every molecule changes the light of a pixel by the factor ``1 + contrast * PSF``; the factors
multiply, so that a landing has the same contrast on a bare and on a crowded surface. A frame
is open for its whole interval: a molecule that is there for a fraction of it has that fraction
of its contrast, and one that moves is blurred along its path.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.landing.light import plane
from perrin.optics.psf import HALF_WIDTH_PX, Psf, evaluate
from perrin.simulate.motions import Particles

BLUR_STEP_PX = 0.15
_STRETCH = 0.02


def widening_coefficients(psf: Psf) -> NDArray[np.float64]:
    """Spline coefficients W such that PSF + e * W is the PSF wider by the factor 1 + e."""
    from scipy.ndimage import map_coordinates, spline_filter

    grid = len(psf.coefficients) - 1
    offset = np.arange(grid) - grid // 2

    def scaled(factor: float) -> NDArray[np.float64]:
        axis = grid // 2 + offset / factor
        places = np.meshgrid(axis, axis, indexing="ij")
        return np.asarray(
            map_coordinates(
                psf.coefficients[:grid, :grid], places, order=3, mode="mirror", prefilter=False
            )
        )

    slope = (scaled(1 + _STRETCH) - scaled(1 - _STRETCH)) / (2 * _STRETCH)
    coefficients = np.zeros_like(psf.coefficients)
    coefficients[:grid, :grid] = spline_filter(slope, order=3, mode="mirror")
    return coefficients


def multiply_landings(
    light: NDArray[np.float32],
    particles: Particles,
    *,
    window: NDArray[np.int64],
    owned: NDArray[np.int64],
    psf: Psf,
    wider: NDArray[np.float64],
) -> None:
    """Multiply the windows `light` (B, T, Y, X) by what the molecules do to it, in place.

    Parameters
    ----------
    light : (B, T, Y, X) float32
        Relative intensity without the molecules.
    particles : Particles
        All molecules, those of window 0 first.
    window : (B, 3) int64
        First frame, row and column of each window, in the coordinates of the molecules.
    owned : (B + 1,) int64
        Window b has the molecules owned[b] to owned[b + 1].
    psf, wider
        The PSF, and `widening_coefficients` of it.

    """
    _multiply(
        light,
        *particles.columns(),
        window,
        owned,
        psf.coefficients,
        wider,
    )


def light_planes(
    particles: Particles,
    *,
    owned: NDArray[np.int64],
    n_frames: int,
    field: tuple[int, int],
    psf: Psf,
    wider: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What the molecules of each window do to the plane of the light of a field (Y, X pixels).

    (B, n_frames, 3), see `perrin.landing.light`; 0 without molecules. Analysis divides each
    frame by that plane, landings included; a patch has to do the same. A molecule that moves takes
    the part of its image that was in the field where it landed along.
    """
    moments = np.zeros((3, len(owned) - 1, n_frames))
    _add_moments(
        moments,
        *particles.columns(),
        owned,
        field,
        psf.coefficients,
        wider,
    )
    return plane(*moments, field=field, limited=False)


@njit(cache=True, parallel=True)
def _add_moments(  # type: ignore[no-untyped-def]
    moments, land, leave, xs, ys, steps, step_frames, contrast, widening, owned, field, psf, wider
):
    for b in prange(moments.shape[1]):
        for p in range(owned[b], owned[b + 1]):
            x0, y0 = xs[p, 0], ys[p, 0]
            shape = psf if widening[p] == 0.0 else psf + widening[p] * wider
            total, down, along = _image_moments(shape, xs[p, :1], ys[p, :1], field)
            scale = contrast[p] / (field[0] * field[1])
            for t in range(max(0, int(np.floor(land[p]))), moments.shape[2]):
                start, stop = max(float(t), land[p]), min(t + 1.0, leave[p])
                if stop <= start:
                    continue
                part = (stop - start) * scale
                x, y = x0, y0
                if steps[p] > 0:
                    moved = (0.5 * (start + stop) - land[p]) / step_frames[p]
                    x, y = _place(xs[p], ys[p], steps[p], moved)
                moments[0, b, t] += part * total
                moments[1, b, t] += part * (down + total * (y - y0))
                moments[2, b, t] += part * (along + total * (x - x0))


@njit(cache=True)
def _image_moments(psf, xs, ys, field):  # type: ignore[no-untyped-def]
    """Sum of a PSF in the field, and of it times the distance from middle row and column."""
    height, width = field
    left, right, top, bottom = _box(xs, ys, 0, height, width)
    total, down, along = 0.0, 0.0, 0.0
    if left >= right or top >= bottom:
        return total, down, along
    image = np.empty((bottom - top, right - left))
    evaluate(psf, xs[0] - left, ys[0] - top, image)
    for j in range(bottom - top):
        line = image[j].sum()
        total += line
        down += line * (top + j - 0.5 * (height - 1))
        for i in range(right - left):
            along += image[j, i] * (left + i - 0.5 * (width - 1))
    return total, down, along


@njit(cache=True)
def _place(xs, ys, steps, moved):  # type: ignore[no-untyped-def]
    """Where a molecule is after this many steps of its path."""
    moved = min(max(moved, 0.0), float(steps))
    k = min(int(moved), steps - 1)
    f = moved - k
    return xs[k] + f * (xs[k + 1] - xs[k]), ys[k] + f * (ys[k + 1] - ys[k])


@njit(cache=True, parallel=True)
def _multiply(  # type: ignore[no-untyped-def]
    light, land, leave, xs, ys, steps, step_frames, contrast, widening, window, owned, psf, wider
):
    for b in prange(len(light)):
        for p in range(owned[b], owned[b + 1]):
            shape = psf if widening[p] == 0.0 else psf + widening[p] * wider
            _multiply_one(
                light[b],
                land[p] - window[b, 0],
                leave[p] - window[b, 0],
                xs[p] - window[b, 2],
                ys[p] - window[b, 1],
                steps[p],
                step_frames[p],
                contrast[p],
                shape,
            )


@njit(cache=True)
def _multiply_one(light, land, leave, x, y, steps, step_frames, contrast, psf):  # type: ignore[no-untyped-def]
    """One molecule; times and places relative to the window."""
    n_frames, height, width = light.shape
    first = max(0, int(np.floor(max(land, -1.0))))
    last = n_frames if leave >= n_frames else int(np.ceil(leave))
    rest = land + steps * step_frames
    left, right, top, bottom = _box(x, y, steps, height, width)
    if first >= last or left >= right or top >= bottom:
        return
    resting = np.empty((bottom - top, right - left))
    evaluate(psf, x[steps] - left, y[steps] - top, resting)
    moving = np.empty_like(resting)
    for t in range(first, last):
        start, stop = max(float(t), land), min(t + 1.0, leave)
        fraction = stop - start
        if start < rest:
            _blur(psf, x, y, steps, step_frames, land, start, stop, left, top, moving)
            image = moving
        else:
            image = resting
        factor = contrast * fraction
        for j in range(top, bottom):
            for i in range(left, right):
                light[t, j, i] *= 1.0 + factor * image[j - top, i - left]


@njit(cache=True)
def _box(x, y, steps, height, width):  # type: ignore[no-untyped-def]
    """Columns and rows of the window that the molecule can reach."""
    left, right, top, bottom = width, 0, height, 0
    for k in range(steps + 1):
        left = min(left, max(0, int(np.ceil(x[k] - HALF_WIDTH_PX))))
        right = max(right, min(width, int(np.floor(x[k] + HALF_WIDTH_PX)) + 1))
        top = min(top, max(0, int(np.ceil(y[k] - HALF_WIDTH_PX))))
        bottom = max(bottom, min(height, int(np.floor(y[k] + HALF_WIDTH_PX)) + 1))
    return left, right, top, bottom


@njit(cache=True)
def _blur(psf, x, y, steps, step_frames, land, start, stop, left, top, out):  # type: ignore[no-untyped-def]
    """Mean PSF over the times start to stop of a moving molecule, into `out`."""
    traveled = 0.0
    for k in range(steps):
        traveled = max(traveled, np.hypot(x[k + 1] - x[k], y[k + 1] - y[k]) / step_frames)
    parts = 1 + int(traveled * (stop - start) / BLUR_STEP_PX)
    image = np.empty_like(out)
    out[:] = 0.0
    for part in range(parts):
        time = start + (part + 0.5) / parts * (stop - start)
        px, py = _place(x, y, steps, (time - land) / step_frames)
        evaluate(psf, px - left, py - top, image)
        for row in range(out.shape[0]):
            for column in range(out.shape[1]):
                out[row, column] += image[row, column] / parts

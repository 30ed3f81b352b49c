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
        particles.land,
        particles.leave,
        particles.x,
        particles.y,
        particles.steps,
        particles.step_frames,
        particles.contrast,
        particles.widening,
        window,
        owned,
        psf.coefficients,
        wider,
    )


def mean_light(
    particles: Particles,
    *,
    owned: NDArray[np.int64],
    n_frames: int,
    field: tuple[int, int],
    psf: Psf,
    wider: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean over the whole field (Y, X pixels) of what the molecules of each window do to it.

    (B, n_frames), 1 without molecules. Analysis divides each frame by its mean, landings
    included; a patch has to do the same. A molecule counts with its place of landing.
    """
    mean = np.ones((len(owned) - 1, n_frames))
    _mean_light(
        mean,
        particles.land,
        particles.leave,
        particles.x[:, 0],
        particles.y[:, 0],
        particles.contrast,
        particles.widening,
        owned,
        field,
        psf.coefficients,
        wider,
    )
    return mean


@njit(cache=True, parallel=True)
def _mean_light(mean, land, leave, xs, ys, contrast, widening, owned, field, psf, wider):  # type: ignore[no-untyped-def]
    height, width = field
    for b in prange(len(mean)):
        for p in range(owned[b], owned[b + 1]):
            left, right, top, bottom = _box(xs[p : p + 1], ys[p : p + 1], 0, height, width)
            if left >= right or top >= bottom:
                continue
            image = np.empty((bottom - top, right - left))
            shape = psf if widening[p] == 0.0 else psf + widening[p] * wider
            evaluate(shape, xs[p] - left, ys[p] - top, image)
            change = contrast[p] * image.sum() / (height * width)
            for t in range(max(0, int(np.floor(land[p]))), mean.shape[1]):
                fraction = min(t + 1.0, leave[p]) - max(float(t), land[p])
                mean[b, t] += change * max(fraction, 0.0)


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
        place = min(max((time - land) / step_frames, 0.0), float(steps))
        k = min(int(place), steps - 1)
        f = place - k
        px = x[k] + f * (x[k + 1] - x[k])
        py = y[k] + f * (y[k + 1] - y[k])
        evaluate(psf, px - left, py - top, image)
        for row in range(out.shape[0]):
            for column in range(out.shape[1]):
                out[row, column] += image[row, column] / parts

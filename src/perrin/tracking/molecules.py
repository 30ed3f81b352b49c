"""Locating molecules: fits of the PSF, near ones with the others' images subtracted."""

from __future__ import annotations

import numpy as np
from numba import njit

from perrin.landing.fit import fit_patch
from perrin.landing.matched import WINDOW_PX
from perrin.optics.psf import HALF_WIDTH_PX, Psf, evaluate
from perrin.tracking.errors import ErrorScale
from perrin.tracking.find import Candidates
from perrin.tracking.found import MERGED, TOUCHING, LocalizationResult
from perrin.tracking.pairs import first_of_same, inside, neighbors, pairs_within, touching
from perrin.tracking.shape import A, X, Y
from perrin.types import Float32Array, FloatArray, IntArray

_ROUNDS = 2  # fits of particles near others, after the first
_MERGED_MISFIT = 0.12  # of the contrast: what is left beyond the noise
_MISFIT_SDS = 5.0
_SAME = 0.6  # radii: two fits so near are one particle


def molecules(
    frames: Float32Array, found: Candidates, noise: FloatArray, psf: Psf, scale: ErrorScale
) -> LocalizationResult:
    """Return the molecules among the candidates in frames (T, Y, X), whose noise is (T,)."""
    fits = _psf_fits(frames, found.frame, found.x, found.y, psf)
    kept = np.isfinite(fits[:, 0]) & (fits[:, 0] > 0) & inside(fits[:, 2], fits[:, 3], frames)
    radius = psf.fwhm_px() / 2
    kept &= first_of_same(found.frame, fits[:, 2], fits[:, 3], kept, within=_SAME * radius)
    frame, fits = found.frame[kept], fits[kept]
    pairs = pairs_within(frame, fits[:, 2], fits[:, 3], within=HALF_WIDTH_PX + WINDOW_PX / 2)
    for _ in range(_ROUNDS if len(pairs) else 0):
        near, first, others = neighbors(pairs)
        again = _psf_fits(
            frames, frame[near], fits[near, 2], fits[near, 3], psf, others=(first, fits[others])
        )
        ok = np.isfinite(again[:, 0]) & (again[:, 0] > 0)
        fits = fits.copy()
        fits[near[ok]] = again[ok]
    label = np.zeros(len(frame), np.int64)
    values = np.zeros((len(frame), 8))
    values[:, X], values[:, Y] = fits[:, 2], fits[:, 3]
    label[pairs[touching(values, pairs, 2 * radius)].ravel()] = TOUCHING
    expected = scale.residual * noise[frame] ** 2
    allowed = _MISFIT_SDS * np.sqrt(2 / scale.independent) * expected
    excess = fits[:, 6] ** 2 - expected
    label[excess > np.maximum((_MERGED_MISFIT * fits[:, 0]) ** 2, allowed)] = MERGED
    more = scale.factor[0] * scale.steadied(fits[:, 6] ** 2, expected, expected + allowed)[:, None]
    unknown = np.full(len(frame), np.nan)
    return LocalizationResult(
        frame=frame,
        x=fits[:, 2],
        y=fits[:, 3],
        x_se=fits[:, 4] * more[:, X],
        y_se=fits[:, 5] * more[:, Y],
        contrast=-fits[:, 0],
        contrast_se=fits[:, 1] * more[:, A],
        angle=unknown,
        angle_se=unknown,
        noise=fits[:, 6],
        label=label,
        shape=np.full((len(frame), 3), np.nan),
    )


def _psf_fits(
    frames: Float32Array,
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    psf: Psf,
    *,
    others: tuple[IntArray, FloatArray] | None = None,
) -> FloatArray:
    """Return contrast, its error, x, y, their errors and residual of fits around places, (N, 7)."""
    row, column = np.rint(y).astype(np.int64), np.rint(x).astype(np.int64)
    if others is None:
        others = np.zeros(len(frame) + 1, np.int64), np.zeros((0, 7))
    fits = np.empty((len(frame), 7))
    _fit(frames, frame, row, column, psf.coefficients, *others, fits)
    fits[:, 2] += column
    fits[:, 3] += row
    return fits


@njit(cache=True, nogil=True)
def _fit(frames, frame, row, column, psf, first, others, fits):  # type: ignore[no-untyped-def]
    """Fit patches around pixels, with the other molecules' images subtracted."""
    _, height, width = frames.shape
    size = WINDOW_PX
    patch, image = np.empty((size, size)), np.empty((size, size))
    inside = np.empty((size, size), np.bool_)
    for n in range(len(frame)):
        top, left = row[n] - size // 2, column[n] - size // 2
        for j in range(size):
            for i in range(size):
                y, x = top + j, left + i
                inside[j, i] = 0 <= y < height and 0 <= x < width
                patch[j, i] = frames[frame[n], y, x] if inside[j, i] else 0.0
        for k in range(first[n], first[n + 1]):
            evaluate(psf, others[k, 2] - left, others[k, 3] - top, image)
            patch -= others[k, 0] * image
        fit_patch(patch, inside, psf, fits[n])

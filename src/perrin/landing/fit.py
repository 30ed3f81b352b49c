"""Contrast and position of events: least squares of the PSF on the ratiometric frame.

Model on 13 x 13 pixels: ``A P(x - x0, y - y0) + b``, all four free. The standard errors are
those of the least-squares solution with the noise taken from the residual. A free position
lets the fit climb onto the noise: the amplitude is too large by ``sigma_A^2 / A`` on average
(two position parameters, each worth half of that), which is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.matched import WINDOW_PX
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import iter_stacks, places_of
from perrin.optics.psf import Psf, evaluate_with_slopes
from perrin.threads import over_rows
from perrin.types import Array, BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

MAX_SHIFT_PX = 3.0
_ITERATIONS = 30
_TOLERANCE_PX = 1e-4
_NOT_FITTED = "not fitted"
_FITTED = (
    "contrast",
    "contrast_se",
    "x_px",
    "y_px",
    "x_se_px",
    "y_se_px",
    "fit_residual",
    "fit_chi2",
)


@dataclass(frozen=True)
class PsfFit:
    """Result of a batch of fits, one entry a patch; NaN where a fit did not converge."""

    contrast: FloatArray
    contrast_se: FloatArray
    """contrast, contrast_se (N,): amplitude A with its bias removed, and its standard error."""
    dx_px: FloatArray
    dy_px: FloatArray
    x_se_px: FloatArray
    y_se_px: FloatArray
    """dx_px, dy_px, x_se_px, y_se_px (N,): position against the middle pixel and its standard
    errors."""
    residual: FloatArray
    """(N,): root mean square of data minus fit, with N - 4 degrees of freedom."""


def fit_patches(patches: Array, *, psf: Psf, inside: BoolArray | None = None) -> PsfFit:
    """Fit the PSF to ratiometric patches (N, S, S), S odd and at most 19.

    Pixels where `inside` (N, S, S) is false do not count. A fit that moves more than 3 px
    from the middle has found something else: its result is NaN.
    """
    if patches.ndim != 3 or patches.shape[1] != patches.shape[2] or patches.shape[1] > 19:
        raise PerrinError(
            f"patches have shape {patches.shape}; expected (N, S, S) with S odd and at most 19"
        )
    mask = np.ones(patches.shape, np.bool_) if inside is None else inside
    out = np.empty((len(patches), 7))
    over_rows(_fit, len(patches), patches.astype(np.float64), mask, psf.coefficients, out)
    return PsfFit(*out.T.copy())


def amplitudes_at(
    patches: Array,
    *,
    dx_px: FloatArray,
    dy_px: FloatArray,
    psf: Psf,
    inside: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Contrast (N,) of patches (N, S, S) at known positions, and its standard error (N,).

    Amplitude and constant background are free, the position (against the middle pixel) is not:
    nothing climbs onto the noise, so nothing is subtracted. NaN where nothing can be fitted.
    """
    out = np.empty((len(patches), 2))
    given = patches.astype(np.float64), inside, psf.coefficients, dx_px, dy_px
    over_rows(_amplitudes, len(patches), *given, out)
    return out[:, 0].copy(), out[:, 1].copy()


def fit(movie: Movie, events: pd.DataFrame, *, fit_n_avg: int, psf: Psf) -> pd.DataFrame:
    """Fit every detected event at its landing frame.

    Parameters
    ----------
    movie : Movie
        The movie the events were detected in.
    events : DataFrame
        With ``frame``, ``y_px``, ``x_px`` and the matched-filter ``contrast`` of `detect`.
    fit_n_avg : int
        Frames averaged on each side; may differ from that of the detection.
    psf : Psf
        Point-spread function for this pixel size.

    Returns
    -------
    DataFrame
        `events` with ``contrast``, ``contrast_se``, ``x_px``, ``y_px``, ``x_se_px``,
        ``y_se_px``, ``fit_residual``, ``fit_chi2``, ``fit_n_avg`` and ``label``. Events that
        cannot be fitted (too near the ends for fit_n_avg, or no convergence) keep their detected
        contrast and position, with ``label = "not fitted"`` and NaN errors.

    """
    psf.check_pixel(movie.pixel_nm)
    table = np.full((len(events), len(_FITTED)), np.nan)
    table[:, 0] = events["contrast"]
    table[:, 2] = events["x_px"]
    table[:, 3] = events["y_px"]
    label = np.full(len(events), _NOT_FITTED, dtype=object)
    places = places_of(events)
    for batch in iter_stacks(movie, places, before=fit_n_avg, after=fit_n_avg, size=WINDOW_PX):
        frames = ratiometric(batch.stacks, n_avg=fit_n_avg)[:, 0] * -movie.landing_sign
        found = fit_patches(frames, psf=psf, inside=batch.inside)
        good = np.isfinite(found.contrast)
        _enter(table, batch.rows[good], found, good)
        expected = 2 / fit_n_avg * frame_variance(batch.stacks[good], batch.inside[good])
        table[batch.rows[good], 7] = found.residual[good] ** 2 / expected
        label[batch.rows[good]] = ""
    columns = dict(zip(_FITTED, table.T, strict=True))
    return events.assign(**columns, fit_n_avg=np.int64(fit_n_avg), label=label)


def frame_variance(stacks: Array, inside: BoolArray) -> FloatArray:
    """Variance (N,) of a pixel from frame to frame, in stacks (N, 2 n + 1, S, S).

    Half the mean square of differences of successive frames: what is slow is not in it, nor the
    step at the landing, whose frame is left out. NaN where no differences are left.
    """
    n_avg = stacks.shape[1] // 2
    if n_avg < 2:
        return np.full(len(stacks), np.nan)
    squares = np.zeros((len(stacks), *stacks.shape[2:]))
    for side in (stacks[:, :n_avg], stacks[:, n_avg + 1 :]):
        squares += (np.diff(side, axis=1).astype(np.float64) ** 2).sum(axis=1)
    pixels = np.maximum(inside.sum(axis=(1, 2)), 1)
    total: FloatArray = (squares * inside).sum(axis=(1, 2)) / (4 * (n_avg - 1) * pixels)
    return np.where(total > 0, total, np.nan)


def _enter(table: FloatArray, rows: IntArray, found: PsfFit, good: BoolArray) -> None:
    """Write the `good` of some fits into the rows of a table of `_FITTED`, (N, 8)."""
    table[rows, 0] = found.contrast[good]
    table[rows, 1] = found.contrast_se[good]
    table[rows, 2] = np.rint(table[rows, 2]) + found.dx_px[good]
    table[rows, 3] = np.rint(table[rows, 3]) + found.dy_px[good]
    table[rows, 4] = found.x_se_px[good]
    table[rows, 5] = found.y_se_px[good]
    table[rows, 6] = found.residual[good]


@njit(cache=True, nogil=True)
def _fit(first, last, patches, mask, coefficients, out):  # type: ignore[no-untyped-def]
    for e in range(first, last):
        fit_patch(patches[e], mask[e], coefficients, out[e])


@njit(cache=True)
def fit_patch(data, mask, coefficients, out):  # type: ignore[no-untyped-def]
    """Levenberg-Marquardt in the position; amplitude and background are linear."""
    size = data.shape[0]
    middle = size // 2
    work = np.empty((3, size, size))
    normal, right, step = np.empty((4, 4)), np.empty(4), np.empty(4)
    out[:] = np.nan
    x, y, damping = 0.0, 0.0, 1e-3
    error, amplitude = _linear(data, mask, coefficients, middle, x, y, work, normal, right)
    converged = False
    for _ in range(_ITERATIONS):
        scaled = normal.copy()
        scaled[2, 2] *= 1.0 + damping
        scaled[3, 3] *= 1.0 + damping
        if not np.isfinite(error) or not solve(scaled, right, step):
            break
        dx, dy = _shortened(step[2]), _shortened(step[3])
        if abs(x + dx) > MAX_SHIFT_PX or abs(y + dy) > MAX_SHIFT_PX:
            break
        trial_work, trial_normal, trial_right = work.copy(), normal.copy(), right.copy()
        trial, trial_amplitude = _linear(
            data, mask, coefficients, middle, x + dx, y + dy, trial_work, trial_normal, trial_right
        )
        if trial <= error:
            x, y, error, amplitude = x + dx, y + dy, trial, trial_amplitude
            work, normal, right = trial_work, trial_normal, trial_right
            damping = max(damping * 0.3, 1e-9)
            if abs(dx) + abs(dy) < _TOLERANCE_PX:
                converged = True
                break
        elif abs(dx) + abs(dy) < _TOLERANCE_PX:
            converged = True
            break
        else:
            damping *= 10.0
    used = mask.sum()
    if not converged or used <= 4 or amplitude == 0.0:
        return
    variance = error / (used - 4)
    spread = np.empty(4)
    if not _variances(normal, variance, right, step, spread):
        return
    out[0] = amplitude - spread[0] / amplitude
    out[1] = np.sqrt(spread[0])
    out[2] = x
    out[3] = y
    out[4] = np.sqrt(spread[2])
    out[5] = np.sqrt(spread[3])
    out[6] = np.sqrt(variance)


@njit(cache=True)
def _variances(normal, variance, right, step, spread):  # type: ignore[no-untyped-def]
    """Diagonal of the covariance of four parameters; false where the system has no solution."""
    for i in range(4):
        right[:] = 0.0
        right[i] = variance
        if not solve(normal.copy(), right, step):
            return False
        spread[i] = step[i]
    return True


@njit(cache=True, nogil=True)
def _amplitudes(first, last, patches, mask, coefficients, dx, dy, out):  # type: ignore[no-untyped-def]
    size = patches.shape[1]
    for e in range(first, last):
        work, normal, right = np.empty((3, size, size)), np.empty((4, 4)), np.empty(4)
        error, amplitude = _linear(
            patches[e], mask[e], coefficients, size // 2, dx[e], dy[e], work, normal, right
        )
        free = mask[e].sum() - 2
        out[e, :] = np.nan
        if np.isfinite(error) and free > 0:
            spread = normal[1, 1] / (normal[0, 0] * normal[1, 1] - normal[0, 1] ** 2)
            out[e, 0] = amplitude
            out[e, 1] = np.sqrt(error / free * spread)


@njit(cache=True)
def solve(matrix, right, solution):  # type: ignore[no-untyped-def]
    """Solve a symmetric positive 4 x 4 system by Cholesky, in place; false if it is not one.

    By hand because LAPACK takes longer to compile and to call than to solve this.
    """
    size = len(right)
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i, j]
            for k in range(j):
                rest -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = rest / matrix[j, j]
            elif rest > 0.0:
                matrix[i, i] = np.sqrt(rest)
            else:
                return False
    for i in range(size):
        rest = right[i]
        for k in range(i):
            rest -= matrix[i, k] * solution[k]
        solution[i] = rest / matrix[i, i]
    for i in range(size - 1, -1, -1):
        rest = solution[i]
        for k in range(i + 1, size):
            rest -= matrix[k, i] * solution[k]
        solution[i] = rest / matrix[i, i]
    return True


@njit(cache=True)
def _shortened(step):  # type: ignore[no-untyped-def]
    return min(max(step, -1.0), 1.0)


@njit(cache=True)
def _linear(data, mask, coefficients, middle, x, y, work, normal, right):  # type: ignore[no-untyped-def]
    """Solve A and b at position (x, y); fill the normal equations for (A, b, x, y)."""
    size = data.shape[0]
    evaluate_with_slopes(coefficients, middle + x, middle + y, work[0], work[1], work[2])
    s_p, s_pp, s_d, s_pd, s_1 = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(size):
        for i in range(size):
            if mask[j, i]:
                p, d = work[0, j, i], data[j, i]
                s_p += p
                s_pp += p * p
                s_d += d
                s_pd += p * d
                s_1 += 1.0
    determinant = s_pp * s_1 - s_p * s_p
    if determinant <= 0.0:
        return np.inf, 0.0
    amplitude = (s_pd * s_1 - s_p * s_d) / determinant
    background = (s_d - amplitude * s_p) / s_1
    normal[:] = 0.0
    right[:] = 0.0
    gradient = np.empty(4)
    error = 0.0
    for j in range(size):
        for i in range(size):
            if mask[j, i]:
                left = data[j, i] - amplitude * work[0, j, i] - background
                gradient[0] = work[0, j, i]
                gradient[1] = 1.0
                gradient[2] = amplitude * work[1, j, i]
                gradient[3] = amplitude * work[2, j, i]
                error += left * left
                for a in range(4):
                    right[a] += gradient[a] * left
                    for b in range(4):
                        normal[a, b] += gradient[a] * gradient[b]
    return error, amplitude

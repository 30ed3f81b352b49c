"""Locating: every particle of a stretch of frames, sub-pixel, with its standard errors.

Gold is fitted with the shape learned from the movie, molecules with the PSF. Particles near
others are fitted again with the others' images subtracted; those that touch are marked, and
where two look like one the position is marked as merged: it belongs to neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.landing.fit import fit_patch
from perrin.landing.matched import WINDOW_PX
from perrin.optics.psf import HALF_WIDTH_PX, Psf, evaluate
from perrin.tracking.appearance import Appearance, free_of, starts_of
from perrin.tracking.find import Candidates, find, noise_of
from perrin.tracking.shape import ANGLE, HALF, A, Shape, ShapeFits, X, Y, fit_shapes
from perrin.tracking.split import Pairs, split
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_ROUNDS = 2  # fits of particles near others, after the first
_MERGED_AREA = 1.6  # times the usual area of a region
_MERGED_MISFIT = 0.12  # of the contrast: what is left beyond the noise
_SPLIT_MISFIT = 0.08  # the same, for a pair that explains it
_MISFIT_SDS = 5.0
_SAME = 0.6  # radii: two fits so near are one particle

LABELS = ("", "touching", "merged")


@dataclass(frozen=True)
class LocalizationResult:
    """N particles, in order of frames.

    Attributes
    ----------
    frame : (N,) int64
        Number of the frame.
    x, y, x_se, y_se : (N,)
        Place and standard errors, px.
    contrast, contrast_se : (N,)
        At the center: negative where darker (molecules: negative always, as a landing is).
    angle, angle_se : (N,)
        Rods: radians, from 0 to pi; else NaN.
    noise : (N,)
        Standard deviation of a pixel about the fit, in contrast.
    label : (N,) int64
        Place in `LABELS`.

    """

    frame: IntArray
    x: FloatArray
    y: FloatArray
    x_se: FloatArray
    y_se: FloatArray
    contrast: FloatArray
    contrast_se: FloatArray
    angle: FloatArray
    angle_se: FloatArray
    noise: FloatArray
    label: IntArray

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: IntArray | BoolArray) -> LocalizationResult:
        return LocalizationResult(*(column[rows] for column in vars(self).values()))


def locate(frames: Float32Array, *, seen: Appearance, threshold: float) -> LocalizationResult:
    """Return the particles in frames (T, Y, X) of contrast, positive for a particle.

    Frames are counted from the first of the stretch.
    """
    found, _ = find(
        frames, sigma_px=seen.sigma_px, threshold=threshold, regions=seen.kind == "rods"
    )
    noise = noise_of(frames)
    if not len(found):
        return _nothing()
    if seen.shape is not None:
        return _gold(frames, found, noise, seen, seen.shape)
    assert seen.psf is not None  # noqa: S101 - molecules
    return _molecules(frames, found, noise, seen.psf)


def join(parts: list[LocalizationResult]) -> LocalizationResult:
    """Return several stretches as one."""
    parts = parts or [_nothing()]
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return LocalizationResult(*(np.concatenate(column) for column in columns))


def _nothing() -> LocalizationResult:
    none, empty = np.empty(0, np.int64), np.empty(0)
    return LocalizationResult(
        none, empty, empty, empty, empty, empty, empty, empty, empty, empty, none
    )


def _gold(
    frames: Float32Array, found: Candidates, noise: FloatArray, seen: Appearance, shape: Shape
) -> LocalizationResult:
    frame, area, half, fits = _first_fits(frames, found, seen, shape)
    pairs = _pairs(frame, fits.values[:, X], fits.values[:, Y], within=2 * shape.reach)
    for _ in range(_ROUNDS if len(pairs) else 0):
        fits = _again(frames, frame, fits, pairs, seen, shape)
    label = np.zeros(len(frame), np.int64)
    label[_touching(fits.values, pairs, 2 * shape.radius + 1.0)] = 1
    allowed = _allowed_variance(noise[frame], shape)
    odd = fits.variance > np.maximum(
        allowed, noise[frame] ** 2 + (_MERGED_MISFIT * fits.values[:, A]) ** 2
    )
    if seen.kind == "rods":
        odd |= area > _MERGED_AREA * seen.area_px
    label[odd] = 2
    if odd.any() and np.isfinite(seen.amplitude):
        rows = np.flatnonzero(odd)
        limit = np.maximum(allowed, noise[frame] ** 2 + (_SPLIT_MISFIT * seen.amplitude) ** 2)
        two = split(
            frames,
            frame[rows],
            fits.values[rows],
            half[rows],
            allowed=limit[rows],
            seen=seen,
            shape=shape,
        )
        frame, label, fits = _with_pairs(frame, label, fits, two, rows)
    explained = np.isfinite(fits.errors[:, A])
    return _located(frame[explained], label[explained], _rows(fits, explained), seen)


def _first_fits(
    frames: Float32Array, found: Candidates, seen: Appearance, shape: Shape
) -> tuple[IntArray, FloatArray, FloatArray, ShapeFits]:
    """Frame, area, half length and fit of each candidate, each particle once."""
    starts = starts_of(found, seen)
    fits = fit_shapes(
        frames,
        found.frame,
        starts,
        free=free_of(seen),
        half_window=shape.half_window,
        kappa=seen.kappa,
    )
    failed = ~np.isfinite(fits.values[:, A])  # no single particle: two may be seen later
    fits.values[failed], fits.variance[failed] = starts[failed], np.inf
    kept = _inside(fits.values[:, X], fits.values[:, Y], frames)
    kept &= _first_of_same(
        found.frame, fits.values[:, X], fits.values[:, Y], kept, within=_SAME * shape.radius
    )
    return found.frame[kept], found.area[kept], found.half[kept], _rows(fits, kept)


def _allowed_variance(noise: FloatArray, shape: Shape) -> FloatArray:
    """Variance of a residual (N,) that noise (N,) alone may leave in a window."""
    pixels = (2 * shape.half_window + 1) ** 2
    return np.asarray(noise**2 * (1 + _MISFIT_SDS * np.sqrt(2 / pixels)))


def _located(
    frame: IntArray, label: IntArray, fits: ShapeFits, seen: Appearance
) -> LocalizationResult:
    rods = seen.kind == "rods"
    return LocalizationResult(
        frame=frame,
        x=fits.values[:, X],
        y=fits.values[:, Y],
        x_se=fits.errors[:, X],
        y_se=fits.errors[:, Y],
        contrast=seen.sign * fits.values[:, A],
        contrast_se=fits.errors[:, A],
        angle=fits.values[:, ANGLE] % np.pi if rods else np.full(len(frame), np.nan),
        angle_se=fits.errors[:, ANGLE],
        noise=np.sqrt(fits.variance),
        label=label,
    )


def _with_pairs(
    frame: IntArray,
    label: IntArray,
    fits: ShapeFits,
    two: Pairs,
    rows: IntArray,
) -> tuple[IntArray, IntArray, ShapeFits]:
    """Put both particles of a pair in the place of the one that they looked like."""
    gone = rows[two.replaced]
    stays = np.setdiff1d(np.arange(len(frame)), gone)
    every = np.concatenate([frame[stays], frame[gone], frame[gone]])
    order = np.argsort(every, kind="stable")
    columns = zip(*(vars(part).values() for part in (fits, two.one, two.other)), strict=True)
    joined = ShapeFits(
        *(np.concatenate([single[stays], one, other])[order] for single, one, other in columns)
    )
    labels = np.concatenate([label[stays], np.ones(2 * len(gone), np.int64)])
    return every[order], labels[order], joined


def _again(
    frames: Float32Array,
    frame: IntArray,
    fits: ShapeFits,
    pairs: IntArray,
    seen: Appearance,
    shape: Shape,
) -> ShapeFits:
    """Fit particles that have others near again, the others subtracted."""
    near, first, others = _neighbors(pairs)
    again = fit_shapes(
        frames,
        frame[near],
        fits.values[near],
        free=free_of(seen),
        half_window=shape.half_window,
        kappa=seen.kappa,
        neighbors=(first, fits.values[others]),
        sign=seen.sign,
    )
    ok = np.isfinite(again.values[:, A])
    renewed = [column.copy() for column in vars(fits).values()]
    for column, new in zip(renewed, vars(again).values(), strict=True):
        column[near[ok]] = new[ok]
    return ShapeFits(*renewed)


def _molecules(
    frames: Float32Array, found: Candidates, noise: FloatArray, psf: Psf
) -> LocalizationResult:
    fits = _psf_fits(frames, found.frame, found.x, found.y, psf)
    kept = np.isfinite(fits[:, 0]) & (fits[:, 0] > 0) & _inside(fits[:, 2], fits[:, 3], frames)
    radius = psf.fwhm_px() / 2
    kept &= _first_of_same(found.frame, fits[:, 2], fits[:, 3], kept, within=_SAME * radius)
    frame, fits = found.frame[kept], fits[kept]
    pairs = _pairs(frame, fits[:, 2], fits[:, 3], within=HALF_WIDTH_PX + WINDOW_PX / 2)
    for _ in range(_ROUNDS if len(pairs) else 0):
        near, first, others = _neighbors(pairs)
        again = _psf_fits(
            frames, frame[near], fits[near, 2], fits[near, 3], psf, others=(first, fits[others])
        )
        ok = np.isfinite(again[:, 0]) & (again[:, 0] > 0)
        fits = fits.copy()
        fits[near[ok]] = again[ok]
    label = np.zeros(len(frame), np.int64)
    values = np.zeros((len(frame), 8))
    values[:, X], values[:, Y] = fits[:, 2], fits[:, 3]
    label[_touching(values, pairs, 2 * radius)] = 1
    excess = fits[:, 6] ** 2 - noise[frame] ** 2
    allowed = _MISFIT_SDS * np.sqrt(2 / WINDOW_PX**2) * noise[frame] ** 2
    label[excess > np.maximum((_MERGED_MISFIT * fits[:, 0]) ** 2, allowed)] = 2
    unknown = np.full(len(frame), np.nan)
    return LocalizationResult(
        frame=frame,
        x=fits[:, 2],
        y=fits[:, 3],
        x_se=fits[:, 4],
        y_se=fits[:, 5],
        contrast=-fits[:, 0],
        contrast_se=fits[:, 1],
        angle=unknown,
        angle_se=unknown,
        noise=fits[:, 6],
        label=label,
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


def _inside(x: FloatArray, y: FloatArray, frames: Float32Array) -> BoolArray:
    """Whether the center lies in the field."""
    height, width = frames.shape[1:]
    inside: BoolArray = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return inside


def _first_of_same(
    frame: IntArray, x: FloatArray, y: FloatArray, kept: BoolArray, *, within: float
) -> BoolArray:
    """Return whether no earlier fit (N,) has ended at the same place."""
    rows = np.flatnonzero(kept)
    pairs = _pairs(frame[rows], x[rows], y[rows], within=within)
    alone = np.ones(len(frame), bool)
    alone[rows[pairs.max(axis=1)]] = False
    return alone


def _pairs(frame: IntArray, x: FloatArray, y: FloatArray, *, within: float) -> IntArray:
    """Return the pairs (M, 2) of particles of one frame that are no farther apart."""
    from scipy.spatial import cKDTree

    places = np.stack([x, y, frame * (2 * within + 1.0)], axis=1)
    pairs: IntArray = cKDTree(places).query_pairs(within, output_type="ndarray")
    return pairs.astype(np.int64).reshape(-1, 2)


def _neighbors(
    pairs: IntArray,
) -> tuple[IntArray, IntArray, IntArray]:
    """Return who has neighbors (N,), where their neighbors start (N + 1,), and these (M,)."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    near, first = np.unique(both[:, 0], return_index=True)
    return near, np.append(first, len(both)).astype(np.int64), both[:, 1]


def _touching(values: FloatArray, pairs: IntArray, distance: float) -> IntArray:
    """Return the particles whose outlines come nearer to another than they are wide."""
    if not len(pairs):
        return np.empty(0, np.int64)
    one, other = values[pairs[:, 0]], values[pairs[:, 1]]
    apart = np.minimum(_from_axis(one, other), _from_axis(other, one))
    return np.unique(pairs[apart < distance])


def _from_axis(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return how far the ends and the center of `one` are from the axis of `other`, the least."""
    least = np.full(len(one), np.inf)
    for end in (-1.0, 0.0, 1.0):
        dx = one[:, X] + end * one[:, HALF] * np.cos(one[:, ANGLE]) - other[:, X]
        dy = one[:, Y] + end * one[:, HALF] * np.sin(one[:, ANGLE]) - other[:, Y]
        cos, sin = np.cos(other[:, ANGLE]), np.sin(other[:, ANGLE])
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        beyond = np.maximum(np.abs(along) - other[:, HALF], 0.0)
        least = np.minimum(least, np.hypot(beyond, across))
    return least


def _rows(fits: ShapeFits, rows: BoolArray) -> ShapeFits:
    return ShapeFits(*(column[rows] for column in vars(fits).values()))

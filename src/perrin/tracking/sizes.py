"""Particles of other sizes than the median: fitted with a size of their own."""

from __future__ import annotations

import numpy as np

from perrin.tracking.appearance import Appearance
from perrin.tracking.extent import extents, radii, windows
from perrin.tracking.fitting import ShapeFits, fit_shapes
from perrin.tracking.pairs import pairs_within
from perrin.tracking.shape import (
    EVERYTHING,
    FLAT,
    HALF,
    POSITION,
    ROUND,
    WIDTH,
    A,
    Shape,
    X,
    Y,
)
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_SPREADS = 4.0  # of the sizes of this movie: beyond it is no size that occurs
_LEAST_SPREAD = 0.06
_VARIED_SPREAD = 0.2  # the least where sizes vary: a few particles do not show the largest
_SMALLEST = 0.2  # of the usual size
_CONTRAST = (0.15, 2.5)  # of the median size
_SAME = 0.6  # radii: two fits so near are one particle
_FREER = 0.98  # of the variance: two parameters more take 4 of some 200 pixels' by chance
_SMALLER = 0.8  # of the usual radius
_ROUNDS = 3  # of width and flatness in turn
_LEAST_FLAT = 0.1  # as an exponential: below it an image is a Gaussian
_LONGER = 0.97  # of the variance that a round image leaves: a rod must leave less


def with_own_sizes(
    frames: Float32Array,
    frame: IntArray,
    fits: ShapeFits,
    region: FloatArray,
    *,
    seen: Appearance,
    near: tuple[IntArray, FloatArray] | None = None,
) -> ShapeFits:
    """Fit N particles again with a size of their own; where that gives no size, as they were.

    region (N, 8): place, direction, length and width that each was found with, to start from: a
    usual image may have run to one end of a longer rod, or away from a small sphere.
    near: others around each, divided out.
    """
    fits = _or_smaller(frames, frame, fits, region, seen, near)
    best = _fitted(frames, frame, fits.values, ROUND, seen, near)
    if seen.kind == "rods":
        starts = region.copy()
        starts[:, HALF] = np.maximum(region[:, HALF] - radii(starts) / 2, 0.5)
        longer = _fitted(frames, frame, starts, EVERYTHING, seen, near)
        usual = _fitted(frames, frame, fits.values, EVERYTHING, seen, near)
        longer = _better(longer, usual, 1.0)
        best = longer if not seen.varied else _better(best, longer, _LONGER)
    return _better(fits, best, _FREER if seen.kind == "spheres" else 1.0)


def _or_smaller(
    frames: Float32Array,
    frame: IntArray,
    fits: ShapeFits,
    region: FloatArray,
    seen: Appearance,
    near: tuple[IntArray, FloatArray] | None,
) -> ShapeFits:
    """Fit spheres that were found smaller than usual as such, in the same window."""
    assert seen.shape is not None  # noqa: S101 - gold
    if seen.kind != "spheres":
        return fits
    part = np.minimum(region[:, WIDTH] / seen.shape.width, 1.0)
    small = region.copy()
    small[:, A] *= part  # the metal is thinner
    radius = part * seen.shape.radius
    for _ in range(_ROUNDS):
        small[:, WIDTH], small[:, FLAT] = _as_blurred(radius, seen.shape)
        found = fit_shapes(
            frames,
            frame,
            small,
            free=(*POSITION, WIDTH),
            half_window=seen.shape.half_window,
            kappa=seen.kappa,
            neighbors=near,
            sign=seen.sign,
        )
        small = np.where(np.isfinite(found.values), found.values, small)
        radius = radii(small)
    smaller = np.fmax(radius, part * seen.shape.radius) < _SMALLER * seen.shape.radius
    found.variance[~smaller | ~_possible(found.values, seen)] = np.inf
    return _better(fits, found, 1.0)


def _as_blurred(radius: FloatArray, usual: Shape) -> tuple[FloatArray, FloatArray]:
    """Return width and flatness of images of some `radius` with an edge as blurred as the usual.

    Where half the contrast is left S falls over about w^2 / 2 r.
    """
    edge = usual.width**2 / (2 * usual.radius)
    flat = np.log(np.maximum(np.exp(radius / (2 * edge)) - 2, _LEAST_FLAT))
    return radius / np.sqrt(np.log(np.exp(flat) + 2)), flat


def within_another(
    frame: IntArray, fits: ShapeFits, *, good: BoolArray, kept: BoolArray, rods: bool
) -> BoolArray:
    """Return whether a fit (N,) of those `kept` is the same as another that says more.

    Of two spheres at one place the one with the clearer contrast stays; the same of one within
    another, if it is `good` by itself. Of rods it is the larger one.
    """
    rows = np.flatnonzero(kept)
    values = fits.values[rows]
    size = radii(values)
    near = pairs_within(frame[rows], values[:, X], values[:, Y], within=float(size.max()))
    far = np.hypot(*(values[near[:, 0], k] - values[near[:, 1], k] for k in (X, Y)))
    clear = (size if rods else np.nan_to_num(values[:, A] / fits.errors[rows, A]))[near]
    less = np.where(clear[:, 0] >= clear[:, 1], 1, 0)  # of the pair
    gone, stays = (near[np.arange(len(near)), one] for one in (less, 1 - less))
    same = far < (0.0 if rods else _SAME) * size[near].min(axis=1)
    same |= (far < size[near].max(axis=1)) & good[rows[stays]]
    lost = np.zeros(len(frame), bool)
    lost[rows[gone[same]]] = True
    return lost


def _fitted(
    frames: Float32Array,
    frame: IntArray,
    starts: FloatArray,
    free: tuple[int, ...],
    seen: Appearance,
    near: tuple[IntArray, FloatArray] | None,
) -> ShapeFits:
    """Fit with the size free, then in a window of that size; no variance where it is none.

    Windows are not smaller than usual: what is left in few pixels is less by chance.
    """
    assert seen.shape is not None  # noqa: S101 - gold
    least = seen.shape.half_window if seen.kind == "spheres" else 0
    values = starts.copy()
    if HALF not in free:
        values[:, HALF] = 0.0
    fits = ShapeFits.none(values)
    for _ in range(2):
        fits = fit_shapes(
            frames,
            frame,
            values,
            free=free,
            half_window=np.maximum(windows(values), least),
            kappa=seen.kappa,
            neighbors=near,
            sign=seen.sign,
        )
        good = _possible(fits.values, seen)
        values = np.where(good[:, None], fits.values, values)
    fits.variance[~_possible(fits.values, seen)] = np.inf
    return fits


def _possible(values: FloatArray, seen: Appearance) -> BoolArray:
    """Whether sizes and contrasts (N, 8) occur among the particles of this movie."""
    assert seen.shape is not None  # noqa: S101 - gold
    spread = _SPREADS * max(seen.spread, _VARIED_SPREAD if seen.varied else _LEAST_SPREAD)
    low, high = max(1 - spread, _SMALLEST), 1 + spread
    with np.errstate(invalid="ignore"):
        wide = radii(values) / seen.shape.radius
        long = extents(values) / (seen.shape.radius + seen.shape.half)
        strong = values[:, A] / seen.amplitude
        found: BoolArray = (wide > low) & (wide < high) & (long > low) & (long < high)
        found &= (strong > _CONTRAST[0]) & (strong < _CONTRAST[1])
    return found


def _better(one: ShapeFits, other: ShapeFits, factor: float) -> ShapeFits:
    """Return `other` where it is there and leaves less than `factor` of what `one` leaves."""
    takes = np.isfinite(other.variance) & ~(other.variance >= factor * one.variance)
    columns = zip(vars(one).values(), vars(other).values(), strict=True)
    return ShapeFits(*(np.where(takes[:, None] if a.ndim > 1 else takes, b, a) for a, b in columns))

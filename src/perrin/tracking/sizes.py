"""Particles of other sizes than the median: fitted with a size of their own."""

from __future__ import annotations

import numpy as np

from perrin.tracking.appearance import Appearance
from perrin.tracking.extent import extents, radii, windows
from perrin.tracking.shape import EVERYTHING, HALF, ROUND, A, ShapeFits, fit_shapes
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_SPREADS = 4.0  # of the sizes of this movie: beyond it is no size that occurs
_LEAST_SPREAD = 0.06
_SMALLEST = 0.2  # of the usual size
_CONTRAST = (0.15, 2.5)  # of the median size
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

    region (N, 8): place, direction and length of the region that a rod was found as, to start
    from: a usual image may have run to one end of a longer rod. near: others around each,
    divided out.
    """
    best = _fitted(frames, frame, fits.values, ROUND, seen, near)
    if seen.kind == "rods":
        starts = region.copy()
        starts[:, HALF] = np.maximum(region[:, HALF] - radii(starts) / 2, 0.5)
        longer = _fitted(frames, frame, starts, EVERYTHING, seen, near)
        usual = _fitted(frames, frame, fits.values, EVERYTHING, seen, near)
        longer = _better(longer, usual, 1.0)
        best = longer if not seen.varied else _better(best, longer, _LONGER)
    return _better(fits, best, 1.0)


def _fitted(
    frames: Float32Array,
    frame: IntArray,
    starts: FloatArray,
    free: tuple[int, ...],
    seen: Appearance,
    near: tuple[IntArray, FloatArray] | None,
) -> ShapeFits:
    """Fit with the size free, then in a window of that size; no variance where it is none."""
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
            half_window=windows(values),
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
    spread = _SPREADS * max(seen.spread, _LEAST_SPREAD)
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

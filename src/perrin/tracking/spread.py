"""How much the sizes of the particles of a movie differ, beyond the errors of their fits."""

from __future__ import annotations

import numpy as np

from perrin.settings.tracking import ParticleKind
from perrin.tracking.extent import extents, windows
from perrin.tracking.find import Candidates, noise_of
from perrin.tracking.fitting import ShapeFits, fit_shapes
from perrin.tracking.shape import HALF, POSITION, SIZES, WIDTH, A, Shape
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_ROUNDS = 2  # the second in a window of the size that was found
_NOISY = 1.25  # times the noise: two in one leave more, as does a misfit of the contrast
_BETTER = 0.25  # of the fits: two in one may be half of them
_MISFIT = 0.03
_CLEAR = 8.0  # errors of its contrast: fainter ones have no size
_ROUND = 0.4  # radii: with an axis of less half length it is a sphere
_SOME = 0.15  # of what is seen: with so many spheres among rods, or the other way, sizes vary
_LEAST_FITTED = 8  # particles that a spread is taken from
_TAIL = 0.1  # at either end, drawn in: two in one among equal particles
_LEFT = 0.824  # of the standard deviation of a Gaussian without its tails
_BEYOND = 1.2  # times what the errors of the sizes make


def spread_of(
    frames: Float32Array,
    found: Candidates,
    rows: IntArray,
    starts: FloatArray,
    *,
    kind: ParticleKind,
    shape: Shape,
    kappa: float,
    factor: float,
) -> float:
    """Return the relative standard deviation of the sizes of what was found, beyond their errors.

    starts (N, 8): the usual image at the places of `rows` (N,) of `found`; factor: true over
    stated errors. Few particles make few sizes, each many times: the middle of them may all be
    one, and those that the usual image fits best are alike. So all that one image explains
    count, each from the length that its region has, and only the outermost tenths are drawn in.
    """
    rods = kind == "rods"
    fits = _fitted(frames, found, rows, starts, rods=rods, shape=shape, kappa=kappa)
    good = _explained(fits, noise_of(frames)[found.frame[rows]])
    if good.sum() < _LEAST_FITTED:
        return 0.0
    sizes = extents(fits.values[good])
    usual = float(np.median(sizes))
    spherical = (fits.values[good, HALF] < _ROUND * shape.radius).mean()
    if rods and _SOME < spherical < 1 - _SOME:  # rods on each other are never round
        return float(sizes.std() / usual)
    errors = fits.errors[good][:, [WIDTH, HALF]] * (shape.radius / shape.width, 1.0)
    error = np.nan_to_num(errors[:, : 1 + rods])
    chance = factor**2 * float(np.median((error**2).sum(axis=1)))
    drawn_in = np.clip(sizes, *np.quantile(sizes, [_TAIL, 1 - _TAIL]))
    variance = (float(drawn_in.std()) / _LEFT) ** 2
    if variance < _BEYOND**2 * chance:
        return 0.0
    return float(np.sqrt(variance - chance)) / usual


def _fitted(
    frames: Float32Array,
    found: Candidates,
    rows: IntArray,
    starts: FloatArray,
    *,
    rods: bool,
    shape: Shape,
    kappa: float,
) -> ShapeFits:
    """Fit each with a size of its own."""
    values = starts.copy()
    if rods:
        values[:, HALF] = np.maximum(found.half[rows] - shape.radius / 2, 0.5)
    fits = ShapeFits.none(values)
    for _ in range(_ROUNDS):
        fits = fit_shapes(
            frames,
            found.frame[rows],
            values,
            free=SIZES if rods else (*POSITION, WIDTH),
            half_window=np.maximum(windows(values), 0 if rods else shape.half_window),
            kappa=kappa,
        )
        values = np.where(np.isfinite(fits.values), fits.values, values)
    return fits


def _explained(fits: ShapeFits, noise: FloatArray) -> BoolArray:
    """Whether fits (N,) are clear and leave little more than the noise (N,): no two in one.

    What a good fit leaves is that of the better ones: the noise of a frame holds the particles'.
    """
    contrast = fits.values[:, A]
    left = fits.variance / noise**2
    left = left[np.isfinite(left)]
    usual = min(float(np.quantile(left, _BETTER)), 1.0) if left.size else 1.0
    with np.errstate(invalid="ignore"):
        good: BoolArray = fits.variance < _NOISY * usual * noise**2 + (_MISFIT * contrast) ** 2
        good &= contrast > _CLEAR * fits.errors[:, A]
    return good

"""Mass along a track: its mean with its error, and whether it changes.

The contrast of a molecule that moves while the camera looks is spread out; with the exposure
known, the mean is divided by what a fit finds of the blurred image. A change of mass is the
best single step in the contrasts of a track; its significance is how often the same contrasts
in random order have a step as good. Where none of them has, it is Bonferroni's bound over the
places of the step, if that is smaller: many tracks can be corrected for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.landing.matched import WINDOW_PX
from perrin.optics.psf import Psf
from perrin.stats import MAD_TO_SD
from perrin.types import FloatArray, IntArray

LEAST_POSITIONS = 20
"""A track with fewer positions is not looked at for a change."""
_LEAST_SEGMENT = 5
_CLIP = 4.0
_ORDERS = 999
_OVERSAMPLED = 9  # blurred images an axis that a blur is averaged over


@dataclass(frozen=True)
class Level:
    """Mean contrast of a track, its standard error, and the positions behind it."""

    contrast: float
    contrast_se: float
    positions: int


@dataclass(frozen=True)
class Step:
    """The best single step of the contrast along a track.

    frame: the first one behind it. change, change_se: contrast after less contrast before.
    p_value: the chance of a step as good in a track without any.
    """

    frame: int
    before: float
    after: float
    change: float
    change_se: float
    p_value: float


def mean_contrast(contrast: FloatArray, *, blur: float = 1.0) -> Level:
    """Return the mean of the contrasts (L,) along a track, divided by `blur`.

    Those more than four robust standard deviations from the median do not count: another
    molecule may have passed over this one without being seen as two.
    The error is that of the mean of values whose neighbors may be correlated (Newey and West,
    Econometrica 55, 703 (1987), over the cube root of L frames).
    """
    if len(contrast) > 2:
        middle = np.median(contrast)
        off = np.abs(contrast - middle)
        contrast = contrast[off <= _CLIP * MAD_TO_SD * np.median(off)]
    n = len(contrast)
    if n < 2:
        return Level(float(contrast.mean()) / blur if n else np.nan, np.nan, n)
    rest = contrast - contrast.mean()
    lags = int(np.cbrt(n))
    variance = float(rest @ rest) / (n - 1)
    for lag in range(1, lags + 1):
        weight = 2 * (1 - lag / (lags + 1))
        variance += weight * float(rest[lag:] @ rest[:-lag]) / (n - 1)
    least = float(rest @ rest) / (n - 1) / 2  # a few frames may look anticorrelated by chance
    error = np.sqrt(max(variance, least) / n)
    return Level(float(contrast.mean()) / blur, float(error) / blur, n)


def blur_factor(psf: Psf, *, blur_px: float) -> float:
    """Return which fraction of its contrast a fit finds of an image blurred by `blur_px` (sd).

    For least squares with a free background: the projection of the blurred image on the PSF.
    """
    if not blur_px > 0:
        return 1.0
    offsets = np.linspace(-3, 3, _OVERSAMPLED)
    weights = np.exp(-0.5 * offsets**2)
    weights /= weights.sum()
    sharp = psf.image(WINDOW_PX)
    blurred = np.zeros_like(sharp)
    for dy, wy in zip(offsets, weights, strict=True):
        for dx, wx in zip(offsets, weights, strict=True):
            blurred += wy * wx * psf.image(WINDOW_PX, dx=dx * blur_px, dy=dy * blur_px)
    seen = sharp - sharp.mean()
    return float((seen * blurred).sum() / (seen * sharp).sum())


def motion_blur_px(step_variance: float, *, exposure: float) -> float:
    """Return the spread (sd, px) of the places within an exposure, for Brownian motion.

    step_variance: true mean squared one-frame step of one axis, px^2. The mean square about the
    mean place over a time e is a sixth of the mean squared step over that time.
    """
    return float(np.sqrt(max(step_variance, 0.0) * exposure / 6))


def find_step(frame: IntArray, contrast: FloatArray, *, rng: np.random.Generator) -> Step | None:
    """Return the best step of the contrasts (L,) of a track, None for a short one."""
    n = len(contrast)
    if n < LEAST_POSITIONS:
        return None
    at, best = _best(contrast[None, :])
    shuffled = rng.permuted(np.tile(contrast, (_ORDERS, 1)), axis=1)
    as_good = int((_best(shuffled)[1] >= best[0]).sum())
    k = int(at[0])
    before, after = contrast[:k], contrast[k:]
    spread = ((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum()
    error = np.sqrt(spread / (n - 2) * (1 / len(before) + 1 / len(after)))
    return Step(
        frame=int(frame[k]),
        before=float(before.mean()),
        after=float(after.mean()),
        change=float(after.mean() - before.mean()),
        change_se=float(error),
        p_value=_p_value(as_good, abs(after.mean() - before.mean()) / error, n),
    )


def _p_value(as_good: int, steepness: float, n: int) -> float:
    """Return the p-value of a step: `as_good` of the random orders have one as good."""
    from scipy.special import stdtr

    counted = (as_good + 1) / (_ORDERS + 1)
    places = n - 2 * _LEAST_SEGMENT + 1
    return counted if as_good else min(counted, places * 2 * float(stdtr(n - 2, -steepness)))


def _best(contrasts: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return where the best step of each row (M, L) is, and how much of the squares it explains."""
    n = contrasts.shape[1]
    rest = contrasts - contrasts.mean(axis=1, keepdims=True)
    k = np.arange(_LEAST_SEGMENT, n - _LEAST_SEGMENT + 1)
    total = np.cumsum(rest, axis=1)[:, k - 1]
    explained = total**2 * n / (k * (n - k))
    place = explained.argmax(axis=1)
    return k[place], explained[np.arange(len(rest)), place]


def holm(p_values: FloatArray) -> FloatArray:
    """Return p-values (N,) corrected for N tests (Holm, Scand. J. Stat. 6, 65 (1979))."""
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    raised = np.maximum.accumulate(p_values[order] * np.arange(n, 0, -1))
    corrected = np.empty(n)
    corrected[order] = np.minimum(raised, 1.0)
    return corrected

"""The straight line through calibrants: what may go in, the fit, its covariance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.types import FloatArray

Covariance = tuple[tuple[float, float], tuple[float, float]]


def checked_points(
    masses_kda: npt.ArrayLike, contrasts: npt.ArrayLike, contrast_se: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return the points as arrays (n,); raises `PerrinError` where no line can be right."""
    m = np.asarray(masses_kda, dtype=np.float64)
    c = np.asarray(contrasts, dtype=np.float64)
    se = None if contrast_se is None else np.asarray(contrast_se, dtype=np.float64)
    if m.ndim != 1 or m.shape != c.shape or (se is not None and se.shape != m.shape):
        raise PerrinError(
            f"masses {m.shape}, contrasts {c.shape}"
            + (f", errors {se.shape}" if se is not None else "")
            + " differ in shape; give one of each for every calibrant."
        )
    if len(m) < 2:
        raise PerrinError(f"a calibration needs 2 points or more; got {len(m)}. Add a calibrant.")
    if not (np.isfinite(m).all() and np.isfinite(c).all()):
        raise PerrinError(
            f"masses {m.tolist()} or contrasts {c.tolist()} hold NaN or infinity; "
            "leave that calibrant out."
        )
    if se is not None and not (np.isfinite(se) & (se > 0)).all():
        raise PerrinError(
            f"errors of the contrast are {se.tolist()}; each must be a number above 0. "
            "Leave contrast_se away if they are not known."
        )
    if (m <= 0).any():
        raise PerrinError(f"the masses are {m.tolist()} kDa; each must be above 0.")
    if (c >= 0).any():
        raise PerrinError(
            f"the contrasts are {c.tolist()}; in perrin a landing has a negative contrast. "
            "Read the table with perrin.read_events, which settles the sign, or give each "
            "contrast with a minus."
        )
    order = np.argsort(m)
    for lighter, heavier in pairwise(order):
        if m[lighter] == m[heavier]:
            raise PerrinError(
                f"two calibrants have the same mass ({m[lighter]:g} kDa); keep one of them."
            )
        if c[heavier] >= c[lighter]:
            raise PerrinError(
                f"{m[heavier]:g} kDa has the contrast {c[heavier]:g}, no stronger than the "
                f"{c[lighter]:g} of {m[lighter]:g} kDa; contrast must get more negative with "
                "mass. Are peaks and masses matched in the right order?"
            )
    return m, c, se


def fit_line(
    m: FloatArray, c: FloatArray, se: FloatArray | None
) -> tuple[float, float, Covariance | None]:
    """Return gradient, offset and their covariance (None where it cannot be known).

    m, c, se: (n,). Weighted least squares in closed form, about the weighted mean mass.
    With errors the covariance is theirs, times chi^2 / (n - 2) where that is above 1 (the
    scale factor of the Particle Data Group's averages); without errors it is that of the
    scatter.
    """
    weights = np.ones_like(m) if se is None else se**-2.0
    total = weights.sum()
    mean_m, mean_c = (weights * m).sum() / total, (weights * c).sum() / total
    spread = (weights * (m - mean_m) ** 2).sum()
    gradient = float((weights * (m - mean_m) * (c - mean_c)).sum() / spread)
    offset = float(mean_c - gradient * mean_m)
    free = len(m) - 2
    chi2 = float((weights * (c - gradient * m - offset) ** 2).sum())
    if se is None and free == 0:
        return gradient, offset, None
    scale = chi2 / free if se is None else max(1.0, chi2 / free if free else 1.0)
    var_g, cov = float(scale / spread), float(-scale * mean_m / spread)
    var_o = float(scale * (1 / total + mean_m**2 / spread))
    return gradient, offset, ((var_g, cov), (cov, var_o))

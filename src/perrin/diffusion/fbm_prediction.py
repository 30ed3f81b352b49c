"""alpha_fbm and D of whole tracks: by likelihood where a track is FBM, the network's where mixed.

The mixture network reads every track as a mixture; where the kinds say that FBM or Brownian motion
is all there is, the likelihood of FBM is the better reader. Both answers are pooled, each as
probable as its kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perrin.diffusion.fbm_posterior import ENDS, fbm_posterior
from perrin.diffusion.windows import Track
from perrin.stats import normal_quantile
from perrin.types import FloatArray

LEAST = 0.05
"""The likelihood is asked, or the network heard, where it is at least so probable."""
_REACH = normal_quantile(0.9)  # the ends are those of 90%
_EDGE, _LEAST = 1e-9, 1e-300


def with_likelihood(
    trajectories: pd.DataFrame, tracks: Sequence[Track], *, length: float, frame_interval: float
) -> pd.DataFrame:
    """Return TRAJECTORIES whose alpha_fbm, D and D_exponent hold what the likelihood of FBM says.

    tracks: of the rows. length, frame_interval: of the scale. Rows without alpha_fbm or without a
    predicted kind stay as they are.
    """
    table = trajectories.copy()
    alone = (table["p_brownian"] + table["p_fbm"]).to_numpy(float)
    mixed = table["p_mixture"].to_numpy(float)
    share = alone / np.maximum(alone + mixed, _EDGE)
    asked = (share >= LEAST) & (alone >= LEAST) & table["alpha_fbm"].notna().to_numpy()
    alpha, coefficient = (table[_names(name)].to_numpy(float).copy() for name in ("alpha_fbm", "D"))
    exponent = table["D_exponent"].to_numpy(float).copy()
    for row in np.flatnonzero(asked).tolist():
        told = fbm_posterior(tracks[row])
        alpha[row] = _pooled(told.alpha, alpha[row], share[row])
        before, exponent[row] = exponent[row], exponent_of_d(*alpha[row])
        network = coefficient[row] * frame_interval ** (before - exponent[row])
        unit = 0.5 * length**2 / frame_interval ** exponent[row]
        own = np.log(told.squared_step(exponent[row]) * unit)
        coefficient[row] = np.exp(_pooled(own, np.log(np.maximum(network, _LEAST)), share[row]))
    table[_names("alpha_fbm")], table[_names("D")] = alpha, coefficient
    return table.assign(D_exponent=exponent)


def exponent_of_d(low: float, middle: float, high: float) -> float:
    """Return the exponent that D is given for: 1 where the interval of alpha_fbm holds it."""
    return 1.0 if low <= 1.0 <= high else middle


def _names(name: str) -> list[str]:
    return [name + end for end in ("_low", "", "_high")]


def _pooled(one: FloatArray, other: FloatArray, share: float) -> FloatArray:
    """Return the quantiles (3,) of a mixture of two answers, `share` of it the first.

    Each is a normal distribution with one width below its middle and another above.
    """
    if share > 1 - LEAST or not np.isfinite(other).all():
        return one
    values = np.linspace(min(one[0], other[0]), max(one[2], other[2]), 400)
    below = share * _below(values, one) + (1 - share) * _below(values, other)
    found: FloatArray = np.interp(ENDS, below, values)
    return found


def _below(values: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Return the probability that a number with these quantiles is below each of the values."""
    from scipy.special import ndtr

    low, middle, high = quantiles
    width = np.where(values < middle, middle - low, high - middle) / _REACH
    found: FloatArray = ndtr((values - middle) / np.maximum(width, _EDGE))
    return found

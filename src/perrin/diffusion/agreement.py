"""Where the network's exponent and the maximum-likelihood one beside it disagree.

The network's is that of the FBM part of a mixture, the other one reads the whole track as FBM with
localization noise: they are the same number where FBM is all there is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.stats import normal_quantile
from perrin.types import BoolArray

_REACH = normal_quantile(0.9)  # standard errors: the network's intervals are 90%


def with_agreement(trajectories: pd.DataFrame) -> pd.DataFrame:
    """Return TRAJECTORIES with the AGREEMENT column: false where an exponent is missing."""
    return trajectories.assign(exponents_disagree=_apart(trajectories))


def has_exponents(trajectories: pd.DataFrame) -> BoolArray:
    """Return which tracks (N,) have both exponents and their errors."""
    names = ["alpha_fbm_low", "alpha_fbm_high", "fbm_alpha", "fbm_alpha_se"]
    found: BoolArray = trajectories[names].notna().all(axis=1).to_numpy()
    return found


def note_on_exponents(trajectories: pd.DataFrame) -> list[str]:
    """Return how many exponents disagree, and where a mixture is no reason for it."""
    off = trajectories["exponents_disagree"].to_numpy(bool)
    if not off.any():
        return []
    unexplained = int((off & ~(trajectories["w_low"] > 0).to_numpy()).sum())
    doubt = (
        f"; in {unexplained} of them w may be 0 or is not given, so that no mixture explains it: "
        "believe neither exponent there"
        if unexplained
        else "; all of them have a CTRW part, which fbm_alpha takes for FBM"
    )
    return [
        f"alpha_fbm and fbm_alpha (maximum likelihood, FBM alone) disagree beyond both errors in "
        f"{int(off.sum())} of {int(has_exponents(trajectories).sum())} tracks "
        f"(exponents_disagree){doubt}"
    ]


def _apart(table: pd.DataFrame) -> BoolArray:
    """Return where the two 90% intervals have nothing in common."""
    reach = _REACH * table["fbm_alpha_se"]
    below = table["fbm_alpha"] + reach < table["alpha_fbm_low"]
    above = table["fbm_alpha"] - reach > table["alpha_fbm_high"]
    found: BoolArray = np.asarray(below | above, dtype=bool)
    return found

"""Abundances corrected for what detection and a filter lose, with their intervals.

Of each species a fraction e_s of the molecules that land is retained, and e grows with mass: light
molecules are lost in noise. Counts n_s of retained landings give the fractions

    a_s = (n_s / e_s) / sum over species of (n_t / e_t)

The e_s come from a simulation: k_s of t_s molecules retained. n_s is a Poisson number and k_s a
binomial one; the interval is that of a_s when rate and fraction are drawn from their posteriors
with Jeffreys priors, Gamma(n + 1/2) and Beta(k + 1/2, t - k + 1/2). It corrects what noise and
detection lose; it knows nothing of species that stick differently to the glass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perrin.errors import PerrinError
from perrin.stats import percentile_interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

DRAWS = 4000
UNEVEN = 2.0
"""The retention of two species differ a lot if one is more than this times the other."""


def correct_fractions(
    counts: ArrayLike,
    *,
    kept: ArrayLike,
    landed: ArrayLike,
    names: Sequence[str],
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Fractions of species among the molecules that land, from counts of retained landings.

    Parameters
    ----------
    counts : (S,) int
        Retained landings of each species.
    kept, landed : (S,) int
        In the simulation: molecules that landed of each species, and of these the retained.
    names : sequence of str
        Of the S species.
    rng : numpy Generator
        For the posterior draws.
    confidence : float
        Probability of the intervals.

    Returns
    -------
    DataFrame, one row a species
        ``species``, ``counts``, ``fraction`` as counted, ``retention`` in the simulation with
        ``_low``, ``_high``, and ``corrected_fraction`` with ``_low``, ``_high``.

    Raises
    ------
    PerrinError
        If nothing was counted, or the simulation lost every molecule of a species.

    """
    import pandas as pd

    n, k, t = (np.asarray(x, np.float64) for x in (counts, kept, landed))
    if n.sum() <= 0:
        raise PerrinError("no retained landings: there are no abundances to correct")
    if (k <= 0).any() or (k > t).any():
        worst = names[int(np.argmin(k))]
        raise PerrinError(
            f"of {worst} {k.min():.0f} molecules were retained in the simulation: its retention "
            "is not known. Simulate longer, lower the threshold, or leave this species out."
        )
    rates = rng.gamma(n + 0.5, size=(DRAWS, len(n)))
    fractions = rng.beta(k + 0.5, t - k + 0.5, size=(DRAWS, len(n)))
    corrected = rates / fractions
    corrected /= corrected.sum(axis=1, keepdims=True)
    value = n * t / k
    low, high = percentile_interval(corrected, confidence=confidence)
    kept_low, kept_high = percentile_interval(fractions, confidence=confidence)
    return pd.DataFrame(
        {
            "species": list(names),
            "counts": n.astype(np.int64),
            "fraction": n / n.sum(),
            "retention": k / t,
            "retention_low": kept_low,
            "retention_high": kept_high,
            "corrected_fraction": value / value.sum(),
            "corrected_fraction_low": low,
            "corrected_fraction_high": high,
        }
    )


def uneven_note(fractions: pd.DataFrame) -> str | None:
    """Return a warning where one species loses much more than another, else None."""
    kept = fractions.set_index("species")["retention"]
    if kept.max() < UNEVEN * kept.min():
        return None
    return (
        f"UNEVEN LOSS: of {kept.idxmin()} only {kept.min():.0%} of the molecules are retained, "
        f"of {kept.idxmax()} {kept.max():.0%}: compare corrected fractions, not counts"
    )

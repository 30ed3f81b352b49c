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
from perrin.types import FloatArray

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
    _check_counts(n, kept=k, landed=t, names=names)
    corrected, retention = _posterior_draws(n, kept=k, landed=t, rng=rng)
    value = n * t / k
    columns = {"species": list(names), "counts": n.astype(np.int64), "fraction": n / n.sum()}
    for name, estimate, drawn in (
        ("retention", k / t, retention),
        ("corrected_fraction", value / value.sum(), corrected),
    ):
        low, high = percentile_interval(drawn, confidence=confidence)
        columns |= {name: estimate, f"{name}_low": low, f"{name}_high": high}
    return pd.DataFrame(columns)


def _check_counts(
    counts: FloatArray, *, kept: FloatArray, landed: FloatArray, names: Sequence[str]
) -> None:
    if counts.sum() <= 0:
        raise PerrinError("no retained landings: there are no abundances to correct")
    if (kept <= 0).any() or (kept > landed).any():
        worst = names[int(np.argmin(kept))]
        raise PerrinError(
            f"of {worst} {kept.min():.0f} molecules were retained in the simulation: its retention "
            "is not known. Simulate longer, lower the threshold, or leave this species out."
        )


def _posterior_draws(
    counts: FloatArray, *, kept: FloatArray, landed: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Corrected fractions and retentions of S species as drawn, (DRAWS, S) each."""
    rates = rng.gamma(counts + 0.5, size=(DRAWS, len(counts)))
    retention = rng.beta(kept + 0.5, landed - kept + 0.5, size=(DRAWS, len(counts)))
    corrected = rates / retention
    return corrected / corrected.sum(axis=1, keepdims=True), retention


def uneven_note(fractions: pd.DataFrame) -> str | None:
    """Return a warning where one species loses much more than another, else None."""
    kept = fractions.set_index("species")["retention"]
    if kept.max() < UNEVEN * kept.min():
        return None
    return (
        f"UNEVEN LOSS: of {kept.idxmin()} only {kept.min():.0%} of the molecules are retained, "
        f"of {kept.idxmax()} {kept.max():.0%}: compare corrected fractions, not counts"
    )

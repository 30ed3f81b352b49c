"""The threshold that the page proposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_FALSE = 0.05
"""Expected share of events that are no binders among those kept."""

STEP = 0.01
"""Thresholds are multiples of it, as on the page's slider."""


def automatic_threshold(score: Floats, p_binder: Floats) -> float | None:
    """Lowest threshold on `score` (n,) at which at most 5% of the kept events are expected false.

    `p_binder` (n,): probability of each event to be a binder, calibrated to this
    measurement; the expected number of false events among some is the sum of 1 - p. None
    where no threshold reaches it, or there are no events.
    """
    thresholds = np.round(np.arange(0.0, 1.0, STEP), 2)
    order = np.argsort(score)
    false = np.concatenate(([0.0], np.cumsum(1.0 - p_binder[order])))
    below = np.searchsorted(score[order], thresholds, side="left")
    kept = score.size - below
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (false[-1] - false[below]) / kept
    good = np.flatnonzero((kept > 0) & (share <= MOST_FALSE))
    return float(thresholds[good[0]]) if good.size else None

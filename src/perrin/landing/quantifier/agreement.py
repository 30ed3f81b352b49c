"""Whether network and fit agree where both must: on events called binders with a high score.

It needs no labels, so it is made in every run, on the user's own movie. The network has seen
simulated movies only; where the instrument differs from them (another PSF, above all), its
contrasts go wrong together, and the fit of clean binders, which has no such past, shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.stats import SE_OF_MEDIAN, normal_quantile, robust_sd
from perrin.types import FloatArray

if TYPE_CHECKING:
    import pandas as pd

SCORE = 0.9
"""Least binder score of the events compared."""
TOLERATED = 0.02
"""Relative difference that is no disagreement, however sure it is, where the fit is sharp."""
_CHOSEN = 2.0
"""What is chosen for being bright is too bright, by about its squared relative error (to first
order in the noise): the frame of a fit, and the binders with a high score. So much of a blurred
fit is its own fault."""
_SURE, _SURE_IN_BIN = 3.0, 4.0  # standard errors; there are two dozen bins
_LEAST = 30
_BINS = 6
_WITHIN = normal_quantile(0.9)
_FRACTION = 0.8  # of the events within their 90% errors; below it the errors are too small
_ERRORS = ("contrast_se", "contrast_pred_se")
_SIDES = ("contrast_pred", "x_px", "y_px", "time_s")
"""What differences are sorted by. Sorted by the fit's contrast, the lightest would be those that
the fit has read too light by chance; the difference of an estimate from a better one is
independent of the better one (Hausman, Econometrica 46, 1251, 1978)."""


@dataclass(frozen=True)
class Bin:
    """Events with `by` from `low` to `high`: median difference, its standard error, its limit.

    `tolerated` is the difference up to which nothing is said.
    """

    by: str
    low: float
    high: float
    events: int
    difference: float
    se: float
    tolerated: float


@dataclass(frozen=True)
class Agreement:
    """Network against fit on one measurement."""

    events: int
    """Binders compared."""
    difference: float
    se: float
    """difference, se: median of network over fit minus 1, and its standard error; NaN for too few
    events."""
    tolerated: float
    """Difference up to which nothing is said: 2%, and more where the fit is blurred."""
    within: float
    """Fraction of the events whose difference is within its 90% error."""
    bins: tuple[Bin, ...]
    """The same against contrast, place and time."""
    table: pd.DataFrame
    """Of each event compared: ``contrast_pred``, ``x_px``, ``y_px``, ``time_s``, ``difference``."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not agree, in sentences; empty where all does."""
        if self.events < _LEAST:
            return ()
        advice = "Train the quantifier for this instrument (perrin train quantifier --epsf)."
        found = []
        if abs(self.difference) > max(self.tolerated, _SURE * self.se):
            found.append(
                f"NETWORK AND FIT DISAGREE: on {self.events} high-confidence binders the "
                f"network's contrast differs by {self.difference:+.1%} (standard error "
                f"{self.se:.1%}) from the fit's. Do not use the network's masses. {advice}"
            )
        found += [
            f"NETWORK AND FIT DISAGREE for {one.by} {one.low:.3g} to {one.high:.3g}: "
            f"{one.difference:+.1%} there, {self.difference:+.1%} altogether. {advice}"
            for one in self.bins
            if abs(one.difference - self.difference) > max(one.tolerated, _SURE_IN_BIN * one.se)
        ]
        if self.within < _FRACTION:
            found.append(
                f"NETWORK AND FIT DISAGREE: only {self.within:.0%} of {self.events} "
                "high-confidence binders agree within their 90% errors. The noise is not the one "
                f"that the network has learned. {advice}"
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "binders": self.events,
            "difference": self.difference,
            "difference_se": self.se,
            "tolerated": self.tolerated,
            "within_90": self.within,
            "warnings": list(self.warnings),
            "bins": [vars(one) for one in self.bins],
        }


def agreement(events: pd.DataFrame) -> Agreement:
    """Compare ``contrast_pred`` with ``contrast`` where ``score_binder`` is high.

    `events` as `perrin.landing.classifier.classify` and `perrin.landing.quantifier.quantify`
    leave them; events flagged as ``out_of_distribution`` do not count.
    """
    sure = (
        (events["contrast"] < 0)
        & (events["score_binder"] >= SCORE)
        & ~events["out_of_distribution"]
    )
    sure &= events["contrast_pred"].notna() & events["contrast_se"].notna() & events["retained"]
    table = events.loc[sure, list(_SIDES)].reset_index(drop=True)
    chosen = events[sure]
    fit = chosen["contrast"].to_numpy(float)
    network = chosen["contrast_pred"].to_numpy(float)
    table["difference"] = network / fit - 1
    own = np.square(chosen["contrast_se"].to_numpy(float) / fit)
    error = np.hypot(*(chosen[name].to_numpy(float) for name in _ERRORS))
    within = float(np.mean(np.abs(network - fit) <= _WITHIN * error)) if len(fit) else np.nan
    middle, se = _median(table["difference"].to_numpy(float))
    enough = len(fit) >= _LEAST
    bins = [one for name in _SIDES for one in _binned(table, own, name)] if enough else []
    return Agreement(len(fit), middle, se, _tolerated(own), within, tuple(bins), table)


def _tolerated(own: FloatArray) -> float:
    """Difference that is none, from the squared relative errors (N,) of the fits."""
    return TOLERATED + _CHOSEN * float(np.median(own)) if len(own) else TOLERATED


def _binned(table: pd.DataFrame, own: FloatArray, by: str) -> list[Bin]:
    """Bins with equal numbers of events; own (N,) as in `_tolerated`."""
    at = table[by].to_numpy(float)
    count = min(_BINS, len(at) // _LEAST)
    found = []
    for rows in np.array_split(np.argsort(at, kind="stable"), max(count, 1)):
        middle, se = _median(table["difference"].to_numpy(float)[rows])
        low, high = float(at[rows].min()), float(at[rows].max())
        found.append(Bin(by, low, high, len(rows), middle, float(se), _tolerated(own[rows])))
    return found


def _median(values: FloatArray) -> tuple[float, float]:
    """Median and its standard error, from the median absolute deviation."""
    if not len(values):
        return np.nan, np.nan
    middle = float(np.median(values))
    spread = robust_sd(values)
    return middle, SE_OF_MEDIAN * spread / np.sqrt(len(values))

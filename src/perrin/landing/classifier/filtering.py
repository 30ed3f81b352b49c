"""From scores to retained events: the threshold, multiple detections, what was removed.

1. The threshold on ``score_binder``, by hand, by a target precision, or from a model's card.
   It holds for both signs: unbindings that pass it stay visible at negative mass, where they
   show what the filter lets through.
2. Of retained events of one sign within 3 px and 2 n_avg frames only the one with the highest
   ``score_binder`` stays: several detections of one landing (paper 002, "Low Mass Proteins").
   The others are labeled ``duplicate``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perrin.errors import PerrinError
from perrin.events import DUPLICATE
from perrin.settings.scores import ScoreSettings
from perrin.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

DUPLICATE_PX = 3.0
_INSIDE = 0.9  # of the expected binders lie in a measurement's own range of mass


@dataclass(frozen=True)
class Threshold:
    """The least ``score_binder`` of a retained event, how it was chosen, what to know of it."""

    value: float
    chosen: str
    notes: tuple[str, ...] = ()


def fitted_and_scored(events: pd.DataFrame) -> BoolArray:
    """Whether each event (N,) can be retained: fitted (``retained`` so far) and scored."""
    result: BoolArray = (events["retained"] & events["score_binder"].notna()).to_numpy(bool)
    return result


def choose_threshold(
    events: pd.DataFrame, *, single: BoolArray, settings: ScoreSettings
) -> Threshold:
    """Return the threshold that the settings ask for.

    Parameters
    ----------
    events : DataFrame
        Scored events; with ``mass_kda`` where there is a calibration.
    single : (N,) bool
        Events that can be retained, multiple detections left out.
    settings : ScoreSettings
        By hand; a precision, estimated as the mean ``p_binder`` of the landings above the
        threshold; or thresholds by range of mass, of which the narrowest is taken that holds
        90% of the expected binders (each landing counted by its ``p_binder``).

    """
    landing = single & (events["contrast"] < 0).to_numpy()
    p_binder = events["p_binder"].to_numpy(float)[landing]
    if settings.precision is not None:
        score = events["score_binder"].to_numpy(float)[landing]
        return _for_precision(score, p_binder, settings.precision, otherwise=settings.threshold)
    if settings.best_f1 is not None:
        masses = None
        if "mass_kda" in events.columns:
            masses = events["mass_kda"].to_numpy(float)[landing]
        return _for_masses(masses, p_binder, settings.best_f1)
    own = "threshold" in settings.model_fields_set
    return Threshold(settings.threshold, "by hand" if own else "default")


def multiple_detections(events: pd.DataFrame, *, candidates: BoolArray, n_avg: int) -> BoolArray:
    """Whether each candidate (N,) is near one of its sign with a higher ``score_binder``.

    Near: within 3 px and 2 n_avg frames. From the highest score to the lowest (of equal ones
    the earlier row first), an event near one that stays does not stay. Whether an event stays
    depends on those above it only, so the answer is right for every threshold on the score.
    """
    from scipy.spatial import cKDTree

    repeated = np.zeros(len(events), np.bool_)
    rows = np.flatnonzero(candidates)
    score = events["score_binder"].to_numpy(float)[rows]
    rows = rows[np.argsort(-score, kind="stable")]
    at = events[["frame", "y_px", "x_px", "contrast"]].to_numpy(float)[rows]
    # Scaled so that a box of 1 holds all that can be near; the signs lie far apart.
    scaled = at / (2 * n_avg, DUPLICATE_PX, DUPLICATE_PX, 1.0)
    scaled[:, 3] = np.sign(at[:, 3]) * 10.0
    pairs = cKDTree(scaled).query_pairs(1.0, p=np.inf, output_type="ndarray")
    apart = at[pairs[:, 0], 1:3] - at[pairs[:, 1], 1:3]
    pairs = pairs[np.hypot(apart[:, 0], apart[:, 1]) <= DUPLICATE_PX]
    for higher, lower in pairs[np.lexsort(pairs.T[::-1])]:  # i < j: by the higher, then the lower
        if not repeated[rows[higher]]:
            repeated[rows[lower]] = True
    return repeated


def retain(events: pd.DataFrame, *, single: BoolArray, threshold: float) -> pd.DataFrame:
    """Return the events with ``retained`` and the label ``duplicate`` set.

    `single` (N,) are those that can be retained, multiple detections left out; of the others,
    those that would pass the threshold are the duplicates.
    """
    passing = fitted_and_scored(events) & (events["score_binder"] >= threshold).to_numpy()
    label = events["label"].mask(passing & ~single, DUPLICATE)
    return events.assign(label=label, retained=passing & single)


def estimated_rates(
    score: FloatArray, p_binder: FloatArray, *, thresholds: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Precision and recall of binders (T,) at each threshold, and the landings kept (T,).

    From the probabilities of the M landings alone: precision is the mean ``p_binder`` of those
    kept (NaN for none), recall their sum over that of all.
    """
    order = np.argsort(-score, kind="stable")
    expected = np.r_[0.0, np.cumsum(p_binder[order])]
    kept = np.searchsorted(-score[order], -thresholds, side="right")
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(kept > 0, expected[kept] / kept, np.nan)
        recall = expected[kept] / expected[-1] if expected[-1] > 0 else np.full(len(kept), np.nan)
    return precision, recall, kept.astype(np.int64)


def _for_precision(
    score: FloatArray, p_binder: FloatArray, wanted: float, *, otherwise: float
) -> Threshold:
    """The lowest threshold with the precision that is wanted; `otherwise` where none has it."""
    possible = np.unique(score)
    precision, _, _ = estimated_rates(score, p_binder, thresholds=possible)
    enough = np.flatnonzero(precision >= wanted)
    if len(enough):
        return Threshold(float(possible[enough[0]]), f"estimated precision of {wanted:g}")
    best = f"{precision.max():.2f} is the best" if len(possible) else "there are no landings"
    note = (
        f"no threshold reaches an estimated precision of {wanted:g} ({best}): {otherwise:g} is used"
    )
    return Threshold(otherwise, "default: the requested precision is not reached", (note,))


def _for_masses(
    masses: FloatArray | None, p_binder: FloatArray, by_range: Mapping[str, float]
) -> Threshold:
    """The threshold of the narrowest range with 90% of the binders, else of the widest range."""
    ranges = {name: _limits(name) for name in by_range}
    widest = max(ranges, key=lambda name: ranges[name][1] - ranges[name][0])
    chosen = "best F1 on validation data of {}"
    if masses is None or not np.nansum(p_binder) > 0:
        why = "no calibration" if masses is None else "no landings"
        note = f"{why}: the threshold is that for {widest}"
        return Threshold(by_range[widest], chosen.format(widest), (note,))
    for name in sorted(ranges, key=lambda name: ranges[name][1] - ranges[name][0]):
        low, high = ranges[name]
        inside = (masses >= low) & (masses < high)
        if p_binder[inside].sum() >= _INSIDE * p_binder.sum():
            return Threshold(by_range[name], chosen.format(name))
    note = f"the masses fit no range of the model's card; the threshold is that for {widest}"
    return Threshold(by_range[widest], chosen.format(widest), (note,))


def _limits(name: str) -> tuple[float, float]:
    numbers = re.findall(r"\d+(?:\.\d+)?", name)
    if len(numbers) != 2:
        raise PerrinError(
            f"a threshold is named for {name!r}; a range of mass is needed, as '30 to 55 kDa'"
        )
    low, high = map(float, numbers)
    return low, high

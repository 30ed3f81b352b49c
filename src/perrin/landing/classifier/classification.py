"""What a classifier made of one measurement: class fractions, the filter and what it removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from perrin.landing.classifier.classify import ClassificationResult
from perrin.landing.classifier.filtering import (
    choose_threshold,
    estimated_rates,
    fitted_and_scored,
    multiple_detections,
    retain,
)
from perrin.landing.classifier.prevalence import ClassPrevalence, class_prevalences
from perrin.landing.networks import Classifier
from perrin.mass.spectrum import CONTRAST_PER_KDA, resolving_power_near
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.stats import wilson_interval
from perrin.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perrin.mass.results import Spectrum, Unit

_TO_MIDDLE = np.array((0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4))
THRESHOLDS = np.round(np.r_[0.0, _TO_MIDDLE, 0.5, 1.0 - _TO_MIDDLE[::-1], 0.9995, 1.0], 4)
"""Where the trade-off is shown: closer towards 0 and 1, where scores crowd."""
_BIN_KDA = 20.0
_LEAST_IN_BIN = 25


@dataclass(frozen=True)
class Classification:
    """How the events of a measurement were classified and filtered."""

    model: str
    """Name of the classifier."""
    threshold: float
    """Least ``score_binder`` of a retained event."""
    chosen: str
    """How the threshold was chosen."""
    precision: float
    recall: float
    """precision, recall: fraction of binders among the retained landings, and fraction of the
    fitted binders that are retained, both estimated from ``p_binder``; NaN without landings."""
    fractions: tuple[ClassPrevalence, ...]
    """Prevalence of each class among the scored landings."""
    labels: pd.DataFrame
    """``label``, ``landings``, ``unbindings``, ``retained``: events with each label."""
    removed: pd.DataFrame
    """What was removed at each mass: bin (``low_kda``, ``high_kda``, negative for unbindings;
    ``..._contrast`` without a calibration), ``events`` before, ``kept``, ``retention`` with
    ``retention_low``, ``retention_high`` (Wilson), and ``removed_LABEL``."""
    tradeoff: pd.DataFrame
    """For each ``threshold``: ``landings`` and ``unbindings`` kept, ``precision``, ``recall`` as
    above, ``resolving_power`` of the main peak (NaN where there is none)."""
    settings: ScoreSettings
    """How the threshold was to be chosen."""
    notes: tuple[str, ...]
    """What a user should know."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the names."""
        return {
            "model": self.model,
            "threshold": self.threshold,
            "threshold_chosen": self.chosen,
            "estimated_precision": self.precision,
            "estimated_recall": self.recall,
            "fractions": [fraction.to_dict() for fraction in self.fractions],
            "labels": self.labels.to_dict("records"),
            "removed": self.removed.to_dict("records"),
            "settings": self.settings.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class Filtered:
    """Events with labels and ``retained`` set, and the threshold behind it."""

    events: pd.DataFrame
    single: BoolArray
    threshold: float
    chosen: str
    notes: tuple[str, ...]


def filter_by_score(events: pd.DataFrame, *, n_avg: int, settings: ScoreSettings) -> Filtered:
    """Choose the threshold and apply it, multiple detections of one landing removed.

    `events` as `perrin.landing.classifier.classify.classify` returns them, with masses where
    there is a calibration; ``retained`` says which were fitted.
    """
    able = fitted_and_scored(events)
    single = able & ~multiple_detections(events, candidates=able, n_avg=n_avg)
    found = choose_threshold(events, single=single, settings=settings)
    kept = retain(events, single=single, threshold=found.value)
    return Filtered(kept, single, found.value, found.chosen, found.notes)


def describe_filter(
    classified: ClassificationResult,
    filtered: Filtered,
    *,
    model: Classifier,
    settings: ScoreSettings,
    before: Spectrum,
    after: Spectrum,
    spectrum_settings: SpectrumSettings,
    rng: np.random.Generator | None,
) -> Classification:
    """Return what a classifier and the filter did; `before` and `after` are the two spectra."""
    events = filtered.events
    landing = filtered.single & (events["contrast"] < 0).to_numpy()
    score = events["score_binder"].to_numpy(float)
    p_binder = events["p_binder"].to_numpy(float)
    precision, recall, _ = estimated_rates(
        score[landing], p_binder[landing], thresholds=np.array([filtered.threshold])
    )
    fitted = classified.events["retained"].to_numpy(bool)
    return Classification(
        model=model.name,
        threshold=filtered.threshold,
        chosen=filtered.chosen,
        precision=float(precision[0]),
        recall=float(recall[0]),
        fractions=class_prevalences(
            classified.balanced,
            classes=model.classes,
            confusion=model.confusion,
            resamples=spectrum_settings.resamples,
            confidence=spectrum_settings.confidence,
            rng=rng,
        ),
        labels=_labels(events),
        removed=_removed(events[fitted], unit=before.unit, settings=spectrum_settings),
        tradeoff=_tradeoff(filtered, after if after.peaks else before, spectrum_settings),
        settings=settings,
        notes=filtered.notes,
    )


def _labels(events: pd.DataFrame) -> pd.DataFrame:
    """Landings, unbindings and retained events of each label, the most frequent first."""
    landing = events["contrast"] < 0
    counted = (
        pd.DataFrame(
            {
                "label": events["label"],
                "landings": landing,
                "unbindings": ~landing,
                "retained": events["retained"],
            }
        )
        .groupby("label", as_index=False)
        .sum()
        .astype(dict.fromkeys(("landings", "unbindings", "retained"), np.int64))
    )
    return counted.sort_values(["landings", "label"], ascending=[False, True], ignore_index=True)


def _removed(events: pd.DataFrame, *, unit: Unit, settings: SpectrumSettings) -> pd.DataFrame:
    """What was kept and removed of the fitted events, in bins of mass with 25 events or more."""
    u = unit.lower()
    at = (
        events["mass_kda"].to_numpy(float) if unit == "kDa" else -events["contrast"].to_numpy(float)
    )
    scale = 1.0 if unit == "kDa" else CONTRAST_PER_KDA
    kept = events["retained"].to_numpy(bool)
    label = events["label"].to_numpy(object)
    names = sorted(set(label[~kept]))
    rows: list[dict[str, Any]] = []
    for sign in (-1, 1):
        for low, high in _bins(sign * at, width=_BIN_KDA * scale):
            inside = (sign * at >= low) & (sign * at < high)
            number, stayed = int(inside.sum()), int((inside & kept).sum())
            ends = wilson_interval(stayed, number, confidence=settings.confidence)
            ends_at = sorted((sign * low + 0.0, sign * high + 0.0))  # 0.0, not -0.0
            row: dict[str, Any] = dict(zip((f"low_{u}", f"high_{u}"), ends_at, strict=True))
            row["events"] = number
            row |= {"kept": stayed, "retention": stayed / number}
            row |= dict(zip(("retention_low", "retention_high"), ends, strict=True))
            gone = label[inside & ~kept]
            rows.append(row | {f"removed_{name}": int((gone == name).sum()) for name in names})
    rows.sort(key=lambda row: float(row[f"low_{u}"]))
    return pd.DataFrame(rows)


def _bins(at: FloatArray, *, width: float) -> Iterator[tuple[float, float]]:
    """Yield bins from 0 upwards, widened until each holds 25 events, the last as many as left."""
    number = np.sort(np.floor(at[at > 0] / width).astype(np.int64))
    first, low = 0, 0
    while first < len(number):
        enough = min(first + _LEAST_IN_BIN, len(number)) - 1
        high = int(number[enough]) + 1
        yield low * width, high * width
        first, low = int(np.searchsorted(number, high)), high


def _tradeoff(filtered: Filtered, shown: Spectrum, settings: SpectrumSettings) -> pd.DataFrame:
    """Kept events, estimated rates, and resolving power of the largest peak of `shown`."""
    events = filtered.events[filtered.single]
    score = events["score_binder"].to_numpy(float)
    landing = (events["contrast"] < 0).to_numpy()
    thresholds = np.union1d(THRESHOLDS, filtered.threshold)
    precision, recall, kept = estimated_rates(
        score[landing], events["p_binder"].to_numpy(float)[landing], thresholds=thresholds
    )
    away = np.sort(score[~landing])
    power = np.full(len(thresholds), np.nan)
    if shown.peaks:
        modes = [peak.mode.value for peak in shown.peaks]
        main = int(np.argmax([peak.counts for peak in shown.peaks]))
        column = "mass_kda" if shown.unit == "kDa" else "contrast"
        values = events[column].to_numpy(float)[landing]
        for k, least in enumerate(thresholds):
            passing = values[score[landing] >= least]
            power[k] = resolving_power_near(
                passing, modes, main, settings=settings, unit=shown.unit
            )
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "landings": kept,
            "unbindings": len(away) - np.searchsorted(away, thresholds, side="left"),
            "precision": precision,
            "recall": recall,
            "resolving_power": power,
        }
    )

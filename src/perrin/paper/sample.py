"""Measurements of one sample with the thresholds of their filters, and the tables of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from perrin.paper.compare import PERFECT, Quantity
from perrin.paper.core import (
    Context,
    Thresholds,
    compared,
    retention_table,
    spectra_of,
    thresholds,
)
from perrin.pipeline.simulated import NOTHING, Measured
from perrin.types import FloatArray


@dataclass(frozen=True)
class Sample:
    """Measurements, and the thresholds of each filter."""

    measured: Sequence[Measured]
    at: Thresholds
    context: Context

    @classmethod
    def of(cls, measured: Sequence[Measured], context: Context) -> Self:
        """Choose the thresholds of these measurements."""
        return cls(measured, thresholds(measured, context.model), context)

    def compared(self, *quantities: Quantity) -> pd.DataFrame:
        """Compare the filters by these quantities, one table; the measurements are pooled."""
        return compared(self.measured, self.at, quantities, self.context)

    def kept(self) -> pd.DataFrame:
        """Return how many true binders each filter keeps, by species."""
        confidence = self.context.settings.confidence
        return retention_table(self.measured, self.at, confidence=confidence)

    def spectra(self) -> dict[str, FloatArray]:
        """Return the masses of all events, of those kept, and of the perfect ones."""
        return spectra_of(self.measured, self.at)

    def class_tables(self) -> dict[str, pd.DataFrame]:
        """Return the fractions of the classes, and landings and unbindings by filter."""
        return {
            "class_prevalences": fractions_table(self.measured),
            "artifacts": artifacts_table(self.measured, self.at),
        }

    def tables(self, comparison: pd.DataFrame, kept: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Return the tables that experiments of one sample have, by file name."""
        return {"comparison": comparison, "kept": kept, **self.class_tables()}


def fractions_table(measured: Sequence[Measured]) -> pd.DataFrame:
    """Class fractions of the landings: estimated, and true."""
    true: list[str] = []
    for one in measured:
        landing = one.events[one.landing]
        crowded = (landing["motion"] == "binder") & ~landing["perfect"].to_numpy(bool)
        true += list(landing["motion"].mask(crowded, "neighbors").replace(NOTHING, "buffer"))
    fraction = pd.Series(true).value_counts(normalize=True)
    weights = [int(one.landing.sum()) for one in measured]
    estimated = pd.DataFrame([one.fractions for one in measured])
    return pd.DataFrame(
        {
            "class": list(estimated.columns),
            "estimated_fraction": np.average(estimated, axis=0, weights=weights),
            "true_fraction": [float(fraction.get(name, 0.0)) for name in estimated.columns],
        }
    )


def artifacts_table(measured: Sequence[Measured], at: Thresholds) -> pd.DataFrame:
    """Landings and unbindings (negative mass) before and after each filter."""
    rows = []
    for name, least in {"before": None, **at, PERFECT: None}.items():
        landings = unbindings = 0
        for k, one in enumerate(measured):
            fitted = one.events["fitted"].to_numpy(bool)
            if name == PERFECT:
                fitted = fitted & one.events["perfect"].to_numpy(bool)
            kept = fitted if least is None else one.kept(least[k])
            landing = one.events["contrast"].to_numpy(float) < 0
            landings += int((kept & landing).sum())
            unbindings += int((kept & ~landing).sum())
        rows.append({"filter": name, "landings": landings, "unbindings": unbindings})
    return pd.DataFrame(rows)

"""What a quantifier made of one measurement: masses of all landings, a check, a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.landing.networks import Quantifier
from perrin.landing.quantifier.agreement import Agreement, agreement
from perrin.landing.quantifier.quantify import QuantificationResult, quantify
from perrin.landing.quantifier.surface import Surface, surface
from perrin.mass.errors import ErrorSpectrum, spectrum_with_errors
from perrin.mass.line_error import errors_with_line_error
from perrin.settings.spectrum import SpectrumSettings
from perrin.types import BoolArray, Progress

if TYPE_CHECKING:
    import pandas as pd

    from perrin.io.movie import Movie
    from perrin.landing.exchange import PsfExchange
    from perrin.mass.calibration import Calibration

_MANY = 0.05  # fraction of out-of-distribution landings that is worth a note
_BUFFER = 0.5  # probability of buffer from which on an event is no landing


@dataclass(frozen=True)
class Quantification:
    """What a quantifier predicts of the landings of a measurement."""

    model: str
    """Name of the quantifier."""
    landings: int
    """Landings with a mass of the network, each counted once."""
    out_of_distribution: int
    """Landings unlike anything in training: flagged, and in no spectrum."""
    spectrum: ErrorSpectrum
    """Of all landings, each with its own error."""
    agreement: Agreement | None
    """Network against fit; None without a classifier, which says where both must agree."""
    surface: Surface | None
    """Residence and motions; None for too few landings, or without a classifier."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know, the disagreements first."""
        found = () if self.agreement is None else self.agreement.warnings
        if self.out_of_distribution > _MANY * max(self.landings, 1):
            found += (
                f"{self.out_of_distribution} of {self.landings + self.out_of_distribution} "
                "landings are unlike anything the quantifier was trained on: they are flagged as "
                "out of distribution, and in no spectrum of all landings",
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the names."""
        return {
            "model": self.model,
            "landings": self.landings,
            "out_of_distribution": self.out_of_distribution,
            "spectrum": self.spectrum.to_dict(),
            "agreement": None if self.agreement is None else self.agreement.to_dict(),
            "surface": None if self.surface is None else self.surface.to_dict(),
        }


def predict_masses(
    movie: Movie,
    events: pd.DataFrame,
    *,
    model: Quantifier,
    calibration: Calibration | None,
    exchange: PsfExchange | None = None,
    progress: Progress | None = None,
) -> QuantificationResult:
    """Return what `quantify` does, with masses in the events where there is a calibration."""
    quantified = quantify(movie, events, model=model, exchange=exchange, progress=progress)
    if calibration is None:
        return quantified
    found = quantified.events
    ends = {"mass_pred_kda": "", "mass_pred_low_kda": "_low", "mass_pred_high_kda": "_high"}
    masses = {
        name: calibration.mass_kda(found[f"contrast_pred{end}"].to_numpy(float))
        for name, end in ends.items()
    }
    return replace(quantified, events=found.assign(**masses))


def describe(
    events: pd.DataFrame,
    *,
    model: Quantifier,
    single: BoolArray,
    calibration: Calibration | None,
    frame_interval_s: float,
    settings: SpectrumSettings,
    rng: np.random.Generator | None,
) -> Quantification:
    """Return what the quantifier found in events that `predict_masses` returned.

    single (N,) are the events that count, multiple detections of one landing left out.
    """
    quantified = single & events["contrast_pred"].notna().to_numpy()
    if "p_buffer" in events.columns:
        quantified &= ~(events["p_buffer"] > _BUFFER).to_numpy()
    usual = quantified & ~events["out_of_distribution"].to_numpy()
    chosen = events[usual]
    contrast, se = (chosen[name].to_numpy(float) for name in ("contrast_pred", "contrast_pred_se"))
    if calibration is None:
        values, errors = -contrast, se
    else:
        values = calibration.mass_kda(contrast)
        errors = se / abs(calibration.gradient_per_kda)  # the line's own error is all events'
    sorted_out = "score_binder" in events.columns
    found = spectrum_with_errors(
        values,
        errors,
        shape=model.errors,
        settings=settings,
        unit="contrast" if calibration is None else "kDa",
        rng=rng,
    )
    return Quantification(
        model=model.name,
        landings=int(usual.sum()),
        out_of_distribution=int((quantified & ~usual).sum()),
        spectrum=errors_with_line_error(found, calibration),
        agreement=agreement(events) if sorted_out else None,
        surface=surface(chosen, frame_interval_s=frame_interval_s) if sorted_out else None,
    )

"""Settings of the landing analysis: integration, detection, fit."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from perrin.settings.base import Settings

ReportedSpectrum = Literal["filtered", "all"]
"""Which landings make the reported spectrum: filtered, as fitted, or all, as predicted."""

PERMISSIVE_SPATIAL = 4.0
PERMISSIVE_TEMPORAL = 4.0


class DetectionSettings(Settings):
    """When a change in the ratiometric movie counts as an event.

    Both thresholds are in units of the measured noise. The defaults come from the false
    alarms on blank movies (``benchmarks/detection.py``), not from taste.
    """

    spatial_threshold: float = Field(
        5.2,
        ge=2.0,
        le=100.0,
        description="matched-filter contrast over its noise at that pixel and frame",
    )
    temporal_threshold: float = Field(
        6.5,
        ge=0.0,
        le=100.0,
        description="signal-to-noise ratio of the step in time, over 2 n_avg frames each way",
    )

    @classmethod
    def permissive(cls) -> Self:
        """Thresholds for low masses: expect false events, and a classifier to sort them out."""
        return cls(spatial_threshold=PERMISSIVE_SPATIAL, temporal_threshold=PERMISSIVE_TEMPORAL)


class LandingSettings(Settings):
    """Settings of a whole landing analysis, saved beside its results."""

    n_avg: int = Field(
        10, ge=1, le=500, description="frames averaged on each side for detection and thumbnails"
    )
    fit_n_avg: int | None = Field(
        None, ge=1, le=500, description="frames averaged on each side for the fit; n_avg if None"
    )
    detection: DetectionSettings = DetectionSettings()
    persistence_ms: float | None = Field(
        None, gt=0, description="integration at which all events are looked at again, ms"
    )
    reported_spectrum: ReportedSpectrum = Field(
        "filtered",
        description="the spectrum that names the species: of the filtered landings as fitted, or "
        "of all landings with the masses that the quantifier predicts; the other one "
        "is given beside it",
    )

    @property
    def n_avg_of_fit(self) -> int:
        """Frames averaged on each side for the fit."""
        return self.n_avg if self.fit_n_avg is None else self.fit_n_avg

    @model_validator(mode="after")
    def _integrations_comparable(self) -> Self:
        if self.n_avg_of_fit > 20 * self.n_avg:
            raise ValueError(
                f"fit_n_avg = {self.n_avg_of_fit} is more than 20 times n_avg = {self.n_avg}: "
                "most events would have neighbors in the fit window. Raise n_avg too."
            )
        return self

"""Settings of the experiments: which measurements are simulated and how each is analysed."""

from __future__ import annotations

from pydantic import Field

from perrin.settings.base import Settings
from perrin.settings.landing import LandingSettings
from perrin.settings.simulation import LandingAssay


class PlannedMeasurement(Settings):
    """One simulated movie and its analysis: what a stored measurement is known by."""

    name: str = Field(pattern=r"^[\w.-]+$", description="of its file")
    assay: LandingAssay
    seconds: float = Field(gt=0, description="length of the movie, s")
    seed: int = Field(ge=0, description="of the simulation")
    landing: LandingSettings = LandingSettings()
    refits: tuple[int, ...] = Field(
        (), description="frames on each side with which all events are fitted once more"
    )


class ExperimentSettings(Settings):
    """What all experiments share, saved beside their results."""

    seed: int = Field(1, ge=0, description="of all measurements and resamples")
    resamples: int = Field(200, ge=20, description="bootstrap resamples behind each interval")
    thinnings: int = Field(20, ge=1, description="of a filter with more counts than another")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="probability of each interval")
    scale: float = Field(
        1.0, gt=0, le=10, description="of the length of every movie; below 1 for a quick look"
    )

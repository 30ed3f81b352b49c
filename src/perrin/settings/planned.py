"""Which measurement is simulated, and how it is analyzed."""

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

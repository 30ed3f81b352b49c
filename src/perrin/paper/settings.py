"""Settings that all experiments share."""

from __future__ import annotations

from pydantic import Field

from perrin.settings.base import Settings


class ExperimentSettings(Settings):
    """What all experiments share, saved beside their results."""

    seed: int = Field(1, ge=0, description="of all measurements and resamples")
    resamples: int = Field(200, ge=20, description="bootstrap resamples behind each interval")
    thinnings: int = Field(20, ge=1, description="of a filter with more counts than another")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="probability of each interval")
    scale: float = Field(
        1.0, gt=0, le=10, description="of the length of every movie; below 1 for a quick look"
    )

"""Settings of the quantifier: what it reads from an event, and how it is trained."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from perrin.settings.base import Settings
from perrin.settings.simulation import CrowdSettings, MassPrior

WIDE = MassPrior(low_kda=15, middle_kda=150, high_kda=1200)
"""Masses to learn from: wider than those to measure, so that no edge pulls at them."""


class QuantifierTraining(Settings):
    """How the quantifier is trained: fresh events of one instrument and its variations."""

    steps: int = Field(11_000, ge=1, description="batches")
    batch: int = Field(128, ge=2, description="events in a batch")
    seed: int = Field(1, ge=0, description="of weights and events")
    learning_rate: float = Field(1e-3, gt=0, description="highest; warmed up, then cosine to zero")
    warmup: int = Field(200, ge=1, description="batches to reach it")
    weight_decay: float = Field(0.02, ge=0, description="AdamW")
    average: float = Field(0.998, ge=0, lt=1, description="decay of the averaged weights")
    validate_every: int = Field(500, ge=1, description="batches between validations and saves")
    varied: float = Field(0.4, ge=0, le=1, description="fraction of events from varied backgrounds")
    detected: float = Field(0.3, ge=0, le=1, description="fraction centered as the detector does")
    neighbors: float = Field(
        0.4, gt=0, lt=1, description="fraction of events with neighbors, which are the hardest"
    )
    masses: MassPrior = WIDE
    crowd: CrowdSettings = Field(
        CrowdSettings(fraction=0.5, inside=True), description="what else lands in the field"
    )

    @classmethod
    def tuning(cls) -> Self:
        """Return what tunes a trained network to an instrument of one's own."""
        return cls(steps=1_600, learning_rate=4e-4, warmup=64, validate_every=200, varied=0.2)

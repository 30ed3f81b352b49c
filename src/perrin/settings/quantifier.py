"""Settings of the quantifier: what it reads from an event, and how it is trained."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from perrin.settings.simulation import CrowdSettings, MassPrior
from perrin.settings.training import (
    EventTraining,
    Part,
    Rate,
    Steps,
    Warmup,
)

WIDE = MassPrior(low_kda=15, middle_kda=150, high_kda=1200)
"""Masses to learn from: wider than those to measure, so that no edge pulls at them."""


class QuantifierTraining(EventTraining):
    """How the quantifier is trained: fresh events of one instrument and its variations."""

    steps: Steps = 11_000
    learning_rate: Rate = 1e-3
    warmup: Warmup = 200
    varied: Part = Field(0.4, description="fraction of events from varied backgrounds")
    detected: Part = 0.3
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

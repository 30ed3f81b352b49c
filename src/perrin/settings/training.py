"""What the trainings of all networks but the paper's have in common."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from perrin.settings.base import Seed, Settings

Steps = Annotated[int, Field(ge=1, description="batches")]
Rate = Annotated[float, Field(gt=0, description="highest; warmed up, then cosine to zero")]
Warmup = Annotated[int, Field(ge=1, description="batches to reach the highest rate")]
Decay = Annotated[float, Field(ge=0, description="AdamW")]
Average = Annotated[float, Field(ge=0, lt=1, description="decay of the averaged weights")]
Every = Annotated[int, Field(ge=1, description="batches between validations and saves")]
Batch = Annotated[int, Field(ge=2, description="events in a batch")]
Part = Annotated[float, Field(ge=0, le=1)]
Dims = Annotated[
    tuple[float, float, float], Field(description="fraction of batches in 1, 2 and 3 dimensions")
]
DIMS: Dims = (0.08, 0.86, 0.06)


class NetworkTraining(Settings):
    """Batches that are simulated as training goes; the card of the network records it."""

    steps: Steps
    seed: Seed = 1
    learning_rate: Rate = 2e-3
    warmup: Warmup = 300
    weight_decay: Decay = 0.01
    average: Average = 0.999
    validate_every: Every = 500


class EventTraining(NetworkTraining):
    """Networks of landings: events centered on the truth or as the detector does."""

    batch: Batch = 128
    weight_decay: Decay = 0.02
    average: Average = 0.998
    varied: Part = Field(0.5, description="fraction of events from varied instruments")
    disturbed: Part = Field(
        0.0, description="fraction of events from instruments with something wrong, beside those"
    )
    detected: Part = Field(0.1, description="fraction centered as the detector does")

    @model_validator(mode="after")
    def _parts(self) -> Self:
        if self.varied + self.disturbed > 1:
            raise ValueError(
                f"varied ({self.varied:g}) and disturbed ({self.disturbed:g}) are parts of all "
                "events: together 1 at most"
            )
        return self

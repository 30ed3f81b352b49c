"""Settings of the event classifier: classes, and how its networks are trained."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from perrin.settings.base import Seed, Settings
from perrin.settings.simulation import CrowdSettings
from perrin.settings.training import Batch, EventTraining, Every, Steps


class PaperTraining(Settings):
    """The recipe of paper 002, "Model Training"."""

    events: int = Field(25_000, ge=100, description="balanced events, simulated once")
    trained: float = Field(0.8, gt=0, lt=1, description="fraction to train on; the rest validates")
    n_avg: int = Field(10, ge=1, le=40, description="frames averaged on each side")
    width: int = Field(16, ge=4, description="channels of the first layer; the paper's has 64")
    batch: Batch = 10
    epochs: int = Field(20, ge=1, description="passes over the training events")
    learning_rate: float = Field(0.1, gt=0, description="of plain stochastic gradient descent")
    factor: float = Field(0.1, gt=0, lt=1, description="of the rate, when validation stalls")
    patience: int = Field(5, ge=1, description="epochs without a lower loss before that")
    clip: float = Field(0.5, gt=0, description="largest norm of the gradient")
    seed: Seed = 1


class ClassifierTraining(EventTraining):
    """How our network is trained: fresh events, from many instruments and integrations."""

    steps: Steps = 6_400
    width: int = Field(64, ge=4, description="channels of the first stage; 64 as shipped")
    blocks: int = Field(1, ge=1, description="blocks in each of the three stages; 1 as shipped")
    validate_every: Every = 480
    n_avgs: tuple[int, ...] = Field(
        (10, 10, 5, 20, 40), description="integrations in every block of events, and one between"
    )
    n_avg_range: tuple[int, int] = Field((5, 40), description="ends of those between")
    departures: float = Field(0.06, ge=0, le=0.5, description="fraction of molecules that leave")
    blanks: int = Field(80, ge=1, description="buffer events in a block")
    crowd: CrowdSettings = Field(
        CrowdSettings(fraction=0.5), description="what lands beside the thumbnails"
    )

    @classmethod
    def tuning(cls) -> Self:
        """Return what tunes a trained network to an instrument of one's own, in minutes."""
        return cls(steps=800, learning_rate=5e-4, warmup=64, validate_every=160, varied=0.25)

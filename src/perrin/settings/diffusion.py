"""Settings of the walk simulator and of the analysis of tracks."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from perrin.settings.base import Settings
from perrin.settings.training import (
    DIMS,
    Average,
    Dims,
    Every,
    NetworkTraining,
    Rate,
    Steps,
    Warmup,
)

MixtureKind = Literal["superposition", "increments", "interleaved", "subordination"]
MIXTURE_KINDS: tuple[MixtureKind, ...] = (
    "superposition",
    "increments",
    "interleaved",
    "subordination",
)
Range = tuple[float, float]


class MixtureSettings(Settings):
    """One kind of mixture and the uniform ranges that its trajectories are drawn from."""

    kind: MixtureKind = Field("superposition", description="how the parts are put together")
    length: int = Field(100, ge=3, le=100_000, description="frames of a trajectory")
    dims: int = Field(2, ge=1, le=3, description="dimensions")
    w: Range = Field(
        (0.0, 1.0),
        description="superposition: weight of the CTRW's position spread; increments: its fraction "
        "of the step variance; interleaved: probability of a CTRW segment; subordination: unused",
    )
    alpha_fbm: Range = Field((0.1, 1.0), description="exponent of the FBM part")
    alpha_ctrw: Range = Field((0.2, 0.98), description="exponent of the CTRW part")
    brownian: Range = Field(
        (0.0, 0.0), description="fraction of the FBM part's step variance that is Brownian instead"
    )
    start: Literal["ordinary", "aged"] = Field("ordinary", description="first wait of the CTRW")
    segment_frames: int = Field(30, ge=1, description="interleaved: frames of a segment")
    noise: Range = Field(
        (0.0, 0.0),
        description="localization error of one axis over the noise-free one-frame step of one axis",
    )
    exposure: float = Field(
        0.0, ge=0, le=1, description="fraction of the frame interval in which light is collected"
    )
    missing: float = Field(0.0, ge=0, le=0.5, description="expected fraction of missing frames")

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        bounds = {
            "w": (0.0, 1.0),
            "alpha_fbm": (0.01, 1.99),
            "alpha_ctrw": (0.05, 1.0),
            "brownian": (0.0, 1.0),
            "noise": (0.0, 10.0),
        }
        for name, (least, most) in bounds.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ValueError(
                    f"{name} = {low:g}, {high:g}: give a lower and an upper end within "
                    f"{least:g} to {most:g}."
                )
        return self


class WindowSettings(Settings):
    """How tracks are cut before they are analyzed."""

    frames: int = Field(100, ge=10, le=1000, description="frames of a window along a track")
    stride: int = Field(50, ge=1, description="frames from one window to the next")


class MixtureTraining(NetworkTraining):
    """How the mixture network is trained."""

    steps: Steps = 12_000
    tokens: int = Field(16_384, ge=64, description="frames in a batch, all trajectories together")
    dims: Dims = DIMS
    typical_length: int = Field(400, ge=12, lt=1000, description="most batches are up to here")
    long_fraction: float = Field(
        0.1, ge=0, le=1, description="fraction of batches beyond the usual"
    )
    noisy: float = Field(0.5, ge=0, le=1, description="fraction with localization noise")
    blurred: float = Field(0.15, ge=0, le=1, description="fraction with motion blur")
    gappy: float = Field(0.12, ge=0, le=1, description="fraction with missing frames")

    @classmethod
    def further(cls) -> Self:
        """Return what a trained network goes on with: half as long, more of long tracks."""
        return cls(steps=6_000, learning_rate=1e-3, long_fraction=0.2)


class AndiTraining(NetworkTraining):
    """How the network of the AnDi tasks is trained."""

    steps: Steps = 7_000
    tokens: int = Field(16_384, ge=1024, description="frames in a batch, all trajectories together")
    two_dimensional: float = Field(
        0.6, ge=0, le=1, description="fraction of batches; the rest is 1D"
    )
    cut: float = Field(0.5, ge=0, le=1, description="fraction of batches cut from 999 frames")


class KindsTraining(NetworkTraining):
    """How the network of kinds is trained."""

    steps: Steps = 700
    tokens: int = Field(12_000, ge=600, description="frames in a batch, all tracks together")
    dims: Dims = DIMS
    learning_rate: Rate = 3e-3
    warmup: Warmup = 50
    average: Average = 0.99
    validate_every: Every = 100

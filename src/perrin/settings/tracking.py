"""Settings of the way from a movie of moving particles to tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from perrin.settings.base import Settings

ParticleKind = Literal["rods", "spheres", "molecules"]
PARTICLE_KINDS: tuple[ParticleKind, ...] = ("rods", "spheres", "molecules")
Contrast = Literal["dark", "bright"]
SAMPLES: Mapping[str, int] = {"rods": 31, "spheres": 31, "molecules": 101}
"""Samples of the background by kind: its noise is what limits the mass of a molecule."""


class MedianSettings(Settings):
    """The running median that is taken for the background."""

    window_frames: int = Field(
        401, ge=3, description="frames around each frame that the median is taken over"
    )
    samples: int = Field(
        101,
        ge=3,
        le=401,
        description="frames in the window that are looked at, evenly spaced; for gold 31 will do",
    )


class LocateSettings(Settings):
    """Finding and fitting."""

    threshold: float = Field(
        5.0, ge=2, description="smoothed signal of a particle over its measured noise"
    )
    width_nm: float | None = Field(
        None, gt=0, description="diameter of a sphere or of a rod; measured on the movie if None"
    )


class LinkSettings(Settings):
    """Which positions belong to one particle."""

    search_px: float | None = Field(
        None, gt=0, description="longest step from frame to frame, px; suggested if None"
    )
    memory_frames: int | None = Field(
        None, ge=0, le=100, description="frames a particle may be missing; suggested if None"
    )
    min_positions: int = Field(
        5, ge=1, description="tracks with fewer positions are left out of the table of tracks"
    )


class TrackingSettings(Settings):
    """Everything between a movie and its tracks."""

    kind: ParticleKind = Field(description="what moves: rods, spheres (in TEM), or molecules")
    contrast: Contrast | None = Field(
        None, description="particles darker or brighter than their surroundings; looked at if None"
    )
    exposure: float | None = Field(
        None,
        gt=0,
        le=1,
        description="fraction of the frame interval in which light is collected; unknown if None",
    )
    keep_drift: bool = Field(
        False, description="leave the measured drift of the stage in the positions"
    )
    keep_immobile: bool = Field(
        False, description="keep tracks of what is immobile for most of the movie while others move"
    )
    bin: int = Field(
        1, ge=1, le=32, description="pixels averaged in squares of so many each way before all else"
    )
    median: MedianSettings = Field(
        default_factory=lambda given: MedianSettings(samples=SAMPLES[given["kind"]])
    )
    locate: LocateSettings = LocateSettings()
    link: LinkSettings = LinkSettings()

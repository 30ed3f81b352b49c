"""Settings of the landing simulator: instrument, camera, background, motions, sample.

The defaults are one instrument, like the TwoMP of paper 002: what the paper states is cited,
the rest is set so that a simulated measurement has the noise of a real one (`docs/simulation`
lists each number with its source). A part of the background is switched off with 0.
"""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from perrin.events import CLASSES, MOTIONS
from perrin.settings.base import Settings
from perrin.settings.disturbances import DisturbanceSettings
from perrin.settings.optics import OpticsSettings, PupilSettings


def _one_of(names: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(names)}")
        return name

    return AfterValidator(check)


def _probabilities(fractions: dict[str, float]) -> dict[str, float]:
    total = math.fsum(fractions.values())
    if min(fractions.values(), default=0.0) < 0 or abs(total - 1) > 1e-6:
        listed = ", ".join(f"{name}: {fraction:g}" for name, fraction in fractions.items())
        raise ValueError(f"probabilities must be 0 or more and sum to 1, not {total:g} ({listed})")
    return fractions


Motions = Annotated[dict[Annotated[str, _one_of(MOTIONS)], float], AfterValidator(_probabilities)]
Classes = Annotated[dict[Annotated[str, _one_of(CLASSES)], float], AfterValidator(_probabilities)]


class InstrumentSettings(Settings):
    """Geometry, timing and optics of the simulated microscope."""

    pixel_nm: float = Field(72.0, gt=1, lt=1000, description="stored pixel in the sample, nm")
    width_px: int = Field(151, ge=17, le=4096, description="columns of the field of view")
    height_px: int = Field(38, ge=17, le=4096, description="rows of the field of view")
    camera_rate_hz: float = Field(726.0, gt=0, lt=1e6, description="camera frames a second")
    frame_binning: int = Field(3, ge=1, le=1000, description="camera frames in a stored frame")
    contrast_per_kda: float = Field(
        -3.8e-5, lt=0, gt=-1e-2, description="contrast of a landing for each kDa"
    )
    optics: OpticsSettings = OpticsSettings()
    pupil: PupilSettings | None = Field(
        None, description="the PSF of a pupil instead of that of `optics`"
    )

    @property
    def frame_interval_s(self) -> float:
        """Time from one stored frame to the next, s."""
        return self.frame_binning / self.camera_rate_hz


class CameraSettings(Settings):
    """From electrons to counts; see `perrin.optics.camera`."""

    electrons: float = Field(
        8e5, ge=1e3, le=1e9, description="mean electrons in a pixel of a stored frame"
    )
    electrons_per_count: float = Field(20.0, gt=0, description="gain: electrons for one count")
    offset_counts: float = Field(10.0, ge=0, le=6e4, description="counts in the dark")
    shot_noise: float = Field(1.0, ge=0, le=100, description="shot noise over its physical size")
    fixed_pattern: float = Field(
        2e-3, ge=0, lt=0.3, description="pixel-to-pixel spread (rms) of the gain"
    )

    def of_record(self) -> dict[str, float]:
        """Return what `perrin.optics.camera.record` takes of it, by name."""
        return self.model_dump(include={"electrons_per_count", "offset_counts", "shot_noise"})

    @model_validator(mode="after")
    def _fits_in_16_bits(self) -> Self:
        counts = self.offset_counts + self.electrons / self.electrons_per_count
        if counts > 55_000:
            raise ValueError(
                f"electrons / electrons_per_count + offset_counts is {counts:.0f} counts; stored "
                "frames are 16 bit (65535), keep it below 55000 with a larger electrons_per_count"
            )
        return self


class BackgroundSettings(Settings):
    """What a buffer movie shows besides shot noise; each part is off at 0."""

    illumination_falloff: float = Field(
        0.15, ge=0, lt=1, description="loss of light from the middle of the field to a corner"
    )
    speckle_contrast: float = Field(
        1.2e-2, ge=0, lt=0.2, description="static speckle of the glass, rms contrast"
    )
    drift_nm_per_sqrt_s: float = Field(
        2.7, ge=0, le=1000, description="random walk of the stage: rms in 1 s along each axis, nm"
    )
    drift_nm_per_s: float = Field(
        3.5, ge=0, le=1000, description="steady drift of the stage in a random direction, nm/s"
    )
    vibration_nm: float = Field(
        0.5, ge=0, le=1000, description="sinusoidal vibration in a random direction, rms, nm"
    )
    vibration_hz: float = Field(45.0, gt=0, le=1e4, description="frequency of that vibration")
    dynamic_contrast: float = Field(
        2.2e-4, ge=0, lt=0.2, description="slowly changing speckle, rms contrast"
    )
    dynamic_time_s: float = Field(
        4.0, ge=0.05, le=1e4, description="its correlation time, s (Ornstein-Uhlenbeck)"
    )
    laser_white: float = Field(3e-4, ge=0, lt=0.1, description="laser power noise, white, rms")
    laser_pink: float = Field(
        1e-3, ge=0, lt=0.1, description="laser power noise that falls as 1/f (0.1 to 30 Hz), rms"
    )
    focus_contrast: float = Field(
        1.5e-2, ge=0, lt=0.3, description="wander of the focus in time: rms change of a contrast"
    )
    focus_time_s: float = Field(5.0, ge=0.05, le=1e4, description="correlation time of it, s")
    tilt_contrast: float = Field(
        1.08e-2, ge=0, lt=0.3, description="tilt of the focus over the field: rms change"
    )
    widening: float = Field(
        -0.25,
        ge=-5,
        le=5,
        description="relative change of PSF width for each relative change of contrast by focus",
    )

    @classmethod
    def none(cls) -> Self:
        """Return settings with every part switched off."""
        no_parts = {"vibration_hz", "dynamic_time_s", "focus_time_s", "widening"}
        return cls(**dict.fromkeys(cls.model_fields.keys() - no_parts, 0.0))


class MotionSettings(Settings):
    """How suboptimal molecules behave: paper 002, Table 1 (it wins over the text)."""

    unbinder_mean_frames: float = Field(10.0, gt=0, description="normal: mean residence time")
    unbinder_sd_frames: float = Field(5.0, gt=0, description="normal: standard deviation")
    unbinder_min_frames: float = Field(1.0, gt=0, description="the normal is truncated here")
    unbinder_max_frames: float = Field(20.0, gt=0, description="and here")
    roller_min_frames: float = Field(4.0, gt=0, description="uniform: shortest rolling time")
    roller_max_frames: float = Field(8.0, gt=0, description="uniform: longest rolling time")
    roller_min_nm_per_ms: float = Field(1.7, ge=0, description="uniform: slowest")
    roller_max_nm_per_ms: float = Field(18.6, ge=0, description="uniform: fastest")
    roller_unbinds: float = Field(0.75, ge=0, le=1, description="probability to leave afterwards")
    wobbler_min_frames: int = Field(2, ge=1, description="whole frames, uniform: fewest")
    wobbler_max_frames: int = Field(15, ge=1, le=1000, description="most, inclusive")
    wobbler_mean_nm_per_ms: float = Field(8.5, gt=0, description="normal, truncated above 0")
    wobbler_sd_nm_per_ms: float = Field(3.5, gt=0, description="normal: standard deviation")
    wobbler_unbinds: float = Field(0.5, ge=0, le=1, description="probability to leave afterwards")
    neighbors_min: int = Field(1, ge=1, description="further binders in a thumbnail: fewest")
    neighbors_max: int = Field(19, ge=1, le=1000, description="most, inclusive")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, high in (
            ("unbinder_min_frames", "unbinder_max_frames"),
            ("roller_min_frames", "roller_max_frames"),
            ("roller_min_nm_per_ms", "roller_max_nm_per_ms"),
            ("wobbler_min_frames", "wobbler_max_frames"),
            ("neighbors_min", "neighbors_max"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} is above {high}: swap or change them")
        return self


BINDERS_ONLY: Motions = {"binder": 1.0}


class Species(Settings):
    """One kind of molecule in the sample."""

    mass_kda: float = Field(gt=0, le=1e5, description="nominal mass, kDa")
    abundance: float = Field(gt=0, description="fraction of the landings, relative")
    width_kda: float = Field(
        4.3, ge=0, description="particle-to-particle standard deviation of the mass, kDa"
    )
    motions: Motions | None = Field(
        None, description="probability of each motion; that of the whole sample if None"
    )
    name: str = ""

    @property
    def label(self) -> str:
        """Name for the truth table."""
        return self.name or f"{self.mass_kda:g} kDa"


class LandingAssay(Settings):
    """A whole simulated measurement: instrument, sample and how it lands."""

    species: tuple[Species, ...] = ()
    density: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="landings a um^2 and second, true mean over the movie; 0 for a buffer blank",
    )
    decay_s: float | None = Field(
        60.0, gt=0, description="time constant of the falling landing rate; constant if None"
    )
    motions: Motions = Field(
        BINDERS_ONLY, description="probability of each motion, for species without their own"
    )
    instrument: InstrumentSettings = InstrumentSettings()
    camera: CameraSettings = CameraSettings()
    background: BackgroundSettings = BackgroundSettings()
    disturbances: DisturbanceSettings = DisturbanceSettings()
    motion: MotionSettings = MotionSettings()
    source: str = Field("", description="where the numbers come from")

    @model_validator(mode="after")
    def _something_lands(self) -> Self:
        if self.species and self.density == 0:
            raise ValueError(
                "density is 0 but there are species to land: give landings per um^2 and second "
                "above 0, or use the preset 'buffer' for a blank movie"
            )
        if self.density > 0 and not self.species:
            raise ValueError(f"density is {self.density:g} but there is no species to land")
        return self


class MassPrior(Settings):
    """Masses to train on: a fraction uniform from low to middle, the rest from there to high."""

    low_kda: float = Field(30.0, gt=0)
    middle_kda: float = Field(100.0, gt=0)
    high_kda: float = Field(800.0, gt=0)
    low_fraction: float = Field(0.5, ge=0, le=1, description="fraction below the middle mass")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low_kda <= self.middle_kda <= self.high_kda:
            raise ValueError(
                f"masses {self.low_kda:g}, {self.middle_kda:g}, {self.high_kda:g} kDa must not fall"
            )
        return self


class CrowdSettings(Settings):
    """What else lands and leaves in the field, around a thumbnail and in the mean of the frames."""

    fraction: float = Field(
        0.0, ge=0, le=1, description="fraction of the events in a crowded field"
    )
    low_per_um2_s: float = Field(
        0.3, gt=0, description="lowest density of landings; uniform in logarithm"
    )
    high_per_um2_s: float = Field(30.0, gt=0, description="highest")
    motions: Motions = Field(
        {"binder": 0.4, "unbinder": 0.2, "roller": 0.2, "wobbler": 0.2},
        description="fraction of each kind of motion",
    )
    inside: bool = Field(
        False,
        description="what would land or leave in a thumbnail does, and makes a binder one of "
        "the neighbors; otherwise it is left out",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_per_um2_s > self.high_per_um2_s:
            raise ValueError("low_per_um2_s is above high_per_um2_s: swap or change them")
        return self


class ThumbnailSettings(Settings):
    """What simulated thumbnails are drawn from."""

    n_avg: int = Field(10, ge=1, le=500, description="frames averaged on each side")
    classes: Classes = Field(
        {"binder": 0.2, "unbinder": 0.2, "neighbors": 0.2, "roller": 0.2, "wobbler": 0.2},
        description="fraction of each class; the paper's five in equal parts",
    )
    masses: MassPrior = MassPrior()
    instrument: InstrumentSettings = InstrumentSettings()
    camera: CameraSettings = CameraSettings()
    background: BackgroundSettings = BackgroundSettings()
    disturbances: DisturbanceSettings = DisturbanceSettings()
    motion: MotionSettings = MotionSettings()
    crowd: CrowdSettings = CrowdSettings()

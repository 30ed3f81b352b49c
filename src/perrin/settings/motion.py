"""Settings of simulated movies of moving particles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from perrin.settings.base import Settings
from perrin.settings.optics import OpticsSettings
from perrin.settings.tracking import Contrast, ParticleKind

MOTIONS: tuple[str, ...] = (
    "superposition",
    "increments",
    "interleaved",
    "subordination",
    "brownian",
    "fbm",
    "ctrw",
    "sbm",
    "levy",
    "attm",
)
_MOST_COVERED = 0.5  # of the field by particles: beyond that nobody tells them apart


class MotionMovie(Settings):
    """A simulated movie: what moves and how, what it looks like, what the camera records.

    `MotionMovie.of` gives the usual numbers of each kind. Gold in liquid is seen in
    transmission (dark) or in dark field (bright); molecules on a membrane interferometrically.
    """

    kind: ParticleKind
    count: int = Field(20, ge=0, le=10_000, description="particles")
    frames: int = Field(300, ge=2, le=1_000_000, description="length of the movie")
    height_px: int = Field(256, ge=32, le=4096, description="rows")
    width_px: int = Field(256, ge=32, le=4096, description="columns")
    pixel_nm: float = Field(gt=0, description="pixel in the sample, nm")
    frame_interval_s: float = Field(gt=0, description="time from frame to frame, s")
    exposure: float = Field(0.0, ge=0, le=1, description="fraction of it with light: motion blur")
    contrast: Contrast = "dark"

    walk: str = Field("brownian", description="a mixture or a single walk")
    step_nm: float = Field(gt=0, description="rms one-frame displacement of one axis, nm")
    alpha: float = Field(0.7, gt=0, lt=2, description="exponent of a single walk")
    rotation_rad2_per_s: float = Field(0.0, ge=0, description="rotational diffusion coefficient")
    sticks_per_s: float = Field(0.0, ge=0, description="rate at which a particle sticks")
    stuck_s: float = Field(1.0, gt=0, description="mean time until it comes loose")
    leaves_per_s: float = Field(0.0, ge=0, description="rate at which a particle goes out of sight")
    away_s: float = Field(0.1, gt=0, description="mean time until it comes back")
    immobile: int = Field(0, ge=0, description="further particles that never move")

    length_nm: float = Field(0.0, ge=0, description="rods: from end to end, nm")
    width_nm: float = Field(0.0, ge=0, description="diameter of rods and spheres, nm")
    size_spread: float = Field(0.0, ge=0, lt=0.5, description="relative spread of both sizes")
    absorption_nm: float = Field(12.0, gt=0, description="gold that leaves 1/e of the electrons")
    blur_nm: float = Field(0.0, ge=0, description="blur by the microscope, standard deviation")

    mass_kda: float = Field(150.0, gt=0, description="molecules: mass")
    contrast_per_kda: float = Field(-3.8e-5, lt=0, description="contrast of a molecule a kDa")
    steps_to_kda: float | None = Field(
        None, gt=0, description="mass after the middle of the movie: assembly or disassembly"
    )
    optics: OpticsSettings = OpticsSettings()

    electrons: float = Field(gt=0, le=1e9, description="mean electrons in a pixel of a frame")
    electrons_per_count: float = Field(1.0, gt=0, description="gain")
    offset_counts: float = Field(0.0, ge=0, le=6e4, description="counts in the dark")
    falloff: float = Field(0.15, ge=0, lt=1, description="loss of light towards the corners")
    change: float = Field(0.05, ge=0, lt=0.5, description="slow change of the light, rms")
    change_s: float = Field(2.0, gt=0, description="its correlation time, s")
    texture: float = Field(0.01, ge=0, lt=0.2, description="rms structure of the membrane")
    drift_nm_per_s: float = Field(0.0, ge=0, description="steady drift of the stage")

    @classmethod
    def of(cls, kind: ParticleKind, **changes: Any) -> Self:
        """Return the usual movie of a kind, with `changes`."""
        return cls.model_validate({"kind": kind, **_USUAL[kind], **changes})

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.walk not in MOTIONS:
            raise ValueError(f"walk = {self.walk!r}: choose one of {', '.join(MOTIONS)}")
        if self.kind != "molecules" and self.width_nm < self.pixel_nm:
            raise ValueError(
                f"width_nm = {self.width_nm:g} is less than a pixel ({self.pixel_nm:g} nm)"
            )
        if self.kind == "rods" and self.length_nm <= self.width_nm:
            raise ValueError(f"length_nm = {self.length_nm:g}: a rod is longer than wide")
        if 1.5 * self.electrons / self.electrons_per_count + self.offset_counts > 65_535:
            raise ValueError(
                "electrons / electrons_per_count leaves no room in 16 bits; give a larger "
                "electrons_per_count"
            )
        covered = (self.count + self.immobile) * self.area_px / (self.height_px * self.width_px)
        if covered > _MOST_COVERED:
            raise ValueError(
                f"{self.count + self.immobile} particles of {self.area_px:.0f} px^2 cover "
                f"{covered:.0%} of {self.height_px} x {self.width_px} px; take fewer of them"
            )
        return self

    @property
    def area_px(self) -> float:
        """What one particle covers, px^2."""
        wide = 290.0 if self.kind == "molecules" else self.width_nm  # FWHM of the usual PSF
        long = self.length_nm if self.kind == "rods" else wide
        return wide * long / self.pixel_nm**2


_USUAL: Mapping[ParticleKind, Mapping[str, Any]] = {
    "rods": {
        "pixel_nm": 0.5,
        "frame_interval_s": 0.01,
        "step_nm": 1.0,
        "rotation_rad2_per_s": 0.5,
        "length_nm": 14.0,
        "width_nm": 5.0,
        "blur_nm": 0.4,
        "electrons": 100.0,
        "count": 12,
    },
    "spheres": {
        "pixel_nm": 1.0,
        "frame_interval_s": 0.01,
        "step_nm": 2.0,
        "width_nm": 8.0,
        "blur_nm": 0.8,
        "electrons": 100.0,
    },
    "molecules": {
        "pixel_nm": 72.0,
        "frame_interval_s": 3 / 726,
        "step_nm": 80.0,
        "electrons": 8e5,
        "electrons_per_count": 20.0,
        "offset_counts": 10.0,
        "height_px": 128,
        "width_px": 128,
        "texture": 0.012,
        "change": 0.001,
        "count": 12,
    },
}

"""Settings of what disturbs a landing assay beyond the steady background of a good instrument."""

from __future__ import annotations

from pydantic import Field

from perrin.settings.base import Settings


class DisturbanceSettings(Settings):
    """What some instruments and samples show besides the background; each part is off at 0."""

    gradient: float = Field(
        0.0, ge=0, lt=0.3, description="slope of the light that drifts: rms at the edges, each axis"
    )
    gradient_time_s: float = Field(0.5, ge=0.01, le=1e4, description="its correlation time, s")
    fringe_contrast: float = Field(
        0.0, ge=0, lt=0.3, description="moving interference fringes, rms contrast"
    )
    fringe_period_um: float = Field(4.0, gt=0.2, le=1e3, description="from one to the next, um")
    fringe_hz: float = Field(
        0.7,
        ge=0,
        le=1e3,
        description="fringes that pass in a second, and rms of what their "
        "phase wanders by besides, rad",
    )
    speckle_contrast: float = Field(
        0.0, ge=0, lt=0.2, description="further speckle that changes at its own pace, rms contrast"
    )
    speckle_time_s: float = Field(0.1, ge=0.004, le=1e4, description="its correlation time, s")
    debris_per_um2: float = Field(
        0.0, ge=0, le=20, description="particles that diffuse above the glass, by area"
    )
    debris_contrast: float = Field(4e-3, ge=0, lt=0.5, description="their contrast, in focus")
    debris_um2_per_s: float = Field(
        0.1, ge=0, le=100, description="their diffusion coefficient, along each axis"
    )

    @property
    def any(self) -> bool:
        """Whether anything is disturbed at all."""
        parts = self.gradient, self.fringe_contrast, self.speckle_contrast, self.debris_per_um2
        return max(parts) > 0

"""Settings of the analytic point-spread function."""

from __future__ import annotations

from pydantic import Field

from perrin.settings.base import Settings


class OpticsSettings(Settings):
    """Two jinc functions times a Gaussian, the analytic PSF of mass photometry.

    The first jinc is the collection pupil (numerical aperture and wavelength), the second
    a narrower pupil that stands for the partially reflecting mask; the Gaussian envelope
    damps the rings (paper 002, Training Data Generation, after Lee, Marshall et al. 2018).
    The defaults give a full width at half maximum near 290 nm, that of a TwoMP-like
    instrument; where a movie is at hand, build an empirical PSF from it instead.
    """

    numerical_aperture: float = Field(1.42, gt=0.1, le=1.6)
    wavelength_nm: float = Field(488.0, gt=200, lt=1100, description="vacuum wavelength, nm")
    second_scale: float = Field(
        0.6, gt=0.1, lt=1.5, description="aperture of the second jinc over that of the first"
    )
    second_weight: float = Field(
        0.5, ge=-1.0, le=1.0, description="fraction of the second jinc in the central amplitude"
    )
    envelope_nm: float = Field(
        260.0, gt=50, lt=5000, description="standard deviation of the Gaussian envelope, nm"
    )


class PupilSettings(Settings):
    """A pupil function: what an objective makes of a point on the glass, with its aberrations.

    See `perrin.optics.pupil`. Aberrations are Zernike terms by their rms over the pupil.
    """

    numerical_aperture: float = Field(1.42, gt=0.3, le=1.6)
    wavelength_nm: float = Field(488.0, gt=200, lt=1100, description="vacuum wavelength, nm")
    immersion_index: float = Field(1.518, gt=1, lt=2, description="of glass and immersion oil")
    sample_index: float = Field(1.33, ge=1, lt=2, description="of the buffer")
    apodization: float = Field(
        0.0,
        ge=-3,
        le=6,
        description="how much darker the edge of the pupil is: amplitude exp(-a rho^2)",
    )
    mask_radius: float = Field(
        0.5, gt=0, lt=1, description="radius of a mask in the middle, over that of the pupil"
    )
    mask_transmission: float = Field(
        1.0, ge=0, le=1, description="amplitude that passes it; 1 without a mask"
    )
    defocus_nm: float = Field(0.0, ge=-2000, le=2000, description="distance from focus, nm")
    spherical_rad: float = Field(0.0, ge=-3, le=3, description="spherical aberration, rms")
    astigmatism_rad: float = Field(0.0, ge=-3, le=3, description="astigmatism, rms")
    coma_rad: float = Field(0.0, ge=-3, le=3, description="coma, rms")
    angle_deg: float = Field(
        0.0, ge=-360, le=360, description="direction of astigmatism and coma in the image"
    )

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

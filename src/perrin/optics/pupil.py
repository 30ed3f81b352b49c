"""The amplitude point-spread function of a pupil: aperture, interface, mask and aberrations.

The image of a dipole on the glass, in the plane of the glass and averaged over its directions (as
in circularly polarized light), through a round pupil. Its wave passes into the glass as Fresnel's
equations have it, also beyond the critical angle, where its phase turns (Novotny and Hecht,
Principles of Nano-Optics, chapter 10); defocus is ``n k cos(theta)`` times the distance,
aberrations are Zernike terms. The signal of an interferometric image is the part of that field
that is in phase with its center.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.optics.psf import HALF_WIDTH_PX, SAMPLES_PER_PIXEL, Psf
from perrin.settings.optics import PupilSettings
from perrin.settings.simulation import InstrumentSettings
from perrin.types import FloatArray

_POINTS = 2400  # of the pupil; the sum is within 1e-3 of the integral to 12 px of 120 nm
_STEEPEST = 0.995  # sine of the largest angle in the glass


def psf_of(instrument: InstrumentSettings) -> Psf:
    """Return the PSF of an instrument: of its pupil where it has one, else of its two jincs."""
    if instrument.pupil is None:
        return Psf.analytic(instrument.optics, pixel_nm=instrument.pixel_nm)
    return pupil_psf(instrument.pupil, pixel_nm=instrument.pixel_nm)


def pupil_psf(pupil: PupilSettings, *, pixel_nm: float) -> Psf:
    """Return the PSF of a pupil, averaged over a pixel, value 1 at its center.

    Raises `PerrinError` for a pixel size of 0 or below, or aberrations that leave the center dark.
    """
    if not pixel_nm > 0:
        raise PerrinError(f"pixel size is {pixel_nm} nm; it must be above 0")
    point = np.arange(_POINTS) + 0.5
    rho, phi = np.sqrt(point / _POINTS), point * np.pi * (3 - np.sqrt(5))  # equal areas
    wave = 2 * np.pi * pupil.numerical_aperture / pupil.wavelength_nm * rho * pixel_nm
    along_x, along_y = wave * np.cos(phi), wave * np.sin(phi)  # rad for a pixel
    weight = _amplitude(pupil, rho) * np.exp(1j * _phase(pupil, rho, phi))
    weight *= np.sinc(along_x / (2 * np.pi)) * np.sinc(along_y / (2 * np.pi))  # of the pixel
    half = HALF_WIDTH_PX * SAMPLES_PER_PIXEL
    axis = np.arange(-half, half + 1) / SAMPLES_PER_PIXEL
    rows = np.exp(1j * np.outer(axis, along_y)) * weight
    field = rows @ np.exp(1j * np.outer(axis, along_x)).T
    samples = np.real(field * np.conj(field[half, half]))
    card = {"kind": "pupil", **pupil.model_dump()}
    return Psf.from_samples(samples / np.abs(samples).max(), pixel_nm=pixel_nm, card=card)


def _amplitude(pupil: PupilSettings, rho: FloatArray) -> NDArray[np.complex128]:
    """What a dipole on the glass sends through the points of the pupil, complex."""
    glass, water = pupil.immersion_index, pupil.sample_index
    aperture = min(pupil.numerical_aperture, _STEEPEST * glass)
    along = aperture * rho  # over the wave number in vacuum
    in_glass = np.sqrt(glass**2 - along**2)
    in_water = np.sqrt((water**2 - along**2).astype(np.complex128))
    across = in_glass / (in_water + in_glass)
    within = glass * water * in_water / (glass**2 * in_water + water**2 * in_glass)
    within = within * in_glass / water  # of the dipole: its p wave carries cos(theta)
    sent = (across + within) / np.sqrt(in_glass / glass)  # aplanatic
    masked = np.where(rho < pupil.mask_radius, pupil.mask_transmission, 1.0)
    passed: NDArray[np.complex128] = sent * masked * np.exp(-pupil.apodization * rho**2)
    return passed


def _phase(pupil: PupilSettings, rho: FloatArray, phi: FloatArray) -> FloatArray:
    """Phase of defocus and aberrations at points of the pupil, rad."""
    aperture = min(pupil.numerical_aperture, _STEEPEST * pupil.immersion_index)
    in_glass = np.sqrt(pupil.immersion_index**2 - (aperture * rho) ** 2)
    phase = 2 * np.pi / pupil.wavelength_nm * pupil.defocus_nm * in_glass
    turned = phi - np.deg2rad(pupil.angle_deg)
    phase += pupil.spherical_rad * np.sqrt(5) * (6 * rho**4 - 6 * rho**2 + 1)
    phase += pupil.astigmatism_rad * np.sqrt(6) * rho**2 * np.cos(2 * turned)
    phase += pupil.coma_rad * np.sqrt(8) * (3 * rho**3 - 2 * rho) * np.cos(turned)
    return np.asarray(phase)

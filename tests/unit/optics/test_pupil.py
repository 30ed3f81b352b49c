"""The PSF of a pupil: limits that are known in closed form, and what aberrations do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j1

from perrin.errors import PerrinError
from perrin.optics.psf import Psf
from perrin.optics.pupil import psf_of, pupil_psf
from perrin.settings.optics import OpticsSettings, PupilSettings
from perrin.settings.simulation import InstrumentSettings

PIXEL_NM = 72.0


def _psf(**changes: float) -> Psf:
    return pupil_psf(PupilSettings(**changes), pixel_nm=PIXEL_NM)


def test_a_low_aperture_is_a_jinc_averaged_over_a_pixel() -> None:
    """Where all angles are small, interface and apodization are the same all over the pupil."""
    psf = pupil_psf(PupilSettings(numerical_aperture=0.31), pixel_nm=300.0)
    fine = (np.arange(-20, 21) / 41) * 300.0

    def amplitude(x_nm: float, y_nm: float) -> float:
        r = np.hypot(*np.meshgrid(x_nm + fine, y_nm + fine)) * 2 * np.pi * 0.31 / 488 + 1e-9
        return float((2 * j1(r) / r).mean())

    image = psf.image(15)
    for dx, dy in [(1, 0), (2, 0), (3, 0), (2, 3), (0, 5)]:
        expected = amplitude(300 * dx, 300 * dy) / amplitude(0, 0)
        # what is left is of the order of the square of the largest angle, (0.31 / 1.33)^2 / 4
        assert image[7 + dy, 7 + dx] == pytest.approx(expected, abs=0.014)


def test_it_is_round_without_aberrations_and_has_the_ring_of_a_full_pupil() -> None:
    psf = _psf()
    samples = psf.samples()
    np.testing.assert_allclose(samples, samples.T, atol=5e-3)
    np.testing.assert_allclose(samples, samples[::-1, ::-1], atol=5e-3)
    assert psf.ring() == pytest.approx(-0.13, abs=0.01)  # of a jinc: -.132
    assert psf.fwhm_px() * PIXEL_NM == pytest.approx(0.705 * 488 / 1.42, rel=0.03)


def test_a_mask_makes_the_ring_deeper_and_a_dark_edge_shallower() -> None:
    full, masked, soft = _psf(), _psf(mask_transmission=0.0), _psf(apodization=2.0)
    assert masked.ring() < full.ring() - 0.1 < soft.ring() - 0.15
    assert masked.fwhm_px() < full.fwhm_px() < soft.fwhm_px()


def test_coma_points_where_it_is_turned_to_and_astigmatism_is_even() -> None:
    east, north = (_psf(coma_rad=0.5, angle_deg=angle).samples() for angle in (0, 90))
    np.testing.assert_allclose(east, north.T, atol=0.01)
    np.testing.assert_allclose(east, east[::-1], atol=0.01)
    assert np.abs(east - east[:, ::-1]).max() > 0.2
    astigmatic = _psf(astigmatism_rad=0.7).samples()
    np.testing.assert_allclose(astigmatic, astigmatic[::-1, ::-1], atol=0.01)
    assert np.abs(astigmatic - astigmatic.T).max() > 0.02


def test_the_points_of_the_pupil_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _psf(defocus_nm=300, spherical_rad=0.5).samples()
    monkeypatch.setattr("perrin.optics.pupil._POINTS", 30_000)
    exact = _psf(defocus_nm=300, spherical_rad=0.5).samples()
    near = slice(16, -16)  # 8 pixels
    np.testing.assert_allclose(found[near, near], exact[near, near], atol=0.01)


def test_an_instrument_has_the_psf_of_its_pupil_or_of_its_two_jincs() -> None:
    pupil = PupilSettings(defocus_nm=100)
    own = psf_of(InstrumentSettings(pupil=pupil))
    np.testing.assert_array_equal(own.coefficients, _psf(defocus_nm=100).coefficients)
    assert own.card["defocus_nm"] == 100
    plain = psf_of(InstrumentSettings())
    expected = Psf.analytic(OpticsSettings(), pixel_nm=PIXEL_NM)
    np.testing.assert_array_equal(plain.coefficients, expected.coefficients)


def test_refuses_pixels_without_size() -> None:
    with pytest.raises(PerrinError, match="pixel size is 0"):
        pupil_psf(PupilSettings(), pixel_nm=0)

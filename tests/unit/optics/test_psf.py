from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import j1

from perrin.errors import PerrinError
from perrin.optics.psf import Psf, evaluate, evaluate_with_slopes
from perrin.settings.optics import OpticsSettings

PSF = Psf.analytic(pixel_nm=72.0)


def test_is_the_formula_averaged_over_a_pixel() -> None:
    optics = OpticsSettings()
    fine = (np.arange(-8, 9) / 17) * 72.0

    def amplitude(x: float, y: float) -> float:
        r = np.hypot(*np.meshgrid(x + fine, y + fine)) + 1e-9
        k = 2 * np.pi * optics.numerical_aperture / optics.wavelength_nm
        jinc = 2 * j1(k * r) / (k * r)
        wide = 2 * j1(optics.second_scale * k * r) / (optics.second_scale * k * r)
        mix = (1 - optics.second_weight) * jinc + optics.second_weight * wide
        return float(np.mean(mix * np.exp(-0.5 * (r / optics.envelope_nm) ** 2)))

    for dx, dy in [(0, 0), (1, 0), (2, 3), (0, 5)]:
        found = PSF.image(13)[6 + dy, 6 + dx]
        assert found == pytest.approx(amplitude(72 * dx, 72 * dy) / amplitude(0, 0), abs=2e-3)


@settings(deadline=None)
@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_slopes_are_derivatives(x: float, y: float) -> None:
    value, by_x, by_y = (np.empty((13, 13)) for _ in range(3))
    evaluate_with_slopes(PSF.coefficients, 6 + x, 6 + y, value, by_x, by_y)
    np.testing.assert_allclose(value, PSF.image(13, dx=x, dy=y), atol=1e-12)
    step = 1e-5
    for slope, dx, dy in [(by_x, step, 0.0), (by_y, 0.0, step)]:
        ahead, behind = np.empty((13, 13)), np.empty((13, 13))
        evaluate(PSF.coefficients, 6 + x + dx, 6 + y + dy, ahead)
        evaluate(PSF.coefficients, 6 + x - dx, 6 + y - dy, behind)
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), atol=1e-5)


@given(x=st.floats(-1, 1), y=st.floats(-1, 1))
def test_is_round_and_moves_with_its_center(x: float, y: float) -> None:
    image = PSF.image(17, dx=x, dy=y)
    np.testing.assert_allclose(image, PSF.image(17, dx=y, dy=x).T, atol=1e-9)
    np.testing.assert_allclose(image, PSF.image(17, dx=-x, dy=-y)[::-1, ::-1], atol=1e-9)


def test_vanishes_beyond_its_half_width() -> None:
    assert PSF.image(31)[0, 0] == 0.0
    assert abs(PSF.image(25)[12, 0]) < 1e-2


def test_width_is_that_of_its_settings() -> None:
    narrow = Psf.analytic(OpticsSettings(second_weight=0.0), pixel_nm=72.0)
    # A jinc of NA 1.42 at 488 nm: 0.705 * wavelength / NA, less the envelope, plus the pixel.
    assert narrow.fwhm_px() * 72 == pytest.approx(0.705 * 488 / 1.42, rel=0.1)
    assert PSF.fwhm_px() > narrow.fwhm_px()


def test_file_round_trip_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "psf.npz"
    PSF.save(path)
    again = Psf.load(path)
    np.testing.assert_array_equal(again.coefficients, PSF.coefficients)
    assert (again.pixel_nm, again.card) == (PSF.pixel_nm, PSF.card)
    (tmp_path / "junk.npz").write_bytes(b"junk")
    (tmp_path / "half.npz").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    np.savez(tmp_path / "other.npz", values=np.ones(3))
    for name in ("junk.npz", "half.npz", "other.npz", "absent.npz"):
        with pytest.raises(PerrinError, match=name):
            Psf.load(tmp_path / name)


def test_bad_samples_are_refused() -> None:
    with pytest.raises(PerrinError, match=r"shape \(3, 3\)"):
        Psf.from_samples(np.ones((3, 3)), pixel_nm=72.0, card={})
    off_center = np.zeros((97, 97))
    off_center[10, 10] = 1.0
    with pytest.raises(PerrinError, match="center the samples"):
        Psf.from_samples(off_center, pixel_nm=72.0, card={})
    with pytest.raises(PerrinError, match="pixel size is -1"):
        Psf.analytic(pixel_nm=-1.0)
    with pytest.raises(PerrinError, match="made for pixels of 72 nm"):
        PSF.check_pixel(80.0)

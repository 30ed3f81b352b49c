from __future__ import annotations

import numpy as np
import pytest

from perrin.landing.exchange import PsfExchange
from perrin.optics.psf import Psf

DEFAULT = Psf.analytic(pixel_nm=72)


def stacks_of(psf: Psf, size: int, *, dx: float, dy: float, contrast: float = -0.02) -> np.ndarray:
    """One landing in frame 30 of 60, without noise."""
    stacks = np.ones((1, 60, size, size), np.float32)
    stacks[0, 31:] += (contrast * psf.image(size, dx=dx, dy=dy)).astype(np.float32)
    return stacks


def exchanged(psf: Psf, *, dx: float, dy: float, noise: float = 0.0) -> np.ndarray:
    exchange = PsfExchange.between(psf, DEFAULT)
    assert exchange is not None
    size = 17 + 2 * exchange.margin_px
    stacks = stacks_of(psf, size, dx=dx, dy=dy)
    stacks += (noise * np.random.default_rng(0).standard_normal(stacks.shape)).astype(np.float32)
    found, inside = exchange.apply(
        stacks,
        np.ones((1, size, size), bool),
        before=30,
        dx_px=np.array([dx]),
        dy_px=np.array([dy]),
    )
    assert found.shape == (1, 60, 17, 17)
    assert inside.all()
    return found


@pytest.mark.parametrize(("fwhm_nm", "ring"), [(250, -0.13), (230, -0.27), (240, -0.46), (330, 0)])
def test_a_landing_gets_the_psf_of_the_networks_and_keeps_its_contrast(
    fwhm_nm: float, ring: float
) -> None:
    psf = Psf.ringed(fwhm_nm=fwhm_nm, ring=ring, pixel_nm=72)
    found = exchanged(psf, dx=0.3, dy=-0.2)
    wanted = stacks_of(DEFAULT, 17, dx=0.3, dy=-0.2)
    window = (0, slice(31, None), slice(2, 15), slice(2, 15))
    error = found[window].mean(axis=0) - wanted[window].mean(axis=0)
    error -= error.mean()  # a constant is free
    assert np.abs(error).max() < 0.05 * 0.02
    np.testing.assert_allclose(found[0, :31], 1.0, atol=1e-5)


def test_noise_stays_about_what_it_was() -> None:
    psf = Psf.ringed(fwhm_nm=240, ring=-0.46, pixel_nm=72)
    noise = 1e-3
    rest = exchanged(psf, dx=0.0, dy=0.0, noise=noise)[0, :30]
    assert rest.std() == pytest.approx(noise, rel=0.1)


def test_the_same_psf_is_no_exchange() -> None:
    assert PsfExchange.between(DEFAULT, Psf.analytic(pixel_nm=72)) is None


def test_beyond_the_field_stays_one() -> None:
    psf = Psf.ringed(fwhm_nm=240, ring=-0.46, pixel_nm=72)
    exchange = PsfExchange.between(psf, DEFAULT)
    assert exchange is not None
    stacks = stacks_of(psf, 33, dx=0.0, dy=0.0)
    inside = np.ones((1, 33, 33), bool)
    inside[:, :12] = False
    stacks.transpose(0, 2, 3, 1)[~inside] = 1.0
    found, field = exchange.apply(stacks, inside, before=30, dx_px=np.zeros(1), dy_px=np.zeros(1))
    assert not field[0, :4].any()
    assert field[0, 4:].all()
    assert (found[0][:, :4] == 1.0).all()

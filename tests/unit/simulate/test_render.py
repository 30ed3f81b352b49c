"""Molecules on pixels and frames."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.optics.psf import Psf
from perrin.simulate.motions import Particles
from perrin.simulate.render import multiply_landings, widening_coefficients


def _molecule(
    *,
    land: float = 4.0,
    leave: float = np.inf,
    x: tuple[float, ...] = (16.0,),
    y: tuple[float, ...] = (16.0,),
    step_frames: float = 0.0,
    contrast: float = -0.01,
    widening: float = 0.0,
) -> Particles:
    return Particles(
        land=np.array([land]),
        leave=np.array([leave]),
        x=np.array([x]),
        y=np.array([y]),
        steps=np.array([len(x) - 1]),
        step_frames=np.array([step_frames]),
        contrast=np.array([contrast]),
        widening=np.array([widening]),
    )


def _light(
    particles: Particles, psf: Psf, *, window: tuple[int, int, int] = (0, 0, 0), side: int = 33
) -> np.ndarray:
    light = np.ones((1, 12, side, side), np.float32)
    multiply_landings(
        light,
        particles,
        window=np.array([window]),
        owned=np.array([0, len(particles)]),
        psf=psf,
        wider=widening_coefficients(psf),
    )
    return light[0]


def test_a_binder_is_the_psf_from_its_landing_on(psf: Psf) -> None:
    light = _light(_molecule(land=4.25, x=(16.3,), y=(15.6,)), psf)
    expected = psf.image(33, dx=0.3, dy=-0.4)
    assert (light[:4] == 1).all()
    np.testing.assert_allclose(light[4] - 1, -0.01 * 0.75 * expected, atol=1e-6)
    for frame in light[5:]:
        np.testing.assert_allclose(frame - 1, -0.01 * expected, atol=1e-6)


def test_a_molecule_that_leaves_has_the_share_of_the_frame(psf: Psf) -> None:
    trace = _light(_molecule(land=3.5, leave=7.25), psf)[:, 16, 16] - 1
    expected = np.zeros(12)
    expected[3:8] = [0.5, 1, 1, 1, 0.25]
    np.testing.assert_allclose(trace, -0.01 * expected, atol=1e-6)


def test_landing_and_leaving_in_one_frame(psf: Psf) -> None:
    trace = _light(_molecule(land=3.25, leave=3.5), psf)[:, 16, 16] - 1
    assert trace[3] == pytest.approx(-0.0025, abs=1e-6)
    assert (trace[4:] == 0).all()


def test_a_moving_molecule_is_blurred_along_its_path(psf: Psf) -> None:
    light = _light(_molecule(land=4.0, x=(10.0, 16.0), y=(16.0, 16.0), step_frames=6.0), psf)
    path = np.linspace(10.0, 11.0, 2001)
    blurred = np.mean([psf.image(33, dx=at - 16) for at in path], axis=0)
    np.testing.assert_allclose(light[4] - 1, -0.01 * blurred, atol=2e-5 * 1.0)
    resting = psf.image(33)
    np.testing.assert_allclose(light[10] - 1, -0.01 * resting, atol=1e-6)


def test_blur_keeps_the_sum_of_the_light(psf: Psf) -> None:
    still = _light(_molecule(), psf)[6] - 1
    moving = _light(_molecule(x=(13.0, 19.0), y=(14.0, 18.0), step_frames=6.0), psf)[6] - 1
    assert moving.sum() == pytest.approx(still.sum(), rel=1e-3)


def test_factors_multiply(psf: Psf) -> None:
    one = _molecule(contrast=-0.2)
    two = _molecule(contrast=-0.2, x=(18.0,))
    both = Particles(
        *(np.concatenate(pair) for pair in zip(vars(one).values(), vars(two).values(), strict=True))
    )
    product = _light(one, psf) * _light(two, psf)
    np.testing.assert_allclose(_light(both, psf), product, rtol=1e-6)


def test_a_window_shows_its_part_of_the_field(psf: Psf) -> None:
    moving = _molecule(land=4.6, leave=9.3, x=(12.2, 17.7), y=(15.0, 13.0), step_frames=3.0)
    field = _light(moving, psf)
    window = _light(moving, psf, window=(2, 5, 7), side=17)
    np.testing.assert_allclose(window[:10], field[2:, 5:22, 7:24], atol=1e-6)


def test_nothing_reaches_a_far_window(psf: Psf) -> None:
    assert (_light(_molecule(x=(100.0,), y=(-80.0,)), psf) == 1).all()


def test_landed_before_the_window_and_not_yet_landed(psf: Psf) -> None:
    before = _light(_molecule(land=-50.5), psf)
    np.testing.assert_allclose(before[0] - 1, -0.01 * psf.image(33), atol=1e-6)
    assert (_light(_molecule(land=12.5), psf) == 1).all()
    assert (_light(_molecule(land=-50.5, leave=-3.0), psf) == 1).all()


def test_widening_makes_the_psf_wider_by_that_factor(psf: Psf) -> None:
    light = _light(_molecule(contrast=-0.5, widening=0.05), psf)[8]
    shape = (light - 1) / -0.5
    # the wide PSF at 16 + d is the normal one at 16 + d / 1.05
    at = np.array([1.0, 2.0, 3.0])
    normal = [psf.image(1, dx=-d / 1.05)[0, 0] for d in at]
    np.testing.assert_allclose(shape[16, 16 + at.astype(int)], normal, atol=4e-3)
    assert shape[16, 16] == pytest.approx(1, abs=1e-3)

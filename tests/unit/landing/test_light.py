from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.landing.light import evened, light_field, plane, shifted, values
from perrin.landing.ratiometric import ratiometric
from perrin.optics.psf import Psf


def speckled(rng: np.random.Generator) -> np.ndarray:
    """A static field (1, 21, 33) of light with structure."""
    return 1 + 0.05 * rng.standard_normal((1, 21, 33))


def gradients(rng: np.random.Generator, count: int, size: float) -> np.ndarray:
    """Planes (count, 3) about 1 in the middle of that field, of this size at its edge."""
    mean = rng.uniform(0.5, 1.5, count)
    slopes = size * mean[:, None] * rng.uniform(-1, 1, (count, 2)) / (10, 16)
    return np.column_stack([mean - slopes @ (10, 16), slopes])


def test_the_plane_is_that_of_least_squares() -> None:
    frames = np.random.default_rng(0).integers(100, 60_000, (3, 7, 12)).astype(np.uint16)
    y, x = np.mgrid[:7, :12]
    design = np.column_stack([np.ones(84), y.ravel(), x.ravel()])
    expected = np.linalg.lstsq(design, frames.reshape(3, -1).T.astype(float), rcond=None)[0].T
    np.testing.assert_allclose(light_field(frames), expected, rtol=1e-9)


def test_power_and_gradient_of_the_laser_are_divided_out() -> None:
    rng = np.random.default_rng(2)
    quiet = np.repeat(speckled(rng), 30, axis=0)
    moving = quiet * values(gradients(rng, 30, 0.01), height=21, width=33)
    found = ratiometric(evened(moving, light_field(moving)), n_avg=4)
    by_mean = ratiometric(moving / moving.mean(axis=(1, 2), keepdims=True), n_avg=4)
    assert np.abs(by_mean).max() > 3e-3
    # what remains is of the order of gradient times speckle over the pixels of a frame
    assert np.abs(found).max() < 1e-4


def test_a_landing_keeps_its_contrast_and_a_flat_surrounding() -> None:
    frames = np.ones((30, 38, 151))
    image = Psf.analytic(pixel_nm=72).image(17)
    frames[15:, 1:18, 5:22] -= 0.02 * image
    found = ratiometric(evened(frames, light_field(frames)), n_avg=5)[14 - 5]
    window = found[1:18, 5:22]
    amplitude, background = np.linalg.lstsq(
        np.column_stack([image.ravel(), np.ones(289)]), window.ravel(), rcond=None
    )[0]
    assert amplitude == pytest.approx(-0.02, rel=2e-3)
    assert 0 < background < 1e-3  # in a corner of the field the plane follows most


def test_a_patch_gives_the_numbers_of_the_whole_frame() -> None:
    frames = np.random.default_rng(3).uniform(1, 2, (25, 9, 9))
    light = light_field(frames)
    whole = evened(frames, light)
    patch = evened(frames[:, 2:6, 3:8], shifted(light, row=2, column=3))
    np.testing.assert_allclose(patch, whole[:, 2:6, 3:8], rtol=1e-6)


def test_light_in_one_corner_makes_no_dark_one() -> None:
    frames = np.full((1, 20, 20), 10.0)
    frames[0, :4, :4] = 60_000.0
    light = light_field(frames)
    assert values(light, height=20, width=20).min() >= 0.19 * frames.mean()
    assert np.isfinite(evened(frames, light)).all()


def test_one_row_has_no_slope() -> None:
    np.testing.assert_allclose(light_field(np.full((2, 1, 1), 5.0)), [[5, 0, 0], [5, 0, 0]])
    flat = plane(np.array([2.0]), np.zeros(1), np.zeros(1), field=(8, 9))
    np.testing.assert_allclose(flat, [[2, 0, 0]])


def test_errors_name_the_frame() -> None:
    black = np.ones((5, 2, 2))
    black[3] = 0
    with pytest.raises(PerrinError, match=r"frame 3 .* mean of 0 counts"):
        light_field(black)
    holed = np.ones((5, 2, 2))
    holed[1, 0, 0] = np.nan
    with pytest.raises(PerrinError, match="frame 501 has a mean of nan"):
        light_field(holed, first_frame=500)

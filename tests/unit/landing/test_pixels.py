from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.pixels import find_bad_pixels, without_bad_pixels
from perrin.optics.psf import Psf


def movie_of(frames: np.ndarray) -> Movie:
    return Movie(frames=frames, frame_interval_s=0.004, pixel_nm=72.0, landing_sign=-1)


def clean(seed: int = 0, level: float = 40_000.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    static = level * (1 + 0.012 * rng.standard_normal((24, 40)))
    counts = static + np.sqrt(static) * 0.22 * rng.standard_normal((300, 24, 40))
    return np.rint(counts).astype(np.uint16)


def test_a_clean_movie_stays_what_it_is() -> None:
    movie = movie_of(clean())
    same, found = without_bad_pixels(movie)
    assert same is movie
    assert found.notes == ()
    assert found.saturated_fraction == 0


def test_each_kind_is_found_and_counted() -> None:
    frames = clean()
    frames[:, 3, 4] = 0
    frames[:, 5, 30] = 65_000
    frames[:, 20, 20] += (3000 * (np.random.default_rng(1).random(300) < 0.2)).astype(np.uint16)
    found = find_bad_pixels(movie_of(frames))
    assert found.dead[3, 4]
    assert found.hot[5, 30] | found.saturated[5, 30]
    assert found.flickering[20, 20]
    assert found.any.sum() == 3
    assert "3" in str(sum(found.counts.values()))
    assert found.notes[0].startswith("1 dead")


def test_counts_that_pile_up_are_saturated() -> None:
    frames = np.minimum(clean(), 40_700)
    found = find_bad_pixels(movie_of(frames))
    expected = frames == 40_700
    assert found.saturated.sum() == pytest.approx((expected.mean(axis=0) > 0.01).sum(), abs=3)
    assert found.saturated_fraction == pytest.approx(expected.mean(), rel=0.2)
    with pytest.raises(PerrinError, match="do not see"):
        without_bad_pixels(movie_of(np.minimum(clean(), 39_500)))


def test_few_levels_are_not_saturation() -> None:
    frames = clean(level=180.0)  # 8 bits: every count is hit by many pixels
    assert find_bad_pixels(movie_of(frames)).saturated_fraction == 0


def test_a_filled_pixel_has_what_the_spot_has_there() -> None:
    image = Psf.analytic(pixel_nm=72).image(17, dx=0.3, dy=-0.2)
    frames = np.full((120, 17, 17), 40_000.0)
    frames[60:] *= 1 + 0.02 * image
    whole = frames.copy()
    frames[:, 8, 8] = 0
    frames[:, 7, 9] = 0
    filled, found = without_bad_pixels(movie_of(np.rint(frames).astype(np.uint16)))
    assert found.counts["dead"] == 2
    after = filled.frames[60:61][0].astype(float)
    for y, x in ((8, 8), (7, 9)):
        error = (after[y, x] - whole[60, y, x]) / 40_000
        assert abs(error) < 0.02 * 0.06
    np.testing.assert_array_equal(np.asarray(filled.frames[3:5]), np.full((2, 17, 17), 40_000))

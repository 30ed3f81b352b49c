from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.epsf import build_epsf, measure_epsf, ring_left
from perrin.optics.psf import Psf, evaluate

PlainMovie = Callable[..., Movie]


@pytest.fixture(scope="module")
def busy() -> tuple[list[tuple[float, float, float, float]], pd.DataFrame]:
    rng = np.random.default_rng(7)
    scene = [
        (25.0 + 24 * i + rng.uniform(), rng.uniform(12, 26), 16.0 + 30 * j + rng.uniform(), -0.01)
        for i in range(30)
        for j in range(2)
    ]
    moment, y, x, contrast = np.array(scene).T
    events = pd.DataFrame(
        {
            "frame": moment.astype(np.int64),
            "y_px": y,
            "x_px": x,
            "contrast": contrast,
            "neighbor_px": np.nan,
            "label": "",
        }
    )
    return scene, events


def test_recovers_the_psf_of_the_movie(plain_movie: PlainMovie, psf: Psf, busy) -> None:  # type: ignore[no-untyped-def]
    scene, events = busy
    movie = plain_movie(scene, n_frames=780)
    result = build_epsf(movie, events, contrast_range=(-0.02, -0.005), n_avg=10)
    assert (result.offered, result.used) == (60, 48)
    # Noise of a ratiometric pixel over contrast, over the root of the events: 0.7%.
    expected = np.sqrt(2 / (10 * 8e5)) / 0.01 / np.sqrt(result.used)
    error = result.psf.image(13) - psf.image(13)
    assert np.sqrt(np.mean(error**2)) < 2.5 * expected
    assert result.psf.image(13)[6, 6] == pytest.approx(1.0)
    assert result.psf.card["kind"] == "empirical"


def test_leaves_out_the_least_similar(plain_movie: PlainMovie, psf: Psf, busy) -> None:  # type: ignore[no-untyped-def]
    scene, events = busy
    movie = plain_movie(scene[:50], n_frames=780)  # ten events are noise only
    result = build_epsf(movie, events, contrast_range=(-0.02, -0.005), n_avg=10)
    assert result.similarity[50:].max() < result.similarity[:50].min()
    assert result.psf.fwhm_px() == pytest.approx(psf.fwhm_px(), rel=0.03)


def test_neighbors_and_failed_fits_do_not_take_part(plain_movie: PlainMovie, busy) -> None:  # type: ignore[no-untyped-def]
    scene, events = busy
    movie = plain_movie(scene, n_frames=780)
    events = events.assign(neighbor_px=np.where(np.arange(60) < 20, 5.0, np.nan))
    events.loc[20:24, "label"] = "not fitted"
    assert build_epsf(movie, events, contrast_range=(-0.02, -0.005), n_avg=10).offered == 35
    with pytest.raises(PerrinError, match="only 0 isolated events"):
        build_epsf(movie, events, contrast_range=(-0.003, -0.002), n_avg=10)
    with pytest.raises(PerrinError, match=r"keep is 1\.5"):
        build_epsf(movie, events, contrast_range=(-0.02, -0.005), n_avg=10, keep=1.5)


def test_a_ring_that_the_psf_has_not_is_left(plain_movie: PlainMovie, psf: Psf, busy) -> None:  # type: ignore[no-untyped-def]
    scene, events = busy
    movie = plain_movie(scene, n_frames=780)
    events = events.assign(contrast_se=4e-4)
    left, error = ring_left(movie, events, psf=psf, n_avg=10)
    assert abs(left) < 0.02
    assert error < 0.01
    ringed = Psf.ringed(fwhm_nm=psf.fwhm_px() * 72, ring=-0.2, pixel_nm=72.0)
    assert ring_left(movie, events, psf=ringed, n_avg=10)[0] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(("fwhm_nm", "ring"), [(250.0, -0.46), (280.0, 0.0)])
def test_finds_a_psf_that_the_default_does_not_see(fwhm_nm: float, ring: float) -> None:
    rng = np.random.default_rng(3)
    true = Psf.ringed(fwhm_nm=fwhm_nm, ring=ring, pixel_nm=72)
    light = np.ones((1300, 38, 70))
    image = np.empty((38, 70))
    for k in range(50):
        for left in (18, 50):
            evaluate(true.coefficients, left + rng.uniform(-3, 3), rng.uniform(12, 26), image)
            light[25 + 25 * k :] *= 1 - rng.choice([0.006, 0.012]) * image
    counts = 40_000 * light + 220 * 0.2 * rng.standard_normal(light.shape)
    movie = Movie.from_array(
        np.rint(counts).astype(np.uint16), frame_interval_s=1 / 242, pixel_nm=72.0
    )
    card = measure_epsf(movie, n_avg=10).psf.card
    assert card["fwhm_nm"] == pytest.approx(fwhm_nm, abs=4 * card["fwhm_se_nm"] + 3)
    assert card["ring"] == pytest.approx(ring, abs=4 * card["ring_se"] + 0.01)
    assert card["asymmetry"] < 0.05
    assert abs(card["width_change_time"]) < 0.05


def test_too_few_landings_are_no_psf(plain_movie: PlainMovie) -> None:
    movie = plain_movie([(40.0, 18.0, 30.0, -0.02)], n_frames=400)
    with pytest.raises(PerrinError, match="clear and alone; a PSF needs 30"):
        measure_epsf(movie, n_avg=10)

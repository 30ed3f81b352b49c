from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing import detect as module
from perrin.landing.detect import detect
from perrin.optics.psf import Psf
from perrin.settings.landing import DetectionSettings

PlainMovie = Callable[..., Movie]
N_AVG = 10


def found_in(movie: Movie, psf: Psf, **settings: float) -> pd.DataFrame:
    return detect(movie, n_avg=N_AVG, psf=psf, settings=DetectionSettings(**settings))


def test_finds_a_landing_where_and_when_it_was(plain_movie: PlainMovie, psf: Psf) -> None:
    events = found_in(plain_movie([(30.4, 18.3, 25.8, -0.006)]), psf)
    assert len(events) == 1
    event = events.iloc[0]
    assert event["frame"] == 30
    assert abs(event["y_px"] - 18.3) <= 1
    assert abs(event["x_px"] - 25.8) <= 1
    # Matched filter on the pixel grid: up to 10% below the peak between pixels.
    assert -0.007 < event["contrast"] < -0.005
    assert event["snr_spatial"] > 20


def test_noise_is_the_matched_filter_bound(plain_movie: PlainMovie, psf: Psf) -> None:
    movie = plain_movie([(200.5, 18.0, 30.0, -0.006)], n_frames=400, width=100)
    noise = found_in(movie, psf)["contrast_noise"].iloc[0]
    image = psf.image(13)
    bound = np.sqrt(2 / (N_AVG * 8e5)) / np.sqrt((image**2).sum() - image.sum() ** 2 / 169)
    # One frame holds about 26 * 88 / 13 independent pixels: 8% for its median deviation.
    assert abs(noise / bound - 1) < 0.3


@pytest.mark.parametrize("sign", [-1, 1])
def test_landing_is_negative_and_unbinding_positive(
    plain_movie: PlainMovie, psf: Psf, sign: int
) -> None:
    scene = [(40.3, 18.0, 30.0, sign * 0.008), (90.6, 18.0, 30.0, -sign * 0.008)]
    events = found_in(plain_movie(scene, n_frames=130, landing_sign=sign), psf)
    assert list(events["frame"]) == [40, 90]
    assert list(np.sign(events["contrast"])) == [-1, 1]


def test_a_brief_visit_is_dated_at_its_arrival(plain_movie: PlainMovie, psf: Psf) -> None:
    """Its ratiometric contrast is a plateau of 7 frames that ends at the arrival."""
    scene = [(40.5, 18.0, 30.0, -0.03), (44.5, 18.0, 30.0, 0.03)]
    events = found_in(plain_movie(scene, n_frames=90), psf)
    landing = events[events["contrast"] < 0]
    leaving = events[events["contrast"] > 0]
    assert list(landing["frame"]) == [40]
    assert list(leaving["frame"]) == [44]


@pytest.mark.parametrize("contrast", [-0.004, -0.03, -0.06])
def test_rings_and_neighboring_frames_are_not_events(
    plain_movie: PlainMovie, psf: Psf, contrast: float
) -> None:
    scene = [(40.0 + 0.1 * i, 18.0, 16.0 + 16 * i + 0.2 * i, contrast) for i in range(5)]
    events = found_in(plain_movie(scene, n_frames=90, width=96), psf)
    assert len(events) == 5


def test_two_landings_apart_in_space_or_time_are_two(plain_movie: PlainMovie, psf: Psf) -> None:
    apart = [(40.5, 18.0, 20.0, -0.008), (42.5, 18.0, 28.0, -0.008)]
    later = [(40.5, 18.0, 45.0, -0.008), (56.5, 18.0, 45.0, -0.008)]
    events = found_in(plain_movie(apart + later, n_frames=100), psf)
    assert list(events["frame"]) == [40, 40, 42, 56]


def test_events_at_edges_and_ends_are_left_out(plain_movie: PlainMovie, psf: Psf) -> None:
    scene = [(30.5, 2.0, 20.0, -0.02), (30.5, 18.0, 62.0, -0.02), (3.5, 18.0, 30.0, -0.02)]
    assert found_in(plain_movie(scene), psf).empty


def test_chunks_do_not_show(
    plain_movie: PlainMovie, psf: Psf, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(8)
    scene = [
        (rng.uniform(15, 380), rng.uniform(8, 30), rng.uniform(8, 55), -0.005) for _ in range(40)
    ]
    movie = plain_movie(scene, n_frames=400)
    whole = found_in(movie, psf)
    monkeypatch.setattr(module, "CHUNK_FRAMES", 1)  # then 8 n_avg frames at a time
    # The noise map rests on every n_avg-th frame of each chunk, so it differs a little.
    pieces = found_in(movie, psf)
    pd.testing.assert_frame_equal(
        whole[["frame", "y_px", "x_px", "contrast"]], pieces[["frame", "y_px", "x_px", "contrast"]]
    )


def test_higher_thresholds_find_fewer(plain_movie: PlainMovie, psf: Psf) -> None:
    movie = plain_movie([], n_frames=300, seed=4)
    counts = [
        len(found_in(movie, psf, spatial_threshold=s, temporal_threshold=t))
        for s, t in [(3.0, 0.0), (4.0, 0.0), (4.0, 5.0), (5.6, 4.0)]
    ]
    assert counts[0] > counts[1] > counts[2] >= counts[3]


def test_a_blank_movie_has_no_events(plain_movie: PlainMovie, psf: Psf) -> None:
    assert found_in(plain_movie([], n_frames=400, seed=5), psf).empty


def test_a_constant_movie_has_no_events(psf: Psf) -> None:
    movie = Movie.from_array(
        np.full((60, 30, 30), 1000, np.uint16), frame_interval_s=0.004, pixel_nm=72.0
    )
    assert found_in(movie, psf).empty


def test_progress_ends_at_the_end(plain_movie: PlainMovie, psf: Psf) -> None:
    seen: list[float] = []
    detect(plain_movie([]), n_avg=N_AVG, psf=psf, progress=seen.append)
    assert seen == sorted(seen)
    assert 0.8 < seen[-1] <= 1.0


def test_errors_name_the_value_and_the_remedy(plain_movie: PlainMovie, psf: Psf) -> None:
    with pytest.raises(PerrinError, match="60 frames; with n_avg = 30 at least 63"):
        detect(plain_movie([]), n_avg=30, psf=psf)
    with pytest.raises(PerrinError, match=r"64 x 10 px.*transpose"):
        detect(plain_movie([], height=10), n_avg=N_AVG, psf=psf)
    with pytest.raises(PerrinError, match="pixels of 60 nm"):
        detect(plain_movie([]), n_avg=N_AVG, psf=Psf.analytic(pixel_nm=60.0))

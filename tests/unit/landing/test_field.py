"""The field around the events: what thumbnails show of them, at a few of their frames."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.io.movie import Movie
from perrin.landing.field import field_around
from perrin.landing.thumbnails import cut_thumbnails
from perrin.optics.psf import Psf

N_AVG = 10
PSF = Psf.analytic(pixel_nm=72)


@pytest.fixture(scope="module")
def movie() -> Movie:
    """Noise with one landing at frame 300."""
    frames = np.random.default_rng(5).normal(1000, 2, (900, 30, 40))
    frames[301:, 10:13, 20:23] -= 40
    return Movie.from_array(frames, frame_interval_s=1 / 242, pixel_nm=72.0, landing_sign=-1)


def test_it_is_what_thumbnails_are_to_half_a_unit(movie: Movie) -> None:
    frame = np.array([120, 300, 700])
    x, y = np.array([15.0, 21.0, 24.0]), np.array([12.0, 11.0, 14.0])
    field = field_around(movie, frame=frame, n_avg=N_AVG, psf=PSF)
    cut = cut_thumbnails(movie, frame=frame, y_px=y, x_px=x, n_avg=N_AVG)
    for k, event in enumerate(frame):
        near = np.abs(field.frames - event) < 20
        assert near.sum() >= 7
        rows = slice(int(y[k]) - 8, int(y[k]) + 9), slice(int(x[k]) - 8, int(x[k]) + 9)
        seen = field.values[near][:, rows[0], rows[1]]
        wanted = cut.values[k][field.frames[near] - event + 20]
        # float32 rounding of a contrast of 0.04 beside the half unit
        assert np.abs(seen - wanted).max() <= 0.5 * field.unit + 1e-8
    landing = field.values[field.frames == 300][0]
    assert landing[11, 21] == pytest.approx(-0.04, abs=4 * field.unit)


def test_too_many_frames_are_thinned_evenly_over_the_movie(movie: Movie) -> None:
    frame = np.arange(30, 870, 7)
    most = 40 * 30 * 40
    field = field_around(movie, frame=frame, n_avg=N_AVG, psf=PSF, most_pixels=most)
    assert 0 < field.codes.size <= most
    assert field.frames[0] < 100
    assert field.frames[-1] > 600


def test_no_events_make_no_frames(movie: Movie) -> None:
    field = field_around(movie, frame=np.empty(0, np.int64), n_avg=N_AVG, psf=PSF)
    assert field.codes.shape == (0, 30, 40)

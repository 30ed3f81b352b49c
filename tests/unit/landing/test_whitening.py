"""Noise that neighboring pixels share is made white; landings keep their height."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from perrin.io.movie import Movie
from perrin.landing.fit import fit
from perrin.landing.whitening import CORRELATED, find_noise_filter, noise_correlation
from perrin.optics.psf import Psf
from perrin.pipeline.instrument import look_at

FRAMES, HEIGHT, WIDTH, N_AVG = 900, 40, 100, 10
NOISE, SPECKLE, SPECKLE_FRAMES = 1.1e-3, 1.2e-3, 240.0
DEFAULT = Psf.analytic(pixel_nm=72.0)


@cache
def speckle() -> NDArray[np.float64]:
    """Light that changes in patches as wide as a landing, at rest within a second."""
    rng = np.random.default_rng(3)
    keep = np.exp(-1 / SPECKLE_FRAMES)
    white = rng.standard_normal((FRAMES, HEIGHT, WIDTH))
    smooth = gaussian_filter(white, (0, 1.6, 1.6), mode="wrap")
    smooth /= smooth.std()
    light = np.empty_like(smooth)
    light[0] = smooth[0]
    for t in range(1, FRAMES):
        light[t] = keep * light[t - 1] + np.sqrt(1 - keep**2) * smooth[t]
    return SPECKLE * light


def places(count: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Landing frames, rows, columns: far apart, and off the middle of pixels."""
    rng = np.random.default_rng(4)
    frame = np.linspace(40, FRAMES - 40, count).astype(np.int64)
    return frame, rng.uniform(9, HEIGHT - 10, count), rng.uniform(9, WIDTH - 10, count)


def movie_of(
    *, speckled: bool = True, contrast: float = 0.0, count: int = 120, psf: Psf = DEFAULT
) -> Movie:
    rng = np.random.default_rng(5)
    light = 1 + NOISE * rng.standard_normal((FRAMES, HEIGHT, WIDTH))
    light += speckle() if speckled else 0.0
    for t, y, x in zip(*places(count), strict=True):
        row, column = round(y), round(x)
        image = psf.image(17, dy=y - row, dx=x - column)
        top, left = row - 8, column - 8
        part = light[t:, max(top, 0) : top + 17, max(left, 0) : left + 17]
        high, wide = part.shape[1:]
        part -= contrast * image[max(-top, 0) :, max(-left, 0) :][:high, :wide]
    counts = np.rint(40_000 * light).astype(np.uint16)
    return Movie.from_array(counts, frame_interval_s=1 / 242, pixel_nm=72.0)


def test_white_noise_is_left_as_it_is() -> None:
    movie = movie_of(speckled=False, contrast=6e-3)
    found = find_noise_filter(movie, n_avg=N_AVG)
    assert found.kernel is None
    assert found.applied(movie, gain=1.0) is movie
    assert found.notes == ()
    assert found.seen(DEFAULT) == (DEFAULT, 1.0)
    assert found.before(DEFAULT) == (DEFAULT, 1.0)


def test_shared_noise_is_made_white() -> None:
    movie = movie_of()
    found = find_noise_filter(movie, n_avg=N_AVG)
    assert found.correlation > CORRELATED * N_AVG
    white = found.applied(movie, gain=found.seen(DEFAULT)[1])
    # the filter goes a little beyond white, towards noise that neighbors share with a minus
    assert -0.1 < noise_correlation(white, n_avg=N_AVG) < 0.02
    assert "speckle" in found.notes[0]
    assert found.to_dict()["filtered"] is True


def test_landings_that_overlap_are_no_speckle() -> None:
    dense = movie_of(speckled=False, contrast=8e-3, count=1500)
    found = find_noise_filter(dense, n_avg=N_AVG)
    assert found.correlation > CORRELATED * N_AVG
    assert found.kernel is None


def test_landings_keep_their_height_through_the_filter() -> None:
    import pandas as pd

    contrast = 8e-3
    movie = movie_of(contrast=contrast)
    white, instrument = look_at(movie, DEFAULT, n_avg=N_AVG)
    assert instrument.noise.kernel is not None
    assert instrument.psf.fwhm_px() < DEFAULT.fwhm_px()
    frame, y, x = places(120)
    given = pd.DataFrame(
        {"frame": frame, "y_px": np.rint(y), "x_px": np.rint(x), "contrast": -contrast}
    )
    given = given.assign(snr_spatial=20.0, snr_temporal=20.0, contrast_noise=4e-4)
    fitted = fit(white, given, fit_n_avg=N_AVG, psf=instrument.psf)
    sizes = -fitted["contrast"].to_numpy()
    error = sizes.std() / np.sqrt(len(sizes))
    # min(phase, 1 - phase) costs nothing here: all land at the start of their frame
    assert np.median(sizes) == pytest.approx(contrast, abs=3 * 1.25 * error)
    assert np.std(fitted["x_px"] - x) < 0.25


@pytest.mark.parametrize("psf", [DEFAULT, Psf.ringed(fwhm_nm=235, ring=-0.25, pixel_nm=72.0)])
def test_a_psf_comes_back_from_behind_the_filter(psf: Psf) -> None:
    found = find_noise_filter(movie_of(), n_avg=N_AVG)
    seen, gain = found.seen(psf)
    back, gain_back = found.before(seen)
    assert gain < 0.9
    assert gain_back == pytest.approx(gain, rel=0.02)
    assert np.abs(back.image(13) - psf.image(13)).max() < 0.02

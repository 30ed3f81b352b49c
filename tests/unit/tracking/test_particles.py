"""What each track says: its diffusion coefficient, and its contrast through motion blur."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.io.movie import Movie
from perrin.landing.fit import fit_patches
from perrin.optics.psf import Psf
from perrin.settings.tracking import TrackingSettings
from perrin.tracking.appearance import Appearance
from perrin.tracking.found import LocalizationResult
from perrin.tracking.particles import describe_tracks
from perrin.tracking.shape import Shape
from perrin.tracking.stream import Seen

PIXEL_NM, INTERVAL_S = 72.0, 4e-3
PSF = Psf.analytic(pixel_nm=PIXEL_NM)
MOVIE = Movie(np.ones((2, 32, 32)), frame_interval_s=INTERVAL_S, pixel_nm=PIXEL_NM, landing_sign=-1)
SEEN = Seen(
    located=LocalizationResult(
        np.zeros(0, int), *[np.zeros(0)] * 9, np.zeros(0, int), np.zeros((0, 3))
    ),
    appearance=Appearance("molecules", -1, 1.7, Shape(0.0, 2.2, 2.0), PSF),
    mean=np.ones((32, 32), np.float32),
    ghosts=0,
    unsettled=0.0,
    drift=None,
)
SUB = 60
RNG = np.random.default_rng(0)


def walks(
    count: int, length: int, *, D_px2: float, exposure: float, noise_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fine Brownian paths as a camera reports them, (N, L, 2), and places within (N, L, K, 2)."""
    rng = np.random.default_rng(17)
    fine = rng.standard_normal((count, length, SUB, 2)) * np.sqrt(2 * D_px2 / SUB)
    lit = fine.reshape(count, -1, 2).cumsum(axis=1).reshape(fine.shape)
    lit = lit[:, :, : max(1, round(exposure * SUB))]
    mean = lit.mean(axis=2)
    return mean + noise_px * rng.standard_normal(mean.shape), lit - mean[:, :, None]


def table(places: np.ndarray, *, noise_px: float, contrast: np.ndarray | float) -> pd.DataFrame:
    count, length, _ = places.shape
    return pd.DataFrame(
        {
            "particle": np.repeat(np.arange(count), length),
            "frame": np.tile(np.arange(length), count),
            "x": places[..., 0].ravel(),
            "y": places[..., 1].ravel(),
            "x_se": noise_px,
            "y_se": noise_px,
            "contrast": np.broadcast_to(contrast, (count, length)).ravel(),
            "touching": False,
        }
    )


@pytest.mark.parametrize(("noise_px", "exposure"), [(0.05, 0.0), (0.9, 0.0), (0.3, 1.0)])
def test_the_diffusion_coefficient_of_a_track_is_unbiased_and_its_error_its_scatter(
    noise_px: float, exposure: float
) -> None:
    """Against D as simulated and its error as Vestergaard et al. have it: both sides."""
    count, length, D_px2 = 400, 60, 0.4
    places, _ = walks(count, length, D_px2=D_px2, exposure=exposure, noise_px=noise_px)
    found = describe_tracks(
        table(places, noise_px=noise_px, contrast=-0.005),
        MOVIE,
        TrackingSettings(kind="spheres"),
        SEEN,
        rng=RNG,
    )
    unit = (PIXEL_NM / 1000) ** 2 / INTERVAL_S
    D, error = (found[name].to_numpy() / unit for name in ("D_um2_per_s", "D_se_um2_per_s"))
    assert abs(D.mean() - D_px2) < 4 * D.std() / np.sqrt(count)
    e, n = noise_px**2 / D_px2 - exposure / 3, length - 1
    expected = D_px2 * np.sqrt(((6 + 4 * e + 2 * e**2) / n + 4 * (1 + e) ** 2 / n**2) / 2)
    # a standard deviation of 400 is known to 3.5%
    assert D.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * count))
    if not exposure:  # of which the errors know nothing: then they are too large by up to a half
        assert np.median(error) == pytest.approx(expected, rel=0.1)
    assert 1 - 4 / np.sqrt(2 * count) < np.median(error) / D.std() < 1.6


def test_the_contrast_of_a_track_is_that_of_the_molecule_through_motion_blur() -> None:
    """Images blurred by the path within each exposure, and fitted: the truth comes back."""
    true, D_px2, count, length = -0.0057, 0.7, 6, 80
    places, inside = walks(count, length, D_px2=D_px2, exposure=1.0, noise_px=0.05)
    path = inside[:, :, ::4].reshape(count * length, -1, 2)
    path -= path.mean(axis=1, keepdims=True)
    images = [np.mean([PSF.image(13, dx=dx, dy=dy) for dx, dy in one], axis=0) for one in path[::4]]
    fitted = fit_patches(true * np.array(images), psf=PSF).contrast.reshape(count, -1)
    lost = 1 - fitted.mean() / true
    assert lost > 0.05  # else there is nothing to correct
    contrast = np.repeat(fitted, 4, axis=1)
    settings = TrackingSettings(kind="molecules", exposure=1.0)
    tracks = table(places, noise_px=0.05, contrast=contrast)
    found = describe_tracks(tracks, MOVIE, settings, SEEN, rng=RNG)
    # D of a track is known to a fifth, of six to a tenth; so is what is put back, to first order
    relative = found["D_se_um2_per_s"] / found["D_um2_per_s"]
    slack = 4 * lost * float(relative.mean()) / np.sqrt(count)
    assert slack < lost / 2
    assert found["contrast"].mean() == pytest.approx(true, rel=slack)
    unknown = describe_tracks(tracks, MOVIE, TrackingSettings(kind="molecules"), SEEN, rng=RNG)
    assert unknown["contrast"].mean() == pytest.approx(fitted.mean(), rel=slack / 4)
    ratio = found["contrast_se"] / unknown["contrast_se"] * unknown["contrast"] / found["contrast"]
    np.testing.assert_allclose(ratio, 1.0)

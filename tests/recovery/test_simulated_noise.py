"""The noise of simulated measurements, found again by detection and fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree

from perrin.landing.detect import detect
from perrin.landing.fit import fit, fit_patches
from perrin.mass.resolution import fit_peak
from perrin.optics.psf import Psf
from perrin.settings.simulation import (
    BackgroundSettings,
    CameraSettings,
    LandingAssay,
    MassPrior,
    Species,
    ThumbnailSettings,
)
from perrin.simulate.movie import simulate_movie
from perrin.simulate.thumbnails import simulate_thumbnails

PER_KDA = -3.8e-5
N_AVG = 10
PSF = Psf.analytic(pixel_nm=72.0)


SAMPLE = {
    "narrow": Species(mass_kda=180, abundance=1, width_kda=0.0, name="narrow"),
    "dimer": Species(mass_kda=180, abundance=1, width_kda=4.3, name="dimer"),
    "tetramer": Species(mass_kda=360, abundance=1, width_kda=4.3, name="tetramer"),
}


@pytest.fixture(scope="module")
def weighed() -> pd.DataFrame:
    """Isolated binders of two minutes: species, fitted mass and its standard error."""
    assay = LandingAssay(species=tuple(SAMPLE.values()), density=0.6, decay_s=None)
    found = []
    for seed in range(4):
        movie, truth = simulate_movie(assay, seconds=30, seed=seed)
        events = detect(movie, n_avg=N_AVG, psf=PSF)
        fitted = fit(movie, events, fit_n_avg=N_AVG, psf=PSF)
        places = truth[["x_px", "y_px", "frame"]].to_numpy()
        scaled = places / [16, 16, 2 * N_AVG]
        alone = cKDTree(scaled).query_ball_point(scaled, 1, p=np.inf, return_length=True) == 1
        tree = cKDTree(fitted[["x_px", "y_px", "frame"]])
        apart, row = tree.query(places[alone], distance_upper_bound=6)
        seen = np.isfinite(apart)
        table = fitted.iloc[row[seen]].reset_index(drop=True)
        table["species"] = truth.loc[alone, "species"].to_numpy()[seen]
        found.append(table.dropna(subset="contrast_se"))
    table = pd.concat(found)
    table["mass"] = table["contrast"] / PER_KDA
    table["error"] = table["contrast_se"] / -PER_KDA
    return table.set_index("species")


def _resolving_power(masses: np.ndarray, near: float) -> tuple[float, float]:
    """Mass over FWHM, and its standard error for a width known to 1 / sqrt(2 n)."""
    peak = fit_peak(masses, mode=near, low=0.8 * near, high=1.2 * near, bin_width=5.0)
    assert peak is not None
    power = peak.mean / peak.fwhm
    return power, power / np.sqrt(2 * len(masses))


def test_fitted_error_is_five_kda_of_shot_noise(weighed: pd.DataFrame) -> None:
    # sigma_A = sqrt(2 / (n N)) / sqrt(sum P^2 - (sum P)^2 / 169), 5.0 kDa here
    image = PSF.image(13)
    bound = np.sqrt(2 / (N_AVG * 8e5) / ((image**2).sum() - image.sum() ** 2 / 169)) / -PER_KDA
    assert bound == pytest.approx(5.0, abs=0.05)
    assert weighed["error"].median() == pytest.approx(bound, rel=0.03)


def test_binders_of_180_kda_are_within_5_percent(weighed: pd.DataFrame) -> None:
    masses = weighed.loc["narrow", "mass"]
    close = (masses / 180 - 1).abs() < 0.05
    assert close.mean() > 0.85 - 2 * np.sqrt(0.85 * 0.15 / len(close))
    assert masses.mean() == pytest.approx(180, abs=4 * masses.std() / np.sqrt(len(masses)))


@pytest.mark.parametrize(("species", "low", "high"), [("dimer", 9.5, 10.5), ("tetramer", 16, 18)])
def test_resolving_power_with_sample_width(
    weighed: pd.DataFrame, species: str, low: float, high: float
) -> None:
    masses = weighed.loc[species, "mass"].to_numpy()
    power, error = _resolving_power(masses, SAMPLE[species].mass_kda)
    assert low - 2 * error < power < high + 2 * error


def _scatter(background: BackgroundSettings, *, n_avg: int, shot_noise: float = 0.0) -> float:
    """Robust standard deviation, kDa, of the fitted mass of 400 kDa binders."""
    settings = ThumbnailSettings(
        n_avg=n_avg,
        classes={"binder": 1.0},
        masses=MassPrior(low_kda=400, middle_kda=400, high_kda=400),
        background=background,
        camera=CameraSettings(shot_noise=shot_noise),
    )
    found = simulate_thumbnails(512, settings=settings, seed=n_avg)
    at = found.truth["frame"].iloc[0]
    patches = found.thumbnails[:, at, 2:15, 2:15]
    fitted = fit_patches(patches, psf=PSF, inside=found.inside[:, 2:15, 2:15])
    # a sub-pixel landing is fitted at its own position: what scatters is the noise
    return float(np.std(fitted.contrast) / -PER_KDA)


def test_shot_noise_falls_with_the_square_root_of_the_integration() -> None:
    off = BackgroundSettings.none()
    short, long = (_scatter(off, n_avg=n, shot_noise=1.0) for n in (5, 20))
    # two estimates of a standard deviation from 512 events each, 3.1% of error apiece
    assert short / long == pytest.approx(2.0, rel=4 * 0.031 * np.sqrt(2))


def test_background_noise_grows_with_the_integration() -> None:
    still = {"focus_contrast": 0.0, "tilt_contrast": 0.0}
    background = BackgroundSettings().model_copy(update=still)
    short, long = (_scatter(background, n_avg=n) for n in (10, 40))
    assert 1.3 < short < 3.0
    assert long / short > 1.6  # a random walk gives 2, a steady drift 4, shot noise 0.5


def test_focus_gives_one_and_a_half_percent() -> None:
    off = BackgroundSettings.none()
    focus = BackgroundSettings()
    only = off.model_copy(
        update={"focus_contrast": focus.focus_contrast, "tilt_contrast": focus.tilt_contrast}
    )
    assert _scatter(only, n_avg=10) / 400 == pytest.approx(0.015, rel=0.15)


def test_stage_drift_alone_turns_static_speckle_into_noise() -> None:
    off = BackgroundSettings.none()
    speckle = {"speckle_contrast": 0.012}
    still = _scatter(off.model_copy(update=speckle), n_avg=10)
    moving = _scatter(off.model_copy(update=speckle | {"drift_nm_per_sqrt_s": 3.5}), n_avg=10)
    faster = _scatter(off.model_copy(update=speckle | {"drift_nm_per_sqrt_s": 7.0}), n_avg=10)
    assert still < 0.3
    assert faster / moving == pytest.approx(2.0, rel=0.15)


def test_laser_noise_leaves_nothing_behind() -> None:
    off = BackgroundSettings.none()
    loud = off.model_copy(update={"laser_white": 0.01, "laser_pink": 0.01})
    assert _scatter(loud, n_avg=10) < 0.3

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.persistence import (
    late_ratios,
    measure_persistence,
    persistence_n_avg,
    summarize_persistence,
)
from perrin.optics.psf import Psf
from perrin.pipeline import find_events
from perrin.settings.landing import LandingSettings
from perrin.simulate.matching import match_landings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

N_AVG, MS = 10, 140.0


@pytest.fixture(scope="module")
def again(loose: Any) -> pd.DataFrame:
    psf = Psf.analytic(pixel_nm=loose.movie.pixel_nm)
    events = find_events(loose.movie, settings=LandingSettings(n_avg=N_AVG), psf=psf)
    frames = persistence_n_avg(MS, loose.movie, n_avg=N_AVG)
    return measure_persistence(loose.movie, events, n_avg=N_AVG, n_persistence=frames, psf=psf)


def of_motion(loose: Any, again: pd.DataFrame, motion: str) -> pd.DataFrame:
    rows = match_landings(loose.truth, again)
    is_so = (loose.truth["class"] == motion).to_numpy()
    found = again.iloc[np.unique(rows[is_so & (rows >= 0)])]
    return found[found["still_there"] >= 0]


def test_who_stays_is_still_there_with_its_contrast(loose: Any, again: pd.DataFrame) -> None:
    binders = of_motion(loose, again, "binder")
    ratio = (binders["late_contrast"] / binders["contrast"]).to_numpy()
    assert len(ratio) > 40
    assert binders["still_there"].mean() > 0.9
    # neighbors in the later frames make outliers: the median, and its error
    error = 1.25 * 1.48 * np.median(np.abs(ratio - np.median(ratio))) / np.sqrt(len(ratio))
    assert np.median(ratio) == pytest.approx(1, abs=4 * error + 0.02)  # focus wanders by 2%
    again_ratio = (binders["persistence_contrast"] / binders["contrast"]).to_numpy()
    assert np.median(again_ratio) == pytest.approx(1, abs=4 * error + 0.02)


def test_who_left_is_not(loose: Any, again: pd.DataFrame) -> None:
    gone = of_motion(loose, again, "unbinder")
    assert len(gone) > 15
    assert gone["still_there"].mean() < 0.3
    assert abs(np.median(gone["late_contrast"] / gone["contrast"])) < 0.3


def test_noise_has_no_contrast_on_average_and_the_error_it_says() -> None:
    movie, _ = simulate_movie(preset("buffer"), seconds=4, seed=2)
    rng = np.random.default_rng(0)
    places = pd.DataFrame(
        {
            "frame": rng.integers(40, movie.n_frames - 40, 300),
            "x_px": rng.uniform(10, movie.width - 11, 300),
            "y_px": rng.uniform(10, movie.height - 11, 300),
            "contrast": -2e-3,
        }
    )
    psf = Psf.analytic(pixel_nm=movie.pixel_nm)
    seen = measure_persistence(movie, places, n_avg=N_AVG, n_persistence=34, psf=psf)
    z = (seen["late_contrast"] / seen["late_contrast_se"]).to_numpy()
    assert abs(np.median(z)) < 0.4
    assert 0.7 < z.std() < 2.0  # the background is correlated: more than the pixels say
    assert (seen["still_there"] == 0).mean() > 0.95


def test_the_summary_counts(again: pd.DataFrame) -> None:
    events = again.assign(
        retained=np.arange(len(again)) % 2 == 0,
        label=np.where(again["contrast"] < 0, "binder", "unbinder"),
    )
    found = summarize_persistence(events, persistence_ms=MS, n_avg=34)
    groups = found.groups.set_index("group")
    landings = (events["contrast"] < 0).sum()
    assert groups.loc[["retained", "discarded"], "landings"].sum() == landings
    assert groups.loc["discarded: binder", "landings"] == groups.loc["discarded", "landings"]
    number, fraction = found.fraction("retained")
    assert fraction == groups.loc["retained", "still_there"] / number
    assert len(late_ratios(events)["retained"]) == number
    assert found.to_dict()["persistence_ms"] == MS


def test_too_near_the_ends_is_not_known(again: pd.DataFrame, loose: Any) -> None:
    early = again["frame"] < 34
    late = again["frame"] > loose.movie.n_frames - 35
    assert (again.loc[early | late, "still_there"] == -1).all()
    assert again.loc[early | late, "late_contrast"].isna().all()


def test_an_integration_must_be_longer_and_fit() -> None:
    frames = np.full((100, 20, 20), 1000, np.uint16)
    movie = Movie.from_array(frames, frame_interval_s=1 / 242, pixel_nm=72, landing_sign=-1)
    with pytest.raises(PerrinError, match="hardly more than the 10"):
        persistence_n_avg(45, movie, n_avg=10)
    with pytest.raises(PerrinError, match="the movie has 100"):
        persistence_n_avg(300, movie, n_avg=10)
    assert persistence_n_avg(140, movie, n_avg=10) == 34

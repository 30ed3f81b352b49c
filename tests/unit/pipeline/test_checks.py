from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from perrin.io.movie import Movie
from perrin.landing.patterns import MovingPatterns
from perrin.landing.pixels import BadPixels
from perrin.landing.whitening import NoiseFilter, noise_correlation
from perrin.optics.psf import Psf
from perrin.pipeline.checks import judge, keep_heavy, without_heavy
from perrin.pipeline.instrument import Instrument

MODEL = SimpleNamespace(heaviest_contrast=0.038)


def movie_of(blur: float = 0.0) -> Movie:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(0).standard_normal((200, 30, 60))
    if blur:
        noise = gaussian_filter(noise, (0, blur, blur))
        noise /= noise.std()
    frames = np.rint(40_000 + 45 * noise).astype(np.uint16)
    return Movie.from_array(frames, frame_interval_s=0.004, pixel_nm=72.0)


def instrument(share: float = 0.0, ring: float = 0.0) -> Instrument:
    none = np.zeros((30, 60), bool)
    pixels = BadPixels(none, none, none, none, share)
    light = MovingPatterns(np.empty((0, 30, 60)), float("nan"), 0.0)
    psf = Psf.analytic(pixel_nm=72)
    shape = {"ring": psf.ring() - ring, "ring_se": 0.01}
    return Instrument(pixels, light, NoiseFilter(0.0, None), psf, psf, "default", shape, ())


def landings(count: int = 200, *, kept: float = 0.9, contrast: float = -0.01) -> pd.DataFrame:
    sizes = np.linspace(0.5, 1.5, count) * contrast
    return pd.DataFrame(
        {
            "contrast": sizes,
            "label": "binder",
            "retained": np.arange(count) % 100 < 100 * kept,
            "contrast_pred": sizes,
            "mass_pred_kda": 100.0,
        }
    )


def verdict_on(  # type: ignore[no-untyped-def]
    events: pd.DataFrame, movie: Movie | None = None, share: float = 0.0, ring: float = 0.0
):
    return judge(
        movie or movie_of(),
        events,
        instrument=instrument(share, ring),
        classifier=MODEL,
        single=np.ones(len(events), bool),
        n_avg=10,
    )


def test_a_movie_as_learned_raises_nothing() -> None:
    found = verdict_on(landings())
    assert found.learned
    assert found.notes == ()
    assert found.unsure == pytest.approx(0.1)


def test_causes_are_named() -> None:
    correlated = verdict_on(landings(), movie_of(blur=1.0))
    assert not correlated.learned
    assert "neighboring pixels" in correlated.notes[0]
    assert "saturated" in verdict_on(landings(), share=0.02).notes[0]
    assert "scores" in verdict_on(landings(kept=0.5)).causes
    assert "NOTHING IS RETAINED" in " ".join(verdict_on(landings(kept=0.0)).notes)


def test_a_ring_that_landings_leave_is_said() -> None:
    found = verdict_on(landings(), ring=0.12)
    assert found.ring_left == pytest.approx(-0.12)
    assert found.causes == ("landings leave a ring of -12% of their height",)
    assert "LEAVE A RING of -12% (+- 1%)" in " ".join(found.notes)
    assert verdict_on(landings(), ring=0.02).learned


def test_white_noise_is_not_correlated_and_blurred_noise_is() -> None:
    assert abs(noise_correlation(movie_of(), n_avg=10)) < 0.02
    # of a Gaussian blur by s: exp(-1 / 4 s^2)
    expected = np.exp(-0.25)
    assert noise_correlation(movie_of(blur=1.0), n_avg=10) == pytest.approx(expected, abs=0.05)


def test_retention_that_falls_with_mass_is_said() -> None:
    events = landings()
    events["retained"] = np.arange(200) < 120  # the lighter ones
    assert "RETENTION FALLS WITH MASS" in " ".join(verdict_on(events).notes)


def test_heavy_landings_are_kept_by_label_and_without_a_mass_of_the_network() -> None:
    events = landings(kept=0.0, contrast=-0.04)  # -0.02 to -0.06
    beyond = (events["contrast"] < -0.038).to_numpy()
    events.loc[events.index[-3:], "label"] = "roller"
    kept = keep_heavy(events, single=np.ones(200, bool), model=MODEL)
    np.testing.assert_array_equal(
        kept["retained"], beyond & (events["label"] == "binder").to_numpy()
    )
    bare = without_heavy(kept, MODEL)
    assert bare["contrast_pred"].isna().equals(pd.Series(beyond))
    assert bare["mass_pred_kda"].isna().equals(pd.Series(beyond))
    found = verdict_on(kept)
    assert found.heavy == beyond.sum()
    assert "heavier than the classifier has learned" in " ".join(found.notes)

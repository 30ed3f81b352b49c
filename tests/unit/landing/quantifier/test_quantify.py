"""Masses, stays and motions of events, from a network that says what it is told to say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.quantifier.agreement import TOLERATED, Agreement, agreement
from perrin.landing.quantifier.quantification import describe, predict_masses
from perrin.landing.quantifier.quantify import SE_OF_90, quantify
from perrin.landing.quantifier.surface import surface
from perrin.mass.calibration import calibrate
from perrin.mass.errors import ErrorShape
from perrin.models.quantifier import Quantities
from perrin.settings.spectrum import SpectrumSettings


class Fake:
    """Says the same of every event."""

    name, classes, integration, classifier = "fake", ("binder", "roller"), 10, "its own"
    errors = ErrorShape()
    quantiles = np.array(
        [[0.009, 0.01, 0.012], [5, 7, 9], [1, 2, 3], [0, 1, 2], [0.4, 0.5, 0.6]], float
    )

    def __init__(self, kind: int = 1, **targets: Any) -> None:
        self.kind = kind
        self.said = self.quantiles.copy()
        for row, values in targets.items():
            self.said[int(row[1:])] = values

    def check_range(self, *, pixel_nm: float, frame_interval_s: float) -> None:
        if pixel_nm > 100:
            raise PerrinError(f"pixel size is {pixel_nm:g} nm")

    def predict(self, stacks: Any, inside: Any, *, landing_sign: int) -> Quantities:
        count = len(stacks)
        assert stacks.shape[1:] == (60, 17, 17)
        return Quantities(
            np.repeat(self.said[None], count, axis=0),
            np.full((count, 2), 0.25),
            np.repeat(np.eye(2)[[self.kind]], count, axis=0),
            np.zeros(count, bool),
        )


@pytest.fixture(scope="module")
def movie() -> Movie:
    rng = np.random.default_rng(1)
    frames = 4e4 + 200 * rng.standard_normal((120, 30, 40))
    return Movie(
        frames=frames.astype(np.float32),
        frame_interval_s=4e-3,
        pixel_nm=72.0,
        landing_sign=-1,
    )


EVENTS = pd.DataFrame(
    {
        "frame": [60, 61, 5, 62],
        "x_px": [20.0, 12.0, 20.0, 25.0],
        "y_px": [15.0, 15.0, 15.0, 15.0],
        "contrast": [-0.01, 0.01, -0.01, -0.008],
    }
)


def test_landings_have_numbers_with_units_and_the_rest_has_none(movie: Movie) -> None:
    found = quantify(movie, EVENTS, model=Fake()).events
    known = found["contrast_pred"].notna()
    assert known.tolist() == [True, False, False, True]  # no unbinding, none too near the start
    row = found.iloc[0]
    assert row["contrast_pred"] == pytest.approx(-0.01)
    assert (row["contrast_pred_low"], row["contrast_pred_high"]) == pytest.approx((-0.009, -0.012))
    assert row["contrast_pred_se"] == pytest.approx(0.003 / SE_OF_90)
    assert row["residence_time_ms"] == pytest.approx(7 * 4.0)
    assert row["path_length_nm_high"] == pytest.approx(3 * 72.0)
    assert row["speed_nm_per_ms"] == pytest.approx(0.5 * 72.0 / 4.0)


def test_the_standard_error_is_that_of_a_normal_interval(movie: Movie) -> None:
    se = 4e-4
    ends = norm.ppf([0.05, 0.5, 0.95], loc=0.01, scale=se)
    found = quantify(movie, EVENTS, model=Fake(_0=ends)).events
    assert found["contrast_pred_se"][0] == pytest.approx(se, rel=1e-4)


def test_who_stays_has_no_end_and_who_rests_no_speed(movie: Movie) -> None:
    found = quantify(movie, EVENTS, model=Fake(kind=0, _1=[20.0, 23.9, 24.0])).events
    row = found.iloc[0]
    assert row["residence_time_ms"] == np.inf
    assert row["residence_time_ms_low"] == pytest.approx(80.0)
    assert np.isnan(row["speed_nm_per_ms"])


def test_a_movie_out_of_range_is_refused(movie: Movie) -> None:
    from dataclasses import replace

    with pytest.raises(PerrinError, match="pixel size is 120 nm"):
        quantify(replace(movie, pixel_nm=120.0), EVENTS, model=Fake())


def test_what_its_classifier_says_is_handed_on(movie: Movie) -> None:
    predicted = quantify(movie, EVENTS, model=Fake()).sorted
    assert predicted.known.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(predicted.score[predicted.known], 0.25)
    np.testing.assert_array_equal(predicted.balanced[predicted.known], [[0.0, 1.0]] * 2)


def test_calibrated_masses_and_their_spectrum(movie: Movie) -> None:
    line = calibrate([100.0, 400.0], [-0.004, -0.016])
    found = predict_masses(movie, EVENTS, model=Fake(), calibration=line).events
    assert found["mass_pred_kda"][0] == pytest.approx(250.0)
    assert found["mass_pred_low_kda"][0] == pytest.approx(225.0)
    assert found["mass_pred_high_kda"][0] == pytest.approx(300.0)
    predicted = describe(
        found,
        model=Fake(),
        single=np.ones(4, bool),
        calibration=line,
        frame_interval_s=4e-3,
        settings=SpectrumSettings(),
        rng=None,
    )
    assert (predicted.landings, predicted.out_of_distribution) == (2, 0)
    assert predicted.agreement is None  # no scores say where network and fit must agree


def binders(ratio: Any, count: int = 400, noise: float = 0.02) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    contrast = -rng.uniform(0.004, 0.02, count)
    x = rng.uniform(0, 150, count)
    scale = np.asarray(ratio(x) if callable(ratio) else ratio)
    return pd.DataFrame(
        {
            "contrast": contrast,
            "contrast_se": noise * -contrast,
            "contrast_pred": contrast * scale * (1 + noise * rng.standard_normal(count)),
            "contrast_pred_se": noise * -contrast,
            "score_binder": 0.99,
            "retained": True,
            "out_of_distribution": False,
            "x_px": x,
            "y_px": rng.uniform(0, 30, count),
            "time_s": rng.uniform(0, 60, count),
        }
    )


def test_equal_contrasts_agree() -> None:
    found = agreement(binders(1.0))
    assert found.warnings == ()
    assert abs(found.difference) < 4 * found.se
    assert found.within > 0.9


def test_as_many_agree_within_90_percent_as_that_says() -> None:
    """Fit and network with the errors that they say: 90% within, not fewer and not more."""
    count, rng = 6000, np.random.default_rng(6)
    events = binders(1.0, count=count, noise=0.0)
    true = events["contrast"].to_numpy()
    fit_se, net_se = rng.uniform(1e-4, 6e-4, (2, count))
    found = agreement(
        events.assign(
            contrast=true + fit_se * rng.standard_normal(count),
            contrast_pred=true + net_se * rng.standard_normal(count),
            contrast_se=fit_se,
            contrast_pred_se=net_se,
        )
    )
    assert found.within == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / count))


def test_the_error_of_a_difference_is_its_scatter() -> None:
    """Of the median over all events: two-sided, from measurements made many times."""
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        events = binders(1.0, count=200, noise=0.0)
        ratio = 1 + 0.03 * rng.standard_normal(200)
        events = events.assign(contrast_pred=events["contrast"] * ratio)
        predicted = agreement(events.assign(contrast_se=1e-6, contrast_pred_se=1e-6))
        found.append((predicted.difference, predicted.se))
    difference, se = np.array(found).T
    # a spread of 200 is known to 5%, the mean error far better
    assert np.sqrt((se**2).mean()) == pytest.approx(difference.std(), rel=4 / np.sqrt(400))


def test_a_disagreement_is_said_loudly_with_its_size() -> None:
    found = agreement(binders(1.06))
    assert found.difference == pytest.approx(0.06, abs=4 * found.se)
    assert "NETWORK AND FIT DISAGREE" in found.warnings[0]
    assert "+6" in found.warnings[0] or "+5" in found.warnings[0]


def test_a_noisy_fit_of_light_molecules_is_no_disagreement() -> None:
    """Errors of 8% in the fit, 3% in the network: sorted by the fit, its ends would differ."""
    events = binders(1.0, count=2000, noise=0.0)
    rng = np.random.default_rng(9)
    true = events["contrast"].to_numpy()
    net = true + 3e-4 * rng.standard_normal(len(true))
    fit = net + 4e-4 * rng.standard_normal(len(true))
    found = agreement(
        events.assign(contrast=fit, contrast_pred=net, contrast_se=5e-4, contrast_pred_se=3e-4)
    )
    assert found.warnings == ()


def test_a_blurred_fit_may_be_too_bright_by_its_squared_error() -> None:
    """4% are much for a fit that is good to 2%, and usual for the chosen ones of those to 12%."""

    def found(noise: float) -> Agreement:
        events = binders(1.0, count=4000, noise=0.0)
        true = events["contrast"].to_numpy()
        rng = np.random.default_rng(9)
        net = true * (1 + 0.01 * rng.standard_normal(len(true)))
        fit = net + noise * true * rng.standard_normal(len(true))
        said = {"contrast": fit, "contrast_pred": 0.96 * net, "contrast_se": noise * np.abs(true)}
        return agreement(events.assign(**said, contrast_pred_se=0.01 * np.abs(true)))

    assert found(0.02).warnings[0].startswith("NETWORK AND FIT DISAGREE")
    blurred = found(0.12)
    assert blurred.tolerated == pytest.approx(TOLERATED + 2 * 0.12**2, rel=0.05)
    assert blurred.warnings == ()


def test_a_disagreement_in_a_part_of_the_field_is_seen() -> None:
    found = agreement(binders(lambda x: 1 + 4 * TOLERATED * (x > 120)))
    assert abs(found.difference) < TOLERATED
    assert any("for x_px" in text for text in found.warnings)


def test_too_few_binders_say_nothing() -> None:
    assert agreement(binders(1.5, count=10)).warnings == ()
    assert np.isnan(agreement(binders(1.0, count=5).assign(score_binder=0.1)).difference)


def test_residence_and_motion_are_recovered() -> None:
    rng = np.random.default_rng(5)
    count = 2000
    label = np.where(np.arange(count) < 1000, "binder", "roller")
    leaves = np.arange(count) >= 1000
    residence_time = np.where(leaves, rng.normal(40, 5, count), np.inf)
    events = pd.DataFrame(
        {
            "label": label,
            "residence_time_ms": residence_time,
            "speed_nm_per_ms": np.where(leaves, rng.normal(10, 2, count), np.nan),
            "path_length_nm": np.where(leaves, 400.0, 0.0),
        }
    )
    found = surface(events, frame_interval_s=4e-3)
    assert found is not None
    assert found.residence_time_ms is not None
    assert found.rate_per_s is not None
    assert found.leaving.value == 0.5
    assert found.residence_time_ms.low < 40 < found.residence_time_ms.high  # type: ignore[operator]
    watched = (np.where(leaves, residence_time, 94.0)).sum() / 1e3
    assert found.rate_per_s.value == pytest.approx(1000 / watched)
    assert found.speed_nm_per_ms["roller"].value == pytest.approx(10, abs=4 * 2 * 1.25 / 1000**0.5)
    assert any("slide in one direction" in text for text in found.sentences)
    assert surface(events[:5], frame_interval_s=4e-3) is None


@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_the_interval_of_a_median_covers_it_as_often_as_it_says(law: str) -> None:
    """95%, with the scatter of the count to both sides: as much as asked, not more."""
    rng = np.random.default_rng(7)
    count, trials = 60, 400
    inside = {"residence_time_ms": 0, "speed": 0}
    medians, halves = [], []
    for _ in range(trials):
        drawn = (
            rng.normal(40, 5, (2, count)) if law == "normal" else rng.exponential(30.0, (2, count))
        )
        events = pd.DataFrame(
            {
                "label": "roller",
                "residence_time_ms": drawn[0],
                "speed_nm_per_ms": drawn[1],
                "path_length_nm": 1.0,
            }
        )
        found = surface(events, frame_interval_s=4e-3)
        assert found is not None
        assert found.residence_time_ms is not None
        middle = 40.0 if law == "normal" else 30.0 * np.log(2)
        for name, predicted in (
            ("residence_time_ms", found.residence_time_ms),
            ("speed", found.speed_nm_per_ms["roller"]),
        ):
            inside[name] += predicted.low <= middle <= predicted.high  # type: ignore[operator]
        told = found.residence_time_ms
        medians.append(told.value)
        halves.append((told.high - told.low) / 2)  # type: ignore[operator]
    # a spread of 400 is known to 3.5%; the law of a normal median is 2% too wide for an exponential
    said = np.sqrt(np.mean(np.square(halves))) / norm.ppf(0.975)
    assert said == pytest.approx(np.std(medians), rel=0.03 + 4 / np.sqrt(2 * trials))
    for number in inside.values():
        # quartiles of 60 scatter by a tenth, which costs 1% of coverage
        assert number / trials == pytest.approx(0.95, abs=0.01 + 3 * np.sqrt(0.0475 / trials))


def test_the_rate_of_leaving_covers_what_it_is() -> None:
    rng = np.random.default_rng(10)
    rate, trials, inside = 0.5, 600, 0
    for _ in range(trials):
        residence_time = 1e3 * rng.exponential(1 / rate, 100)
        residence_time[residence_time >= 94.0] = np.inf
        events = pd.DataFrame(
            {
                "label": "binder",
                "residence_time_ms": residence_time,
                "speed_nm_per_ms": np.nan,
                "path_length_nm": 0.0,
            }
        )
        found = surface(events, frame_interval_s=4e-3)
        assert found is not None
        if found.rate_per_s is None:
            continue
        inside += found.rate_per_s.low <= rate <= found.rate_per_s.high  # type: ignore[operator]
    # the interval of a small Poisson number covers more than it says, never less
    assert inside / trials > 0.95 - 3 * np.sqrt(0.0475 / trials)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.quantifier.quantify import sorts_as
from perrin.mass.calibration import Calibration, calibrate
from perrin.models.classifier import ClassifierModel
from perrin.models.quantifier import QuantifierModel
from perrin.pipeline import (
    LandingsResult,
    analyze_landings,
    fit_spectrum,
    recorded_settings,
)
from perrin.settings.landing import DetectionSettings, LandingSettings
from perrin.settings.scores import ScoreSettings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset
from perrin.tables import check_events
from perrin.types import NetworkId

analyze = partial(analyze_landings, classifier=None, quantifier=None, resamples=0)

Simulated = tuple[Movie, pd.DataFrame]


@pytest.fixture(scope="module")
def result(measurement: Simulated, calibration: Calibration) -> LandingsResult:
    return analyze(measurement[0], calibration=calibration)


def test_events_follow_the_schema(result: LandingsResult) -> None:
    events = check_events(result.events)
    assert events["event"].tolist() == list(range(len(events)))
    assert events["frame"].is_monotonic_increasing
    np.testing.assert_allclose(events["time_s"], events["frame"] / 242, rtol=1e-9)
    fitted = events[events["retained"]]
    np.testing.assert_allclose(fitted["mass_se_kda"], fitted["contrast_se"] / 3.8e-5, rtol=0.05)


def test_masses_are_those_of_the_sample(result: LandingsResult, measurement: Simulated) -> None:
    _, truth = measurement
    at_peaks = sorted(
        peak.mode.value for peak in result.spectrum.peaks if peak.fraction.value > 0.2
    )
    assert len(at_peaks) == 2
    per_peak = len(truth) / 4  # about: half the landings lie in the accepted field
    # About 10 kDa of spread in each; kernel-density modes are some 2 times noisier than means.
    np.testing.assert_allclose(at_peaks, [150, 300], atol=4 * 2 * 10 / np.sqrt(per_peak))


def test_same_movie_same_result(measurement: Simulated, calibration: Calibration) -> None:
    again = [analyze(measurement[0], calibration=calibration, seed=1) for _ in range(2)]
    pd.testing.assert_frame_equal(again[0].events, again[1].events)
    assert again[0].spectrum.to_dict() == again[1].spectrum.to_dict()


def test_detection_and_fit_may_integrate_differently(measurement: Simulated) -> None:
    result = analyze(measurement[0], settings=LandingSettings(n_avg=10, fit_n_avg=24))
    plain = analyze(measurement[0])
    assert (result.events["fit_n_avg"] == 24).all()
    assert result.events["frame"].tolist() == plain.events["frame"].tolist()
    both = (result.events["label"] == "") & (plain.events["label"] == "")
    longer, shorter = result.events["contrast_se"][both], plain.events["contrast_se"][both]
    # White noise falls as the root of the frames; drift and neighbors take some of it back.
    assert np.sqrt(10 / 24) * 0.95 < longer.median() / shorter.median() < 0.85


def test_density_is_the_true_one(result: LandingsResult, measurement: Simulated) -> None:
    assert result.density is not None
    assert result.density.mean_low < 1.0 < result.density.mean_high


def test_without_calibration_the_spectrum_is_one_of_contrast(measurement: Simulated) -> None:
    result = analyze(measurement[0])
    assert result.spectrum.unit == "contrast"
    assert "mass_kda" not in result.events.columns


def test_examples_are_the_events_they_say(result: LandingsResult) -> None:
    thumbnails = result.thumbnails
    assert thumbnails is not None
    shown = result.events[result.events["thumbnail_index"] >= 0]
    assert len(shown) == len(thumbnails.rows) > 90
    for index, contrast in zip(shown["thumbnail_index"], shown["contrast"], strict=True):
        assert np.sign(thumbnails.values[index, 20, 8, 8]) == np.sign(contrast)  # noqa: PD011


def test_progress_reaches_the_end(measurement: Simulated) -> None:
    seen: list[float] = []
    analyze(measurement[0], progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_permissive_thresholds_find_more(measurement: Simulated) -> None:
    settings = LandingSettings(detection=DetectionSettings.permissive())
    few = analyze(measurement[0]).events
    many = analyze(measurement[0], settings=settings).events
    assert len(many) > 1.2 * len(few)


def test_a_blank_movie_has_a_result_too(calibration: Calibration) -> None:
    movie, _ = simulate_movie(preset("buffer"), seconds=2, seed=1)
    result = analyze(movie, calibration=calibration)
    assert len(result.events) == 0
    assert result.spectrum.n_events == 0
    assert result.snapshot is not None
    assert "no events" in " ".join(result.spectrum.notes)


def test_a_calibration_recorded_otherwise_is_refused(measurement: Simulated) -> None:
    movie = measurement[0]
    settings = LandingSettings()
    same = calibrate([66, 150], [-0.0025, -0.0057], recorded=recorded_settings(movie, settings))
    assert analyze(movie, same).calibration == same
    other = LandingSettings(fit_n_avg=20)
    with pytest.raises(PerrinError, match=r"n_avg 10 there, 20 here"):
        analyze(movie, same, settings=other)
    assert analyze(movie, same, settings=other, check_calibration=False).calibration == same


def table(**columns: list[float]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"measurement": "a", "event": range(rows), **columns})


def test_tables_give_one_measurement_each() -> None:
    rng = np.random.default_rng(0)
    mass = rng.normal(150, 8, 200)
    events = table(contrast=list(-3.8e-5 * mass), mass_kda=list(mass))
    events["measurement"] = np.repeat(["a", "b"], 100)
    first, second = fit_spectrum(events, resamples=0)
    assert (first.name, second.name) == ("a", "b")
    assert len(first.spectrum.peaks) == 1
    assert first.spectrum.peaks[0].mode.value == pytest.approx(150, abs=4)


def test_a_given_calibration_wins_over_masses_in_the_table(calibration: Calibration) -> None:
    contrast = np.random.default_rng(0).normal(-3.8e-5 * 150, 3e-4, 100)
    events = table(contrast=list(contrast), mass_kda=[1.0] * 100)
    (result,) = fit_spectrum(events, calibration=calibration, resamples=0)
    assert result.spectrum.peaks[0].mode.value == pytest.approx(150, abs=6)


@pytest.mark.parametrize("rows", [1, 5])
def test_few_events_are_no_error(rows: int) -> None:
    (result,) = fit_spectrum(table(contrast=[-0.005] * rows, mass_kda=[130.0] * rows), resamples=0)
    assert result.spectrum.n_landing == rows
    assert "fewer than" in " ".join(result.spectrum.notes)


def test_an_empty_table_is_refused() -> None:
    empty = table(contrast=[-0.005]).iloc[:0]
    with pytest.raises(PerrinError, match="holds no events"):
        fit_spectrum(empty, resamples=0)


@pytest.fixture(scope="module")
def filtered(filter_loose: Callable[..., LandingsResult]) -> LandingsResult:
    return filter_loose(resamples=20, seed=0)


def test_the_filter_changes_nothing_but_labels_and_what_is_retained(
    filtered: LandingsResult, loose: Any, calibration: Calibration
) -> None:
    plain = analyze(
        loose.movie,
        calibration=calibration,
        resamples=20,
        seed=0,
    )
    own = [name for name in plain.events if name not in ("label", "retained", "thumbnail_index")]
    pd.testing.assert_frame_equal(filtered.events[own], plain.events[own])
    assert plain.classification is None
    assert plain.unfiltered is None
    assert filtered.unfiltered is not None
    before = filtered.unfiltered.to_dict()
    assert before["bin_counts"] == plain.spectrum.to_dict()["bin_counts"]
    assert before["peaks"][0]["mode_kda"] == plain.spectrum.peaks[0].mode.value


def test_what_is_retained_passes_the_threshold_and_was_fitted(filtered: LandingsResult) -> None:
    events, found = filtered.events, filtered.classification
    assert found is not None
    kept = events[events["retained"]]
    assert (kept["score_binder"] >= found.threshold).all()
    assert kept["contrast_se"].notna().all()
    assert not kept["label"].isin(["duplicate", "unscored", "not fitted"]).any()
    assert filtered.spectrum.n_landing == (kept["contrast"] < 0).sum() > 50


@pytest.mark.parametrize("calibrated", [True, False])
def test_the_tradeoff_says_what_the_filter_did(
    filter_loose: Callable[..., LandingsResult], calibration: Calibration, calibrated: bool
) -> None:
    line = calibration if calibrated else None
    result = filter_loose(calibration=line, scores=ScoreSettings(threshold=0.5))
    found, kept = result.classification, result.events[result.events["retained"]]
    assert found is not None
    at_it = found.tradeoff.loc[found.tradeoff["threshold"] == 0.5].iloc[0]
    assert at_it["landings"] == (kept["contrast"] < 0).sum()
    assert at_it["unbindings"] == (kept["contrast"] > 0).sum()
    assert at_it["precision"] == found.precision
    main = max(result.spectrum.peaks, key=lambda peak: peak.counts)
    assert main.resolving_power is not None
    assert at_it["resolving_power"] == pytest.approx(main.resolving_power.value)
    unit = "kda" if calibrated else "contrast"
    assert found.removed[f"low_{unit}"].iloc[-1] > 0 > found.removed[f"low_{unit}"].iloc[0]


def test_the_filter_sharpens_the_peak(filtered: LandingsResult) -> None:
    found = filtered.classification
    assert found is not None
    power = found.tradeoff.set_index("threshold")["resolving_power"]
    assert power[found.threshold] > 1.2 * power[0.0]
    assert filtered.unfiltered is not None
    assert filtered.spectrum.n_unbinding < 0.1 * filtered.unfiltered.n_unbinding


def test_shares_hold_the_true_ones(filtered: LandingsResult, loose: Any) -> None:
    found = filtered.classification
    assert found is not None
    events = filtered.events
    in_time = events[events["score_binder"].notna()].sort_values("frame", kind="stable")
    true = loose.classes[(in_time["contrast"] < 0).to_numpy()]
    assert sum(fraction.fraction.value for fraction in found.fractions) == pytest.approx(1)
    for number, fraction in enumerate(found.fractions):
        expected = (true == number).mean()
        assert fraction.fraction.low is not None
        assert fraction.fraction.high is not None
        spread = (
            fraction.fraction.high - fraction.fraction.low
        ) / 4  # 95%: two standard errors each way
        slack = len(found.fractions) / len(true)
        for estimate in (fraction.fraction, fraction.fraction_by_probability):
            assert estimate.value == pytest.approx(expected, abs=4 * spread + slack), fraction.name


def test_what_was_removed_adds_up(filtered: LandingsResult) -> None:
    found, events = filtered.classification, filtered.events
    assert found is not None
    removed = found.removed
    gone = removed.filter(like="removed_").sum(axis=1)
    assert (removed["events"] == removed["kept"] + gone).all()
    assert removed["events"].sum() == (events["label"] != "not fitted").sum()
    assert removed["kept"].sum() == events["retained"].sum()
    assert (removed["low_kda"].to_numpy()[1:] == removed["high_kda"].to_numpy()[:-1]).all()
    assert (removed["events"].to_numpy()[1:-1] >= 25).all()
    assert found.labels["retained"].sum() == events["retained"].sum()
    assert found.labels[["landings", "unbindings"]].sum(axis=None) == len(events)


def test_examples_show_every_label(filtered: LandingsResult) -> None:
    events = filtered.events
    shown = events[events["thumbnail_index"] >= 0]
    scored = events[events["score_binder"].notna() & (events["label"] != "not fitted")]
    for _, group in scored.groupby(["label", scored["contrast"] < 0]):
        assert len(shown.index.intersection(group.index)) == min(len(group), 40)


@pytest.mark.parametrize("seconds", [0.23, 2.0])
def test_a_filter_with_nothing_to_score_is_a_result(
    fake_model: Any, calibration: Calibration, seconds: float
) -> None:
    """No frame has a thumbnail; nothing was found."""
    movie, _ = simulate_movie(preset("buffer" if seconds > 1 else "bsa"), seconds=seconds, seed=1)
    model = fake_model(np.zeros(1, np.int64))
    result = analyze(movie, calibration=calibration, classifier=model)
    assert result.classification is not None
    assert (result.events["label"] == "unscored").sum() == len(result.events)
    assert result.spectrum.n_events == 0
    assert np.isnan(result.classification.precision)
    assert result.classification.tradeoff["landings"].max() == 0


def test_a_model_out_of_range_stops_before_the_work(loose: Any, fake_model: Any) -> None:
    seen: list[float] = []
    with pytest.raises(PerrinError, match="not trained for this"):
        analyze(
            loose.movie,
            classifier=fake_model(loose.classes),
            settings=LandingSettings(n_avg=50),
            progress=seen.append,
        )
    assert seen == []


def test_progress_reaches_the_end_with_a_model(loose: Any, fake_model: Any) -> None:
    seen: list[float] = []
    analyze(loose.movie, classifier=fake_model(loose.classes), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_the_settings_choose_the_reported_spectrum(loose: Any) -> None:
    """Without a calibration and a classifier too: then both are spectra of contrast."""
    for main in ("filtered", "all"):
        result = analyze(
            loose.movie,
            settings=LandingSettings(reported_spectrum=main),
            quantifier=QuantifierModel.load("default"),
        )
        assert result.quantification is not None
        both = {"filtered": result.spectrum, "all": result.quantification.spectrum}
        assert result.spectra == both
        assert next(iter(result.spectra)) == main
        assert {spectrum.unit for spectrum in result.spectra.values()} == {"contrast"}


def test_one_pass_sorts_and_weighs_as_two_do(loose: Any) -> None:
    """Landings are sorted as the quantifier looks at them; the classifier answers the rest."""
    sorts, mass_quantifier = ClassifierModel.load("default"), QuantifierModel.load("default")
    asked: list[int] = []

    class Watched(ClassifierModel):
        def predict(self, stacks: Any, inside: Any, **how: Any) -> Any:
            asked.append(len(stacks))
            return super().predict(stacks, inside, **how)

    watched = Watched(sorts.bundle)
    one = analyze(loose.movie, classifier=watched, quantifier=mass_quantifier).events
    unbindings = int((one["contrast"] > 0).sum())
    assert sum(asked) <= unbindings
    asked.clear()
    two = analyze(loose.movie, classifier=watched).events
    assert sum(asked) > unbindings
    names = [name for name in one.columns if name.startswith(("score_", "p_"))]
    np.testing.assert_allclose(one[names], two[names], atol=1e-4)
    assert one["label"].equals(two["label"])


def test_the_classifier_is_asked_at_another_integration(loose: Any) -> None:
    sorts, mass_quantifier = ClassifierModel.load("default"), QuantifierModel.load("default")
    assert sorts_as(mass_quantifier, sorts, n_avg=mass_quantifier.integration)
    assert not sorts_as(mass_quantifier, sorts, n_avg=mass_quantifier.integration + 1)
    stranger = SimpleNamespace(identity=NetworkId("another", "classifier", None))
    assert not sorts_as(mass_quantifier, cast("Any", stranger), n_avg=mass_quantifier.integration)


def test_all_landings_are_no_reported_spectrum_without_a_quantifier(loose: Any) -> None:
    seen: list[float] = []
    with pytest.raises(PerrinError, match="only a quantifier predicts the masses of all"):
        analyze(
            loose.movie, settings=LandingSettings(reported_spectrum="all"), progress=seen.append
        )
    assert seen == []  # before the long work
    assert list(analyze(loose.movie).spectra) == ["filtered"]

"""The threshold and what it lets through; several detections of one landing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.landing.classifier.filtering import (
    Threshold,
    choose_threshold,
    estimated_rates,
    fitted_and_scored,
    multiple_detections,
    retain,
)
from perrin.settings.scores import ScoreSettings


def table(
    rows: list[tuple[float, float, float, float]], *, contrast: float = -0.005
) -> pd.DataFrame:
    """Events of frame, y, x and score."""
    events = pd.DataFrame(rows, columns=["frame", "y_px", "x_px", "score_binder"])
    events["contrast"] = -0.005
    events["p_binder"] = events["score_binder"]
    events["label"] = "binder"
    events["retained"] = True
    return events


def repeated(events: pd.DataFrame, n_avg: int = 10) -> list[bool]:
    able = fitted_and_scored(events)
    return multiple_detections(events, candidates=able, n_avg=n_avg).tolist()


def test_of_detections_of_one_landing_the_best_stays() -> None:
    events = table([(100, 20, 20, 0.95), (104, 21, 21, 0.99), (200, 20, 20, 0.92)])
    assert repeated(events) == [True, False, False]
    kept = retain(events, single=~np.array(repeated(events)), threshold=0.9)
    assert kept["label"].tolist() == ["duplicate", "binder", "binder"]
    assert kept["retained"].tolist() == [False, True, True]


def test_what_fails_the_threshold_is_no_duplicate() -> None:
    events = table([(100, 20, 20, 0.5), (104, 21, 21, 0.99)])
    kept = retain(events, single=~np.array(repeated(events)), threshold=0.9)
    assert kept["label"].tolist() == ["binder", "binder"]
    assert kept["retained"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("second", "near"),
    [
        ((120, 20, 20, 0.9), True),
        ((121, 20, 20, 0.9), False),
        ((100, 23, 20, 0.9), True),
        ((100, 22.5, 22.5, 0.9), False),
    ],
)
def test_near_is_3_px_and_2_n_avg_frames(second: tuple[float, ...], near: bool) -> None:
    events = table([(100, 20, 20, 0.95), second])
    assert repeated(events) == [False, near]


def test_a_landing_and_an_unbinding_are_two_events() -> None:
    events = table([(100, 20, 20, 0.95), (105, 20, 20, 0.96)])
    events.loc[1, "contrast"] = 0.005
    assert repeated(events) == [False, False]


def test_one_that_does_not_stay_removes_no_other() -> None:
    events = table([(100, 20, 20, 0.99), (100, 22.5, 20, 0.98), (100, 25, 20, 0.97)])
    assert repeated(events) == [False, True, False]


def test_equal_scores_are_settled_by_order_and_rejected_events_do_not_count() -> None:
    events = table([(100, 20, 20, 0.95), (100, 20, 20, 0.95), (100, 20, 20, np.nan)])
    assert repeated(events) == [False, True, False]
    events.loc[0, "retained"] = False
    assert repeated(events) == [False, False, False]
    assert repeated(events.iloc[:0]) == []


def test_every_threshold_gives_what_filtering_at_it_gives() -> None:
    rng = np.random.default_rng(0)
    rows = np.c_[rng.integers(0, 200, 300), rng.uniform(6, 30, (300, 2)), rng.random(300)]
    events = table([tuple(row) for row in rows])
    whole = np.array(repeated(events))
    order = events["score_binder"].sort_values(ascending=False).index
    for threshold in (0.0, 0.5, 0.9):
        stay: list[int] = []  # by the definition, event by event
        for i in order[events.loc[order, "score_binder"] >= threshold]:
            gap = np.abs(rows[stay, :3] - rows[i, :3])
            close = (gap[:, 0] <= 20) & (np.hypot(gap[:, 1], gap[:, 2]) <= 3)
            if not close.any():
                stay.append(i)
        kept = retain(events, single=~whole, threshold=threshold)
        assert sorted(stay) == np.flatnonzero(kept["retained"]).tolist()


def scored(count: int, rng: np.random.Generator) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Events whose p_binder is their true probability to be binders; which are."""
    p = rng.beta(0.5, 0.5, count)
    events = table([(1000.0 * k, 20, 20, value) for k, value in enumerate(np.sqrt(p))])
    events["p_binder"] = p
    events["mass_kda"] = 150.0
    return events, rng.random(count) < p


def test_estimated_rates_are_the_true_ones() -> None:
    events, binder = scored(5000, np.random.default_rng(1))
    score, p = events["score_binder"].to_numpy(), events["p_binder"].to_numpy()
    thresholds = np.array([0.0, 0.5, 0.9, 1.1])
    precision, recall, kept = estimated_rates(score, p, thresholds=thresholds)
    for k, threshold in enumerate(thresholds[:3]):
        passing = score >= threshold
        assert kept[k] == passing.sum()
        error = 4 * np.sqrt((p * (1 - p))[passing].sum())  # binders are drawn with chance p
        assert precision[k] * kept[k] == pytest.approx(binder[passing].sum(), abs=error)
        assert recall[k] == pytest.approx(p[passing].sum() / p.sum())
    assert np.isnan(precision[3])
    assert recall[3] == 0


def choose(events: pd.DataFrame, **settings: Any) -> Threshold:
    single = np.ones(len(events), bool)
    return choose_threshold(events, single=single, settings=ScoreSettings(**settings))


def test_a_target_precision_is_reached_with_the_most_landings() -> None:
    events, _ = scored(2000, np.random.default_rng(2))
    found = choose(events, precision=0.95)
    assert found.chosen == "estimated precision of 0.95"
    p = events["p_binder"][events["score_binder"] >= found.value]
    assert p.mean() >= 0.95
    assert np.r_[p, events["p_binder"].drop(p.index).max()].mean() < 0.95


def test_a_precision_that_nothing_has_is_said() -> None:
    events, _ = scored(200, np.random.default_rng(3))
    events["p_binder"] *= 0.5
    found = choose(events, precision=0.95)
    assert found.value == 0.9
    assert "no threshold reaches an estimated precision of 0.95" in found.notes[0]
    assert "no landings" in choose(events.iloc[:0], precision=0.95).notes[0]


BY_MASS = {"30 to 55 kDa": 0.7, "55 to 100 kDa": 0.6, "100 to 800 kDa": 0.4, "30 to 800 kDa": 0.5}


@pytest.mark.parametrize(
    ("masses", "threshold", "noted"),
    [
        ([42, 45, 50], 0.7, False),
        ([150, 180], 0.4, False),
        ([42, 150, 150], 0.5, False),
        ([42] * 19 + [900], 0.7, False),
        ([900, 1200], 0.5, True),
    ],
)
def test_the_range_of_mass_is_that_of_the_binders(
    masses: list[float], threshold: float, noted: bool
) -> None:
    events = table([(1000.0 * k, 20, 20, 0.9) for k in range(len(masses) + 10)])
    events["mass_kda"] = masses + [35.0] * 10
    events.loc[len(masses) :, "p_binder"] = 0.001  # many false events of low mass
    found = choose(events, best_f1=BY_MASS)
    assert found.value == threshold
    assert bool(found.notes) == noted


def test_without_masses_the_widest_range_counts() -> None:
    events = table([(100, 20, 20, 0.9)])
    found = choose(events, best_f1=BY_MASS)
    assert found.value == 0.5
    assert "no calibration" in found.notes[0]
    with pytest.raises(PerrinError, match="'low'; a range of mass"):
        choose(events, best_f1={"low": 0.5})


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        ScoreSettings(precision=0.9, best_f1=BY_MASS)
    with pytest.raises(ValueError, match="no thresholds"):
        ScoreSettings(best_f1={})

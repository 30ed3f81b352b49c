"""Regimes from step probabilities: where they change, how sure that is, how long they last."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perrin.diffusion import residence_time
from perrin.diffusion.regimes import (
    CTRW,
    FBM,
    SHORTEST,
    UNDECIDED,
    confidence,
    find_regimes,
    fraction_near,
)
from perrin.diffusion.tables import REGIMES, SURVIVAL, TIME_COURSE, TRANSITIONS, WINDOWS
from perrin.diffusion.time_course import SEGMENT_FRAMES, follow, joined, segments_of
from perrin.diffusion.windows import Track


def steps(*parts: tuple[float, int]) -> np.ndarray:
    return np.concatenate([np.full(number, p) for p, number in parts])


def track(length: int, particle: int = 0, start: int = 0) -> Track:
    return Track(particle, start, np.zeros((length, 2)), np.ones(length, dtype=bool))


def labels(p: np.ndarray) -> list[tuple[int, int, int]]:
    return [(r.label, r.start, r.stop) for r in find_regimes(p)]


def test_a_change_lies_where_the_probability_turns() -> None:
    first, second = find_regimes(steps((0.02, 70), (0.3, 4), (0.7, 4), (0.98, 60)))
    assert (first.label, first.start, first.stop) == (FBM, 0, 74)
    assert (second.label, second.start, second.stop) == (CTRW, 74, 138)
    assert not first.changed
    # .02 is below the 5% quantile up to step 70, .98 above the 95% one from step 78 on
    assert (second.start_low, second.start_high) == (70, 78)


def test_what_is_sure_of_neither_stays_undecided() -> None:
    assert labels(steps((0.3, 120))) == [(UNDECIDED, 0, 120)]
    assert labels(steps((0.01, 80), (0.5, 60), (0.99, 80))) == [
        (FBM, 0, 80),
        (UNDECIDED, 80, 140),
        (CTRW, 140, 220),
    ]


def test_a_short_stretch_is_no_regime() -> None:
    short = steps((0.01, 80), (0.99, SHORTEST - 2), (0.01, 80))
    assert labels(short) == [(FBM, 0, len(short))]
    long = steps((0.01, 80), (0.99, SHORTEST + 2), (0.01, 80))
    assert [label for label, _, _ in labels(long)] == [FBM, CTRW, FBM]


def test_an_undecided_stretch_between_both_is_parted_with_fewest_expected_errors() -> None:
    first, second = find_regimes(steps((0.99, 50), (0.6, 12), (0.4, 8), (0.01, 50)))
    assert first.stop == second.start == 62
    assert (second.start_low, second.start_high) == (50, 70)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.integers(9, 200), elements=st.floats(0, 1)))
def test_regimes_cover_the_track_and_neighbors_differ(p: np.ndarray) -> None:
    found = find_regimes(p)
    assert found[0].start == 0
    assert found[-1].stop == len(p)
    for before, after in pairwise(found):
        assert before.stop == after.start
        assert before.label != after.label
        if after.changed:
            assert after.start_low <= after.start <= after.start_high
    mirrored = [(2 if r.label == 2 else 1 - r.label) for r in find_regimes(1 - p)]
    if not np.isclose(p, 0.5).any():
        assert mirrored == [r.label for r in found]


def test_the_share_near_a_change_covers_the_truth_as_often_as_it_says() -> None:
    """Tracks that change once, at a time drawn from the distribution that p is."""
    rng = np.random.default_rng(1)
    p = 1 / (1 + np.exp(-(np.arange(200) - 100) / 2))
    low, mean, high = fraction_near(p).T
    inside = []
    for _ in range(400):
        truth = (rng.random() < p).astype(float)
        fraction = fraction_near(truth)[100, 1]
        inside.append(low[100] <= fraction <= high[100])
    assert low[100] < mean[100] < high[100]
    # discrete fractions cover a little more
    assert 0.87 < np.mean(inside) < 0.99


def test_confidence_is_the_mean_probability_of_the_label() -> None:
    p = steps((0.1, 30), (0.98, 40))
    first, second = find_regimes(p)
    assert confidence(p, first) == pytest.approx(0.9)
    assert confidence(p, second) == pytest.approx(0.98)
    assert np.isnan(confidence(steps((0.5, 40)), find_regimes(steps((0.5, 40)))[0]))


@pytest.mark.parametrize("length", [1001, 1800, 1801, 5037])
def test_long_tracks_are_joined_from_pieces_without_a_seam(length: int) -> None:
    truth = np.linspace(0, 1, length - 1)[:, None].repeat(2, axis=1)
    segments = segments_of(track(length))
    assert {len(segment.seen) for segment in segments} == {SEGMENT_FRAMES}
    assert segments[-1].stop == length
    predicted = [truth[segment.start : segment.stop - 1] for segment in segments]
    np.testing.assert_array_equal(joined(predicted, length), truth)
    # a step comes from the piece whose ends are farther away: never the outer 100 of a seam
    marked = [np.full((SEGMENT_FRAMES - 1, 2), k / 10) for k in range(len(segments))]
    whole = joined(marked, length)[:, 0] * 10
    for k in range(1, len(segments)):
        seam = int(np.flatnonzero(whole >= k - 1e-9)[0])
        overlap = segments[k - 1].stop - segments[k].start
        assert abs(seam - (segments[k].start + overlap // 2)) <= 1


def test_steps_that_no_piece_tells_have_even_odds() -> None:
    segments = segments_of(track(1800))
    predicted = [np.zeros((SEGMENT_FRAMES - 1, 2)), None]
    whole = joined(predicted, 1800)
    assert len(segments) == 2
    assert (whole[:999] == 0).all()
    assert (whole[1000:] == 0.5).all()


def time_course(p: list[np.ndarray], frame_interval: float = 0.5):
    tracks = [track(len(one) + 1, particle=k, start=10) for k, one in enumerate(p)]

    def estimate(parts):
        columns = {c.name: [0.0] * len(parts) for c in WINDOWS}
        return pd.DataFrame(columns).assign(
            particle=[part.particle for part in parts],
            frame_start=[part.start for part in parts],
            frame_stop=[part.stop for part in parts],
        )

    predicted = [np.stack([one, one], axis=1) for one in p]
    return follow(tracks, predicted, estimate=estimate, frame_interval=frame_interval)


def test_the_tables_say_frames_times_and_censoring() -> None:
    found = time_course([steps((0.01, 40), (0.99, 60)), steps((0.01, 50))])
    for table, columns in (
        (found.regimes, REGIMES),
        (found.time_course, TIME_COURSE),
        (found.transitions, TRANSITIONS),
        (found.survival, SURVIVAL),
    ):
        assert list(table.columns) == [column.name for column in columns]
    regimes = found.regimes
    assert regimes["label"].tolist() == ["fbm", "ctrw", "fbm"]
    assert regimes["frame_start"].tolist() == [10, 50, 10]
    assert regimes["frame_stop"].tolist() == [51, 111, 61]
    assert regimes["start_low"].tolist()[1] == 50
    assert regimes["time_start"].tolist() == [5.0, 25.0, 5.0]
    assert regimes["residence_time"].tolist() == [20.0, 30.0, 25.0]
    assert regimes["left_censored"].tolist() == [True, False, True]
    assert regimes["right_censored"].tolist() == [False, True, True]
    along = found.time_course
    assert len(along) == 101 + 51
    assert along.loc[along["frame"] == 50, "label"].tolist() == ["ctrw", "fbm"]
    assert (along["time"] == along["frame"] * 0.5).all()
    row = found.transitions.set_index(["before", "after"]).loc[("fbm", "ctrw")]
    assert row["number"] == 1
    assert row["rate"] == pytest.approx(1 / 45.0)


def switching(rng: np.random.Generator, *, rates: tuple[float, float], length: int, count: int):
    """Tracks that switch without memory, as step probabilities that are certain."""
    masks = []
    for _ in range(count):
        state, states = int(rng.random() < rates[0] / sum(rates)), []
        while len(states) < length:
            states += [state] * (1 + int(rng.exponential(1 / rates[state])))
            state = 1 - state
        masks.append(np.array(states[:length], dtype=float))
    return masks


def test_dwell_times_are_recovered_though_most_regimes_are_cut_off() -> None:
    rng = np.random.default_rng(3)
    rates = (1 / 150, 1 / 300)  # FBM lasts 150 frames on average, CTRW 300; tracks 400
    found = time_course(switching(rng, rates=rates, length=400, count=150), frame_interval=1.0)
    predicted = residence_time.summary(found.regimes)
    for label, rate in (("fbm", rates[0]), ("ctrw", rates[1])):
        spells = predicted[label]
        assert spells["right_censored"] > 0.25 * spells["regimes"]
        # what counting the ended ones alone would say is far too short
        ended = found.regimes[(found.regimes["label"] == label) & ~found.regimes["right_censored"]][
            "residence_time"
        ].mean()
        error = 1 / rate / np.sqrt(spells["ended"])
        # regimes shorter than SHORTEST are not seen: dwells are longer by about that
        assert abs(spells["mean_residence_time"] - 1 / rate - SHORTEST) < 4 * error
        assert ended < 0.85 / rate
        assert (
            spells["mean_residence_time_low"]
            < spells["mean_residence_time"]
            < spells["mean_residence_time_high"]
        )
    curve = found.survival[found.survival["label"] == "fbm"]
    at = curve[curve["time"] <= 150].iloc[-1]
    assert at["survival_low"] - 0.05 < np.exp(-(150 - SHORTEST) / 150) < at["survival_high"] + 0.05


def test_kaplan_meier_by_hand() -> None:
    """Five spells: 2, 3+, 4, 4, 6+ (+: censored). S(2) = 4/5, S(4) = 4/5 * 1/3."""
    table = pd.DataFrame(
        {
            "label": "fbm",
            "residence_time": [2.0, 3.0, 4.0, 4.0, 6.0],
            "left_censored": False,
            "right_censored": [False, True, False, False, True],
        }
    )
    curve = residence_time.survival(table).set_index("time")
    np.testing.assert_allclose(curve["survival"], [0.8, 0.8, 0.8 / 3, 0.8 / 3])
    assert curve["at_risk"].tolist() == [5, 4, 3, 1]
    greenwood = 1 / (5 * 4) + 2 / (3 * 1)
    left = 0.8 / 3
    reach = np.exp(1.6448536 * np.sqrt(greenwood) / abs(np.log(left)))
    assert curve.loc[4.0, "survival_low"] == pytest.approx(left**reach)
    assert curve.loc[4.0, "survival_high"] == pytest.approx(left ** (1 / reach))


def test_spells_that_began_before_the_track_do_not_shorten_the_others() -> None:
    """Every regime lasts 60 frames, tracks begin anywhere in one: the median is 60."""
    rng = np.random.default_rng(4)
    masks = [
        ((np.arange(400) + offset) // 60 % 2).astype(float) for offset in rng.integers(0, 120, 80)
    ]
    found = time_course(masks, frame_interval=1.0)
    assert found.regimes["left_censored"].mean() > 0.1
    for label in ("fbm", "ctrw"):
        assert residence_time.summary(found.regimes)[label]["median_residence_time"] == 60
        curve = found.survival[found.survival["label"] == label]
        assert (curve.loc[curve["time"] < 60, "survival"] == 1).all()


def test_kaplan_meier_covers_the_survival_that_is() -> None:
    """The 90% interval at the median of exponential spells, a third of them cut off: both sides."""
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(200):
        whole, cut = rng.exponential(1.0, 80), rng.exponential(2.0, 80)
        table = pd.DataFrame(
            {
                "label": "ctrw",
                "residence_time": np.minimum(whole, cut),
                "left_censored": False,
                "right_censored": cut < whole,
            }
        )
        curve = residence_time.survival(table)
        row = curve[curve["time"] <= np.log(2)].iloc[-1]
        inside.append(row["survival_low"] <= 0.5 <= row["survival_high"])
    assert np.mean(inside) == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 200) + 0.01)


def test_the_interval_of_a_rate_is_that_of_a_poisson_number() -> None:
    from scipy.stats import poisson

    low, rate, high = residence_time.rate_of(7, 50.0)
    assert rate == pytest.approx(0.14)
    assert poisson.sf(6, low * 50) == pytest.approx(0.05)
    assert poisson.cdf(7, high * 50) == pytest.approx(0.05)
    assert residence_time.rate_of(0, 10.0)[0] == 0
    assert np.isnan(residence_time.rate_of(0, 0.0)[1])


def test_no_track_told_gives_empty_tables() -> None:
    found = follow(
        [track(5)],
        [None],
        estimate=lambda _: pd.DataFrame(columns=[c.name for c in WINDOWS]),
        frame_interval=1.0,
    )
    assert found.regimes.empty
    assert found.time_course.empty
    assert found.survival.empty
    assert (found.transitions["number"] == 0).all()
    assert residence_time.summary(found.regimes)["fbm"]["mean_residence_time"] is None

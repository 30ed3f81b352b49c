"""Segments of tracks in K and alpha, and the states of a sample: found where walks change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.hidden_states import changes
from perrin.diffusion.likelihood import fit_fbm
from perrin.diffusion.motion_kinds import KINDS
from perrin.diffusion.piecewise import chains, steps_of
from perrin.diffusion.segmentation import states_of
from perrin.diffusion.segments import Segments, find_segments, notes_on_segments, summary
from perrin.diffusion.tables import OF_KIND, REGIMES, SEGMENTS, STATE_TRANSITIONS, STATES
from perrin.diffusion.windows import Track
from perrin.simulate.walks import fbm
from perrin_benchmarks.piecewise import piecewise_fbm

NOISE, LENGTH, UNIT, INTERVAL = 0.2, 160, 50.0, 0.02


def walk(parts: list[tuple[int, float, float]], rng: np.random.Generator) -> np.ndarray:
    """Parts (steps, alpha, K) one after the other, with noise."""
    path = piecewise_fbm(parts, rng=rng)
    return path + NOISE * rng.standard_normal(path.shape)


def seen_track(number: int, path: np.ndarray, rng: np.random.Generator, *, told: bool) -> Track:
    """One frame in twenty is missing; the first frame is 7."""
    seen = rng.random(len(path)) > 0.05
    seen[[0, -1]] = True
    noise = NOISE if told else np.nan
    return Track(number, 7, np.where(seen[:, None], path, 0.0), seen, noise=noise)


def trajectories(tracks: list[Track], kind: str) -> pd.DataFrame:
    table = pd.DataFrame(np.nan, range(len(tracks)), [column.name for column in OF_KIND])
    for name in KINDS:
        table[f"p_{name}"] = float(name == kind)
    return table.assign(kind=kind, fbm_noise_sigma=NOISE * UNIT)


def cut(
    tracks: list[Track], kind: str = "brownian", regimes: pd.DataFrame | None = None
) -> Segments:
    none = pd.DataFrame(columns=[column.name for column in REGIMES])
    return find_segments(
        tracks,
        trajectories(tracks, kind),
        none if regimes is None else regimes,
        tell=lambda parts: trajectories(parts, "fbm"),
        length=UNIT,
        frame_interval=INTERVAL,
    )


@pytest.fixture(scope="module")
def switching() -> tuple[list[Track], list[int]]:
    """Tracks that go from alpha 1.2, K 1 to alpha .6, K .1, and at which frame."""
    rng = np.random.default_rng(3)
    at = [int(rng.integers(50, 110)) for _ in range(30)]
    paths = [walk([(c, 1.2, 1.0), (LENGTH - c, 0.6, 0.1)], rng) for c in at]
    return [seen_track(k, path, rng, told=True) for k, path in enumerate(paths)], at


@pytest.fixture(scope="module")
def found(switching) -> Segments:
    return cut(switching[0])


def test_changes_lie_in_their_intervals(switching, found: Segments) -> None:
    table = found.segments
    assert list(table.columns) == [column.name for column in SEGMENTS]
    second = table[table["segment"] == 1].set_index("particle")
    assert len(second) >= 28  # of 30
    truth = pd.Series(switching[1]) + 7
    inside = second["start_low"].le(truth) & second["start_high"].ge(truth)
    assert inside[second.index].mean() > 0.75  # 90% interval, 28 tracks: 3 standard errors below
    assert (second["frame_start"] - truth[second.index]).abs().median() <= 3


def test_k_and_alpha_are_in_units_of_the_scale(found: Segments) -> None:
    first = found.segments[found.segments["segment"] == 0]
    true = 1.0 * UNIT**2 / INTERVAL**1.2
    at_true_alpha = first["K"] * INTERVAL ** (first["alpha"] - 1.2)
    assert at_true_alpha.median() == pytest.approx(true, rel=0.15)
    held = (first["alpha_low"] <= 1.2) & (first["alpha_high"] >= 1.2)
    assert held.mean() > 0.72  # 90% interval, 30 tracks: 3 standard errors below
    assert (first["K_low"] < first["K"]).all()
    assert (first["K"] < first["K_high"]).all()


def test_there_are_two_states(found: Segments) -> None:
    states = found.states
    assert list(states.columns) == [column.name for column in STATES]
    assert len(states) == 2
    assert states["alpha"].tolist() == pytest.approx([1.2, 0.6], abs=0.1)
    assert states["occupancy"].sum() == pytest.approx(1.0)
    table = found.state_transitions.set_index(["before", "after"])
    assert [*table.index.names, *table.columns] == [column.name for column in STATE_TRANSITIONS]
    assert table.loc[(0, 1), "number"] == pytest.approx(30, abs=3)
    assert table.loc[(1, 0), "number"] < 2
    assert np.isnan(states["mean_residence_time"][1]) or states["mean_residence_time"][1] > 10
    said = summary(found)
    assert said["number_of_states"] == 2
    assert said["tracks_with_change"] >= 28


def test_segments_follow_each_other_and_are_censored_at_the_ends(found: Segments) -> None:
    for _, own in found.segments.groupby("particle"):
        assert own["left_censored"].tolist() == [True, *[False] * (len(own) - 1)]
        assert own["right_censored"].tolist() == [*[False] * (len(own) - 1), True]
        assert own["residence_time"].sum() == pytest.approx(LENGTH * INTERVAL)
        assert own["start_low"].isna().tolist() == own["left_censored"].tolist()
    changed = found.segments[~found.segments["left_censored"]]
    assert (changed["kind"] == "fbm").all()  # each was asked for alone


def test_what_does_not_change_stays_whole() -> None:
    rng = np.random.default_rng(4)
    paths = [walk([(100, alpha, 0.5)], rng) for alpha in np.linspace(0.3, 1.6, 30)]
    whole = cut([seen_track(k, path, rng, told=True) for k, path in enumerate(paths)])
    assert summary(whole)["tracks_with_change"] <= 1
    assert (whole.segments["kind"] == "brownian").sum() >= 29


def test_alpha_of_a_segment_is_that_of_all_its_memory() -> None:
    """It differs from the exact maximum likelihood by less than .35 of that one's error.

    That much adds 12% to the variance, and an interval of 90% holds 88%. Eight steps of memory
    differ by .39.
    """
    alpha = np.repeat([0.4, 1.5], 30)
    walks = fbm(alpha, length=200, rng=np.random.default_rng(8))
    walks = walks + NOISE * np.random.default_rng(9).standard_normal(walks.shape)
    seen = np.ones(200, dtype=bool)
    exact = [fit_fbm(own, seen, noise_sigma=NOISE) for own in walks]
    away = []
    for part in (slice(0, 30), slice(30, 60)):
        found = chains([Track(k, 0, own, seen) for k, own in enumerate(walks[part])], noise=NOISE)
        assert found is not None
        away += [
            (own[0].alpha[1] - fit.alpha) / fit.alpha_se
            for own, fit in zip(found.pieces, exact[part], strict=True)
            if len(own) == 1
        ]
    assert len(away) >= 58
    assert np.sqrt(np.mean(np.square(away))) < 0.35


def test_rest_is_a_state_of_its_own() -> None:
    rng = np.random.default_rng(5)
    paths = [walk([(50, 1.0, 0.5), (60, 1.0, 0.0), (50, 1.0, 0.5)], rng) for _ in range(12)]
    stops = cut([seen_track(k, path, rng, told=True) for k, path in enumerate(paths)])
    rest = stops.segments[stops.segments["K"] == 0]
    assert len(rest) >= 11
    assert rest["residence_time"].median() == pytest.approx(60 * INTERVAL, rel=0.1)
    assert rest["alpha"].isna().all()
    assert stops.states["K"].tolist()[-1] == 0


def test_jumps_and_waits_are_no_changes(switching) -> None:
    whole = cut(switching[0], kind="ctrw")
    assert len(whole.segments) == len(switching[0])
    assert whole.segments["K"].isna().all()
    assert not len(whole.states)
    assert (whole.segments["reason"] != "").all()


def test_a_mixture_is_cut_where_its_regime_changes(switching) -> None:
    columns = {"particle": [0, 0, 1], "frame_start": [7, 60, 7], "start_low": [np.nan, 58, np.nan]}
    regimes = pd.DataFrame(columns).assign(start_high=columns["start_low"])
    table = cut(switching[0][:2], kind="mixture", regimes=regimes).segments
    assert table["segment"].tolist() == [0, 1, 0]
    assert table["start_low"].fillna(-1).tolist() == [-1, 58, -1]
    assert table["residence_time"].tolist() == pytest.approx(
        [53 * INTERVAL, 107 * INTERVAL, 160 * INTERVAL]
    )
    assert table["kind"].tolist() == ["fbm", "fbm", "mixture"]


def test_a_noise_that_is_not_known_is_said(switching) -> None:
    rng = np.random.default_rng(6)
    unknown = [Track(t.particle, t.start, t.positions, t.seen) for t in switching[0][:12]]
    guessed = cut(unknown)
    assert not guessed.told
    assert guessed.noise == pytest.approx(NOISE)  # what FBM fits
    assert "localization error is not known" in notes_on_segments(guessed)[0]
    still = [
        Track(0, 0, np.zeros((20, 2)), np.ones(20, bool)),
        seen_track(1, walk([(2, 1, 1)], rng)[:3], rng, told=True),
    ]
    assert cut(still).segments["reason"].tolist() == ["immobile", "fewer than 4 steps of one frame"]


def visits(rng: np.random.Generator, stays: tuple[float, float]) -> list[Track]:
    """60 Brownian tracks of two states with such mean stays, in steps; the first moves further."""
    tracks = []
    for number in range(60):
        state = np.zeros(120, dtype=int)
        state[0] = rng.random() < stays[1] / sum(stays)
        for t in range(1, 120):
            state[t] = state[t - 1] ^ (rng.random() < 1 / stays[state[t - 1]])
        steps = rng.standard_normal((120, 2)) * np.array([1.0, 0.4])[state][:, None]
        path = np.concatenate([np.zeros((1, 2)), steps.cumsum(axis=0)])
        tracks.append(Track(number, 0, path, np.ones(121, bool), noise=0.01))
    return tracks


def test_short_visits_count_in_rates() -> None:
    """Stays of 10 and 30 steps, many too short to be cut out: rates and errors are right."""
    rng = np.random.default_rng(7)
    both = states_of(np.ones(2), 0.5 * np.array([1.0, 0.4]) ** 2, 0.01)
    truth, held, middle, fast = np.array([10.0, 30.0]), [], [], []
    for _ in range(20):
        steps = [steps_of(track) for track in visits(rng, (10, 30))]
        hidden = changes([one.own for one in steps], [one.before for one in steps], both)
        held.append((hidden.stay_low < truth) & (truth < hidden.stay_high))
        middle.append(hidden.stay)
        fast.append(hidden.occupancy.sum(axis=0)[0] / hidden.occupancy.sum())
    # about 180 stays of each a time: standard error of the mean of 20 below 3%
    assert np.mean(middle, axis=0) == pytest.approx(truth, rel=0.1)
    assert np.mean(fast) == pytest.approx(0.25, abs=0.02)
    assert np.mean(held) > 0.75  # 90% intervals, 40 of them: three standard errors below

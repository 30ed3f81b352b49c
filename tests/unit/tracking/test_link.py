"""Linking, and what the data suggest for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.settings.tracking import LinkSettings
from perrin.tracking.link import ambiguity, close_gaps, link, measure_steps
from perrin_benchmarks.tracking import score_links

FIELD = 400.0


def walks(
    count: int = 40, frames: int = 60, *, step: float = 2.0, seed: int = 0, missing: float = 0.0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, FIELD, (count, 1, 2))
    places = places + np.cumsum(step * rng.standard_normal((count, frames, 2)), axis=1)
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(count), frames),
            "frame": np.tile(np.arange(frames), count),
            "x": places[..., 0].ravel(),
            "y": places[..., 1].ravel(),
            "present": True,
        }
    )
    kept = rng.random(len(table)) >= missing
    return table[kept].sort_values("frame", kind="stable", ignore_index=True)


def linked(table: pd.DataFrame, **settings: object):
    return link(
        table["frame"].to_numpy(np.int64),
        table["x"].to_numpy(float),
        table["y"].to_numpy(float),
        area_px=FIELD**2,
        settings=LinkSettings.model_validate(settings),
    )


def test_steps_are_measured_without_linking() -> None:
    table = walks(step=2.0)
    steps = measure_steps(
        table["frame"].to_numpy(),
        table["x"].to_numpy(),
        table["y"].to_numpy(),
        area_px=FIELD**2,
    )
    assert steps.step_px == pytest.approx(2.0, rel=0.1)
    # a normal step is longer than 3.4 standard deviations once in 300 times
    assert 3.2 * 2.0 < steps.bulk_px < 6 * 2.0
    assert steps.search_px == pytest.approx(0.4 * FIELD / np.sqrt(40), rel=1e-6)
    assert steps.spacing_px == pytest.approx(FIELD / np.sqrt(40), rel=1e-6)


def test_suggested_settings_link_nearly_everything_right() -> None:
    table = walks(missing=0.03)
    found = linked(table)
    assert found.memory_frames >= 1
    score = score_links(table, table.assign(particle=found.particle))
    assert score.f1 > 0.98
    tracks = pd.Series(found.particle).groupby(table["particle"]).nunique()
    assert tracks.mean() < 1.5  # gaps were closed


def test_rare_long_jumps_are_followed_where_there_is_room() -> None:
    table = walks(count=6, frames=200, step=0.5)
    late = (table["particle"] == 2) & (table["frame"] >= 100)
    table.loc[late, "x"] += 30.0
    found = linked(table)
    assert found.steps.bulk_px < 10
    assert len(np.unique(found.particle[table["particle"] == 2])) == 1


def test_without_gaps_no_memory_is_suggested() -> None:
    assert linked(walks()).memory_frames == 0


def test_gaps_are_closed_within_a_range_that_grows_with_time() -> None:
    frame = np.array([0, 1, 2, 6, 7, 6, 7])
    x = np.array([0.0, 0, 0, 7, 7, 30, 30])
    tracklets = np.array([0, 0, 0, 1, 1, 2, 2])
    args = frame, x, np.zeros(7), tracklets
    assert close_gaps(*args, search_px=4, memory_frames=3).tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert close_gaps(*args, search_px=3, memory_frames=3).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert close_gaps(*args, search_px=4, memory_frames=2).tolist() == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("step", [1.5, 8.0])
def test_the_expected_share_of_wrong_links_is_about_the_true_one(step: float) -> None:
    table = walks(count=120, frames=40, step=step, seed=3)
    found = linked(table, memory_frames=0)
    score = score_links(table, table.assign(particle=found.particle))
    wrong = 1 - score.matched / score.found
    assert found.wrong_fraction == pytest.approx(wrong, rel=0.5, abs=0.004)


def test_the_odds_of_a_wrong_link_are_those_of_normal_steps() -> None:
    """Pairs far from all others, a step apart: as many are exchanged as the odds say."""
    rng = np.random.default_rng(8)
    count, step = 8000, 1.3
    first = np.stack([np.arange(count) * 60.0, np.zeros(count)], axis=1)
    apart = rng.uniform(0.3, 4.0, count)
    turn = rng.uniform(0, 2 * np.pi, count)
    second = first + apart[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    places = np.stack([first, second], axis=1)  # (pair, particle, axis)
    later = places + step * rng.standard_normal(places.shape)
    exchanged = np.square(later - places).sum(axis=(1, 2)) > np.square(later[:, ::-1] - places).sum(
        axis=(1, 2)
    )
    after = np.where(exchanged[:, None, None], later[:, ::-1], later)  # as links have it
    x, y = (np.stack([places[..., k], after[..., k]], axis=0).ravel() for k in (0, 1))
    frame = np.repeat([0, 1], 2 * count)
    doubt = ambiguity(frame, x, y, np.tile(np.arange(2 * count), 2), step_px=step, search_px=15.0)
    p = doubt[: 2 * count : 2]
    assert np.isnan(doubt[2 * count :]).all()
    for part in (p < 0.1, (p >= 0.1) & (p < 0.3), p >= 0.3):
        error = np.sqrt((p * (1 - p))[part].sum())
        assert abs(exchanged[part].sum() - p[part].sum()) < 4 * error
        assert 4 * error < 0.5 * p[part].sum()  # half or twice the odds would be seen


def test_a_given_search_range_is_used() -> None:
    found = linked(walks(), search_px=0.5, memory_frames=0)
    assert found.search_px == 0.5
    assert len(np.unique(found.particle)) > 1500


def test_too_long_a_range_in_a_crowd_says_what_to_do() -> None:
    with pytest.raises(PerrinError, match="--search-px"):
        linked(walks(count=400, frames=4), search_px=80.0)


def test_nothing_and_one_position_are_no_error() -> None:
    assert len(linked(walks().iloc[:0]).particle) == 0
    assert linked(walks().iloc[:1]).particle.tolist() == [0]

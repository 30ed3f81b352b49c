"""Tracks as arrays, windows, and what the network is given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.standard import TARGETS, from_unit, standardize, to_unit
from perrin.diffusion.windows import Track, cut_windows, to_tracks
from perrin.errors import PerrinError
from perrin.settings.diffusion import WindowSettings


def table(**changes: object) -> pd.DataFrame:
    columns: dict[str, object] = {
        "particle": [7, 7, 7, 3, 3],
        "frame": [12, 10, 11, 0, 3],
        "x": [2.0, 0.0, 1.0, 5.0, 6.0],
        "y": [0.0, 0.0, 0.0, 1.0, 2.0],
    }
    return pd.DataFrame(columns | changes)


def test_rows_in_any_order_become_tracks_with_gaps() -> None:
    first, second = to_tracks(table())
    assert (first.particle, first.start, first.stop) == (3, 0, 4)
    np.testing.assert_array_equal(first.seen, [True, False, False, True])
    np.testing.assert_array_equal(first.positions[3], [6, 2])
    np.testing.assert_array_equal(second.positions[:, 0], [0, 1, 2])
    assert to_tracks(table().iloc[:0]) == []


def test_one_and_three_dimensions() -> None:
    assert to_tracks(table().drop(columns="y"))[0].positions.shape == (4, 1)
    assert to_tracks(table(z=0.0))[0].positions.shape == (4, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": [np.nan, 0.0, 1.0, 5.0, 6.0]}, "NaN"),
        ({"frame": [10, 10, 11, 0, 3]}, "twice"),
        ({"frame": [1.5, 10, 11, 0, 3]}, "whole numbers"),
    ],
)
def test_what_is_no_track_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PerrinError, match=message):
        to_tracks(table(**changes))
    with pytest.raises(PerrinError, match="missing: frame"):
        to_tracks(table().drop(columns="frame"))


def test_windows_are_whole_and_end_with_positions() -> None:
    seen = np.ones(45, dtype=bool)
    seen[[10, 29]] = False
    track = Track(1, 100, np.zeros((45, 2)), seen)
    settings = WindowSettings(frames=20, stride=10)
    found = [(window.start, window.stop) for window in cut_windows(track, settings=settings)]
    assert found == [
        (100, 120),
        (111, 129),
        (120, 140),
    ]


def test_standard_input_has_unit_steps_and_no_unit() -> None:
    rng = np.random.default_rng(0)
    positions = rng.standard_normal((4, 30, 2)).cumsum(axis=1)
    seen = rng.random((4, 30)) > 0.2
    standard = standardize(positions, seen)
    assert standard.positions.shape == (4, 32, 2)
    assert not standard.positions[standard.seen == 0].any()
    both = (standard.seen[:, 1:] * standard.seen[:, :-1]) > 0
    steps = np.diff(standard.positions, axis=1)
    for i in range(4):
        assert np.sqrt((steps[i][both[i]] ** 2).mean()) == pytest.approx(1, abs=1e-5)
    other = standardize(1e4 * positions + 3e7, seen)
    np.testing.assert_allclose(other.positions, standard.positions, atol=1e-4)
    np.testing.assert_allclose(other.step, 1e4 * standard.step, rtol=1e-9)


def test_the_network_is_told_of_noise_in_units_of_a_step() -> None:
    """A track that is noise alone: its steps are what sqrt(2) sigma says, which is told as 1."""
    rng, sigma, frames = np.random.default_rng(3), 0.37, 20_000
    noise = sigma * rng.standard_normal((1, frames, 2))
    told = standardize(noise, np.ones((1, frames), dtype=bool), noise=np.array([sigma])).known
    assert told[0, 0] == 1
    assert told[0, 1] == pytest.approx(1, abs=4 * np.sqrt(3 / (4 * 2 * frames)))
    assert not told[0, 2:].any()


def test_tracks_without_a_step_are_refused() -> None:
    still, seen = np.zeros((1, 10, 2)), np.ones((1, 10), dtype=bool)
    with pytest.raises(PerrinError, match="never moves"):
        standardize(still, seen)
    with pytest.raises(PerrinError, match="no two neighboring"):
        standardize(still, seen & (np.arange(10) % 2 == 0))


def test_units_of_targets_go_there_and_back() -> None:
    for k, (_, low, high) in enumerate(TARGETS):
        values = np.linspace(low, high, 5)
        np.testing.assert_allclose(from_unit(to_unit(values, k), k), values)

"""Tracks of movies as people have them, made by a simulator that shares no code with perrin's."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.settings.tracking import TrackingSettings
from perrin.tracking.track import track
from perrin_benchmarks.worlds import Score, make, of, score


def scored(name: str, **changes: object) -> tuple[Score, int, tuple[str, ...]]:
    movie, truth = make(of(name, frames=40, size=192, count=8, **changes), seed=5)
    found = track(movie, settings=TrackingSettings(kind="spheres"))
    camera = found.tracks.assign(
        x=found.tracks["x"] + found.tracks["drift_x"], y=found.tracks["y"] + found.tracks["drift_y"]
    )
    return score(truth, found.positions, camera), len(truth), found.notes


@pytest.mark.parametrize("name", ["noise blur 1", "stripes", "scan lines"])
def test_errors_are_true_where_neighbors_share_their_noise(name: str) -> None:
    found, count, _ = scored(name)
    slack = 3 / np.sqrt(2 * count)  # both axes of about half the positions, which stand alone
    assert 0.9 - slack < found.ratio < 1.15 + slack
    assert found.merged <= 0.01
    assert found.recall > 0.92


@pytest.mark.parametrize("name", ["edge 40%", "clouds 15%", "debris", "bubble", "dose 5"])
def test_what_is_uneven_hides_no_particle_and_is_none(name: str) -> None:
    found, count, _ = scored(name)
    slack = 3 * np.sqrt(0.08 * 0.92 / count)
    assert found.recall > 0.92 - slack
    assert found.precision > 0.95 - slack


@pytest.mark.parametrize(("name", "drift"), [("edge 40%", 0.1), ("bubble", 0.3)])
def test_an_edge_that_drifts_is_said_and_is_no_track(name: str, drift: float) -> None:
    """Half to three quarters of the positions in tracks were pieces of the edge."""
    found, count, notes = scored(name, drift=drift)
    slack = 3 * np.sqrt(0.08 * 0.92 / count)
    assert found.recall > 0.92 - slack
    assert found.precision > 0.95 - slack
    assert any("edges of the support" in note for note in notes)


@pytest.mark.parametrize(("frames", "seed"), [(20, 6), (40, 7)])
def test_rods_of_a_few_sizes_have_true_errors(frames: int, seed: int) -> None:
    """Six rods: fitted with one size, errors were 1.3 to 1.6 times the stated ones."""
    movie, truth = make(of("rods, spread 30%", frames=frames), seed=seed)
    found = track(movie, settings=TrackingSettings(kind="rods"), overlay_frames=0)
    got = score(truth, found.positions, found.tracks)
    slack = 3 / np.sqrt(2 * len(truth))
    assert 0.9 - slack < got.ratio < 1.15 + slack
    assert got.recall > 0.92
    assert got.precision > 0.95


def test_a_codec_that_smooths_in_time_is_said() -> None:
    _, _, notes = scored("clean", in_time=0.5)
    assert any("smoothed in time" in note for note in notes)
    _, _, notes = scored("noise blur 1")
    assert not any("smoothed in time" in note for note in notes)
    assert any("neighboring pixels is correlated" in note for note in notes)

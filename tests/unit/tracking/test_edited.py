"""Tracks edited by hand in another program come back with the movie's own errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perrin
from perrin.errors import PerrinError
from perrin.settings.motion import MotionMovie
from perrin.tracking.edited import edit_tracks
from perrin.tracking.track import TrackingResult


@pytest.fixture(scope="module")
def tracked() -> TrackingResult:
    """Spheres on a support that drifts by more than a pixel."""
    settings = MotionMovie.of(
        "spheres", frames=60, count=4, height_px=128, width_px=128, drift_nm_per_s=15.0,
        texture=0.03, step_nm=1.0,
    )  # fmt: skip
    found = perrin.track(perrin.simulate_motion(settings, seed=2)[0], "spheres")
    assert found.tracks[["drift_x", "drift_y"]].abs().max(axis=None) > 1
    return found


@pytest.fixture(scope="module")
def folder(tracked: TrackingResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return perrin.write_results(tmp_path_factory.mktemp("tracked") / "results", tracked)


@pytest.mark.parametrize("name", ["tracks.xml", "tracks.napari.npy", "tracks.csv"])
def test_what_was_not_edited_comes_back_as_it_was(
    tracked: TrackingResult, folder: Path, name: str
) -> None:
    again = edit_tracks(tracked, perrin.read_tracks(folder / name))
    assert again.notes[0].endswith("nothing has changed")
    assert again.notes[1:] == tracked.notes
    pd.testing.assert_frame_equal(again.tracks, tracked.tracks)
    moving = tracked.particles[~tracked.particles["stationary"]]
    columns = ["localisation_se_nm", "D_um2_per_s", "contrast"]
    np.testing.assert_array_equal(again.particles[columns], moving[columns])


def plain(tracked: TrackingResult) -> pd.DataFrame:
    table = tracked.tracks[["particle", "frame", "x", "y"]].copy()
    table.attrs = {"length_unit": "px", "source": "edited.xml"}
    return table


def test_cut_joined_moved_taken_out_and_added(tracked: TrackingResult) -> None:
    edited = plain(tracked)
    longest = tracked.particles.sort_values("positions")["particle"].iloc[-1]
    rows = edited.index[edited["particle"] == longest]
    middle = len(rows) // 2
    edited.loc[rows[middle:], "particle"] = 1000  # cut
    edited.loc[rows[3], "x"] += 0.6  # moved
    edited = edited.drop(index=rows[5])  # taken out
    far = pd.DataFrame({"particle": [1000], "frame": [0], "x": -40.0, "y": 7.0})
    table = pd.concat([edited, far], ignore_index=True)
    table.attrs = edited.attrs
    again = edit_tracks(tracked, table)
    assert again.notes[0] == (
        "tracks edited by hand in edited.xml: 1 tracks cut, 1 positions taken out, "
        "1 positions moved by hand, which stay where the movie has them, "
        "1 positions left out where nothing was located"
    )
    assert len(again.tracks) == len(tracked.tracks) - 1
    assert again.tracks["particle"].nunique() == tracked.tracks["particle"].nunique() + 1
    both = again.tracks.merge(tracked.tracks, on=["frame", "x", "y"], suffixes=("", "_before"))
    assert len(both) == len(again.tracks)
    for name in ("x_se", "y_se", "contrast", "drift_x"):
        np.testing.assert_array_equal(both[name], both[f"{name}_before"])
    ends = again.tracks.groupby("particle")["link_confidence"].tail(1)
    assert ends.isna().all()


def test_a_link_made_by_hand_has_no_confidence(tracked: TrackingResult) -> None:
    longest = tracked.particles.sort_values("positions")["particle"].iloc[-1]
    own = tracked.tracks["particle"] == longest
    middle = int(tracked.tracks.loc[own, "frame"].median())
    table = plain(tracked)
    table.loc[own & (table["frame"] > middle), "particle"] = 1000
    cut = edit_tracks(tracked, table)
    joined = edit_tracks(cut, plain(tracked))
    assert "1 tracks joined of several" in joined.notes[0]
    assert len(joined.tracks) == len(tracked.tracks)
    before = tracked.tracks.set_index(["frame", "x"])["link_confidence"]
    after = joined.tracks.set_index(["frame", "x"])["link_confidence"]
    lost = before[before.notna() & after[before.index].isna()]
    assert lost.index.get_level_values("frame").tolist() == [
        tracked.tracks.loc[own & (tracked.tracks["frame"] <= middle), "frame"].max()
    ]


def test_tracks_of_another_movie_are_refused(tracked: TrackingResult) -> None:
    table = plain(tracked)
    table["x"] += 500
    with pytest.raises(PerrinError, match="only 0% of the"):
        edit_tracks(tracked, table)


def test_two_places_of_one_particle_in_a_frame_are_refused(tracked: TrackingResult) -> None:
    table = pd.concat([plain(tracked), plain(tracked).iloc[:1] + 0.5 * np.array([0, 0, 1, 1])])
    with pytest.raises(PerrinError, match="two positions in frame"):
        edit_tracks(tracked, table)


def test_the_command_does_what_the_function_does(
    typed, tracked: TrackingResult, folder: Path, tmp_path: Path
) -> None:
    rows = np.load(folder / "tracks.napari.npy")
    first = rows[rows[:, 0] != rows[0, 0]]
    np.save(tmp_path / "edited.npy", first)
    said = typed("edit-tracks", folder, tmp_path / "edited.npy", "--out", tmp_path / "again")
    assert "1 tracks taken out" in said
    again = perrin.read_results(tmp_path / "again")
    assert isinstance(again, TrackingResult)
    own = edit_tracks(tracked, perrin.read_tracks(tmp_path / "edited.npy"))
    pd.testing.assert_frame_equal(again.tracks, own.tracks, check_dtype=False)
    assert len(own.tracks) == len(first)
    assert again.clip is not None
    summary = (tmp_path / "again" / "summary.json").read_text()
    assert "edited.npy" in summary

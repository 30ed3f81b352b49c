"""False links of tracks: named by their confidence, and w with and without them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.suspects import suspect_steps, without_suspects
from perrin.io.tracks import read_tracks
from perrin.pipeline import characterize
from perrin.simulate.walks import fbm

LENGTH, COUNT, FALSE = 100, 12, 3


def linked(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """FBM of alpha .7 as it is, and with three false links of five steps that tracking doubts."""
    walks = fbm(np.full(COUNT, 0.7), length=LENGTH, rng=rng)
    confidence = rng.uniform(0.8, 1.0, (COUNT, LENGTH))
    confidence[:, -1] = np.nan
    jumped = walks.copy()
    for walk, own in zip(jumped, confidence, strict=True):
        for at in rng.choice(np.arange(10, 90), FALSE, replace=False):
            angle = rng.uniform(0, 2 * np.pi)
            walk[at + 1 :] += 5 * np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
            own[at] = rng.uniform(0, 0.4)
    return table(walks, confidence), table(jumped, confidence)


def table(walks: np.ndarray, confidence: np.ndarray) -> pd.DataFrame:
    number, frame = np.divmod(np.arange(COUNT * LENGTH), LENGTH)
    x, y = walks.reshape(-1, 2).T
    columns = {"particle": number, "frame": frame, "x": x, "y": y}
    return pd.DataFrame(columns | {"link_confidence": confidence.ravel()})


@pytest.fixture(scope="module")
def both() -> tuple[pd.DataFrame, pd.DataFrame]:
    return linked(np.random.default_rng(1))


def test_suspect_steps_are_named(both) -> None:
    found = suspect_steps(both[1].sample(frac=1, random_state=0))  # in any order
    assert len(found) == COUNT * FALSE
    assert found.groupby("particle").size().eq(FALSE).all()
    assert (found["link_confidence"] < 0.4).all()
    assert found["step"].mean() == pytest.approx(np.sqrt(50), rel=0.1)
    assert (found["frame_next"] - found["frame"] == 1).all()
    assert not len(suspect_steps(both[1].drop(columns="link_confidence")))


def test_a_table_of_tracks_read_from_its_file_still_doubts_them(both, tmp_path) -> None:
    """The file says the units of perrin's own tables: then every column it knows is kept."""
    own = both[1].assign(pixel_nm=100.0, frame_interval_s=0.1)
    own.to_csv(tmp_path / "tracks.csv", index=False)
    again = read_tracks(tmp_path / "tracks.csv")
    assert "link_confidence" not in again.attrs["read_as"]
    steps = ["particle", "frame", "frame_next"]
    assert suspect_steps(again)[steps].equals(suspect_steps(both[1])[steps])


def test_what_is_left_is_the_walk_without_these_steps(both) -> None:
    mended = without_suspects(both[1])
    clean = both[0]
    left, true = (one[["x", "y"]].to_numpy().reshape(COUNT, LENGTH, 2) for one in (mended, clean))
    steps, own = np.diff(left, axis=1), np.diff(true, axis=1)
    doubted = (both[1]["link_confidence"].to_numpy().reshape(COUNT, LENGTH) < 0.5)[:, :-1]
    assert np.allclose(steps[doubted], 0)
    assert np.allclose(steps[~doubted], own[~doubted])


def test_w_is_told_with_and_without_them(both) -> None:
    clean, jumped = (characterize(one, units="unknown", localization_error=0.0) for one in both)
    assert not clean.trajectories["suspect_steps"].eq(0).any()  # doubted, though they are right
    with_them = jumped.trajectories
    assert with_them["suspect_steps"].tolist() == [FALSE] * COUNT
    bias = with_them["w_without_suspects"].fillna(0).median()
    assert bias == pytest.approx(clean.trajectories["w"].fillna(0).median(), abs=0.05)
    assert len(jumped.suspect_steps) == COUNT * FALSE
    assert any("suspect" in note for note in jumped.notes)

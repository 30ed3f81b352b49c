"""Positions far from their track for one frame are said; zeros in place of values are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.tracks import read_tracks


def _walks(seed: int) -> pd.DataFrame:
    """Ten Brownian tracks of 60 frames."""
    rng = np.random.default_rng(seed)
    at = rng.normal(0, 1, (10, 60, 2)).cumsum(axis=1) + rng.uniform(60, 300, (10, 1, 2))
    rows = [(p, t, *at[p, t]) for p in range(10) for t in range(60)]
    return pd.DataFrame(rows, columns=["particle", "frame", "x", "y"])


def _read_as(table: pd.DataFrame, tmp_path: Path) -> str:
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    return str(read_tracks(path).attrs["read_as"])


@pytest.mark.parametrize("value", [0.0, -1.0, -9999.0, 1e5])
def test_a_false_cell_is_said_with_its_place(value: float, tmp_path: Path) -> None:
    table = _walks(1)
    table.loc[60 * 3 + 20, "x"] = value
    said = _read_as(table, tmp_path)
    assert f"frame 20 of track 3: x {value:g}" in said


@pytest.mark.parametrize("seed", range(8))
def test_brownian_tracks_have_none(seed: int, tmp_path: Path) -> None:
    assert "far from the rest" not in _read_as(_walks(seed), tmp_path)


def test_long_steps_that_do_not_come_back_are_motion(tmp_path: Path) -> None:
    table = _walks(2)
    table.loc[60 * 3 + 20 : 60 * 3 + 59, "x"] += 200.0
    assert "far from the rest" not in _read_as(table, tmp_path)


def test_tracks_that_do_not_move_are_said(tmp_path: Path) -> None:
    assert "no track moves" in _read_as(_walks(1).assign(x=5.0, y=7.0), tmp_path)
    assert "no track moves" not in _read_as(_walks(1), tmp_path)


def test_rows_of_an_array_that_are_there_twice_are_said(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    rows = _walks(1)[["x", "y", "frame", "particle"]].to_numpy()
    np.save(path, np.concatenate([rows, rows]))
    with pytest.raises(PerrinError, match="600 of 1200 rows of the array are there twice"):
        read_tracks(path)


@pytest.mark.parametrize("rows", [slice(185, 195), slice(100, 140), slice(0, 400)])
@pytest.mark.parametrize("axes", [["x"], ["x", "y"]])
def test_zeros_in_place_of_values_are_left_out(
    rows: slice, axes: list[str], tmp_path: Path
) -> None:
    table = _walks(1)
    whole = table[["particle", "frame", "y", "x"]].to_numpy()
    table.loc[rows.start : rows.stop - 1, axes] = 0.0
    np.save(tmp_path / "a.npy", table[["particle", "frame", "y", "x"]].to_numpy())
    tracks = read_tracks(tmp_path / "a.npy")
    lost = rows.stop - rows.start
    assert f"{lost} rows " in tracks.attrs["read_as"]
    assert "left out" in tracks.attrs["read_as"]
    np.testing.assert_allclose(tracks[["y", "x"]], np.delete(whole[:, 2:], rows, axis=0))


def test_walks_that_wait_at_zero_and_elsewhere_stay_whole(tmp_path: Path) -> None:
    table = _walks(3)
    table[["x", "y"]] -= table.groupby("particle")[["x", "y"]].transform("first")
    held = table["frame"] // 4 * 4 + 60 * table["particle"]
    table[["x", "y"]] = table[["x", "y"]].to_numpy()[held]
    table.to_csv(tmp_path / "a.csv", index=False)
    assert len(read_tracks(tmp_path / "a.csv")) == len(table)


def test_a_table_of_zeros_alone_is_refused(tmp_path: Path) -> None:
    at = np.random.default_rng(2).normal(size=40).cumsum() + 50
    frames = {"particle": np.repeat([0, 1], 20), "frame": np.tile(np.arange(20), 2)}
    first = np.arange(40) < 20
    table = pd.DataFrame(frames | {"x": np.where(first, 0, at), "y": np.where(first, at, 0)})
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(PerrinError, match="rows of zeros"):
        read_tracks(tmp_path / "a.csv")

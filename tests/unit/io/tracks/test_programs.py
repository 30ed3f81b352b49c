"""Tables of tracks with habits of their own: names of spots and objects, ids that say none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from perrin.errors import PerrinError
from perrin.io import inspect
from perrin.io.mat_tags import check_tags
from perrin.io.tracks import read_tracks

Write = Callable[[pd.DataFrame, Path], None]


def same(found: pd.DataFrame, truth: pd.DataFrame) -> None:
    np.testing.assert_array_equal(found["frame"] - found["frame"].min(), truth["frame"])
    np.testing.assert_allclose(found[["x", "y"]], truth[["x", "y"]], rtol=1e-6)
    assert found["particle"].nunique() == 4


CELLPROFILER = {"frame": "ImageNumber", "particle": "TrackObjects_Label_30",
                "x": "Location_Center_X", "y": "Location_Center_Y"}  # fmt: skip
SLEAP = {"particle": "track", "frame": "frame_idx", "x": "head.x", "y": "head.y"}


@pytest.mark.parametrize("names", [CELLPROFILER, SLEAP])
def test_columns_of_cellprofiler_and_sleap(
    names: dict[str, str], tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.csv"
    truth.assign(ObjectNumber=truth["particle"] + 1).rename(columns=names).to_csv(path)
    same(read_tracks(path), truth)


def test_tables_with_several_points_of_each_animal_are_named(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.csv"
    two = truth.rename(columns=SLEAP).assign(**{"tail.x": truth["x"], "tail.y": truth["y"]})
    two.to_csv(path, index=False)
    with pytest.raises(PerrinError, match="several points of each animal"):
        read_tracks(path)
    path.write_text("scorer,DLC,DLC\nbodyparts,nose,nose\ncoords,x,y\n0,1.5,2.5\n")
    with pytest.raises(PerrinError, match="DeepLabCut"):
        read_tracks(path)


@pytest.mark.parametrize("none", [2**32 - 1, 2**31 - 1])
def test_the_minus_one_of_unsigned_numbers_is_in_no_track(
    none: int, tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.parquet"
    loose = truth[:30].assign(particle=none, x=truth["x"][:30] + 30)
    pd.concat([truth, loose]).to_parquet(path)
    found = read_tracks(path)
    same(found, truth)
    assert "30 rows in no track" in found.attrs["read_as"]


@pytest.mark.parametrize("column", ["image", "date", "Image_ID"])
def test_pictures_and_days_tell_movies_apart(
    column: str, tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.csv"
    movie = np.where(truth["particle"] < 2, "a", "b")
    truth.assign(particle=truth["particle"] % 2, **{column: movie}).to_csv(path, index=False)
    same(read_tracks(path), truth)


def test_a_column_that_numbers_rows_gives_way_to_one_that_numbers_tracks(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.csv"
    rows = truth.rename(columns={"particle": "track_id"})
    rows.assign(particle_id=range(len(rows))).to_csv(path, index=False)
    same(read_tracks(path), truth)


def test_spots_in_no_track_are_linked_first(tmp_path: Path, truth: pd.DataFrame) -> None:
    truth.drop(columns="particle").to_csv(tmp_path / "a.csv")
    with pytest.raises(PerrinError, match="linked first"):
        read_tracks(tmp_path / "a.csv")


def test_python_objects_in_an_array_are_named(tmp_path: Path, truth: pd.DataFrame) -> None:
    np.save(tmp_path / "a.npy", np.array({"trajectories": 1}), allow_pickle=True)
    np.save(tmp_path / "b.npy", truth.assign(particle="a").to_records(), allow_pickle=True)
    for name in ("a.npy", "b.npy"):
        with pytest.raises(PerrinError, match="Python objects"):
            read_tracks(tmp_path / name)


def test_movies_are_told_from_tracks(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((20, 30, 40)))
    with pytest.raises(PerrinError, match="Is it a movie"):
        read_tracks(tmp_path / "a.npy")
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    with pytest.raises(PerrinError, match="a Zarr folder, a movie"):
        read_tracks(tmp_path / "a.zarr")


# MATLAB


def _columns(truth: pd.DataFrame) -> dict[str, object]:
    return {name: truth[name].to_numpy() for name in truth}


def _cell_among_others(truth: pd.DataFrame, path: Path) -> None:
    cell = np.empty((4, 1), dtype=object)
    for number, track in truth.groupby("particle"):
        cell[number, 0] = track[["frame", "x", "y"]].to_numpy()
    savemat(path, {"myTracks": cell, "dt": 0.05, "SPACE_UNITS": "µm"})


MATLAB: dict[str, Write] = {
    "a column called track": lambda truth, path: savemat(
        path, _columns(truth.rename(columns={"particle": "track"}))
    ),
    "names of tracks": lambda truth, path: savemat(
        path, _columns(truth) | {"particle": [f"rod {k}" for k in truth["particle"]]}
    ),
    "names of tracks in a cell": lambda truth, path: savemat(
        path, _columns(truth) | {"particle": np.array([f"{k} a" for k in truth["particle"]], "O")}
    ),
    "names of tracks in a struct": lambda truth, path: savemat(
        path, {"tracks": _columns(truth) | {"particle": [f"rod {k}" for k in truth["particle"]]}}
    ),
    "a cell beside other variables": _cell_among_others,
    "level 4": lambda truth, path: savemat(
        path, {"tr": truth[["x", "y", "frame", "particle"]].to_numpy(), "dt": 0.05}, format="4"
    ),
}


@pytest.mark.parametrize("layout", MATLAB)
def test_matlab_files_with_several_variables(
    layout: str, tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.mat"
    MATLAB[layout](truth, path)
    found = read_tracks(path, frame_interval_s=1) if "cell beside" in layout else read_tracks(path)
    same(found, truth)
    assert inspect(path).kind == "tracks"


def test_a_matlab_file_of_level_4_that_is_cut_off_is_refused(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "a.mat"
    MATLAB["level 4"](truth, path)
    content = path.read_bytes()
    for stop in (40, len(content) - 3, 200):
        path.write_bytes(content[:stop])
        with pytest.raises(PerrinError, match="damaged MATLAB file of level 4"):
            check_tags(path)
        with pytest.raises(PerrinError, match="level 4"):
            read_tracks(path)

"""Tables of tracks out, and back in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.track_formats import write_napari, write_trackmate, write_tracks_csv
from perrin.io.tracks import read_tracks


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    tracks = pd.DataFrame(
        {
            "particle": [0, 0, 0, 1, 1],
            "frame": [2, 3, 5, 0, 1],
            "x": rng.uniform(0, 100, 5),
            "y": rng.uniform(0, 100, 5),
            "x_se": rng.uniform(0.1, 0.2, 5),
            "y_se": rng.uniform(0.1, 0.2, 5),
            "angle_deg": rng.uniform(-200, 200, 5),
            "contrast": rng.uniform(-0.5, -0.4, 5),
        }
    )
    return tracks.assign(pixel_nm=0.5, frame_interval_s=0.01, exposure=0.8)


def test_own_csv_is_read_back_with_errors_and_units(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    write_tracks_csv(table(), path)
    tracks = read_tracks(path)
    columns = ["particle", "frame", "x", "y", "x_se", "y_se", "angle_deg", "contrast"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(tracks[columns]), table()[columns], check_exact=False, rtol=1e-12
    )
    assert tracks.attrs["length_unit"] == "px"
    assert tracks.attrs["pixel_nm"] == 0.5
    assert tracks.attrs["frame_interval_s"] == 0.01
    assert tracks.attrs["exposure"] == 0.8


def test_csv_is_plain_for_other_programs(tmp_path: Path) -> None:
    write_tracks_csv(table(), tmp_path / "tracks.csv")
    plain = pd.read_csv(tmp_path / "tracks.csv")
    assert list(plain.columns) == [*table().columns, "rows_written", "row_check"]
    assert len(plain) == 5


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: lines[:4], "had 5 rows when perrin wrote it and has 3 now"),
        (lambda lines: [*lines[:2], *lines[3:]], "had 5 rows when perrin wrote it and has 4 now"),
        (
            lambda lines: [*lines[:3], lines[3].replace(".", "9.", 1), *lines[4:]],
            "1 row is not as perrin wrote it (the first: row 3)",
        ),
    ],
)
def test_what_changed_in_the_own_csv_is_said(
    damage: Callable[[list[str]], list[str]], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "tracks.csv"
    write_tracks_csv(table(), path)
    assert "wrote" not in read_tracks(path).attrs["read_as"]
    path.write_text("".join(damage(path.read_text().splitlines(keepends=True))))
    assert said in read_tracks(path).attrs["read_as"]


def test_another_program_may_write_the_own_csv_again(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    write_tracks_csv(table(), path)
    pd.read_csv(path).assign(mine=1).to_csv(path, sep=";", decimal=",", index=False)
    assert "wrote" not in read_tracks(path).attrs["read_as"]
    pd.read_csv(path, sep=";", decimal=",").round(3).to_csv(path, index=False)
    assert "another program rounded" in read_tracks(path).attrs["read_as"]


def test_a_table_of_two_movies_is_refused(tmp_path: Path) -> None:
    two = table()
    two.loc[3:, "pixel_nm"] = 0.7
    write_tracks_csv(two, tmp_path / "tracks.csv")
    with pytest.raises(PerrinError, match=r"pixel_nm.*0\.5, 0\.7"):
        read_tracks(tmp_path / "tracks.csv")


def test_trackmate_model_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "tracks.xml"
    write_trackmate(table(), path, pixel_nm=0.5, frame_interval_s=0.01)
    tracks = read_tracks(path)
    assert tracks.attrs["length_unit"] == "um"
    assert tracks.attrs["frame_interval_s"] == 0.01
    np.testing.assert_allclose(tracks["x"] * 2000, table()["x"])
    assert tracks["frame"].tolist() == table()["frame"].tolist()
    assert tracks["particle"].tolist() == table()["particle"].tolist()


def test_napari_rows_are_track_time_y_x(tmp_path: Path) -> None:
    write_napari(table(), tmp_path / "tracks.napari.npy")
    rows = np.load(tmp_path / "tracks.napari.npy")
    np.testing.assert_array_equal(rows, table()[["particle", "frame", "y", "x"]].to_numpy())


def test_tables_without_tracks_are_written_too(tmp_path: Path) -> None:
    empty = table().iloc[:0]
    write_tracks_csv(empty, tmp_path / "tracks.csv")
    write_trackmate(empty, tmp_path / "tracks.xml", pixel_nm=1, frame_interval_s=1)
    write_napari(empty, tmp_path / "tracks.npy")
    assert np.load(tmp_path / "tracks.npy").shape == (0, 4)


def test_rows_for_napari_are_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    walks = rng.normal(size=(3, 40, 2)).cumsum(axis=1) + rng.uniform(0, 200, (3, 1, 2))
    tracks = pd.DataFrame(walks.reshape(-1, 2), columns=["x", "y"]).assign(
        particle=np.repeat(np.arange(3), 40), frame=np.tile(np.arange(40), 3)
    )
    write_napari(tracks, tmp_path / "tracks.napari.npy")
    found = read_tracks(tmp_path / "tracks.napari.npy")
    np.testing.assert_allclose(found[["x", "y"]], tracks[["x", "y"]])
    assert found["particle"].tolist() == tracks["particle"].tolist()


def test_pytrackmate_reads_the_model(tmp_path: Path) -> None:
    pytrackmate = pytest.importorskip("pytrackmate")
    path = tmp_path / "tracks.xml"
    write_trackmate(table(), path, pixel_nm=0.5, frame_interval_s=0.01)
    found = pytrackmate.trackmate_peak_import(path, get_tracks=True)
    found = found.sort_values(["label", "t_stamp"])
    np.testing.assert_allclose(found["x"] * 2000, table()["x"])
    assert found["t_stamp"].tolist() == table()["frame"].tolist()
    assert found.groupby("label").size().tolist() == [3, 2]


def test_cells_that_a_spreadsheet_would_run_are_neutralized(tmp_path: Path) -> None:
    write_tracks_csv(table().assign(name="=1+1"), tmp_path / "tracks.csv")
    assert pd.read_csv(tmp_path / "tracks.csv")["name"].unique().tolist() == ["'=1+1"]

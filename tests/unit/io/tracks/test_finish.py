"""The last step that all formats share: axes, units, times, identity, what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.tracks import read_tracks

AXES = ["x", "y"]


def read(tmp_path: Path, table: pd.DataFrame, **options: float) -> pd.DataFrame:
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    return read_tracks(path, **options)


def same(found: pd.DataFrame, truth: pd.DataFrame, scale: float = 1.0) -> None:
    np.testing.assert_array_equal(found["frame"], truth["frame"])
    np.testing.assert_allclose(found[AXES] / scale, truth[AXES], rtol=1e-9)
    assert found["particle"].nunique() == truth["particle"].nunique()
    assert list(found.columns)[: 2 + len(AXES)] == ["particle", "frame", *AXES]


# Axes


@pytest.mark.parametrize("z", [0.0, 3.5, "", "each track"])
def test_an_axis_without_motion_is_none(tmp_path: Path, truth: pd.DataFrame, z: object) -> None:
    found = read(tmp_path, truth.assign(z=truth["particle"] if z == "each track" else z))
    same(found, truth)
    assert "z" not in found
    assert "z" in found.attrs["read_as"].split("no axis")[0]


@pytest.mark.parametrize("name", ["z", "x"])
def test_an_axis_that_counts_frames_is_none(tmp_path: Path, truth: pd.DataFrame, name: str) -> None:
    moved = {} if name == "z" else {"y": truth["x"], "z": truth["y"]}
    found = read(tmp_path, truth.assign(**moved | {name: 2 * truth["frame"] + 7}))
    same(found, truth)
    assert f"{name} counts frames: no axis" in found.attrs["read_as"]
    alone = truth.assign(x=truth["frame"]).query("particle == 0")
    assert "counts" not in read(tmp_path, alone).attrs["read_as"]  # one that moves steadily


@pytest.mark.parametrize("odd", [5.0, 1e300])
def test_an_axis_that_moves_in_one_row_only_is_none(
    tmp_path: Path, truth: pd.DataFrame, odd: float
) -> None:
    found = read(tmp_path, truth.assign(z=[odd if row == 50 else 0.0 for row in range(len(truth))]))
    assert "z" not in found
    assert "z is constant" in found.attrs["read_as"]
    noise = np.random.default_rng(0).normal(0, 1e-9, len(truth))
    assert "z" not in read(tmp_path, truth.assign(z=noise))


def test_a_flat_y_or_x_leaves_one_axis(tmp_path: Path, truth: pd.DataFrame) -> None:
    along_x = read(tmp_path, truth.assign(y=0))
    assert list(along_x.columns) == ["particle", "frame", "x"]
    along_y = read(tmp_path, truth.assign(x=7))
    np.testing.assert_allclose(along_y["x"], truth["y"])


def test_tracks_that_rest_everywhere_keep_their_axes(tmp_path: Path, truth: pd.DataFrame) -> None:
    assert list(read(tmp_path, truth.assign(x=1, y=2)).columns) == ["particle", "frame", *AXES]


def test_a_z_step_scales_slices(tmp_path: Path, truth: pd.DataFrame) -> None:
    deep = truth.assign(z=truth["x"])
    found = read(tmp_path, deep, pixel_nm=100, z_step_nm=300)
    np.testing.assert_allclose(found["z"], 3 * truth["x"])
    assert "--z-step-nm" in read(tmp_path, deep, pixel_nm=100).attrs["read_as"]
    with pytest.raises(PerrinError, match="in nm already"):
        read(tmp_path, deep.rename(columns={"z": "z_nm"}), pixel_nm=100, z_step_nm=300)


# Units


@pytest.mark.parametrize(
    ("name", "unit", "nm"),
    [
        ("{} [µm]", "um", 1000.0),
        ("{} (nm)", "nm", 1.0),
        ("{}_um", "um", 1000.0),
        ("{} [Å]", "angstrom", 0.1),
        ("pos_{} (mm)", "mm", 1e6),
        ("{} [px]", "px", None),
        ("{}/nm", "nm", 1.0),
        ("{} nm", "nm", 1.0),
        ("{}..um.", "um", 1000.0),  # what R makes of x (um)
        ("{}", "unknown", None),
        ("{}_position", "unknown", None),
    ],
)
def test_units_in_the_names_of_columns(
    tmp_path: Path, truth: pd.DataFrame, name: str, unit: str, nm: float | None
) -> None:
    named = truth.rename(columns={axis: name.format(axis) for axis in AXES})
    found = read(tmp_path, named)
    same(found, truth)
    assert found.attrs["length_unit"] == unit
    assert found.attrs["length_nm"] == nm


def test_each_axis_has_its_own_unit(tmp_path: Path, truth: pd.DataFrame) -> None:
    mixed = truth.assign(x_um=truth["x"] / 10, y_px=truth["y"]).drop(columns=AXES)
    found = read(tmp_path, mixed, pixel_nm=100)
    same(found, truth, 100)
    assert found.attrs["length_nm"] == 1
    with pytest.raises(PerrinError, match=r"different units.*--pixel-nm"):
        read(tmp_path, mixed)
    with pytest.raises(PerrinError, match="not all say theirs"):
        read(tmp_path, mixed.rename(columns={"y_px": "y"}), pixel_nm=100)


def test_an_unknown_unit_is_quoted(tmp_path: Path, truth: pd.DataFrame) -> None:
    with pytest.raises(PerrinError, match="'furlong' is not known"):
        read(tmp_path, truth.rename(columns={"x": "x [furlong]"}))


def test_a_pixel_that_contradicts_the_file_is_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    micron = truth.rename(columns={"x": "x_um", "y": "y_um"})
    with pytest.raises(PerrinError, match=r"--pixel-nm 100 contradicts.*um"):
        read(tmp_path, micron, pixel_nm=100)
    assert read(tmp_path, micron, pixel_nm=1000).attrs["length_nm"] == 1000


@pytest.mark.parametrize("pixel", [0.0, -1.0, float("nan"), 1e9])
def test_pixels_that_cannot_be_are_refused(
    tmp_path: Path, truth: pd.DataFrame, pixel: float
) -> None:
    with pytest.raises(PerrinError, match="--pixel-nm"):
        read(tmp_path, truth, pixel_nm=pixel)


# Times


@pytest.mark.parametrize(
    ("name", "step"), [("t", 0.05), ("time", 50), ("Time (s)", 0.05), ("t [ms]", 50)]
)
def test_times_are_divided_by_a_known_interval(
    tmp_path: Path, truth: pd.DataFrame, name: str, step: float
) -> None:
    timed = truth.assign(**{name: truth["frame"] * step}).drop(columns="frame")
    found = read(tmp_path, timed, frame_interval_s=0.05)
    same(found, truth)
    assert "in steps of" in found.attrs["read_as"]
    with pytest.raises(PerrinError, match="frame interval"):
        read(tmp_path, timed, frame_interval_s=0.31)


def test_times_of_a_known_unit_tell_the_interval(tmp_path: Path, truth: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    jitter = rng.uniform(-0.001, 0.001, len(truth))
    timed = truth.assign(**{"t (sec)": truth["frame"] * 0.05 + jitter}).drop(columns="frame")
    found = read(tmp_path, timed)
    same(found, truth)
    assert found.attrs["frame_interval_s"] == pytest.approx(0.05, rel=1e-3)
    beside = read(tmp_path, truth.assign(**{"t (sec)": truth["frame"] * 0.05}))
    assert beside.attrs["frame_interval_s"] == pytest.approx(0.05)


def test_whole_times_that_step_by_more_than_1_are_asked_about(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    with pytest.raises(PerrinError, match="times, or numbers of frames"):
        read(tmp_path, truth.assign(t=truth["frame"] * 2).drop(columns="frame"))


def test_frames_that_miss_every_second_are_said(tmp_path: Path, truth: pd.DataFrame) -> None:
    found = read(tmp_path, truth.assign(frame=truth["frame"] * 2))
    assert "every 2nd frame only" in found.attrs["read_as"]


def test_rounding_of_frames_is_forgiven(tmp_path: Path, truth: pd.DataFrame) -> None:
    same(read(tmp_path, truth.assign(frame=truth["frame"] * 0.1 / 0.1 + 1e-14)), truth)


@pytest.mark.parametrize("frame", [1e18, 1e300, 10**17])
def test_frames_that_cannot_be_take_no_memory(
    tmp_path: Path, truth: pd.DataFrame, frame: float
) -> None:
    odd = truth.assign(frame=[*truth["frame"].astype(object)[:-1], frame])
    with pytest.raises(PerrinError, match="frame"):
        read(tmp_path, odd)
    with pytest.raises(PerrinError, match="Are they times"):
        read(tmp_path, truth.assign(frame=truth["frame"] * 50_000))


# Identity


def test_a_movie_is_part_of_the_identity(tmp_path: Path, truth: pd.DataFrame) -> None:
    movies = np.where(truth["particle"] < 2, "a.tif", "b.tif")
    for column in ("movie", "File name", "CID", "fov"):
        two = truth.assign(**{column: movies, "particle": truth["particle"] % 2})
        found = read(tmp_path, two)
        same(found, truth)
        assert column in found.attrs["read_as"]
        assert found.attrs["track_names"][3] == "b.tif 1"


def test_a_label_that_changes_along_tracks_is_no_identity(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    found = read(tmp_path, truth.assign(cluster=(truth["frame"] // 5) % 2))
    same(found, truth)
    assert "cluster changes back and forth" in found.attrs["read_as"]


@pytest.mark.parametrize("column", ["file", "image_name", "cell"])
def test_a_name_for_each_frame_or_row_is_no_identity(
    tmp_path: Path, truth: pd.DataFrame, column: str
) -> None:
    names = [f"frame_{frame:03d}.tif" for frame in truth["frame"]]
    same(read(tmp_path, truth.assign(**{column: names})), truth)
    same(read(tmp_path, truth.assign(**{column: range(len(truth))})), truth)


@pytest.mark.parametrize("values", [("a", "b"), (1, 2)])
def test_tracks_that_jump_where_an_unknown_column_changes_are_said(
    tmp_path: Path, truth: pd.DataFrame, values: tuple[object, object]
) -> None:
    later = truth.assign(frame=truth["frame"] + 30, x=truth["x"] + 50, mouse=values[1])
    found = read(tmp_path, pd.concat([truth.assign(mouse=values[0]), later]))
    assert "4 tracks jump or pause where the column mouse changes" in found.attrs["read_as"]
    state = truth.assign(state=np.where(truth["frame"] < 9, *values))
    assert "jump" not in read(tmp_path, state).attrs["read_as"]


@pytest.mark.parametrize("number", [-1, "", "none"])
def test_rows_in_no_track_are_left_out_and_counted(
    tmp_path: Path, truth: pd.DataFrame, number: object
) -> None:
    names = truth["particle"].astype(object)
    if number == "none":
        names = names.map("rod {}".format)
    loose = truth.assign(particle=number).iloc[:7]
    found = read(tmp_path, pd.concat([truth.assign(particle=names), loose]))
    same(found, truth)
    assert "7 rows in no track" in found.attrs["read_as"]


def test_names_of_tracks_are_numbered(tmp_path: Path, truth: pd.DataFrame) -> None:
    found = read(tmp_path, truth.assign(particle=truth["particle"].map("Track_{}".format)))
    same(found, truth)
    assert found.attrs["track_names"][2] == "Track_2"


def test_row_numbers_are_no_tracks(tmp_path: Path, truth: pd.DataFrame) -> None:
    rows = truth.assign(id=range(len(truth))).drop(columns="particle")
    with pytest.raises(PerrinError, match="numbers rows"):
        read(tmp_path, rows)
    same(read(tmp_path, rows.assign(trackNumber=truth["particle"])), truth)


def test_rows_that_are_there_twice_are_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    with pytest.raises(PerrinError, match="120 rows of 240 are there twice"):
        read(tmp_path, pd.concat([truth, truth]))
    with pytest.raises(PerrinError, match=r"frame 0 twice, at different positions.*bild"):
        read(tmp_path, pd.concat([truth, truth.assign(x=1.0)]).assign(bild=1))


# Values


@pytest.mark.parametrize("value", ["inf", "1e300", "", -1e12])
def test_rows_without_a_possible_position_are_left_out(
    tmp_path: Path, truth: pd.DataFrame, value: object
) -> None:
    cells = truth["x"].astype(object)
    cells[17] = value
    found = read(tmp_path, truth.assign(x=cells))
    same(found, truth.drop(index=17))
    assert "1 row with" in found.attrs["read_as"]
    assert found.attrs["dropped"] == 1


def test_words_among_positions_are_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    cells = truth["x"].astype(object)
    cells[17] = "n.d."
    with pytest.raises(PerrinError, match=r"row 18 holds 'n.d.'"):
        read(tmp_path, truth.assign(x=cells))


@pytest.mark.parametrize("names", [("x_se", "y_se"), ("lpx", "lpy"), ("x_err", "y_err")])
def test_localization_errors_are_used(
    tmp_path: Path, truth: pd.DataFrame, names: tuple[str, str]
) -> None:
    found = read(tmp_path, truth.assign(**dict.fromkeys(names, 0.5)))
    assert (found[["x_se", "y_se"]] == 0.5).all(axis=None)
    assert names[0] in found.attrs["read_as"]


@pytest.mark.parametrize("value", [-0.1, -1e300, 1e300])
def test_errors_that_cannot_be_are_refused(
    tmp_path: Path, truth: pd.DataFrame, value: float
) -> None:
    errors = np.full(len(truth), 0.1)
    errors[5] = value
    with pytest.raises(PerrinError, match="x_se is"):
        read(tmp_path, truth.assign(x_se=errors, y_se=0.1))


def test_columns_not_used_are_named(tmp_path: Path, truth: pd.DataFrame) -> None:
    line = read(tmp_path, truth.assign(brightness=1.0)).attrs["read_as"]
    assert line.startswith("read as 4 tracks, 120 positions, 2D (x, y), ")
    assert "frames 0 to 29, step 1; columns not used: brightness" in line


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_what_fills_up_an_array_is_no_position(
    tmp_path: Path, truth: pd.DataFrame, value: float
) -> None:
    path = tmp_path / "stack.npy"
    stack = truth[AXES].to_numpy().reshape(4, 30, 2).copy()
    stack[2, 20:] = value
    np.save(path, stack)
    found = read_tracks(path)
    assert len(found) == 110
    assert f"10 rows at exactly {value:g}, far from its track" in found.attrs["read_as"]
    from_start = truth[AXES].to_numpy().reshape(4, 30, 2).copy()
    from_start -= from_start[:, :1] - value
    np.save(path, from_start)
    assert len(read_tracks(path)) == 120


def test_frames_without_a_position_inside_tracks_are_counted(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    found = read(tmp_path, truth.drop(index=[5, 6, 35]))
    assert "3 frames inside 2 tracks without a position" in found.attrs["read_as"]
    assert "without a position" not in read(tmp_path, truth).attrs["read_as"]

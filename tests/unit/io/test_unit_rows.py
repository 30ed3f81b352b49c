"""Text as people have it: units below the header, marks of thousands, odd minus signs, quotes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.tables import read_events
from perrin.io.text import read_text_table
from perrin.io.tracks import read_tracks
from perrin.io.unit_rows import with_units

ROWS = "0,0,1.5,2\n0,1,1.75,2.5\n0,2,2.25,2\n"


@pytest.mark.parametrize(
    ("units", "x"),
    [(",,nm,nm", "x [nm]"), ("(),(frame),(um),(um)", "x [um]"), ("-,-,px,px", "x [px]")],
)
def test_units_below_the_header_are_those_of_the_columns(
    units: str, x: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,frame,x,y\n{units}\n{ROWS}")
    table = read_text_table(path)
    assert x in table.cells
    assert len(table) == 3
    read = read_tracks(path)
    assert read.attrs["length_unit"] == x[3:-1]
    assert list(read["x"]) == [1.5, 1.75, 2.25]
    assert "units" in read.attrs["read_as"]


def test_units_of_masses_below_the_header(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("contrast,mass\n,Da\n-0.003,75000\n-0.004,100000\n-0.002,50000\n")
    assert list(read_events(path)["mass_kda"]) == [75.0, 100.0, 50.0]


@pytest.mark.parametrize("row", ["nm,5", "min,max", "a,b"])
def test_a_row_of_anything_else_stays(row: str) -> None:
    rows = [row.split(","), ["x", "2"], ["y", "3"]]
    assert with_units(["name", "value"], rows) == (["name", "value"], rows, [])


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (("1,234.5", "2,345,678.25", "12"), ";"),
        (("1.234,5", "2.345.678,25", "12"), ";"),
        (("1'234.5", "2'345'678.25", "12"), ","),
        (("1\u00a0234,5", "2\u202f345\u202f678,25", "12"), ";"),
    ],
)
def test_marks_of_thousands(cells: tuple[str, ...], separator: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"n{separator}x\n" + "".join(f"1{separator}{one}\n" for one in cells), "utf-8")
    table = read_text_table(path)
    assert list(table.frame()["x"]) == [1234.5, 2345678.25, 12.0]
    assert "marks of thousands taken off in x" in table.remarks


def test_a_comma_that_may_be_both_is_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("particle;frame;x\n0;0;1,234\n0;1;1,5\n")
    assert list(read_text_table(path).frame()["x"]) == [1.234, 1.5]


@pytest.mark.parametrize("mark", ["%", "//"])
def test_other_marks_of_comments(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text(f"{mark} written by hand\n{mark} particle frame x y\n" + ROWS.replace(",", " "))
    assert list(read_tracks(path)["y"]) == [2.0, 2.5, 2.0]


def test_typographic_minus_signs_and_apostrophes_around_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("'particle','frame','x'\n'0','0','\u22121.5'\n'0','1','2'\n", "utf-8")
    assert list(read_tracks(path)["x"]) == [-1.5, 2.0]


def test_a_header_that_comes_again_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,frame,x,y\n{ROWS}particle,frame,x,y\n{ROWS}")
    with pytest.raises(PerrinError, match="row 4 holds the name of the column again"):
        read_tracks(path)


@pytest.mark.parametrize(
    "names",
    ["x in nm,y in nm", "xnm,ynm", "x {nm},y {nm}", "x [Ânm],y [Ânm]", "X(nm),Y(nm)"],
)
def test_spellings_of_units_in_names(names: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,frame,{names}\n{ROWS}", "utf-8")
    if "Â" in names:
        with pytest.raises(PerrinError, match="unit"):
            read_tracks(path)
    else:
        assert read_tracks(path).attrs["length_nm"] == 1.0


def test_a_garbled_micrometer(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,frame,x [Âµm],y [Âµm]\n{ROWS}", "utf-8")
    assert read_tracks(path).attrs["length_nm"] == 1000.0


@pytest.mark.parametrize("name", ["seconds", "sec", "time_in_s", "Time (s)"])
def test_spellings_of_seconds(name: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,{name},x,y\n0,0,1,2\n0,0.5,2,2\n0,1,2,3\n")
    read = read_tracks(path)
    assert list(read["frame"]) == [0, 1, 2]
    assert read.attrs["frame_interval_s"] == 0.5


@pytest.mark.parametrize("cell", ["00:00:01.5", "0.05 s"])
def test_times_as_text_are_refused_with_the_way_out(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,time,x,y\n0,{cell},1,2\n0,{cell},2,2\n")
    with pytest.raises(PerrinError, match="frame interval"):
        read_tracks(path)


def test_columns_and_rows_of_a_picture_are_x_and_y(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("particle,frame,row,col\n0,0,1,20\n0,1,2,30\n")
    read = read_tracks(path)
    assert list(read["x"]) == [20, 30]
    assert "columns col and row are taken as x and y" in read.attrs["read_as"]


def test_numbers_of_tracks_beyond_floats_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    large = 2**60
    rows = [f"{large + p},{t},{t},{p + t * t}" for p in range(2) for t in range(4)]
    path.write_text("particle,frame,x,y\n" + "\n".join(rows) + "\n")
    read = read_tracks(path)
    assert read["particle"].nunique() == 2
    assert read.attrs["track_names"] == {0: str(large), 1: str(large + 1)}


def test_words_for_no_track_beside_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"particle,frame,x,y\n{ROWS}unassigned,0,7,7\n")
    read = read_tracks(path)
    assert np.unique(read["particle"]).tolist() == [0]
    assert "1 row in no track" in read.attrs["read_as"]


def test_a_table_that_ends_in_its_header_is_said_to_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("frame_indices,contrasts,masses_k")
    assert "cut off" in read_events(path).attrs["read_as"]

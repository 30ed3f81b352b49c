"""Text tables as spreadsheets and other programs write them."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.numerals import why_no_numbers
from perrin.io.text import TextTable, read_text_table

NO_TABLES = {
    "1 0 1 0\n2 0 4 0\n": "no header",
    "id,x\n1,1.5\n2": "cut off",
    "id,x\n1,1.5\n2\n": "row 2 has 1 cells",
    "id,x,x\n1,1.5,1.6\n": "'x' is there twice, with different values",
}


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> TextTable:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return read_text_table(path)


WANTED = {"id": [1, 2], "x": [1.5, 22.25]}


@pytest.mark.parametrize(
    "text",
    [
        "id,x\n1,1.5\n2,22.25\n",
        "id;x\r\n1;1,5\r\n2;22,25\r\n",
        'id,x\n1,"1,5"\n2,"22,25"\n',
        "id\tx\n1\t1,5\n2\t22,25\n",
        "sep=;\nid;x\n1;1.5\n2;22.25\n",
        "id x\n1 1.5\n2 22.25\n",
        "  id      x\n   1    1.5\n   2  22.25\n",
        "# id x\n1 1.5\n2 22.25\n",
        "# made today\n# id;x\n1;1.5\n2;22.25\n",
        "id,x,,\n1,1.5,,\n2,22.25,,\n,,,\n,,,\n",
        'id,x\n1,1.5\n2,22.25\n"# note, quoted",\n',
        "id,x,id\n1,1.5,1\n2,22.25,2.0\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_one_table_in_many_dialects(tmp_path: Path, text: str, encoding: str) -> None:
    assert read(tmp_path, text, encoding).frame().to_dict("list") == WANTED


def test_the_encoding_of_windows_is_read_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, "id,x [µm]\n1,2.0\n", "cp1252")
    assert list(table.cells) == ["id", "x [µm]"]
    assert "cp1252" in table.remarks[0]


def test_row_names_of_r(tmp_path: Path) -> None:
    table = read(tmp_path, '"id"\t"x"\n"1"\t1\t1.5\n"2"\t2\t22.25\n')
    assert table.frame()[["id", "x"]].to_dict("list") == WANTED
    assert "row names" in table.remarks[0]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_separator_behind_each_row_is_no_cell(tmp_path: Path, mark: str) -> None:
    table = read(tmp_path, "id,x\n1,1.5,\n2,22.25,\n".replace(",", mark))
    assert table.frame().to_dict("list") == WANTED
    assert not table.remarks


def test_a_cell_more_in_each_row_is_told_or_refused(tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match=r"have 3 cells and the header 2.*which column"):
        read(tmp_path, "id,x\n1,1.5,7\n1,22.25,8\n")


@pytest.mark.parametrize(
    ("cells", "decimal"), [("1,234;567", "."), ("0,234;567", ","), ("1234,567;2,345", ",")]
)
def test_a_comma_that_may_separate_thousands_decides_nothing(
    tmp_path: Path, cells: str, decimal: str
) -> None:
    rows = "".join(f"1;{cell}\n" for cell in cells.split(";"))
    assert read(tmp_path, f"id;x\n{rows}").decimal == decimal


def test_points_and_commas_in_one_column_stay_text(tmp_path: Path) -> None:
    table = read(tmp_path, "id;x\n1;1,5\n2;22.25\n")
    assert table.frame()["x"].tolist() == ["1,5", "22.25"]
    assert "decimal comma" in why_no_numbers(table.cells["x"])
    assert "row 2 holds 'n.d.'" in why_no_numbers(["1.0", "n.d."])


def test_a_table_cut_off_in_a_number_loses_that_row_and_says_so(tmp_path: Path) -> None:
    table = read(tmp_path, "id,x\n1,1.55\n2,22.25\n3,4.1")
    assert len(table) == 2
    assert "cut off in its last number (4.1" in table.remarks[0]
    whole = read(tmp_path, "id,x\n1,1.55\n2,22.25\n3,4.11")
    assert len(whole) == 3
    assert "without a line break" in whole.remarks[0]
    assert read(tmp_path, "id,x\n1,1.55\n").remarks == ()


@pytest.mark.parametrize("text", NO_TABLES)
def test_what_is_no_whole_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PerrinError, match=NO_TABLES[text]):
        read(tmp_path, text)


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\x00\x01\xff\xfe" * 9)
    with pytest.raises(PerrinError, match="nor UTF-8 text"):
        read_text_table(path)


@pytest.mark.parametrize(
    "titles",
    [
        "My export;\n",
        "Sample: BSA;;\nDate: 30.11.2026;;\n;;\n",
        "Sample;BSA;\nFrames;1000;\n\n",
    ],
)
def test_titles_that_a_spreadsheet_fills_up_are_no_header(titles: str, tmp_path: Path) -> None:
    table = read(tmp_path, titles + "id;x;name\n1;1,5;a\n2;22,25;b\n")
    assert list(table.cells) == ["id", "x", "name"]
    assert table.frame()[["id", "x"]].to_dict("list") == WANTED
    assert "no table above the header" in table.remarks[0]


def test_a_header_with_fewer_names_than_cells_below_stays_the_header(tmp_path: Path) -> None:
    assert list(read(tmp_path, "id,x\na,1,1.5\nb,2,22.25\n").cells) == ["row_names", "id", "x"]


@pytest.mark.parametrize("missing", ["#N/A", "#NV", "#N/D", "-", "#DIV/0!", "-1.#IND"])
def test_cells_that_spreadsheets_leave_empty_are_missing(missing: str, tmp_path: Path) -> None:
    table = read(tmp_path, f"id;x\n1;1,5\n2;{missing}\n3;2,5\n").frame()
    assert table["x"].isna().tolist() == [False, True, False]


def test_a_word_among_decimal_commas_is_the_one_that_is_named() -> None:
    cells = ["1,5"] * 20 + ["#WERT!"]
    assert why_no_numbers(cells).startswith("row 21 holds '#WERT!'")
    assert why_no_numbers([*cells, "2.5"]).startswith("row 1 holds '1,5': a decimal comma")


def test_blanks_separate_cells_with_decimal_commas(tmp_path: Path) -> None:
    table = read(tmp_path, "id x y\n1 1,5 3,25\n2 22,25 4,5\n").frame()
    assert table.to_dict("list") == WANTED | {"y": [3.25, 4.5]}


@pytest.mark.parametrize("at", [60, 6000])
def test_a_text_with_bytes_of_none_is_damaged(at: int, tmp_path: Path) -> None:
    rows = "".join(f"{k},{k / 7:.9f}\n" for k in range(800)).encode()
    odd = np.random.default_rng(2).bytes(100)
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,x\n" + rows[:at] + odd + rows[at + 100 :])
    with pytest.raises(PerrinError, match="damaged"):
        read_text_table(path)


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_of_garbage_is_left_as_it_was(collects: bool, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        read(tmp_path, "id,x\n1,2\n")
        assert gc.isenabled() == collects
        with pytest.raises(PerrinError):
            read_text_table(empty)
        assert gc.isenabled() == collects
    finally:
        (gc.enable if before else gc.disable)()

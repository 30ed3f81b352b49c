"""What no text table holds is refused: rows inside of quotes, zero bytes, commas with two jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from perrin.errors import PerrinError
from perrin.io.text import TextTable, read_text_table

ROWS = [f"{number},{number}.5,note" for number in range(40)]


def read(tmp_path: Path, text: str) -> TextTable:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    return read_text_table(path)


def test_a_column_in_decimal_commas_between_commas_is_read_whole(tmp_path: Path) -> None:
    table = read(tmp_path, "mass\n67,134\n62,864\n-151,02\n100\n")
    assert table.frame()["mass"].tolist() == [67.134, 62.864, -151.02, 100.0]
    assert "decimal commas" in table.remarks


@pytest.mark.parametrize(
    "text",
    [
        "frame,mass\n3,67,134\n4,62,864\n",
        "contrast,mass\n-0,003021,67,13\n-0,002829,62,86\n",
        "mass\n1,66\n2,480\n3,660\n",
    ],
)
def test_commas_that_separate_cells_and_decimals_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PerrinError, match="the comma separates the cells and is the decimal mark"):
        read(tmp_path, text)


def test_row_names_beside_whole_numbers_are_told_by_their_quotes(tmp_path: Path) -> None:
    table = read(tmp_path, '"frame","mass"\n"1",3,67\n"2",4,62\n')
    assert table.frame()["mass"].tolist() == [67, 62]


def test_a_stray_quotation_mark_swallows_no_rows(tmp_path: Path) -> None:
    rows = list(ROWS)
    rows[20], rows[29] = '20,20.5,"note', '29,29.5,note"'
    with pytest.raises(PerrinError, match="the lines 22 to 31 are one row"):
        read(tmp_path, "\n".join(["id,x,text", *rows, ""]))
    remark = read(tmp_path, 'id,x,text\n1,1.5,"two\nlines"\n2,2.5,one\n')
    assert remark.cells["text"] == ("two\nlines", "one")


def test_zero_bytes_anywhere_are_refused_with_their_line(tmp_path: Path) -> None:
    rows = [*ROWS * 20, "1,2.5,no\0e"]
    with pytest.raises(PerrinError, match="line 802 holds zero bytes"):
        read(tmp_path, "\n".join(["id,x,text", *rows, ""]))


def test_titles_above_the_header_are_no_table(tmp_path: Path) -> None:
    table = read(tmp_path, "Experiment 5\nDate;2020\n\nid,x\n1,1.5\n2,22.25\n")
    assert table.frame().to_dict("list") == {"id": [1, 2], "x": [1.5, 22.25]}
    assert "no table above the header: 3 lines" in table.remarks[0]

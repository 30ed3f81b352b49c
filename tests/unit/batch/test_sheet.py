"""A sheet is read as people write it, and every problem in it is named with its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from perrin.batch import read_sheet, template
from perrin.batch.sheet import concentration
from perrin.errors import PerrinError

NO_SHEETS = {
    "": "no column 'file'",
    "files\na.mp\n": "its columns: files",
    "file,x,x\na,1,2\n": "two columns 'x'",
    "file\n\n": "no rows",
    "file,x\na.mp,1,2\n": "row 2 has 3 cells",
}


def sheet(folder: Path, text: str) -> Path:
    path = folder / "plate.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_template_names_files_samples_and_replicates() -> None:
    lines = template(["a/bsa_rep1.mp", "a/bsa_rep2.mp", "x, y.mp"]).splitlines()
    assert lines == [
        "file,sample,replicate,calibration,color,A_nM,B_nM",
        "a/bsa_rep1.mp,bsa,1,,,,",
        "a/bsa_rep2.mp,bsa,2,,,,",
        '"x, y.mp","x, y",,,,,',
    ]
    with pytest.raises(PerrinError, match="no files"):
        template([])


def test_cells_go_before_defaults_and_own_columns_stay(tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        "file;sample;n_avg;A_nM;buffer\nsub/a.mp;one;20;12.5;PBS\nb.mp;;;;\n",
    )
    read = read_sheet(path, n_avg=5, seed=3)
    first, second = read.rows
    assert (first.settings.n_avg, second.settings.n_avg, first.settings.seed) == (20, 5, 3)
    assert first.path == tmp_path / "sub" / "a.mp"
    assert (first.sample, second.sample, first.line, second.line) == ("one", "b", 2, 3)
    assert dict(first.others) == {"A_nM": "12.5", "buffer": "PBS"}
    assert read.others == ("A_nM", "buffer")


def test_a_calibration_lies_beside_the_sheet(tmp_path: Path) -> None:
    path = sheet(tmp_path, "file,calibration\na.mp,line.json\n")
    assert read_sheet(path).rows[0].settings.calibration == tmp_path / "line.json"


def test_names_of_results_differ_also_where_cases_do_not_count(tmp_path: Path) -> None:
    rows = "x/a.mp\ny/A.mp\ny/A.mp\nplain.mp\n"
    names = [row.name for row in read_sheet(sheet(tmp_path, f"file\n{rows}")).rows]
    assert names == ["x_a", "y_A", "y_A-2", "plain"]


def test_replicates_are_numbered_within_their_sample(tmp_path: Path) -> None:
    path = sheet(tmp_path, "file,sample\na.mp,s\nb.mp,s\nc_rep7.mp,s\nd.mp,t\n")
    assert [row.replicate for row in read_sheet(path).rows] == ["1", "2", "7", "1"]


def test_all_problems_are_named_with_their_rows(tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        'file,n_avg,A_nM,color\na.mp,ten,1,\nb.mp,5,"1,5",\nc.mp,5,-1,\nd.mp,5,1,red\n,5,1,\n'
        "fine.mp,5,1,#00ff00\n",
    )
    with pytest.raises(PerrinError) as caught:
        read_sheet(path)
    said = str(caught.value)
    assert "5 problems" in said
    assert "fine.mp" not in said
    for part in (
        "row 2 (a.mp): n_avg = 'ten'",
        "row 3 (b.mp): A_nM is '1,5': write decimals with a point",
        "row 4 (c.mp): A_nM is '-1'",
        "row 5 (d.mp): color is 'red'",
        "row 6 (no file): the column 'file' is empty",
    ):
        assert part in said


@pytest.mark.parametrize("text", NO_SHEETS)
def test_what_is_no_sheet_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PerrinError, match=NO_SHEETS[text]):
        read_sheet(sheet(tmp_path, text))


def test_concentrations_come_in_any_unit() -> None:
    assert concentration("A_nM", "2.5") == ("A", 2.5)
    assert concentration("B_uM", "0.5") == ("B", 500.0)
    assert concentration("B_µM", "0.5") == ("B", 500.0)
    assert concentration("C_pM", "10") == ("C", 0.01)
    assert concentration("A_nM", "") is None
    assert concentration("dose", "10") is None

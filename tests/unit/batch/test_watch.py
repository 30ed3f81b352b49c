"""Measurements are analyzed as they appear, once they no longer grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perrin.batch import read_sheet
from perrin.batch.watch import sheet_like, watch
from perrin.cli.main import app
from perrin.errors import PerrinError

from .conftest import Plate

WELLS = [{"A": 120, "AB": 90}, {"A": 110, "AB": 100}, {"A": 60}]


def test_files_are_taken_when_they_no_longer_grow(plate: Plate, tmp_path: Path) -> None:
    like = read_sheet(plate(*WELLS, buffer=["PBS"] * 3, dose=["1", "2", "3"]), resamples=0)
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    whole = (tmp_path / "s0_rep1.csv").read_text()
    said: list[str] = []

    def steps() -> Iterator[None]:
        (recorded / "x_rep1.csv").write_text(whole[:2000])  # still being written
        (recorded / "notes.txt").write_text("no measurement")
        (recorded / "broken.csv").write_bytes(b"%PDF-1.4 no table")
        yield
        (recorded / "x_rep1.csv").write_text(whole)
        yield
        assert not any("x_rep1.csv: " in line for line in said)
        yield
        assert any("x_rep1.csv: 1 ok" in line for line in said)
        (recorded / "x_rep2.csv").write_text((tmp_path / "s0_rep2.csv").read_text())
        yield
        yield
        raise KeyboardInterrupt

    turn = steps()
    found = watch(
        recorded,
        like,
        tmp_path / "out",
        species="A:66,AB:216",
        resamples=0,
        say=said.append,
        wait=lambda: next(turn),
    )
    assert found is not None
    assert found.counts["ok"] == 2
    table = found.measurements.set_index("name").loc[["x_rep1", "x_rep2"]]
    assert table["sample"].tolist() == ["x", "x"]
    assert table["buffer"].tolist() == ["PBS", "PBS"]
    assert table["dose"].tolist() == ["", ""]  # rows of the sheet differ in it
    assert table["events"].tolist() == [210, 210]
    assert found.ran == 1


def test_settings_that_all_rows_share_are_taken_over(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(*WELLS, seed=5, n_avg=["4", "4", "4"], calibration=["line.json"] * 3)
    made = sheet_like(read_sheet(sheet), [tmp_path / "new_rep3.csv"], tmp_path / "elsewhere")
    (row,) = made.rows
    assert row.settings.n_avg == 4
    assert row.settings.calibration == tmp_path / "line.json"
    assert (row.sample, row.replicate, row.path) == ("new", "3", tmp_path / "new_rep3.csv")


def test_a_folder_must_be_there(plate: Plate, tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match="no such folder"):
        watch(tmp_path / "none", read_sheet(plate(*WELLS)), tmp_path / "out")


def test_the_command_says_what_it_needs() -> None:
    done = CliRunner().invoke(app, ["batch", "--watch", "."])
    assert "--watch needs --like" in str(done.exception)
    assert "0 files given" in str(CliRunner().invoke(app, ["batch"]).exception)

"""Folders over many measurements, and their sheet, are named by whatever they are given to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import perrin
from perrin.errors import PerrinError


@pytest.mark.parametrize(
    "call",
    [
        perrin.read_results,
        perrin.read_tracks,
        perrin.open_movie,
        lambda path: perrin.write_report([path], path.with_suffix(".html")),
    ],
)
@pytest.mark.parametrize(
    ("files", "what"),
    [
        (["batch.json", "summary.json"], "perrin batch.*rows/NAME/results.*perrin.read_batch"),
        (["wells.csv", "summary.json"], "perrin affinity: the constants are in summary.json"),
    ],
)
def test_a_folder_is_named(
    call: Callable[[Path], Any], files: list[str], what: str, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("{}")
    with pytest.raises(PerrinError, match=rf"many is the folder of {what}"):
        call(folder)
    assert "the folder of perrin " in perrin.inspect(folder).description


def test_a_sheet_is_named(tmp_path: Path) -> None:
    sheet = tmp_path / "plate.csv"
    sheet.write_text("\ufefffile;sample;A_nM\na.mp;a;1\n", encoding="utf-8")
    seen = perrin.inspect(sheet)
    assert seen.kind == "other"
    assert "perrin batch" in seen.description

"""The page over many measurements says what stands out, and stays small."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perrin.batch.job import Outcome
from perrin.batch.page import doubts, drawn_of, headline, page_data, render_batch, stands_out
from perrin.batch.replicates import replicates_table
from perrin.batch.sheet import Sheet, sheet_of
from perrin.batch.species import parse_species
from perrin.batch.tables import Measured, species_table

WINDOWS = parse_species("A:66,AB:216")


def many(rows: int, *, rng: np.random.Generator) -> tuple[Sheet, list[Measured]]:
    """Rows in triplicate with 5,000 landings each; the second of the first sample is unlike."""
    lines = [f"s{k}.csv,sample {k // 3},{k % 3 + 1},{k // 3}" for k in range(rows)]
    sheet = sheet_of("\n".join(["file,sample,replicate,B_nM", *lines]), Path("plate.csv"))
    measured = []
    for k, row in enumerate(sheet.rows):
        share = 0.8 if k == 1 else 0.3
        masses = np.where(
            rng.random(5000) < share, rng.normal(216, 14, 5000), rng.normal(66, 7, 5000)
        )
        bins = np.floor(masses).astype(int)
        found: dict[str, Any] = {
            "landings": 5000,
            "unit": "kDa",
            "notes": ["a note"],
            "peaks": [],
            "histogram": {
                "first": int(bins.min()),
                "counts": np.bincount(bins - bins.min()).tolist(),
            },
        }
        measured.append(Measured(row, Outcome(row.name, "ok", found=found)))
    return sheet, measured


def page(sheet: Sheet, measured: list[Measured]) -> str:
    species = species_table(sheet, measured, WINDOWS)
    replicates = replicates_table(sheet, measured, species)
    about = {
        "created": "2026-01-01T00:00:00",
        "run": {"command": ["perrin", "batch"]},
        "python_version": "3",
    }
    return render_batch(sheet, measured, WINDOWS, species, replicates, about=about)


def test_a_page_of_96_measurements_is_one_small_file() -> None:
    text = page(*many(96, rng=np.random.default_rng(1)))
    assert len(text) < 12e6
    assert not re.findall(r"(?:src|href)=\"https?:", text)
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL
    )
    rows = json.loads(data)["rows"]
    assert len(rows) == 96
    assert [row["doubt"] for row in rows[:3]] == [False, True, False]
    assert sum(rows[0]["counts"]) == pytest.approx(5000, rel=0.01)


def test_the_first_screen_names_what_is_unlike_and_what_failed() -> None:
    sheet, measured = many(6, rng=np.random.default_rng(2))
    measured[4] = Measured(sheet.rows[4], Outcome("s4", "failed", "the file is damaged"))
    measured[5] = Measured(sheet.rows[5], Outcome("s5", "no events"))
    species = species_table(sheet, measured, WINDOWS)
    replicates = replicates_table(sheet, measured, species)
    assert headline(measured) == (
        "6 measurements of 2 samples, 20,000 landings; 1 failed, 1 no events"
    )
    said = doubts(measured, replicates)
    assert said[0] == "row 6 (s4): failed, the file is damaged"
    assert said[1] == "row 7 (s5): no events"
    assert any("sample 0, AB: replicate 2 does not fit" in line for line in said)
    assert "4 measurements: a note" in said
    assert any(
        line.startswith("AB (216 kDa): ") for line in stands_out(WINDOWS, species, replicates)
    )
    data = page_data(sheet, measured, WINDOWS, species, replicates)
    assert data["order"] == "B_nM"
    assert [row["report"] == "" for row in data["rows"]] == [False] * 4 + [True] * 2


def test_text_of_a_sheet_is_no_markup() -> None:
    sheet = sheet_of("file,sample\na.csv,<script>alert(1)</script>\n", Path("<b>.csv"))
    text = page(sheet, [Measured(sheet.rows[0], Outcome("a", "failed", "<img src=x>"))])
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<b>" not in text


def test_pictures_are_drawn_for_more_than_six() -> None:
    assert set(drawn_of(many(6, rng=np.random.default_rng(3))[1])) == {"heatmap"}
    drawn = drawn_of(many(9, rng=np.random.default_rng(3))[1])
    assert set(drawn) == {"heatmap", "multiples"}
    (axes,) = drawn["multiples"].axes
    shapes = axes.collections[0].get_paths()
    assert [text.get_text() for text in axes.texts[:2]] == ["sample 0 · 1", "sample 0 · 2"]
    # each from its own baseline to the same height: six across, then the next line
    ends = [(path.vertices[:, 1].min(), path.vertices[:, 1].max()) for path in shapes]
    assert np.allclose(ends, [(-1, -0.3)] * 6 + [(-2, -1.3)] * 3)
    assert drawn_of([]) == {}

"""Tables written by `write_csv` are those of pandas, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perrin.io.csv_writing import write_csv

NUMBERS = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, 1e15, 1e16, 1e-4, 1e-5, 5e-324, 1e22, 0.1 + 0.2]
TEXTS = ["", "plain", "a,b", 'a "b"', "two\nlines", "c\rd", "µm", " led", None, "nan"]


def both(table: pd.DataFrame, folder: Path) -> tuple[bytes, bytes]:
    write_csv(table, folder / "ours.csv")
    table.to_csv(folder / "theirs.csv", index=False)
    return (folder / "ours.csv").read_bytes(), (folder / "theirs.csv").read_bytes()


@given(st.lists(st.floats(width=64), min_size=1, max_size=200))
def test_numbers_are_written_as_by_pandas(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    table = pd.DataFrame({"x": [*numbers, *NUMBERS, *numbers], "one": 1.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perrin.io.csv_writing._ROWS", 64)
        ours, theirs = both(table, tmp_path_factory.mktemp("csv"))
    assert ours == theirs


@pytest.mark.parametrize("kind", ["str", object])
def test_texts_truths_and_counts_are_written_as_by_pandas(tmp_path: Path, kind: object) -> None:
    rows = len(TEXTS)
    table = pd.DataFrame(
        {
            "text": pd.Series(TEXTS, dtype=kind),  # type: ignore[call-overload]
            "count": np.arange(rows) - 3,
            "true": np.arange(rows) % 2 == 0,
            'na"me, odd': np.linspace(0, 1, rows),
        }
    )
    ours, theirs = both(table, tmp_path)
    assert ours == theirs
    assert ours.count(b'"a ""b"""') == 1


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"alone": [1.0, np.nan]}),
        pd.DataFrame({"a": [1.5, 2.5], "b": pd.array([1, None], dtype="Int64")}),
        pd.DataFrame({"a": np.zeros(2, np.float32) + 0.1, "b": 1}),
        pd.DataFrame({"a": [(1, 2), "x"], "b": 1}),
        pd.DataFrame({"a": np.zeros(0), "b": np.zeros(0, np.int64)}),
    ],
)
def test_other_tables_are_written_as_by_pandas(table: pd.DataFrame, tmp_path: Path) -> None:
    ours, theirs = both(table, tmp_path)
    assert ours == theirs

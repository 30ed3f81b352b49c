"""A check for each row: the same for the same values, another for any other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.io.row_checks import row_checks, what_changed

KNOWN = [2755337229, 1203020193, 2026544053, 864057783]


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"frame": np.arange(200), "x": rng.normal(0, 1e-3, 200), "y": rng.normal(50, 9, 200)}


def test_a_check_does_not_depend_on_the_machine() -> None:
    made = row_checks({"a": [0.0, -1.5, np.nan, np.inf], "b": [1, 2, 3, 4]})
    assert made.dtype == np.uint32
    assert made.tolist() == KNOWN


def test_every_digit_up_to_the_tenth_counts() -> None:
    whole = row_checks(columns())
    for name in ("x", "y"):
        for relative in (1e-9, 1e-3, 1):
            other = columns() | {name: columns()[name] * (1 + relative)}
            assert (row_checks(other) != whole).all()
        rounded = columns() | {name: columns()[name] * (1 + 1e-15)}
        assert (row_checks(rounded) == whole).mean() > 0.99


def test_columns_are_told_apart_by_name_and_missing_values_count() -> None:
    same = np.arange(5.0)
    assert (row_checks({"x": same, "y": same + 1}) != row_checks({"y": same, "x": same + 1})).all()
    gone = np.where(same == 2, np.nan, same)
    assert (row_checks({"x": gone}) != row_checks({"x": same})).tolist() == [0, 0, 1, 0, 0]


def test_nothing_is_said_of_what_did_not_change() -> None:
    checks = pd.Series(row_checks(columns()))
    assert what_changed(columns(), checks, 200) == []
    assert what_changed(columns(), checks, None) == []
    changed = what_changed(columns(), checks.where(checks.index > 2), 201)
    assert "3 rows are not as perrin wrote them (the first: row 1)" in changed[0]
    assert "had 201 rows when perrin wrote it and has 200 now" in changed[1]


def test_a_table_without_rows_has_no_checks() -> None:
    assert row_checks({"x": np.empty(0)}).tolist() == []
    assert what_changed({"x": np.empty(0)}, [], 0) == []

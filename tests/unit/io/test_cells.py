"""Text cells that a spreadsheet would run, and back."""

from __future__ import annotations

import pandas as pd
import pytest

from perrin.io.cells import neutralized, plain_text, with_plain_texts, without_formulas


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx", "'=x", "''=x", "a", "'a", ""])
def test_a_text_comes_back(text: str) -> None:
    safe = neutralized(text)
    assert safe[:1] not in ("=", "+", "-", "@", "\t")
    assert plain_text(safe) == text


def test_tables_keep_their_numbers_and_missing_texts() -> None:
    table = pd.DataFrame({"name": ["=cmd()", None, "a"], "kda": [-1.0, 2.0, 3.0], "n": [1, 2, 3]})
    safe = without_formulas(table)
    assert safe["name"].tolist()[0] == "'=cmd()"
    assert safe["kda"].tolist() == [-1.0, 2.0, 3.0]
    pd.testing.assert_frame_equal(with_plain_texts(safe), table)
    assert without_formulas(table[["kda"]]).equals(table[["kda"]])

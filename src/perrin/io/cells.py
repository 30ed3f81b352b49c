"""Text cells that a spreadsheet must not run: formulas are neutralized when a table is written.

A cell of text that starts with ``=``, ``+``, ``-``, ``@``, a tab or a line break gets an
apostrophe in front, which spreadsheets hide; one that starts with apostrophes before such a
character gets one more, so that `plain_text` gives back what was there. Numbers are no text:
``-0.003`` stays a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_NEUTRALIZED = re.compile(r"''*[=+\-@\t\r\n]")


def neutralized(text: str) -> str:
    """Return the text as a spreadsheet takes it for text."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain_text(cell: str) -> str:
    """Return what `neutralized` was given."""
    return cell[1:] if _NEUTRALIZED.match(cell) else cell


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells of text a spreadsheet takes for text."""
    return _with_texts(table, neutralized)


def with_plain_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table that `without_formulas` was given, of what was read."""
    return _with_texts(table, plain_text)


def _with_texts(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    changed = {
        str(name): table[name].map(lambda cell: change(cell) if isinstance(cell, str) else cell)
        for name in table
        if pd.api.types.is_string_dtype(table[name].dtype) or table[name].dtype == object
    }
    return table.assign(**changed) if changed else table

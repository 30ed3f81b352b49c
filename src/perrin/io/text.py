"""Text tables as programs and spreadsheets write them: separator, comments, footer."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from perrin.errors import PerrinError

_SEPARATORS = ",;\t"
_MISSING = ("", "nan", "na", "n/a", "none", "null")


@dataclass(frozen=True)
class TextTable:
    """A table as text: the header and rows, its separator, and the footer's ``#`` lines."""

    body: str
    separator: str
    footer: list[str]

    def frame(self) -> pd.DataFrame:
        """Return the table; a column of numbers or truth values gets that type, all digits kept."""
        cells = self.cells()
        return pd.DataFrame({name: _typed(cells[name]) for name in cells.columns})

    def cells(self) -> pd.DataFrame:
        """Return the table as text, cell by cell as it stands in the file."""
        return pd.read_csv(
            io.StringIO(self.body), sep=self.separator, dtype=str, na_filter=False, index_col=False
        )


def read_text_table(path: Path) -> TextTable:
    """Return the table in a text file, read but not parsed.

    Lines that start with ``#`` count as comments above the header and as the footer below
    the last row. Raises `PerrinError` for a file that is no UTF-8 text, is empty, has
    columns of the same name or rows of another length than its header.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PerrinError(
            f"{path}: neither HDF5 nor parquet nor UTF-8 text (byte {error.start}); "
            "not an event table. Export the events as CSV or .h5."
        ) from error
    lines = text.splitlines(keepends=True)
    first, last = 0, len(lines)
    while first < last and _skipped(lines[first]):
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    end = last
    while last > first and lines[last - 1].startswith("#"):
        last -= 1
    footer = [line.rstrip("\r\n") for line in lines[last:end]]
    body = "".join(lines[first:last])
    if not body.strip():
        raise PerrinError(f"{path}: the file holds no table. Export the events again.")
    header_line = lines[first]
    separator = max(_SEPARATORS, key=header_line.count)
    _check_shape(path, body, separator)
    return TextTable(body=body, separator=separator, footer=footer)


def _typed(cells: pd.Series) -> pd.Series:
    """Return whole numbers, truth values, numbers or text: the first that all cells are."""
    plain = cells.str.strip().str.lower()
    missing = plain.isin(_MISSING)
    if plain.isin(("true", "false")).all() and len(plain):
        return plain == "true"
    values = plain.where(~missing, "nan").to_numpy(dtype=object)
    for kind in (np.int64, np.float64):
        try:
            return pd.Series(values.astype(kind), index=cells.index)
        except (ValueError, OverflowError):
            continue
    return cells


def _skipped(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _check_shape(path: Path, body: str, separator: str) -> None:
    """Every row as long as the header, every name once: else columns would shift silently."""
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=separator)
    header = next(rows)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise PerrinError(
            f"{path}: the column {', '.join(map(repr, twice))} is there twice. "
            "Keep one and remove or rename the other."
        )
    for number, row in enumerate(rows, start=1):
        if row and len(row) != len(header):
            raise PerrinError(
                f"{path}: row {number} has {len(row)} cells, the header {len(header)}. "
                "Not a table, or cut off: export it again."
            )

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
    """A table as text: the cells (n,) of each column, and the footer's ``#`` lines."""

    cells: dict[str, tuple[str, ...]]
    footer: list[str]

    def frame(self) -> pd.DataFrame:
        """Return the table; a column of numbers or truth values gets that type, all digits kept."""
        return pd.DataFrame({name: _typed(cells) for name, cells in self.cells.items()})


def read_text_table(path: Path) -> TextTable:
    """Return the table in a text file, cell by cell.

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
    while first < last and (not lines[first].strip() or lines[first].startswith("#")):
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    end = last
    while last > first and lines[last - 1].startswith("#"):
        last -= 1
    if first == last:
        raise PerrinError(f"{path}: the file holds no table. Export the events again.")
    separator = max(_SEPARATORS, key=lines[first].count)
    return TextTable(
        cells=_columns(path, "".join(lines[first:last]), separator),
        footer=[line.rstrip("\r\n") for line in lines[last:end]],
    )


def _columns(path: Path, body: str, separator: str) -> dict[str, tuple[str, ...]]:
    """Return the cells by column; a column without a name gets one if it holds anything."""
    try:
        header, *rows = (
            row
            for row in csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
            if row
        )
    except csv.Error as error:
        raise PerrinError(f"{path}: not a table, or cut off ({error}). Export it again.") from error
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise PerrinError(
                f"{path}: row {number} has {len(row)} cells, the header {len(header)}. "
                "Not a table, or cut off: export it again."
            )
    columns: dict[str, tuple[str, ...]] = {}
    cells = list(zip(*rows, strict=True)) or [()] * len(header)
    for number, name in enumerate(header, start=1):
        column = cells[number - 1]
        if not name.strip() and not any(column):
            continue
        name = name if name.strip() else f"column_{number}"
        if name in columns:
            raise PerrinError(
                f"{path}: the column {name!r} is there twice. "
                "Keep one and remove or rename the other."
            )
        columns[name] = column
    return columns


def _typed(cells: tuple[str, ...]) -> pd.Series:
    """Return whole numbers, truth values, numbers or text: the first that all cells are."""
    plain = [cell.strip().lower() for cell in cells]
    if plain and set(plain) <= {"true", "false"}:
        return pd.Series([cell == "true" for cell in plain])
    values = np.array(["nan" if cell in _MISSING else cell for cell in plain], dtype=object)
    for kind in (np.int64, np.float64):
        try:
            return pd.Series(values.astype(kind))
        except (ValueError, OverflowError):
            continue
    return pd.Series(cells, dtype="str")

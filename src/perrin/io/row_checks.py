"""Checks that perrin writes into each row of its tables, so that damage and edits are noticed.

A table in CSV has no checksum of its own. Each row that perrin writes ends in two numbers: how
many rows there are (``rows_written``), and a check over the numbers in the row (``row_check``).
Values count to 11 digits, so that a program that writes them in another way changes nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

ROWS = "rows_written"
CHECK = "row_check"
_DIGITS = 2.0**36  # of the mantissa
_START, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)  # of the FNV-1a hash
_SHIFT = np.uint64(29)


def row_checks(columns: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.uint32]:
    """Return one check (n,) for each row of some columns (n,) of numbers, by their names."""
    total: npt.NDArray[np.uint64] = np.array([_START])
    with np.errstate(over="ignore"):
        for name, column in columns.items():
            key = _keys(np.asarray(column, dtype=np.float64))
            total = (total ^ np.uint64(zlib.crc32(name.encode()))) * _PRIME
            total = (total ^ key) * _PRIME
            total = total ^ (total >> _SHIFT)
    return (total >> np.uint64(32)).astype(np.uint32)


def _keys(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Return a whole number for each value; values that agree in 11 digits share one, nearly."""
    finite = np.isfinite(values)
    mantissa, exponent = np.frexp(np.where(finite, values, 0.0))
    keys = np.rint(mantissa * _DIGITS).astype(np.int64) * 4096 + exponent
    odd = np.where(np.isnan(values), 1, np.where(values > 0, 2, 3)) + 2**62
    found: npt.NDArray[np.uint64] = np.where(finite, keys, odd).view(np.uint64)
    return found


def what_changed(
    columns: Mapping[str, npt.ArrayLike], checks: Sequence[object] | pd.Series, rows: object
) -> list[str]:
    """Return what is no longer as perrin wrote it, in phrases; nothing where all is.

    checks: the column ``row_check`` (n,) as read; rows: ``rows_written``, None if it is not there.
    """
    said = []
    told = pd.to_numeric(pd.Series(checks), errors="coerce").to_numpy(dtype=np.float64)
    odd = np.flatnonzero(told != row_checks(columns)) if len(told) else np.empty(0, np.intp)
    if len(odd) > len(told) / 2:
        said.append(
            "the rows are not as perrin wrote them: columns were removed, another program rounded "
            "the values, or they were changed since"
        )
    elif len(odd):
        what = "row is" if len(odd) == 1 else "rows are"
        said.append(
            f"{len(odd)} {what} not as perrin wrote {'it' if len(odd) == 1 else 'them'} (the "
            f"first: row {odd[0] + 1}): damaged, or changed since"
        )
    if rows is not None and rows != len(told):
        said.append(
            f"the table had {rows} rows when perrin wrote it and has {len(told)} now: cut off, or "
            "rows were removed or added since"
        )
    return said


def written_rows(values: pd.Series) -> int | None:
    """Return the number that most rows of ``rows_written`` say, None where none says one."""
    numbers = pd.to_numeric(values, errors="coerce").dropna()
    return int(numbers.mode().iloc[0]) if len(numbers) else None

"""A row of units below the header of a table, as Origin, Excel and many by hand write it."""

from __future__ import annotations

import re

from perrin.io.event_columns import CONTRAST_UNITS, MASS_UNITS, key_of
from perrin.io.numerals import is_number
from perrin.io.read_as import listed
from perrin.io.units import length_unit, time_unit

_BRACKETS = re.compile(r"[\[(]([^\])]*)[\])]")
_NO_UNIT = frozenset(
    {"", "-", "#", "1", "a.u.", "au", "none", "no", "id", "n/a", "counts", "photons"}
)
_ROWS = 5  # below it that must hold numbers where it holds units


def with_units(
    header: list[str], rows: list[list[str]]
) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the header with the units of the first row in its names, and the rows below it.

    Only where that row holds units and nothing else, with numbers below them; ``x`` above ``nm``
    becomes ``x [nm]``. The third part says so.
    """
    if len(rows) < 2 or len(rows[0]) != len(header):
        return header, rows, []
    units = [_inside(cell) for cell in rows[0]]
    known = [_is_unit(unit) for unit in units]
    if not any(known) or not all(
        k or u.lower() in _NO_UNIT for k, u in zip(known, units, strict=True)
    ):
        return header, rows, []
    if not all(
        is_number(row[at]) or not row[at].strip()
        for row in rows[1 : 1 + _ROWS]
        for at, one in enumerate(known)
        if one
    ):
        return header, rows, []
    named = [
        f"{name} [{unit}]" if one and not _BRACKETS.search(name) else name
        for name, unit, one in zip(header, units, known, strict=True)
    ]
    said = listed(sorted({unit for unit, one in zip(units, known, strict=True) if one}))
    return named, rows[1:], [f"the row below the header holds units ({said})"]


def _inside(cell: str) -> str:
    text = cell.strip()
    match = _BRACKETS.fullmatch(text)
    return (match[1] if match else text).strip()


def _is_unit(unit: str) -> bool:
    known = MASS_UNITS.keys() | CONTRAST_UNITS.keys() - {"1"}
    return bool(unit) and bool(length_unit(unit) or time_unit(unit) or key_of(unit) in known)

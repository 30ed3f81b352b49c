"""Cells of text tables as numbers: decimal points, decimal commas, and what is neither."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

MISSING = frozenset(
    {
        *("", "nan", "-nan", "na", "n/a", "-", "--", "none", "null", "<na>"),
        *("#n/a", "#nv", "#n/d", "#num!", "#zahl!", "#nombre!"),  # as spreadsheets write it
        *("#div/0!", "1.#qnan", "1.#ind", "-1.#ind", "-nan(ind)"),  # the last: NaN on Windows
    }
)
"""Cells that stand for no value, in lower case."""

_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_GROUPED = (  # marks of thousands and of decimals, where both cannot be taken for each other
    (re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+"), ","),
    (re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+"), "."),
    (re.compile(r"[+-]?\d{1,3}(['’\u00a0\u202f\u2009 ]\d{3})+([.,]\d+)?"), "'’\u00a0\u202f\u2009 "),
)
_NEARLY = 0.9  # of the cells: the others are words, which are named where numbers are needed
_MARKS = re.compile("[,'’\\u00a0\\u202f\\u2009 ]")  # without one of them no cell is grouped
_UNGROUPED = re.compile(r"[+-]?\d+([.,]\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d*([eE][+-]?\d+)?")


def typed(cells: Sequence[str], *, decimal: str = ".") -> pd.Series:
    """Return whole numbers, truth values, numbers or text: the first that all cells are."""
    direct = _numbers(np.array(cells, dtype=object)) if cells else None
    if direct is not None:
        return direct
    plain = [cell.strip().lower() for cell in cells]
    if plain and set(plain) <= {"true", "false"}:
        return pd.Series([cell == "true" for cell in plain])
    if decimal == "," and any(_COMMA.fullmatch(cell) for cell in plain):
        if any(_POINT.fullmatch(cell) for cell in plain):
            return pd.Series(list(cells), dtype="str")
        plain = [cell.replace(",", ".") for cell in plain]
    values = np.array(["nan" if cell in MISSING else cell for cell in plain], dtype=object)
    numbers = _numbers(values)
    return pd.Series(list(cells), dtype="str") if numbers is None else numbers


def _numbers(cells: npt.NDArray[np.object_]) -> pd.Series | None:
    """Return whole numbers or numbers, None where a cell is none."""
    for kind in (np.int64, np.float64):
        try:
            return pd.Series(cells.astype(kind))
        except (ValueError, OverflowError):
            continue
    return None


def decimal_mark(columns: Sequence[Sequence[str]]) -> str:
    """Return ``","`` where some column can only be numbers with a decimal comma, else ``"."``.

    A comma with groups of three digits behind it alone (``1,234``) decides nothing: it may
    separate thousands.
    """
    for cells in columns:
        if "," not in "".join(cells):
            continue
        filled = [cell.strip() for cell in cells if cell.strip().lower() not in MISSING]
        commas = [cell for cell in filled if "," in cell]
        if all(_GROUPS.fullmatch(cell) for cell in commas):
            continue
        if sum(map(_by_comma, filled)) > _NEARLY * len(filled) and not any(map(_by_point, filled)):
            return ","
    return "."


def _by_comma(cell: str) -> bool:
    return bool(_COMMA.fullmatch(cell)) or cell.lstrip("+-").isdigit()


def _by_point(cell: str) -> bool:
    return "." in cell and _POINT.fullmatch(cell) is not None


def ungrouped(
    columns: Mapping[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Take off the marks of thousands where nothing else can be meant; say in which columns."""
    found, where = dict(columns), []
    for name, cells in columns.items():
        if not _MARKS.search("".join(cells)):
            continue
        marks = _marks_of_thousands([cell.strip() for cell in cells])
        if marks:
            table = str.maketrans("", "", marks)
            found[name] = tuple(cell.strip().translate(table) for cell in cells)
            where.append(name)
    return found, [f"marks of thousands taken off in {', '.join(where)}"] if where else []


def _marks_of_thousands(cells: Sequence[str]) -> str:
    """Return what separates thousands in a column of numbers, "" where nothing or no one mark."""
    for form, marks in _GROUPED:
        grouped = [form.fullmatch(cell) is not None for cell in cells]
        if any(grouped) and all(
            one or _UNGROUPED.fullmatch(cell) or cell.lower() in MISSING
            for one, cell in zip(grouped, cells, strict=True)
        ):
            return marks
    return ""


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, with a point or a comma; an empty one is none."""
    text = cell.strip().lower()
    if text in MISSING - {"nan", "-nan"}:
        return False
    try:
        float(text)
    except ValueError:
        return _COMMA.fullmatch(text) is not None
    return True


def why_no_numbers(cells: Sequence[str], name: str = "") -> str:
    """Return what keeps a column from being numbers, with the row that shows it first.

    name: of the column, which stands in it again where tables were put one below the other.
    """
    commas = decimal_mark([[str(cell) for cell in cells]]) == ","
    for row, cell in enumerate(cells, start=1):
        text = str(cell).strip()
        if text.lower() in MISSING or (commas and _by_comma(text)):
            continue
        try:
            float(text)
        except ValueError:
            if _COMMA.fullmatch(text) or _GROUPS.fullmatch(text):
                return (
                    f"row {row} holds {text[:40]!r}: a decimal comma, or one that separates "
                    "thousands, beside numbers that are written otherwise. Export it with decimal "
                    "points"
                )
            if text == name:
                return (
                    f"row {row} holds the name of the column again: tables one below the other? "
                    "Keep one header, and number what they hold on, or read them one by one"
                )
            return f"row {row} holds {text[:40]!r}, which is no number"
    return "it holds no numbers"


def ends_in_a_number_cut_short(cells: Sequence[str]) -> bool:
    """Tell whether the last cell has fewer digits behind its point than any above it."""
    *above, last = [cell.strip() for cell in cells]
    if not above or not is_number(last):
        return False
    lengths = {_digits_behind(cell) for cell in above if is_number(cell)}
    return bool(lengths) and _digits_behind(last) < min(lengths)


def _digits_behind(cell: str) -> tuple[int, int]:
    """Return how many digits the exponent and the fraction have."""
    mantissa, _, exponent = cell.lower().partition("e")
    return len(exponent), len(mantissa.replace(",", ".").partition(".")[2])

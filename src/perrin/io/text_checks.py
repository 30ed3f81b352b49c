"""What a text table cannot hold: commas as separators and decimal marks, rows inside of quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from perrin.errors import PerrinError
from perrin.io.numerals import is_number

_WHOLE = re.compile(r"[+-]?\d+")
_FRACTION = re.compile(r"\d+([eE][+-]?\d+)?")
_TITLES = 5  # lines above a header, at most
_OUT = "Export it with semicolons between the cells, or with decimal points"


def check_zeros(path: Path, lines: Sequence[str]) -> None:
    """Raise `PerrinError` for a zero character, which damaged files have in place of their text."""
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise PerrinError(
                f"{path}: line {number} holds zero bytes, so that rows are lost: the file is "
                "damaged. Copy or export it again."
            )


def check_lines(
    path: Path, lines: Sequence[str], *, separator: str, width: int, number: int
) -> None:
    """Raise `PerrinError` where one row of the table takes the lines of several.

    A stray quotation mark swallows all rows up to the next. lines: of one row, as they are in the
    file from line `number` on; width: how many cells the header has.
    """
    if len(lines) < 2:
        return
    if "".join(lines).count(separator) >= 2 * max(width - 1, 1):
        raise PerrinError(
            f"{path}: the lines {number} to {number + len(lines) - 1} are one row, for a quotation "
            f'mark (") opens in line {number} and closes {len(lines) - 1} lines below: rows would '
            "be lost. Remove the quotation mark."
        )


def without_titles(lines: Sequence[str], separators: str) -> int:
    """Return how many lines at the start are titles: without cells, above a header with cells."""
    filled = [k for k, line in enumerate(lines[: 2 * _TITLES]) if line.strip(separators + " \r\n")]
    header = 0
    for at, below in pairwise(filled):
        split = [mark for mark in separators if mark in lines[below]]
        if _decimal_only(lines[at], lines[below]):
            break
        if any(mark in lines[at] for mark in separators) and below == at + 1:
            break
        if split and not _numbers(lines[below], max(split, key=lines[below].count)):
            header = below
        elif split:
            break
    return header or _padded(lines, filled, separators)


def _decimal_only(names: str, row: str) -> bool:
    """Whether blanks separate the cells and commas are decimal marks: names, numbers below them."""
    cells = row.split()
    return len(cells) == len(names.split()) > 1 and all(map(is_number, cells))


def _padded(lines: Sequence[str], filled: Sequence[int], separators: str) -> int:
    """Return where the header stands below lines with fewer cells, as spreadsheets write titles.

    These are filled up with separators, or are a word and its value.
    """
    mark = max(separators, key=lambda one: sum(lines[k].count(one) for k in filled))
    cells = {k: [cell for cell in lines[k].split(mark) if cell.strip()] for k in filled}
    header = max(filled, key=lambda k: len(cells[k]), default=0)  # the first of the longest
    below = [k for k in filled if k > header][:1]
    named = len(cells.get(header, ())) > 1 and not any(map(is_number, cells[header]))
    return header if below and named and any(map(is_number, cells[below[0]])) else 0


def _numbers(line: str, separator: str) -> bool:
    return all(is_number(cell) for cell in line.split(separator) if cell.strip())


def joined_at_commas(
    path: Path, header: Sequence[str], rows: list[list[str]], *, quoted: bool
) -> list[list[str]]:
    """Return the rows; those of a single column in decimal commas are put together again.

    quoted: whether the first row starts with a quotation mark, as R's row names do. Raises
    `PerrinError` where a comma is the separator and may be the decimal mark too.
    """
    width = len(header)
    wider = [row for row in rows if len(row) > width and len(_filled(row)) > width]
    if not wider or quoted:
        return rows
    cells = [cell.strip() for row in rows for cell in row if cell.strip()]
    if not all(_WHOLE.fullmatch(cell) or _FRACTION.fullmatch(cell) for cell in cells):
        return rows
    pairs = all(len(row) == 2 and _FRACTION.fullmatch(row[1].strip()) for row in wider)
    if len(header) == 1 and pairs and not _numbered(wider):
        return [[",".join(row)] if len(row) == 2 and row[1].strip() else row[:1] for row in rows]
    raise PerrinError(
        f"{path}: rows have more cells than the header ({','.join(wider[0])[:60]}), and all are "
        "whole numbers: the comma separates the cells and is the decimal mark too. "
        f"{_OUT}; if the first cells are row names, give them a name in the header."
    )


def _filled(row: list[str]) -> list[str]:
    while row and not row[-1].strip():
        row = row[:-1]
    return row


def _numbered(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first cells count 0, 1, 2, ... or 1, 2, 3, ..., as row names do."""
    first = [int(row[0]) if _WHOLE.fullmatch(row[0].strip()) else -1 for row in rows]
    return first[0] in (0, 1) and all(after == before + 1 for before, after in pairwise(first))

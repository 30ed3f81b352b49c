"""Text tables as programs and spreadsheets write them: encoding, separator, comments, footer."""

from __future__ import annotations

import csv
import gc
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.decode import read_text
from perrin.io.numerals import decimal_mark, ends_in_a_number_cut_short, is_number, typed, ungrouped
from perrin.io.read_as import counted
from perrin.io.text_checks import check_lines, check_zeros, joined_at_commas, without_titles
from perrin.io.unit_rows import with_units

_SEPARATORS = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)
_ROW_NAMES = "row_names"
_COMMENTS = ("#", "%", "//")
_MINUS = "\u2212"  # the typographic one


@dataclass(frozen=True)
class TextTable:
    """A table as text: the cells (n,) of each column, and the ``#`` lines above and below.

    decimal: the mark in its numbers. remarks: what was unusual about the text, in phrases.
    """

    cells: dict[str, tuple[str, ...]]
    footer: list[str]
    decimal: str = "."
    header: list[str] = field(default_factory=list)
    remarks: tuple[str, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Return the table; a column of numbers or truth values gets that type, all digits kept."""
        return pd.DataFrame(
            {name: typed(cells, decimal=self.decimal) for name, cells in self.cells.items()}
        )

    def __len__(self) -> int:
        return len(next(iter(self.cells.values()), ()))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the collector of garbage: it would go through all cells again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_no_collection()
def read_text_table(path: Path) -> TextTable:
    """Return the table in a text file, cell by cell.

    Lines that start with ``#``, ``%`` or ``//`` count as comments above the header and as the
    footer below the last row; where the first row holds numbers, the last comment above it may be
    the header. A first line ``sep=;`` names the separator; without it that is a comma, semicolon,
    tab, bar, or blanks. Titles above the header are comments too. A row of units below the header
    goes into the names of the columns, and marks that separate thousands are taken off. Rows that
    have one cell more than the header start with R's row names. Raises `PerrinError` for a file
    that is no text, is empty, has no header, columns of the same name with different values, rows
    of another length than its header or inside of a quotation, or commas that may separate cells
    and decimals.
    """
    text, encoding = read_text(path)
    lines = text.replace(_MINUS, "-").splitlines(keepends=True)
    check_zeros(path, lines)
    named = _SEP_LINE.fullmatch(lines[0].strip("\r\n")) if lines else None
    lines = ["\n", *lines[1:]] if named else lines
    first, last, end = _limits(lines)
    if first == last:
        raise PerrinError(f"{path}: the file holds no table. Export it again.")
    titles = 0 if named else without_titles(lines[first:last], _SEPARATORS)
    first += titles
    comments = [_uncommented(line) for line in lines[:first] if line.strip()]
    separator = named[1] if named else _separator(lines[first:last])
    rows = _rows(path, lines[first:last], separator, above=first)
    header, rows = _header(path, rows, comments, separator)
    if separator == ",":
        quoted = any(line.startswith('"') for line in lines[first + 1 : last][:1])
        rows = joined_at_commas(path, header, rows, quoted=quoted)
    remarks = [] if encoding.startswith("utf-8") else [f"text in {_ENCODINGS[encoding]}"]
    cut_open = end == last and not lines[end - 1].endswith(("\n", "\r"))
    header, rows, said = _fitted(path, header, rows, cut_open=cut_open)
    header, rows, units = with_units(header, rows)
    columns, twice = _columns(path, header, rows)
    columns, grouped = ungrouped(columns)
    decimal = decimal_mark(list(columns.values()))
    remarks += [f"no table above the header: {counted(titles, 'line')}"] if titles else []
    remarks += [*said, *units, *twice, *grouped, *(["decimal commas"] if decimal == "," else [])]
    if cut_open:
        columns, cut = _without_cut_row(columns)
        remarks.append(cut)
    footer = [_unquoted(line) for line in lines[last:end]]
    return TextTable(columns, footer, decimal, comments, tuple(remarks))


_ENCODINGS = {
    "cp1252": "the encoding of Windows (cp1252)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
}


def _limits(lines: Sequence[str]) -> tuple[int, int, int]:
    """Return where the table starts, where it stops, and where its footer stops."""
    first, last = 0, len(lines)
    while first < last and (_blank(lines[first]) or _is_comment(lines[first])):
        first += 1
    while last > first and _blank(lines[last - 1]):
        last -= 1
    end = last
    while last > first and (_blank(lines[last - 1]) or _is_comment(lines[last - 1])):
        last -= 1
    return first, last, end


def _blank(line: str) -> bool:
    """A spreadsheet fills empty lines up with separators."""
    return not line.strip(_SEPARATORS + " \r\n")


def _is_comment(line: str) -> bool:
    """A spreadsheet puts a comment with a separator in it into quotes."""
    if line.startswith('"#'):
        return not _unquoted(line).startswith('"')
    return line.startswith(_COMMENTS)


def _unquoted(line: str) -> str:
    """Return a comment without what a spreadsheet added: quotes, empty cells behind it."""
    line = line.rstrip("\r\n")
    bare = line.rstrip(",;\t") if line.startswith('"#') else line
    if bare.startswith('"#') and bare.endswith('"') and len(bare) > 2:
        inside = bare[1:-1]
        if '"' not in inside.replace('""', ""):
            return inside.replace('""', '"')
    return line


def _uncommented(line: str) -> str:
    return _unquoted(line).lstrip("#%/").strip()


def _separator(lines: Sequence[str]) -> str:
    """Return what separates the cells, looking at the header and the row below it."""
    header = re.sub(r'"[^"]*"', "", lines[0])
    best = max(_SEPARATORS, key=header.count)
    if header.count(best):
        return best
    if len(lines) > 1 and len(lines[0].split()) > 1:
        under = len(lines[1].split()) - len(lines[0].split())
        if under in (0, 1):
            return " "
    return ","


def _rows(path: Path, lines: Sequence[str], separator: str, *, above: int) -> list[list[str]]:
    """Return the cells of each line that holds any; `above` lines of the file are above them."""
    blanks = separator == " "
    body = "".join(line.strip() + "\n" for line in lines) if blanks else "".join(lines)
    physical = io.StringIO(body, newline="").readlines()
    quote = "'" if _in_single_quotes(lines[0], separator) else '"'
    reader = csv.reader(
        physical, delimiter=separator, strict=True, skipinitialspace=blanks, quotechar=quote
    )
    rows: list[list[str]] = []
    at = 0
    try:
        for row in reader:
            if row and (row[0].strip() or any(map(str.strip, row))):
                rows.append(row)
            if reader.line_num > at + 1:
                taken = physical[at : reader.line_num]
                width, number = len(rows[0] if rows else row), above + at + 1
                check_lines(path, taken, separator=separator, width=width, number=number)
            at = reader.line_num
    except csv.Error as error:
        raise PerrinError(f"{path}: not a table, or cut off ({error}). Export it again.") from error
    if not rows:
        raise PerrinError(f"{path}: the file holds no table. Export it again.")
    return rows


def _in_single_quotes(line: str, separator: str) -> bool:
    """Whether each cell of a header stands between apostrophes."""
    cells = [cell.strip() for cell in line.strip().split(None if separator == " " else separator)]
    return all(len(cell) > 2 and cell[0] == cell[-1] == "'" for cell in cells)


def _header(
    path: Path, rows: list[list[str]], comments: Sequence[str], separator: str
) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the rows below them."""
    if not all(is_number(cell) for cell in rows[0] if cell.strip()):
        return rows[0], rows[1:]
    for comment in reversed(comments[-3:]):
        splits = {separator: comment.split(None if separator == " " else separator)}
        splits |= {mark: comment.split(mark) for mark in _SEPARATORS}
        for names in (splits[separator], *splits.values()):
            if len(names) == len(rows[0]) > 1:
                return [name.strip().strip('"') for name in names], rows
    raise PerrinError(
        f"{path}: no header: the first line ({separator.join(rows[0])[:60]}) holds numbers, not "
        "the names of the columns. Write the names as the first line."
    )


def _fitted(
    path: Path, header: list[str], rows: list[list[str]], *, cut_open: bool
) -> tuple[list[str], list[list[str]], list[str]]:
    """Return header and rows of one length, with what was done for it."""
    said = []
    if rows and all(len(row) == len(header) + 1 for row in rows):
        header, rows, what = _one_cell_more(path, header, rows)
        said += what
    width = len(header)
    if set(map(len, rows)) <= {width}:
        return header, rows, said
    fitted = []
    for number, row in enumerate(rows, start=1):
        while len(row) > width and not row[-1].strip():
            row = row[:-1]
        if len(row) != width:
            why = "Not a table, or cut off"
            if number == len(rows) and cut_open:
                why = "It is the last row, without a line break: the file is cut off"
            raise PerrinError(
                f"{path}: row {number} has {len(row)} cells, the header {width}. "
                f"{why}: export it again."
            )
        fitted.append(row)
    return header, fitted, said


def _one_cell_more(
    path: Path, header: list[str], rows: list[list[str]]
) -> tuple[list[str], list[list[str]], list[str]]:
    """Tell which cell of rows with one more than the header has no name: the first, or the last.

    Raises `PerrinError` where both may be.
    """
    if not any(row[-1].strip() for row in rows):
        return header, [row[:-1] for row in rows], []
    if len({row[0] for row in rows}) == len(rows):
        return [_ROW_NAMES, *header], rows, ["first column without a name: row names"]
    raise PerrinError(
        f"{path}: the rows have {len(rows[0])} cells and the header {len(header)}, and the first "
        "ones are no names of rows, as they repeat: which column has no name? Name all of them."
    )


def _columns(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the cells by column; a column without a name gets one if it holds anything."""
    columns: dict[str, tuple[str, ...]] = {}
    said: dict[str, str] = {}
    cells: list[tuple[str, ...]] = list(zip(*rows, strict=True)) or [()] * len(header)
    for number, name in enumerate(header, start=1):
        column = cells[number - 1]
        if not name and not any(column):
            continue
        name = name or f"column_{number}"
        if name in columns:
            if not _equal(columns[name], column):
                raise PerrinError(
                    f"{path}: the column {name!r} is there twice, with different values. "
                    "Keep one and remove or rename the other."
                )
            said[name] = f"column {name} is there twice, equal"
            continue
        columns[name] = column
    return columns, list(said.values())


def _equal(one: Sequence[str], other: Sequence[str]) -> bool:
    if tuple(one) == tuple(other):
        return bool(one)
    try:
        return [float(cell) for cell in one] == [float(cell) for cell in other]
    except ValueError:
        return False


def _without_cut_row(
    columns: dict[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[str, ...]], str]:
    """Leave the last row of a file without a last line break out where its last number is cut."""
    last = list(columns.values())[-1] if columns else ()
    if not last:
        return columns, "the file ends in its header, without a line break: it is cut off"
    if not ends_in_a_number_cut_short(last):
        return columns, "the file ends without a line break: check that it is whole"
    kept = {name: cells[:-1] for name, cells in columns.items()}
    return kept, (
        f"the file is cut off in its last number ({last[-1].strip()}, fewer digits than all "
        "others): 1 row, the last, left out"
    )

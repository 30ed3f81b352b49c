"""The sheet of many measurements: a CSV with a row each, its settings, conditions and notes."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perrin.batch.settings import RowSettings
from perrin.errors import PerrinError, why_unreadable
from perrin.settings.base import settings_from

TEMPLATE = ("file", "sample", "replicate", "calibration", "color", "A_nM", "B_nM")
"""Columns of an empty sheet; the last two are total concentrations."""
CONCENTRATION = re.compile(r"(?P<component>[A-Za-z]\w*)_(?P<unit>pM|nM|uM|µM|mM)")
"""A column that says how much of a component there is in total."""
PER_NM = {"pM": 1e-3, "nM": 1.0, "uM": 1e3, "µM": 1e3, "mM": 1e6}
_OWN = ("file", "sample", "replicate", "color")
_REPLICATE = re.compile(r"[ _.-]*(?:rep|replicate|r)[ _.-]?(?P<number>\d+)$", re.IGNORECASE)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True)
class Row:
    """One row: its line in the sheet (the header is line 1), where its file is, what it says.

    name: differs from row to row and is the name of the row's results; others: the cells of all
    columns that are no setting, as they are written in the sheet.
    """

    line: int
    name: str
    path: Path
    sample: str
    replicate: str
    color: str
    settings: RowSettings
    others: Mapping[str, str]

    def __str__(self) -> str:
        return f"row {self.line} ({self.path.name})"


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet; columns: all that it has, in its order; text: the sheet itself."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    text: str

    @property
    def others(self) -> tuple[str, ...]:
        """Columns that are neither settings nor file, sample, replicate, color: the user's own."""
        settings = RowSettings.model_fields
        return tuple(c for c in self.columns if c not in settings and c not in _OWN)


def template(files: Sequence[str | os.PathLike[str]]) -> str:
    """Return a sheet (CSV) with a row for each file, to be filled in.

    A name that ends like ``_rep2`` fills in the replicate; the rest of it is the sample. Raises
    `PerrinError` without files.
    """
    if not files:
        raise PerrinError("a sheet of no files: name the files, as perrin batch --template *.mp")
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(TEMPLATE)
    for file in files:
        sample, replicate = _named(Path(file).stem)
        writer.writerow([os.fspath(file), sample, replicate, *[""] * (len(TEMPLATE) - 3)])
    return written.getvalue()


def _named(stem: str) -> tuple[str, str]:
    """Sample and replicate as a file's name tells them."""
    found = _REPLICATE.search(stem)
    if found is None or not found.start():
        return stem, ""
    return stem[: found.start()], found["number"]


def read_sheet(path: str | os.PathLike[str], **defaults: Any) -> Sheet:
    """Read a sheet (CSV with commas, semicolons or tabs); `defaults`: settings of all rows.

    A cell of a column that `RowSettings` has goes before the default; an empty cell leaves it.
    Files are looked for in the folder of the sheet.

    Raises `PerrinError` that names every row with something wrong in it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PerrinError(
            f"{path} cannot be read as a sheet: {why_unreadable(error)}. Give a CSV in UTF-8; "
            "perrin batch --template FILES > plate.csv makes one."
        ) from error
    return sheet_of(text, path, **defaults)


def sheet_of(text: str, path: Path, **defaults: Any) -> Sheet:
    """Return the sheet that a text is, as if it lay at `path`; the errors of `read_sheet`."""
    columns, cells = _cells(text, path)
    base = settings_from(RowSettings, **_beside(defaults, Path()))
    names = _names([row["file"] for _, row in cells])
    replicates = _replicates([row for _, row in cells])
    rows: list[Row] = []
    problems: list[str] = []
    for (line, row), name, replicate in zip(cells, names, replicates, strict=True):
        try:
            rows.append(_row(line, row, name, replicate, folder=path.parent, base=base))
        except PerrinError as error:
            problems.append(f"row {line} ({row['file'] or 'no file'}): {error}")
    raise_problems(path, problems)
    return Sheet(path, columns, tuple(rows), text)


def raise_problems(path: object, problems: Sequence[str]) -> None:
    """Raise one `PerrinError` of all that is wrong with a sheet, if anything is."""
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise PerrinError(
            f"{path}: {count}, nothing was run. {'; '.join(problems)}. Mend what they name, or "
            "take these rows out of the sheet."
        )


def _cells(text: str, path: Path) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """Columns, and the rows that hold anything, with their lines."""
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    lines = csv.reader(io.StringIO(text), delimiter=delimiter)
    columns = tuple(name.strip() for name in next(lines, []))
    if "file" not in columns:
        raise PerrinError(
            f"{path} has no column 'file' (its columns: {', '.join(columns) or 'none'}). "
            "perrin batch --template FILES > plate.csv makes a sheet."
        )
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise PerrinError(f"{path} has two columns {twice[0]!r}. Rename one of them.")
    rows = list(_rows(lines, columns, path))
    if not rows:
        raise PerrinError(f"{path} has no rows: a sheet needs one for each measurement.")
    return columns, rows


def _rows(lines: Any, columns: tuple[str, ...], path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            raise PerrinError(
                f"{path}: row {lines.line_num} has {len(cells)} cells, the header {len(columns)} "
                "names. Put text that holds the separator into quotes."
            )
        filled = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
        yield lines.line_num, dict(zip(columns, filled, strict=True))


def _row(
    line: int,
    cells: Mapping[str, str],
    name: str,
    replicate: str,
    *,
    folder: Path,
    base: RowSettings,
) -> Row:
    if not cells["file"]:
        raise PerrinError("the column 'file' is empty")
    fields = RowSettings.model_fields
    told = {key: _plain(cell) for key, cell in cells.items() if key in fields and cell}
    settings = settings_from(RowSettings, **(base.model_dump() | _beside(told, folder)))
    color = cells.get("color", "")
    if color and not _COLOR.fullmatch(color):
        raise PerrinError(f"color is {color!r}; write it as #1f77b4")
    others = {key: cell for key, cell in cells.items() if key not in (*fields, *_OWN) and key}
    for column in others:
        concentration(column, others[column])
    path = Path(os.path.abspath(folder / cells["file"]))  # noqa: PTH100 - links stay links
    sample = cells.get("sample") or _named(path.stem)[0]
    return Row(line, name, path, sample, replicate, color, settings, others)


def concentration(column: str, cell: str) -> tuple[str, float] | None:
    """Component and total concentration (nM) of a cell; None for columns of another kind.

    Raises `PerrinError` for a concentration that is no number of 0 or more.
    """
    found = CONCENTRATION.fullmatch(column)
    if found is None or not cell:
        return None
    if _DECIMAL_COMMA.fullmatch(cell):
        raise PerrinError(f"{column} is {cell!r}: write decimals with a point")
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise PerrinError(f"{column} is {cell!r}: a concentration is a number of 0 or more")
    return found["component"], value * PER_NM[found["unit"]]


def _plain(cell: str) -> Any:
    lowered = cell.lower()
    return {"true": True, "yes": True, "false": False, "no": False}.get(lowered, cell)


def _beside(told: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings with their files as absolute paths; a relative one lies in the folder."""
    files = {key: told[key] for key in ("calibration", "psf") if told.get(key) is not None}
    return dict(told) | {
        key: Path(os.path.abspath(folder / str(file)))  # noqa: PTH100
        for key, file in files.items()
    }


def _names(files: Sequence[str]) -> list[str]:
    """A name for the results of each row: the file's, with its folder where two have one name."""
    stems = [_slug(Path(file).stem) for file in files]
    longer = [_slug("_".join((*Path(file).parts[-2:-1], Path(file).stem))) for file in files]
    counts = Counter(stem.lower() for stem in stems)
    names = [
        stem if counts[stem.lower()] == 1 else long
        for stem, long in zip(stems, longer, strict=True)
    ]
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    for place, name in enumerate(names):
        number = 2
        while names[place].lower() in seen:
            names[place] = f"{name}-{number}"
            number += 1
            if names[place].lower() in taken:
                names[place] = name
        seen.add(names[place].lower())
    return names


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("._-")[:80] or "row"


def _replicates(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The replicates as given, by the name of the file, or numbered within the sample."""
    seen: Counter[str] = Counter()
    told = []
    for row in rows:
        sample, number = _named(Path(row["file"]).stem)
        sample = row.get("sample") or sample
        seen[sample] += 1
        told.append(row.get("replicate") or number or str(seen[sample]))
    return told

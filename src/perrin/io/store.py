"""perrin's own event tables on disk: DiscoverMP's columns first, perrin's after them.

A column that DiscoverMP has is stored under DiscoverMP's name. Contrasts and masses are there
twice: all of them under perrin's names, and those of the retained events alone under the names
that other programs read, so that removed events stay removed there. A CSV is a header and rows
and nothing else; the .h5 keeps the types of all columns too. Text is UTF-8 and a missing text
becomes an empty one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.cells import neutralized, plain_text
from perrin.io.discovermp import VENDOR_NAMES, write_calibration
from perrin.io.hdf5 import check_whole
from perrin.io.hdf5_write import small_hdf5
from perrin.io.row_checks import CHECK, ROWS, row_checks, what_changed, written_rows
from perrin.io.text import TextTable
from perrin.io.vendor import NO_NEIGHBOR
from perrin.tables import EVENTS

_FOR_OTHERS = ("contrast", "mass_kda", "neighbor_px")
_H5_NAMES = {name: VENDOR_NAMES[name] for name in VENDOR_NAMES if name not in _FOR_OTHERS[:2]}
_CSV_NAMES = _H5_NAMES | {"neighbor_px": "neareast_neighbour_distances"}  # the vendor's spelling
_KINDS = {column.name: column.kind for column in EVENTS}
_CSV_FIRST = (
    "frame_indices",
    "x_coords",
    "y_coords",
    "contrasts",
    "masses_kDa",
    "fit_errors",
    "neareast_neighbour_distances",
    "selections",
)
_CHECKED = (
    "event",
    "frame",
    "time_s",
    "x_px",
    "y_px",
    "contrast",
    "contrast_se",
    "mass_kda",
    "mass_se_kda",
    "fit_error",
    "neighbor_px",
    "retained",
)
"""Columns over which each row of a CSV has a check."""
_ROWS = 50_000  # rows that are text at the same time
_COLUMNS_ATTRIBUTE = "perrin_columns"
_CALIBRATION_ATTRIBUTE = "perrin_calibration"

Types = dict[str, str]
"""Column names and their types: numpy's name of a number or truth value, or 'text'."""


def storable(events: pd.DataFrame) -> tuple[pd.DataFrame, Types]:
    """Return `events` with plain types, and the types by column name.

    Raises `PerrinError` for a column that a file cannot keep: a name that is no text, is
    used twice or is DiscoverMP's name of another column, values that are neither numbers,
    truth values nor text.
    """
    names = [_CSV_NAMES.get(str(name), str(name)) for name in events.columns]
    names += [VENDOR_NAMES[name] for name in events.columns if name in _FOR_OTHERS]
    names += ["app_info", "mass_model", ROWS, CHECK]  # groups beside the columns in the .h5
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise PerrinError(
            f"two columns of the table would be stored as {', '.join(twice)}. "
            "Remove or rename one of them (DiscoverMP's names are those of perrin's columns)."
        )
    plain = pd.DataFrame(index=pd.RangeIndex(len(events)))
    types: Types = {}
    for name in events.columns:
        if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
            raise PerrinError(
                f"a column is called {name!r}, which a file cannot keep; rename it to a text "
                "without '/'."
            )
        values = events[name].reset_index(drop=True)
        if name == "neighbor_px":
            values = values.astype(np.float64)  # holds NO_NEIGHBOR
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iufb":
            plain[name] = values
            types[name] = values.dtype.name
        else:
            plain[name] = _plain_text(values)
            types[name] = "text"
    return plain, types


def _plain_text(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.StringDtype):  # texts already, few of them different
        texts = values.fillna("")
        each = texts.unique()
    else:
        texts = values.astype(object).where(values.notna(), "")
        each = texts.to_numpy()
    odd = [text for text in each if not isinstance(text, str) or "\0" in text]
    if odd:
        raise PerrinError(
            f"column {values.name!r} holds {odd[0]!r} ({values.dtype}), which an event table "
            "cannot keep. Convert the column to numbers, truth values or text."
        )
    return pd.Series(texts, dtype="str")


# CSV


def write_csv(events: pd.DataFrame, path: Path) -> None:
    """Write `events` as CSV in DiscoverMP's order, nothing but a header and rows; all digits.

    ``contrasts`` and ``masses_kDa``, which other programs read, are empty for events that are
    not retained, so that these stay removed there; ``contrast`` and ``mass_kda`` have them all.
    """
    plain = _for_others(storable(events)[0]).rename(columns=_CSV_NAMES)
    if "selections" in plain.columns:
        plain["selections"] = plain["selections"].astype(np.int64)
    plain[ROWS] = len(plain)
    plain[CHECK] = row_checks(_checked(plain))
    first = [name for name in _CSV_FIRST if name in plain.columns]
    order = first + [name for name in plain.columns if name not in _CSV_FIRST]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_quoted(neutralized(name)) for name in order) + "\n")
        for row in range(0, len(plain), _ROWS):
            part = plain.iloc[row : row + _ROWS]
            rows = zip(*(_cells(part[name]) for name in order), strict=True)
            file.write("\n".join(map(",".join, rows)) + "\n")


def _for_others(plain: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns that other programs read, and no neighbor as they write."""
    plain = plain.copy()
    kept = plain["retained"] if "retained" in plain.columns else np.ones(len(plain), dtype=bool)
    for name in ("contrast", "mass_kda"):
        if name in plain.columns:
            plain[VENDOR_NAMES[name]] = plain[name].where(kept)
    if "neighbor_px" in plain.columns:
        plain["neighbor_px"] = plain["neighbor_px"].fillna(NO_NEIGHBOR)
    return plain


def _cells(values: pd.Series) -> Iterable[str]:
    """Each value as a CSV cell; numbers with all their digits, NaN as an empty cell."""
    if values.dtype.kind in "iub":
        return map(str, values.tolist())
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            return ["" if value != value else repr(value) for value in values.tolist()]
        # as repr writes each, but in one call
        return json.dumps(values.tolist())[1:-1].split(", ")
    cells = {text: _always_quoted(neutralized(text)) for text in values.unique()}
    return map(cells.__getitem__, values)


def _always_quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(name: str) -> str:
    return _always_quoted(name) if set(name) & set('",;\r\n#') or name != name.strip() else name


def is_own_csv(names: Iterable[str]) -> bool:
    """Whether a text table with these column names is one that `write_csv` wrote."""
    return {"measurement", "event", "contrasts"} <= set(names)


def _checked(plain: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers that the checks are made of, of a table with the names of a CSV."""
    names = {name: _CSV_NAMES.get(name, name) for name in _CHECKED}
    return {
        name: pd.to_numeric(plain[stored], errors="coerce")
        for name, stored in names.items()
        if stored in plain.columns
    }


def read_csv(text: TextTable) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns that `write_csv` wrote, and those added since; what has changed.

    What `write_csv` adds for other programs and for its checks is left out. What has changed
    comes in phrases: rows that are gone, values that are others.
    """
    table = text.frame()
    for name, cells in text.cells.items():
        if table[name].dtype.kind not in "iufb" or _KINDS.get(name) == "text":
            table[name] = pd.Series([plain_text(cell) for cell in cells], dtype="str")
    rows = written_rows(table.pop(ROWS)) if ROWS in table.columns else None
    changed = []
    if CHECK in table.columns:
        changed = what_changed(_checked(table), table.pop(CHECK), rows)
    elif rows is not None:
        changed = [
            f"the column {CHECK} is gone, so that changes since perrin wrote it are not seen"
        ]
    for name in ("contrast", "mass_kda"):
        if name in table.columns:
            table = table.drop(columns=VENDOR_NAMES[name], errors="ignore")
    return table.rename(columns=plain_text), changed


# HDF5


def write_hdf5(events: pd.DataFrame, path: Path) -> None:
    """Write `events` in DiscoverMP's layout (one dataset a column at the root)."""
    plain, types = storable(events)
    with small_hdf5(path) as file:
        for name, values in _for_others(plain).items():
            stored = _H5_NAMES.get(str(name), str(name))
            if types.get(str(name)) == "text":
                texts = file.create_dataset(stored, shape=len(plain), dtype=h5py.string_dtype())
                texts[...] = values.to_numpy(dtype=object)
            else:  # with a checksum: a damaged number is noticed
                data = values.to_numpy()
                file.create_dataset(stored, data=data, fletcher32=True if len(data) else None)
        app = file.create_group("app_info")
        app["name"], app["version"] = "perrin", __version__
        file.attrs[_COLUMNS_ATTRIBUTE] = json.dumps(types)
        calibration = events.attrs.get("calibration")
        if calibration is not None:
            write_calibration(file, calibration)
            file.attrs[_CALIBRATION_ATTRIBUTE] = json.dumps(calibration)


def is_own_hdf5(file: h5py.File) -> bool:
    """Whether `write_hdf5` wrote this file."""
    return _COLUMNS_ATTRIBUTE in file.attrs


def read_hdf5(file: h5py.File) -> tuple[pd.DataFrame, dict[str, Any] | None]:
    """Return the table that `write_hdf5` wrote, and its calibration if there is one.

    Raises `PerrinError` where a column is gone, is shorter than the others or has lost its type.
    """
    try:
        types: Types = dict(json.loads(file.attrs[_COLUMNS_ATTRIBUTE]))
        calibration = file.attrs.get(_CALIBRATION_ATTRIBUTE)
        known = json.loads(calibration) if calibration else None
        table = {name: _restored(file, name, kind) for name, kind in types.items()}
    except (ValueError, TypeError) as error:
        if isinstance(error, PerrinError):
            raise
        raise PerrinError(
            f"what perrin stored in the file is damaged ({error}). Copy the file again."
        ) from error
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise PerrinError(
            f"the columns have different lengths ({said}): the file is damaged. Copy it again."
        )
    return pd.DataFrame(table), known


def _restored(file: h5py.File, name: str, kind: str) -> pd.Series:
    """Return one column with its type."""
    item = file.get(_H5_NAMES.get(name, name))
    if not isinstance(item, h5py.Dataset) or item.ndim != 1:
        raise PerrinError(
            f"the table lost its column {name!r} after perrin wrote it. Copy the file again from "
            "the results."
        )
    check_whole(item, file)
    if kind == "text":
        return pd.Series(item.asstr()[()], dtype="str")
    values = pd.Series(item[()])
    if kind == "bool":
        return values.astype(np.int64) != 0
    if name == "neighbor_px":
        values = values.where(values < 1e300)
    return values.astype(np.dtype(kind))

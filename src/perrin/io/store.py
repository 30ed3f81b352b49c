"""perrin's own event tables on disk: DiscoverMP's columns first, perrin's after them.

Nothing is stored twice: a column that DiscoverMP has is stored under DiscoverMP's name.
A list of the columns and their types travels with the file, so that reading gives back
the very same table. Text is UTF-8 and a missing text becomes an empty one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import h5py
import numpy as np
import pandas as pd

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.discovermp import VENDOR_NAMES, write_calibration
from perrin.io.text import TextTable
from perrin.io.vendor import NO_NEIGHBOR

_CSV_NAMES = VENDOR_NAMES | {"neighbor_px": "neareast_neighbor_distances"}  # the vendor's spelling
_CSV_FIRST = (
    "frame_indices",
    "x_coords",
    "y_coords",
    "contrasts",
    "masses_kDa",
    "fit_errors",
    "diffblur_errors",
    "frame_signal_scores",
    "neareast_neighbor_distances",
    "selections",
)
_CSV_FILLED = {"neareast_neighbor_distances": NO_NEIGHBOR, "selections": True}
_CSV_OPTIONAL = "diffblur_errors"  # not in every version of DiscoverMP
_COLUMNS_LINE = "# columns: "
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
    names = [VENDOR_NAMES.get(str(name), str(name)) for name in events.columns]
    names += [_CSV_NAMES[name] for name in events.columns if name == "neighbor_px"]
    names += ["app_info", "mass_model"]  # groups beside the columns in the .h5
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
    texts = values.astype(object).where(values.notna(), "")
    odd = [text for text in texts if not isinstance(text, str) or "\0" in text]
    if odd:
        raise PerrinError(
            f"column {values.name!r} holds {odd[0]!r} ({values.dtype}), which an event table "
            "cannot keep. Convert the column to numbers, truth values or text."
        )
    return pd.Series(texts, dtype="str")


# CSV


def write_csv(events: pd.DataFrame, path: Path) -> None:
    """Write `events` as CSV in DiscoverMP's order with its kind of footer; full precision."""
    plain, types = storable(events)
    if "neighbor_px" in plain.columns:
        plain["neighbor_px"] = plain["neighbor_px"].fillna(NO_NEIGHBOR)
    plain = plain.rename(columns=_CSV_NAMES)
    for name in _CSV_FIRST:
        if name not in plain.columns and name != _CSV_OPTIONAL:
            plain[name] = _CSV_FILLED.get(name, np.nan)
    first = [name for name in _CSV_FIRST if name in plain.columns]
    order = first + [name for name in plain.columns if name not in _CSV_FIRST]
    listed = "; ".join(f"{quote(name, safe=' ')} {kind}" for name, kind in types.items())
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_quoted(name) for name in order) + "\n")
        file.writelines(
            ",".join(row) + "\n"
            for row in zip(*(_cells(plain[name]) for name in order), strict=True)
        )
        file.write(f"\n# perrin {__version__}\n{_COLUMNS_LINE}{listed}\n")


def _cells(values: pd.Series) -> Iterable[str]:
    """Each value as a CSV cell; numbers with all their digits."""
    if values.dtype.kind == "b":
        return map(str, values.astype(int).tolist())
    if values.dtype.kind in "iuf":
        return map(repr, values.tolist())
    return map(_always_quoted, values)


def _always_quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(name: str) -> str:
    return _always_quoted(name) if set(name) & set('",;\r\n#') or name != name.strip() else name


def types_in_footer(footer: Sequence[str]) -> Types | None:
    """Return the column types that `write_csv` left in the footer, None in other files."""
    for line in footer:
        if line.startswith(_COLUMNS_LINE):
            pairs = [pair.rsplit(" ", 1) for pair in line.removeprefix(_COLUMNS_LINE).split("; ")]
            return {unquote(name): kind for name, kind in pairs}
    return None


def version_in_footer(footer: Sequence[str]) -> str | None:
    """Return the version of perrin that wrote the footer."""
    lines = [line.removeprefix("# perrin ") for line in footer if line.startswith("# perrin ")]
    return lines[0] if lines else None


def read_csv(text: TextTable, types: Types) -> pd.DataFrame:
    """Return the table that `write_csv` wrote with these types, and columns added since."""
    columns = {name: np.array(cells, dtype=object) for name, cells in text.cells.items()}
    table = _restored(columns, types, _CSV_NAMES)
    known = {*_CSV_FIRST, *(_CSV_NAMES.get(name, name) for name in types)}
    added = [name for name in columns if name not in known]
    return pd.concat([table, text.frame()[added]], axis="columns") if added else table


# HDF5


def write_hdf5(events: pd.DataFrame, path: Path) -> None:
    """Write `events` in DiscoverMP's layout (one dataset a column at the root)."""
    plain, types = storable(events)
    if "neighbor_px" in plain.columns:
        plain["neighbor_px"] = plain["neighbor_px"].fillna(NO_NEIGHBOR)
    with h5py.File(path, "w") as file:
        for name, kind in types.items():
            stored = VENDOR_NAMES.get(name, name)
            if kind == "text":
                texts = file.create_dataset(stored, shape=len(plain), dtype=h5py.string_dtype())
                texts[...] = plain[name].to_numpy(dtype=object)
            else:
                file[stored] = plain[name].to_numpy()
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
    """Return the table that `write_hdf5` wrote, and its calibration if there is one."""
    types: Types = json.loads(file.attrs[_COLUMNS_ATTRIBUTE])
    columns = {}
    for name, kind in types.items():
        item = file[VENDOR_NAMES.get(name, name)]
        columns[item.name[1:]] = item.asstr()[()] if kind == "text" else item[()]
    calibration = file.attrs.get(_CALIBRATION_ATTRIBUTE)
    return _restored(columns, types, VENDOR_NAMES), json.loads(calibration) if calibration else None


def _restored(columns: dict[Any, Any], types: Types, names: dict[str, str]) -> pd.DataFrame:
    """Return the listed columns under perrin's names, with their types."""
    table = {}
    for name, kind in types.items():
        stored = names.get(name, name)
        if stored not in columns:
            raise PerrinError(
                f"the table lost its column {stored!r} after perrin wrote it. Restore the column, "
                "or delete the '# columns' line to have the file read as any other table."
            )
        values = columns[stored]
        if kind == "text":
            table[name] = pd.Series(values, dtype="str")
        elif kind == "bool":
            table[name] = pd.Series(values).astype(np.int64) != 0
        else:
            table[name] = pd.Series(values).astype(np.dtype(kind))
    if "neighbor_px" in table:
        table["neighbor_px"] = table["neighbor_px"].where(table["neighbor_px"] < 1e300)
    return pd.DataFrame(table)

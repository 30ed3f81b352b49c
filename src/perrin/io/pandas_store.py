"""HDF5 stores that pandas wrote (``to_hdf``), trackpy's too, read without PyTables and pickle.

pandas keeps the names of columns as pickles. They are taken apart here, never run: a pickle that
is anything but a list of texts is refused.
"""

from __future__ import annotations

import pickletools
import re
from itertools import pairwise
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.hdf5 import check_whole
from perrin.io.read_as import listed

_NUMBERED = re.compile(r"(.*?)(\d+)")
_LISTS = {"MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "PUT", "BINPUT", "LONG_BINPUT",
          "MEMOIZE", "PROTO", "FRAME", "STOP"}  # fmt: skip
_TEXTS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE"}
_PLAIN = "iuf"


def is_store(group: object) -> bool:
    """Whether a member of a file is a table that pandas stored."""
    return isinstance(group, h5py.Group) and "pandas_type" in group.attrs


def read_stores(file: h5py.File, names: list[str]) -> pd.DataFrame:
    """Return the table in a store, or those of one for each frame (trackpy) one after the other.

    Raises `PerrinError`, with the way out, for several tables and for what only PyTables reads.
    """
    parts = {name: _NUMBERED.fullmatch(name) for name in names if not name.startswith("_")}
    if len(parts) > 1 and len({part and part[1] for part in parts.values()}) == 1 and all(parts):
        ordered = sorted(parts, key=lambda name: int(parts[name][2]))  # type: ignore[index]
        return pd.concat([_read(file[name], names, file) for name in ordered], ignore_index=True)
    if len(names) > 1:
        raise PerrinError(
            f"an HDF5 store of pandas with several tables ({listed(names)}). Keep one."
        )
    return _read(file[names[0]], names, file)


def stored_names(file: h5py.File, name: str) -> list[str]:
    """Return the names of the columns of a store, and of the levels of its index that have one."""
    group = file[name]
    if "table" not in group:
        blocks = [group[one] for one in group if re.fullmatch(r"block\d+_items", one)]
        found = [_text(one) for block in blocks for one in block[()]]
        levels = [one for one in group if re.fullmatch(r"axis1(_level\d+)?", one)]
        return found + [_text(group[one].attrs.get("name", "")) for one in levels]
    table, found = group["table"], []
    for field in table.dtype.names or ():
        if field.startswith("values_block_"):
            found += _texts_in(table.attrs.get(f"{field}_kind")) or []
        elif field == "index":
            found += _index_name(group)
        else:
            found.append(field)
    return found


def _index_name(group: h5py.Group) -> list[str]:
    said = _texts_in(group.attrs.get("info"), whole=False) or []
    return [after for at, after in pairwise(said) if at == "index_name"][:1]


def _read(group: h5py.Group, names: list[str], file: h5py.File) -> pd.DataFrame:
    for item in group.values():
        if isinstance(item, h5py.Dataset):
            check_whole(item, file)
    columns = _of_table(group["table"]) if "table" in group else _of_blocks(group)
    if columns is None or len({len(column) for column in columns.values()}) != 1:
        raise PerrinError(
            f"an HDF5 store of pandas ({listed(names)}) that cannot be read without PyTables: "
            "pd.read_hdf(file).to_parquet('table.parquet') makes a file that is read here."
        )
    return pd.DataFrame(columns)


def _of_blocks(group: h5py.Group) -> dict[str, NDArray[Any]] | None:
    """Format "fixed": blocks of columns of one type, and the levels of the index."""
    columns: dict[str, NDArray[Any]] = {}
    for name in sorted(name for name in group if re.fullmatch(r"block\d+_values", name)):
        values, items = group[name], group.get(name.replace("_values", "_items"))
        if items is None or values.ndim != 2 or values.dtype.kind not in _PLAIN:
            return None
        if values.shape[1] != len(items):
            return None
        columns |= dict(zip(map(_text, items[()]), values[()].T, strict=True))
    for place in range(int(group.attrs.get("axis1_nlevels", 0))):
        level, label = group.get(f"axis1_level{place}"), group.get(f"axis1_label{place}")
        if level is None or label is None:
            return None
        codes = label[()]
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(level):
            return None
        columns.setdefault(_text(level.attrs.get("name", "")), level[()][codes])
    index = group.get("axis1")
    name = "" if index is None else _text(index.attrs.get("name", ""))
    if index is not None and name not in ("", "N."):  # N.: a pickled None
        columns.setdefault(name, index[()])
    return columns or None


def _of_table(table: h5py.Dataset) -> dict[str, NDArray[Any]] | None:
    """Format "table": rows of fields; columns of one type are one field together."""
    columns: dict[str, NDArray[Any]] = {}
    rows = table[()]
    for name in rows.dtype.names or ():
        values = rows[name]
        if name.startswith("values_block_"):
            items = _texts_in(table.attrs.get(f"{name}_kind"))
            if items is None or values.ndim != 2 or values.shape[1] != len(items):
                return None
            values = dict(zip(items, values.T, strict=True))
        elif name == "index":
            values = dict.fromkeys(_index_name(table.parent), values)
        else:
            values = {name: values}
        columns |= {key: _decoded(one) for key, one in values.items()}
    return columns if all(one.dtype.kind in "iufU" for one in columns.values()) else None


def _decoded(values: NDArray[Any]) -> NDArray[Any]:
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def _texts_in(pickled: object, *, whole: bool = True) -> list[str] | None:
    """Return the texts in a pickled list, None where it holds anything else (and is `whole`)."""
    if not isinstance(pickled, bytes):
        return None
    found = []
    try:
        for code, argument, _ in pickletools.genops(pickled):
            if code.name in _TEXTS:
                found.append(str(argument))
            elif whole and code.name not in _LISTS:
                return None
    except ValueError:
        return None
    return found


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

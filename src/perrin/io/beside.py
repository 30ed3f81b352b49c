"""Units that a file keeps beside its columns: attributes in HDF5, metadata in Arrow files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

_KEYS = ("unit", "units")


def unit_of_dataset(item: h5py.Dataset) -> str:
    """Return the unit that an attribute of the dataset says, empty without one."""
    for key in _KEYS:
        if key in item.attrs:
            said = item.attrs[key]
            if isinstance(said, np.ndarray) and said.size == 1:
                said = said.reshape(-1)[0]
            return _text(said)
    return ""


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def units_of_table(item: h5py.Dataset, *, positions: Iterable[str]) -> dict[str, str]:
    """Return the units that attributes of a dataset of named fields say, by field.

    Known are one unit a field in ``units``, ``FIELD_3_UNITS`` (by number) and ``x_unit`` (by
    name); one ``unit`` of the whole table is that of its `positions`.
    """
    names = list(item.dtype.names or ())
    for key in _KEYS:
        if key in item.attrs:
            said = np.ravel(item.attrs[key])
            if len(said) == len(names):
                return {name: _text(one) for name, one in zip(names, said, strict=True)}
    found = dict.fromkeys(positions, unit_of_dataset(item))
    for number, name in enumerate(names):
        for key in _KEYS:
            for attribute in (f"{name}_{key}", f"{name}.{key}", f"FIELD_{number}_{key.upper()}"):
                if attribute in item.attrs:
                    found[name] = _text(np.ravel(item.attrs[attribute])[0])
    return found


def units_in_parquet(path: Path) -> dict[str, str]:
    """Return the units that the file keeps beside its columns (field metadata ``unit``)."""
    import pyarrow.parquet

    return _units_of_fields(pyarrow.parquet.read_schema(path))


def units_in_feather(path: Path) -> dict[str, str]:
    """As `units_in_parquet`; the first version of feather has no such metadata."""
    import pyarrow as pa

    with path.open("rb") as file:
        if file.read(4) == b"FEA1":
            return {}
        return _units_of_fields(pa.ipc.open_file(file).schema)


def _units_of_fields(schema: Iterable[Any]) -> dict[str, str]:
    found = {}
    for field in schema:
        for key in _KEYS:
            if field.metadata and key.encode() in field.metadata:
                found[field.name] = field.metadata[key.encode()].decode("utf-8", "replace")
    return found

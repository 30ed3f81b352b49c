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
            return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return ""


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

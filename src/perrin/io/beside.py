"""Units that a file keeps beside its columns: attributes in HDF5, metadata of fields in parquet."""

from __future__ import annotations

from pathlib import Path

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

    found = {}
    for field in pyarrow.parquet.read_schema(path):
        for key in _KEYS:
            if field.metadata and key.encode() in field.metadata:
                found[field.name] = field.metadata[key.encode()].decode("utf-8", "replace")
    return found

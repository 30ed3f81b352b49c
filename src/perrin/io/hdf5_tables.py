"""Tables in an HDF5 file, wherever they are in it: named fields, columns, stores of pandas.

Three layouts are known: a dataset of named fields (NumPy's structured arrays, PyTables), equally
long datasets beside each other in a group, and what pandas stores. Events and tracks are both
found here; which of the tables are which is told by the names of their columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.beside import unit_of_dataset, units_of_table
from perrin.io.hdf5 import check_whole
from perrin.io.pandas_store import is_store, read_stores, stored_names
from perrin.io.read_as import listed

_MOST = 500  # tables of a file that are looked at
_NUMBERS, _TEXTS = "iufb", "SUO"


@dataclass(frozen=True)
class FoundTable:
    """A table in a file: where, in which layout, and the names of its columns.

    kind: "fields", "columns" or "pandas". place: the dataset, or the group that holds it.
    """

    place: str
    kind: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part of its place."""
        return self.place.rsplit("/", 1)[-1]

    def read(self, file: h5py.File) -> pd.DataFrame:
        """Return the rows. Raises `PerrinError` where they are not all there, in this file."""
        if self.kind == "pandas":
            return read_stores(file, [self.place])
        if self.kind == "fields":
            check_whole(file[self.place], file)
            rows = np.asarray(file[self.place][()]).reshape(-1)
            return pd.DataFrame({name: decoded(rows[name]) for name in self.names})
        group = file[self.place]
        for name in self.names:
            check_whole(group[name], file)
        columns = {name: _flat(group[name]) for name in self.names}
        if len({len(column) for column in columns.values()}) > 1:
            lengths = listed(f"{name} of {len(column)}" for name, column in columns.items())
            raise PerrinError(
                f"the columns have different lengths ({lengths}): values were lost, or they belong "
                "to different tables. Export them again."
            )
        return pd.DataFrame(columns)

    def units(self, file: h5py.File, *, positions: tuple[str, ...] = ()) -> dict[str, str]:
        """Return the units that attributes say, by column; positions: see `units_of_table`."""
        if self.kind == "fields":
            return units_of_table(file[self.place], positions=positions)
        if self.kind == "columns":
            group = file[self.place]
            return {name: unit for name in self.names if (unit := unit_of_dataset(group[name]))}
        return {}


def tables_in(file: h5py.File) -> list[FoundTable]:
    """Return the tables of a file, in the order of their places.

    Tables inside a store of pandas and links to other files are not followed.
    """
    found: list[FoundTable] = []
    stores: list[str] = []

    def visit(place: str, item: object) -> None:
        if len(found) >= _MOST or any(place.startswith(f"{store}/") for store in stores):
            return
        if is_store(item):
            stores.append(place)
            found.append(FoundTable(place, "pandas", tuple(stored_names(file, place))))
        elif isinstance(item, h5py.Dataset):
            if names := _fields(item):
                found.append(FoundTable(place, "fields", names))
        elif names := _columns(item):
            found.append(FoundTable(place, "columns", names))

    if names := _columns(file):
        found.append(FoundTable("/", "columns", names))
    file.visititems(visit)
    return found


def _fields(item: h5py.Dataset) -> tuple[str, ...]:
    """Return the fields of a dataset that are columns."""
    names = item.dtype.names or ()
    if not names or item.ndim == 0 or max(item.shape) != item.size:
        return ()
    return tuple(name for name in names if item.dtype[name].shape == ())


def _columns(group: object) -> tuple[str, ...]:
    """Return the datasets of a group that are columns: (n,), (n, 1) or (1, n)."""
    if not isinstance(group, h5py.Group):
        return ()
    found = []
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        item = group.get(name)
        if (
            isinstance(item, h5py.Dataset)
            and item.ndim
            and item.size
            and item.size == max(item.shape)
            and item.dtype.kind in _NUMBERS + _TEXTS
        ):
            found.append(name)
    return tuple(found)


def _flat(item: h5py.Dataset) -> NDArray[Any]:
    if h5py.check_string_dtype(item.dtype) is not None:
        return np.array(item.asstr(errors="replace")[()], dtype=object).reshape(-1)
    return np.asarray(item[()]).reshape(-1)


def decoded(values: NDArray[Any]) -> NDArray[Any]:
    """Return texts that are stored as bytes as texts."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "O":
        return np.array(
            [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values],
            dtype=object,
        )
    return values


def refuse_links(file: h5py.File) -> None:
    """Raise `PerrinError` where what a file holds are links to another one."""
    links = {name: link for name in file
             if isinstance(link := file.get(name, getlink=True), h5py.ExternalLink)}  # fmt: skip
    if links:
        others = listed(sorted({link.filename for link in links.values()})[:3])
        raise PerrinError(
            f"{listed(list(links)[:6])} lies in another file ({others}), and a file should not "
            "make perrin read others: copy the table into one file."
        )

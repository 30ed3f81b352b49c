"""HDF5 files with tracks: a table (picasso and others), btrack's, a store of pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError, damage
from perrin.io.beside import unit_of_dataset, units_of_table
from perrin.io.hdf5 import check_whole, open_hdf5
from perrin.io.read_as import listed
from perrin.io.tracks.by_name import from_columns
from perrin.io.tracks.columns import parse, roles
from perrin.io.tracks.matlab import read_matlab
from perrin.io.tracks.pandas_store import is_store, read_stores
from perrin.io.tracks.raw import AXES, RawTracks


def read_hdf5(path: Path) -> RawTracks:
    """Return the tracks in an HDF5 file, which MATLAB 7.3 files are as well.

    Known are tables (a dataset of named fields, picasso's ``locs``, or equally long datasets with
    the names of columns), stores of pandas and trackpy, btrack's files. Raises `PerrinError` for
    damaged files and other content, which it lists.
    """
    why = "no MATLAB file, or cut off or damaged, and no other HDF5 file either"
    with damage(why), open_hdf5(path) as file:
        if not _is_matlab(path, file):
            return _read(file)
    return read_matlab(path)


def _is_matlab(path: Path, file: h5py.File) -> bool:
    with path.open("rb") as plain:
        if plain.read(10) == b"MATLAB 7.3":
            return True
    return any("MATLAB_class" in file[name].attrs for name in file)


def _read(file: h5py.File) -> RawTracks:
    if "objects" in file and "tracks" in file:
        return _btrack(file)
    stores = [name for name in file if is_store(file[name])]
    if stores:
        return from_columns(read_stores(file, stores), "HDF5 (pandas)")
    tables = [
        name for name in file if isinstance(file[name], h5py.Dataset) and file[name].dtype.names
    ]
    if tables:
        name = "tracks" if "tracks" in tables else "locs" if "locs" in tables else tables[0]
        rows = _of_fields(_values(file, name))
        meant = roles([parse(one) for one in rows.columns])
        axes = [one.full for axis in AXES for one in meant.get(axis, ()) if not one.unit]
        return from_columns(rows, f"HDF5 table {name}", units_of_table(file[name], positions=axes))
    columns = {
        name: _values(file, name)
        for name, item in file.items()
        if isinstance(item, h5py.Dataset) and item.ndim == 1 and item.dtype.kind in "iuf"
    }
    if len(columns) > 2 and len({len(column) for column in columns.values()}) == 1:
        units = {name: unit_of_dataset(file[name]) for name in columns}
        return from_columns(pd.DataFrame(columns), "HDF5 columns", units)
    if {"particle", "x"} <= set(roles([parse(name) for name in columns])):
        lengths = listed(f"{name} of {len(column)}" for name, column in columns.items())
        raise PerrinError(
            f"the columns have different lengths ({lengths}): values were lost, or they belong to "
            "different tables. Export the tracks again."
        )
    raise PerrinError(
        f"an HDF5 file that holds {listed(sorted(file)) or 'nothing'}, no table of tracks. Movies "
        "are read by `perrin track` and `perrin inspect`; export the tracks as CSV or parquet."
    )


def _values(file: h5py.File, name: str) -> NDArray[Any]:
    check_whole(file[name], file)
    return np.asarray(file[name][()])


def _of_fields(rows: NDArray[Any]) -> pd.DataFrame:
    names = [name for name in rows.dtype.names or () if rows.dtype[name].shape == ()]
    return pd.DataFrame({name: rows[name] for name in names})


def _btrack(file: h5py.File) -> RawTracks:
    """btrack: rows t, x, y, z of objects, and tracks as lists of their numbers, -n for dummies."""
    kind = next(iter(file["tracks"]))
    rows = np.asarray(_values(file, f"objects/{kind}/coords"), dtype=np.float64)
    numbers = _values(file, f"tracks/{kind}/tracks").ravel()
    limits = _values(file, f"tracks/{kind}/map").astype(np.int64)
    lengths = limits[:, 1] - limits[:, 0]
    if (lengths < 0).any() or limits.min(initial=0) < 0 or limits.max(initial=0) > len(numbers):
        raise PerrinError(
            "btrack's map of tracks leads beyond its list of objects: the file is damaged. Copy "
            "it again."
        )
    if int(lengths.sum()) != len(numbers) or numbers.max(initial=-1) >= len(rows):
        raise PerrinError(
            f"btrack's tracks name {int(lengths.sum())} of {len(numbers)} objects, up to number "
            f"{numbers.max(initial=-1)} of {len(rows)}: the file is damaged. Copy it again."
        )
    particle = np.repeat(np.arange(len(limits)), lengths)
    members = np.concatenate([numbers[a:b] for a, b in limits]) if len(limits) else numbers[:0]
    real = members >= 0
    found = rows[members[real]]
    table = pd.DataFrame({"particle": particle[real], "frame": found[:, 0]})
    for axis, column in zip("xyz", found[:, 1:].T, strict=False):
        table[axis] = column
    left = {"row that btrack put in (dummy), no position": int((~real).sum())}
    return RawTracks(table, "HDF5 (btrack)", left_out=left)

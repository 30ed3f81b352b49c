"""HDF5 files with tracks: a table (picasso and others), btrack's, a store of pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError, damage
from perrin.io.hdf5 import check_whole, open_hdf5
from perrin.io.hdf5_tables import FoundTable, refuse_links, tables_in
from perrin.io.pandas_store import is_store, read_stores
from perrin.io.read_as import listed
from perrin.io.tracks.arrays import from_array
from perrin.io.tracks.by_name import from_columns
from perrin.io.tracks.columns import parse, roles
from perrin.io.tracks.matlab import read_matlab
from perrin.io.tracks.raw import AXES, RawTracks

_NAMED = ("tracks", "locs")  # what tables of tracks are called where there are several
_NAMES = ("columns", "column_names", "names")  # attributes that name the columns of an array


def read_hdf5(path: Path) -> RawTracks:
    """Return the tracks in an HDF5 file, which MATLAB 7.3 files are as well.

    Known are tables (a dataset of named fields, picasso's ``locs``, or equally long datasets with
    the names of columns) in any group, stores of pandas and trackpy, btrack's files, and one array
    in an order that is known of arrays. Raises `PerrinError` for damaged files and other content,
    which it lists, and for several tables of tracks.
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
    if len(stores) > 1:
        return from_columns(read_stores(file, stores), "HDF5 (pandas)")
    tables = tables_in(file)
    chosen, others = _chosen(tables)
    if chosen is None:
        refuse_links(file)
        return _of_array(file)
    raw = from_columns(*_content(file, chosen))
    if chosen.place.strip("/") != chosen.name:
        raw.remarks.append(f"found in {chosen.place}")
    if others:
        raw.remarks.append(f"tables of tracks not used: {listed(others)}")
    return raw


def _content(file: h5py.File, table: FoundTable) -> tuple[pd.DataFrame, str, dict[str, str]]:
    """Return the rows of a table, what to call its kind, and the units of its columns."""
    meant = roles([parse(name) for name in table.names])
    axes = tuple(one.full for axis in AXES for one in meant.get(axis, ()) if not one.unit)
    units = table.units(file, positions=axes)
    rows = table.read(file)
    if table.kind == "columns":
        used = {one.full for found in meant.values() for one in found}
        rows = rows[[name for name in rows if rows[name].dtype.kind != "O" or name in used]]
    kinds = {"pandas": "HDF5 (pandas)", "columns": "HDF5 columns"}
    return rows, kinds.get(table.kind, f"HDF5 table {table.name}"), units


def _chosen(tables: list[FoundTable]) -> tuple[FoundTable | None, list[str]]:
    """Return the table of tracks, and the places of others that hold some too.

    One called ``tracks`` or ``locs`` goes before others. Raises `PerrinError` where it cannot be
    told.
    """
    known = [one for one in tables if _has_tracks(one)]
    if len(known) > 1:
        for name in _NAMED:
            called = [one for one in known if one.name == name]
            if len(called) == 1:
                return called[0], [one.place for one in known if one is not called[0]]
        raise PerrinError(
            f"{len(known)} tables of tracks ({listed(one.place for one in known[:8])}): which is "
            "meant? Keep one of them in the file, or export it as CSV or parquet."
        )
    if known:
        return known[0], []
    likely = [one for one in tables if one.kind != "columns"]
    return (likely[0] if len(likely) == 1 else None), []


def _has_tracks(table: FoundTable) -> bool:
    """Whether the names are those of tracks: which track, when, and where."""
    meant = roles([parse(name) for name in table.names])
    return {"particle", "x"} <= set(meant) and bool({"frame", "time"} & set(meant))


def _of_array(file: h5py.File) -> RawTracks:
    """Return the tracks of the one array in a file, by names in an attribute or by its order."""
    arrays: list[h5py.Dataset] = []

    def visit(_name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (2, 3) and item.dtype.kind in "iuf":
            arrays.append(item)

    file.visititems(visit)
    if len(arrays) == 1 and (arrays[0].ndim == 2 or arrays[0].shape[2] in (2, 3)):
        check_whole(arrays[0], file)
        values = np.asarray(arrays[0][()])
        for key in _NAMES:
            names = [one.decode() if isinstance(one, bytes) else str(one)
                     for one in np.ravel(arrays[0].attrs.get(key, ()))]  # fmt: skip
            if values.ndim == 2 and len(names) == values.shape[1]:
                return from_columns(pd.DataFrame(values, columns=names), "HDF5 array")
        return from_array(values, "HDF5 array")
    raise PerrinError(
        f"an HDF5 file that holds {listed(sorted(file)) or 'nothing'}, no table of tracks. Movies "
        "are read by `perrin track` and `perrin inspect`; export the tracks as CSV or parquet."
    )


def _values(file: h5py.File, name: str) -> NDArray[Any]:
    check_whole(file[name], file)
    return np.asarray(file[name][()])


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

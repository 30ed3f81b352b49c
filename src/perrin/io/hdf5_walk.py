"""Walks through all that readers look at in an HDF5 file; run in a process of its own.

Where the library does not come through, that process ends and not the one of the user. What is
merely wrong in a file is passed over: the reader that needs that part says what is wrong with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from perrin.errors import PerrinError
from perrin.io.apart import serve
from perrin.io.hdf5_filters import load_filters

_ROWS = 4096  # texts that are read at a time
_REFERENCES = 20_000  # that are followed in one dataset
_BLOCK = 2**22  # bytes of a block that is read at either end of a dataset


def walk(path: str) -> None:
    """Look at all that readers look at: groups, attributes, types, chunks, texts, references."""
    with h5py.File(path, "r") as file:
        seen: set[int] = set()
        todo: list[Any] = [file]
        while todo:
            node = todo.pop()
            with _noted():
                place = h5py.h5o.get_info(node.id).addr
                if place in seen:
                    continue
                seen.add(place)
            _attributes(node)
            if isinstance(node, h5py.Group):
                todo += _children(node)
            elif isinstance(node, h5py.Dataset):
                _dataset(node, file)


@contextlib.contextmanager
def _noted() -> Iterator[None]:
    """Go on behind an error, unless it is about memory, or a verdict.

    Here it is only seen whether the file ends a process: an error that is raised comes again,
    and is said, where the file is read.
    """
    try:
        yield
    except PerrinError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or "alloc" in str(error).lower():
            raise MemoryError from error


def _children(group: h5py.Group) -> list[Any]:
    """Return what a group holds itself: links to other names and files are not followed."""
    found: list[Any] = []
    names: list[Any] = []
    with _noted():
        names = list(group)
    odd = next((name for name in names if isinstance(name, bytes)), None)
    if odd is not None:
        raise PerrinError(f"the name {odd!r} in {group.name} is no text in UTF-8")
    for name in names:
        with _noted():
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                found.append(group[name])
    return found


def _attributes(node: Any) -> None:
    names: list[str] = []
    with _noted():
        names = list(node.attrs)
    for name in names:
        with _noted():
            node.attrs.get_id(name)
            node.attrs[name]


def _dataset(data: h5py.Dataset, file: h5py.File) -> None:
    try:
        _ = data.dtype
    except (ValueError, TypeError) as error:  # every reader asks for it, of all datasets
        raise PerrinError(f"the kind of values of {data.name} cannot be read ({error})") from error
    for look in (_stored, _dimensions):
        with _noted():
            look(data)
    if data.is_virtual or data.external:
        return  # other files are looked at when they are opened
    with _noted():
        _values(data, file)


def _stored(data: h5py.Dataset) -> None:
    """Look at how values are stored, all places of chunks included."""
    _ = data.fillvalue
    plan = data.id.get_create_plist()
    if plan.get_nfilters():
        with contextlib.suppress(PerrinError):  # what is lacking is said where it is read
            load_filters(data)
    data.id.get_storage_size()
    if data.chunks is not None:
        data.id.get_num_chunks()
        data.id.chunk_iter(lambda _info: None)
    if data.is_virtual:
        data.virtual_sources()


def _dimensions(data: h5py.Dataset) -> None:
    for axis in range(data.ndim):
        dimension = data.dims[axis]
        _ = dimension.label
        if len(dimension):
            _ = dimension[0].shape


def _values(data: h5py.Dataset, file: h5py.File) -> None:
    """Read either end of the values, and all that point somewhere else: texts and references."""
    if not data.size:
        return
    if data.dtype.hasobject:
        _pointing(data, file)
        return
    if not data.ndim:
        data[()]
        return
    row = max(1, data.size // data.shape[0] * data.dtype.itemsize)
    rows = data.chunks[0] if data.chunks else max(1, _BLOCK // row)
    if rows * row > 16 * _BLOCK:  # single rows that are too long: one value at either end
        data[(slice(0, 1),) * data.ndim]
        return
    data[:rows]
    if data.shape[0] > rows:
        data[-min(rows, data.shape[0]) :]


def _pointing(data: h5py.Dataset, file: h5py.File) -> None:
    left = _REFERENCES
    stored = int(data.id.get_storage_size())
    if data.size > 16 * max(stored, 1) and not data.chunks:
        return  # says more than it holds
    for start in range(0, data.shape[0] if data.ndim else 1, _ROWS):
        block = data[start : start + _ROWS] if data.ndim else data[()]
        for value in np.asarray(block).ravel()[:left]:
            if isinstance(value, h5py.Reference):
                left -= 1
                with _noted():
                    _ = file[value].id if value else None


if __name__ == "__main__":
    serve(walk)

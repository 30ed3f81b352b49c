"""HDF5: opening it, frames in a dataset, and which of them were written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.apart import HDF5
from perrin.io.difference import DifferenceCoded
from perrin.io.encoding import Coded
from perrin.io.found import RAW, TIME_DIFFERENCE
from perrin.io.hdf5_filters import NEEDS_MORE, load_filters, register_filters
from perrin.io.hdf5_sources import mapped_problem
from perrin.io.movie import LazyFrames
from perrin.io.movies.axes import Layout
from perrin.io.movies.frames import closed, decoded, frames_lacking, held_of
from perrin.types import Array

register_filters()

_SMALL = 2**28  # bytes of values that need no comparison with what is stored
_PACKED_AT_MOST = 2000  # times that values of a table may be smaller in a file


def open_hdf5(path: Path) -> h5py.File:
    """Open `path` for reading; `PerrinError` where HDF5 cannot, a truncated file included."""
    HDF5.check(path)
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path, error) from error


@contextmanager
def hdf5_file(path: Path) -> Iterator[h5py.File]:
    """As `open_hdf5`, closed at the end; a failing read inside is a `PerrinError` too."""
    with open_hdf5(path) as file:
        try:
            yield file
        except (OSError, RuntimeError) as error:  # what HDF5 raises for broken blocks
            raise _damaged(path, error) from error
        except KeyError as error:  # and for objects that it cannot open
            if "Unable to" not in str(error):
                raise
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> PerrinError:
    if "required filter" in str(error) or "plugin" in str(error):
        return PerrinError(f"{path}: {error}. Its compression needs {NEEDS_MORE}.")
    kind = "a truncated" if "truncated" in str(error) else "a damaged"
    return PerrinError(
        f"{path} is {kind} HDF5 file: {error}. Copy it again from where it was recorded."
    )


class Hdf5Frames(LazyFrames):
    """Frames stored as they are in the dataset `dataset`."""

    def __init__(self, path: Path, dataset: str, layout: Layout | None = None) -> None:
        self._file = open_hdf5(path)
        self.dataset = dataset
        self.layout = layout
        self._data = self._file[dataset]
        load_filters(self._data)
        shape = self._data.shape if layout is None else layout.frames_shape
        super().__init__(path, shape, self._data.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dataset, self.layout)

    def _read(self, start: int, stop: int) -> Array:
        if self.layout is None or self.layout.plain:
            return self._stored(self._data, start, stop)
        if not self._file:
            raise closed(self.path)
        return decoded(self._data, self.layout, self.path, start, stop)

    def _stored(self, data: h5py.Dataset, start: int, stop: int) -> Array:
        if not self._file:
            raise closed(self.path)
        frames: Array = np.empty((stop - start, *self.shape[1:]), data.dtype)
        try:
            # what read_direct does, without working out a selection of any kind
            where = data.id.get_space()
            where.select_hyperslab((start, 0, 0), frames.shape)
            data.id.read(_space(frames.shape), where, frames)
        except (OSError, RuntimeError) as error:
            raise PerrinError(
                f"{self.path}: frames {start} to {stop - 1} of {data.name} cannot be read: "
                f"{error}. The file is damaged; copy it again from where it was recorded."
            ) from error
        return frames

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._file.close()


@lru_cache(maxsize=4)
def _space(shape: tuple[int, ...]) -> h5py.h5s.SpaceID:
    """Return what HDF5 calls an array of that shape in memory."""
    return h5py.h5s.create_simple(shape)


class DifferenceFrames(Hdf5Frames):
    """Frames stored as differences in time, decoded in bounded memory.

    keyframe: name of the dataset of whole frames, and keys: the frame number of each; None
    where the file has none (then nothing verifies the decoding). Raises `PerrinError` on
    reading past a keyframe that differs.
    """

    anywhere = False

    def __init__(
        self,
        path: Path,
        dataset: str,
        keyframe: str | None = None,
        keys: npt.NDArray[np.int64] | None = None,
        held: int | None = None,
    ) -> None:
        super().__init__(path, dataset)
        if held is not None:
            self.shape = (held, *self.shape[1:])
        self.held = held
        self.keyframe = keyframe
        self.keys = keys
        if self.dtype.kind != "u":
            self.close()
            raise PerrinError(
                f"{path}: {dataset} holds {self.dtype}; difference-coded frames are unsigned "
                f"integers. Open it with encoding={RAW!r}."
            )
        whole = self._file[keyframe] if keyframe else None
        self._coded = DifferenceCoded(
            read=lambda start, stop: self._stored(self._data, start, stop),
            read_key=lambda index: self._stored(whole, index, index + 1)[0],
            keys=keys,
            name=str(path),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dataset, self.keyframe, self.keys, self.held)

    def _read(self, start: int, stop: int) -> Array:
        return self._coded.decode(start, stop)


def check_whole(item: h5py.Dataset, file: h5py.File) -> None:
    """Raise `PerrinError` where a dataset of a table is not all there, in this file.

    HDF5 reads chunks that were never written as zeros, and follows links, virtual sources and
    external storage into other files, which a file of somebody else must not make perrin read.
    """
    others = {item.file.filename} if item.file.filename != file.filename else set()
    if item.is_virtual:
        others |= {one.file_name for one in item.virtual_sources() if one.file_name != "."}
    others |= {one[0] for one in item.external or ()}
    if others:
        raise PerrinError(
            f"{item.name} lies in another file ({', '.join(sorted(others)[:3])}), and a file "
            "should not make perrin read others: copy the table into one file."
        )
    size = item.size or 0
    if not size:
        return
    load_filters(item)
    stored = int(item.id.get_storage_size())
    if size * item.dtype.itemsize > max(_SMALL, _PACKED_AT_MOST * stored):
        raise PerrinError(
            f"{item.name} says {size:,} values and holds {stored} bytes: it is damaged, or was "
            "never written. Copy the file again from its source."
        )
    chunks = item.chunks
    wanted = (
        1
        if chunks is None
        else math.prod(-(-n // c) for n, c in zip(item.shape, chunks, strict=True))
    )
    held = item.id.get_num_chunks() if chunks else min(stored, 1)
    if held < wanted:
        raise PerrinError(
            f"{item.name} is incomplete: {wanted - held} of its {wanted} chunks were never written "
            "and would be read as zeros. Copy the file again from its source."
        )


def scalar(file: h5py.File, name: str) -> str | int | float | bool | None:
    """Return the single value of a dataset as a Python object, None where there is none."""
    node = file.get(name)
    if not isinstance(node, h5py.Dataset) or node.size != 1:
        return None
    value = np.asarray(node[()]).reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip("\0 ")
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def arrays(file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Return name and shape of each dataset that could be a movie."""
    found: dict[str, tuple[int, ...]] = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        long = sum(n > 1 for n in node.shape or ()) if isinstance(node, h5py.Dataset) else 0
        if (
            isinstance(node, h5py.Dataset)
            and node.dtype.kind in "uif"
            and (node.ndim == 3 or long >= 3)
        ):
            found[name] = node.shape

    file.visititems(visit)
    return found


def written(data: h5py.Dataset, layout: Layout) -> tuple[Layout, str | None, str | None]:
    """Return the layout of the frames that were written, a note, and a problem.

    HDF5 reads a chunk that was never written as zeros.
    """
    if data.is_virtual or data.external:
        return layout, None, mapped_problem(data, layout.time)
    if data.chunks is None:
        plain = data.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
        if plain and data.size and data.id.get_storage_size() == 0:
            return layout, None, f"has no pixels: its dataset {data.name} was never written"
        return layout, None, None
    grid = [-(-n // c) for n, c in zip(data.shape, data.chunks, strict=True)]
    if data.id.get_num_chunks() >= math.prod(grid):
        return layout, None, None
    present: set[tuple[int, ...]] = set()
    data.id.chunk_iter(lambda info: present.add(tuple(info.chunk_offset)))
    places = [tuple(o // c for o, c in zip(at, data.chunks, strict=True)) for at in present]
    gone, partly = frames_lacking(layout, data.chunks, places)
    return held_of(layout, gone, partly, why="chunks never written")


def sources_problem(data: h5py.Dataset, path: Path, *, follow: bool) -> str | None:
    """Refuse pixels that lie in other files unless asked for; say which files are missing."""
    names: set[str] = set()
    if data.file.filename != str(path):
        names = {data.file.filename}
    if data.is_virtual:
        names = {one.file_name for one in data.virtual_sources() if one.file_name != "."}
    if data.external:
        names |= {one[0] for one in data.external}
    names -= {path.name, str(path)}
    if not names:
        return None
    folder = Path(data.file.filename).parent
    missing = sorted(n for n in names if "%" not in n and not (folder / n).exists())
    if missing:
        return (
            f"is incomplete: {data.name} takes its frames from {len(names)} other files, and "
            f"{', '.join(missing[:4])}{', ...' if len(missing) > 4 else ''} missing here (they "
            "would be read as zeros). Copy them to the same folder"
        )
    if not follow:
        return (
            f"takes the frames of {data.name} from other files ({', '.join(sorted(names)[:4])}). "
            "A file should not make perrin read others; if you trust it, give --follow-links"
        )
    return None


def coded_frames(
    path: Path, dataset: str, coded: Coded, layout: Layout | None = None
) -> Hdf5Frames:
    """Return the frames of `dataset`, decoded where they are differences."""
    if coded.encoding == TIME_DIFFERENCE:
        held = None if layout is None else layout.held
        return DifferenceFrames(path, dataset, coded.keyframe, coded.keys, held)
    return Hdf5Frames(path, dataset, layout)

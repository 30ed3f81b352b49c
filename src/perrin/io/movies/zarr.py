"""Movies in a Zarr folder (needs the extra `zarr`): plain arrays and OME-Zarr."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movie import LazyFrames
from perrin.io.movies.axes import Layout, lay_out
from perrin.io.movies.frames import (
    DECODING,
    LaidOutFrames,
    closed,
    decoded,
    frames_lacking,
    held_of,
)
from perrin.io.movies.hyperspy import hyperspy_said
from perrin.io.movies.scaled import as_said
from perrin.io.quantities import Said, read, spacing, square
from perrin.io.read_as import listed as some
from perrin.quiet import quiet
from perrin.types import Array

_SMALL_CHUNK = 2**20  # bytes that are quickly decoded
_BLOSC_HEADER = 16  # bytes, of which the last four say the length of the chunk
_EMPTY = 2**64 - 1  # offset and length of an inner chunk of a shard that was never written


class ZarrFrames(LaidOutFrames):
    """Frames in the array `dataset` of a Zarr folder ("" for a folder that is an array).

    array: the array itself, where it is open already.
    """

    def __init__(self, path: Path, dataset: str, layout: Layout, *, array: Any = None) -> None:
        self.dataset = dataset
        self._array = _open(path, dataset) if array is None else array
        super().__init__(path, layout, np.dtype(self._array.dtype))
        chunk = int(np.prod(self._array.chunks, dtype=np.int64)) * self.dtype.itemsize
        self.anywhere = chunk <= _SMALL_CHUNK

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dataset, self.layout)

    def _read(self, start: int, stop: int) -> Array:
        if self._array is None:
            raise closed(self.path)
        return decoded(self._array, self.layout, self.path, start, stop)

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._array = None


@dataclass
class Told:
    """What the metadata tell of one array: names of its axes, and numbers."""

    kind: str = "Zarr array"
    names: Sequence[object] | None = None
    interval: Said = field(default_factory=Said)
    pixel: float | None = None
    notes: list[str] = field(default_factory=list)


def find_zarr(path: Path, asked: Asked) -> Found:
    """Find the movie in a Zarr folder: the array that it is, the full OME-Zarr level, or a name.

    Raises `PerrinError` where there is none, or without the package zarr.
    """
    refuse_encoding(asked.encoding, path, "Zarr")
    root = _open(path, "")
    with quiet("zarr"):  # of files beside the arrays, as bioformats2raw writes them
        name, why, listed = _name(root, asked.dataset)
    if listed is not None:
        if not listed:
            raise PerrinError(f"{path} is a Zarr folder without a movie: no array has three axes.")
        return Found(
            path=path,
            format="zarr",
            description="Zarr group",
            frames=None,
            axes_named=False,
            notes=(f"arrays with three axes: {listed}",),
            asks={"dataset": f"which array is the movie; there are: {listed}"},
        )
    array = _open(path, name) if name else root
    if not hasattr(array, "shape"):
        raise PerrinError(f"{path}: no Zarr array {name!r}: it is a group; name an array in it.")
    told = _told(root, array, name)
    axes = lay_out(array.shape, told.names, asked)
    layout, problem = axes.layout, axes.problem
    notes = [*([why] if why else []), *axes.notes, *told.notes, *_above(path)]
    if layout is not None:
        layout, note, problem = _written(path / name, array, layout)
        notes += [note] if note else []
    frames: LazyFrames | None = None
    if layout is not None and not problem:
        frames, scaled, problem = as_said(ZarrFrames(path, name, layout, array=array), array.attrs)
        notes += [scaled] if scaled else []
    return Found(
        path=path,
        format="zarr",
        description=f"{told.kind}{f' {name}' if name else ''}",
        frames=frames,
        axes_named=axes.named,
        axes=axes.letters,
        stored_shape=tuple(array.shape),
        frame_interval_s=told.interval.value,
        pixel_nm=told.pixel,
        details={"dataset": name} if name else {},
        notes=tuple(notes),
        problem=problem,
    )


def _above(path: Path) -> list[str]:
    """Return what to know of a folder that is one array of a Zarr group."""
    if not any((path.parent / mark).is_file() for mark in (".zgroup", ".zattrs", "zarr.json")):
        return []
    return [
        f"the folder is a part of the Zarr folder {path.parent.name}, whose axes and scales are "
        "not looked at: give that folder"
    ]


def _name(root: Any, dataset: str | None) -> tuple[str, str | None, str | None]:
    """Return the name of the array that is the movie and why; or a list to choose from."""
    if dataset is not None or not hasattr(root, "members"):
        return dataset or "", None, None
    images = _images(root)
    if len(images) == 1:
        group, levels = images[0]
        first = f"{group}/{levels[0]}".strip("/")
        why = f"{first} is the full level of {len(levels)}" if len(levels) > 1 else None
        return first, why, None
    found = [
        (name, tuple(node.shape))
        for name, node in root.members(max_depth=None)
        if getattr(node, "ndim", 0) >= 3
    ]
    long = [(name, shape) for name, shape in found if len(shape) == 3 or _long(shape) >= 3]
    if len(long) == 1:
        return long[0][0], f"array {long[0][0]} is its only movie", None
    return "", None, some(f"{name} {shape}" for name, shape in sorted(long))


def _long(shape: tuple[int, ...]) -> int:
    return sum(n > 1 for n in shape)


def _images(root: Any) -> list[tuple[str, list[str]]]:
    """Return the OME-Zarr images: the group's name, and the paths of its levels, full first."""
    groups = [("", root)] + [
        (name, node) for name, node in root.members(max_depth=1) if hasattr(node, "members")
    ]
    found = []
    for name, group in groups:
        for scales in _multiscales(group)[:1]:
            levels = [str(one.get("path", "")) for one in scales.get("datasets", ())]
            if levels:
                found.append((name, levels))
    return found


def _multiscales(group: Any) -> list[dict[str, Any]]:
    attributes = dict(group.attrs)
    ome = attributes.get("ome")
    scales = (ome if isinstance(ome, dict) else attributes).get("multiscales")
    return [one for one in scales if isinstance(one, dict)] if isinstance(scales, list) else []


def _told(root: Any, array: Any, name: str) -> Told:
    group_name, _, level = name.rpartition("/")
    try:
        group = root[group_name] if group_name else root
    except KeyError:
        group = root
    if hasattr(group, "members"):
        for scales in _multiscales(group):
            for one in scales.get("datasets", ()):
                if str(one.get("path")) == level:
                    return _ome(scales, one)
        if (hyperspy := hyperspy_said(group, array.ndim)) is not None:
            names, interval, pixel, notes = hyperspy
            return Told("HyperSpy, Zarr", names, Said(interval.value), pixel, notes)
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    told = Told(names=names)
    if names and hasattr(group, "members"):
        _xarray(group, array, names, told)
    return told


def _ome(scales: dict[str, Any], level: dict[str, Any]) -> Told:
    """Read the axes and scales of one level of an OME-Zarr image."""
    axes = [one if isinstance(one, dict) else {"name": one} for one in scales.get("axes", ())]
    told = Told("OME-Zarr", [one.get("name") for one in axes])
    factors, scaled = np.ones(len(axes)), False
    for change in (
        *(level.get("coordinateTransformations") or ()),
        *(scales.get("coordinateTransformations") or ()),
    ):
        if change.get("type") == "scale" and len(change.get("scale", ())) == len(axes):
            factors, scaled = factors * np.asarray(change["scale"], dtype=float), True
    said: dict[str, Said] = {}
    if not scaled or (factors == 1).all():
        if any(one.get("unit") for one in axes):
            told.notes.append("the file says units, and no scale (or 1 all over): not used")
        return told
    for one, size in zip(axes, factors, strict=True):
        letter, unit = str(one.get("name", "")).lower(), one.get("unit")
        if letter in "tyx" and unit:
            said[letter] = read(float(size), unit, "time" if letter == "t" else "length")
        elif letter in "tyx" and size != 1:
            told.notes.append(f"the file says a scale of {size:g} for {letter}, without a unit")
    told.interval = said.get("t", Said())
    told.pixel, notes = square(said.get("x", Said()), said.get("y", Said()))
    told.notes += notes + ([told.interval.note] if told.interval.note else [])
    return told


def _xarray(group: Any, array: Any, names: Sequence[object], told: Told) -> None:
    """Read the coordinates that xarray stores beside an array, where they have units."""
    said: dict[str, Said] = {}
    for axis, name in enumerate(names):
        beside: Any = group.get(str(name)) if name else None
        if getattr(beside, "shape", None) != (array.shape[axis],):
            continue
        unit = beside.attrs.get("units")
        letter = str(name).lower()[:1]
        if unit:
            said[letter] = spacing(beside[:], unit, "time" if letter in "tf" else "length")
    told.interval = said.get("t", said.get("f", Said()))
    told.pixel, notes = square(said.get("x", Said()), said.get("y", Said()))
    told.notes += notes + ([told.interval.note] if told.interval.note else [])


def _written(folder: Path, array: Any, layout: Layout) -> tuple[Layout, str | None, str | None]:
    """Return the layout of the frames that were written, a note, and a problem.

    Zarr reads a chunk whose file is not there as zeros (or its fill value).
    """
    outer = tuple(array.shards or array.chunks)
    grid = [range(-(-n // c)) for n, c in zip(array.shape, outer, strict=True)]
    files = {os.path.join(at, name) for at, _, names in os.walk(folder) for name in names}  # noqa: PTH118
    encode = array.metadata.encode_chunk_key
    present, holes = [], 0
    for place in itertools.product(*grid):
        file = os.path.join(folder, encode(place))  # noqa: PTH118  as there are many
        if file in files:
            present.append(place)
            if array.shards:
                holes += _holes(Path(file), array, place)
    if holes:
        return (
            layout,
            None,
            (
                f"is incomplete: {holes} chunks inside its shards were never written (they would "
                "be read as zeros). Copy it again from its source"
            ),
        )
    if cut := _cut([folder / encode(place) for place in present], array):
        return layout, None, cut
    gone, partly = frames_lacking(layout, outer, present)
    held, note, problem = held_of(layout, gone, partly, why="chunks never written or not copied")
    beyond = tuple(len(g) if i == layout.time else 0 for i, g in enumerate(grid))
    if note is None and str(folder / encode(beyond)) in files:
        note = (
            f"its folder holds chunks behind the {array.shape[layout.time]} frames that the array "
            "is said to have: these are not read"
        )
    return held, note, problem


def _cut(files: Sequence[Path], array: Any) -> str | None:
    """Return the problem of chunks that are shorter than their own header says, by Blosc.

    Its decoder reads beyond the end of a chunk that lacks a few bytes, and says nothing.
    """
    last = (*getattr(array, "compressors", ()),)[-1:]
    if array.shards or not last or "blosc" not in type(last[0]).__name__.lower():
        return None
    short = []
    for file in files:
        with file.open("rb") as opened:
            head = opened.read(_BLOSC_HEADER)
            size = os.fstat(opened.fileno()).st_size
        if len(head) < _BLOSC_HEADER or int.from_bytes(head[-4:], "little") > size:
            short.append(file.name)
    if not short:
        return None
    return (
        f"is damaged: {len(short)} of its chunks are cut off (the first: {short[0]}). Copy it "
        "again from its source"
    )


def _holes(file: Path, array: Any, place: tuple[int, ...]) -> int:
    """Return how many inner chunks of a shard were never written, those beyond the end apart."""
    inner = [s // c for s, c in zip(array.shards, array.chunks, strict=True)]
    count = int(np.prod(inner))
    codec = array.metadata.codecs[0]
    at_end = getattr(getattr(codec, "index_location", None), "value", "end") == "end"
    checksum = 4 * any("crc32c" in type(c).__name__.lower() for c in codec.index_codecs)
    size = 16 * count + checksum
    data = file.read_bytes() if file.stat().st_size < size else None
    if data is not None:
        return count
    with file.open("rb") as opened:
        opened.seek(-size if at_end else 0, os.SEEK_END if at_end else os.SEEK_SET)
        index = np.frombuffer(opened.read(16 * count), "<u8").reshape(*inner, 2)
    empty = (index[..., 0] == _EMPTY) & (index[..., 1] == _EMPTY)
    for axis, (at, shard, chunk, n) in enumerate(
        zip(place, array.shards, array.chunks, array.shape, strict=True)
    ):
        inside = at * shard + np.arange(inner[axis]) * chunk < n
        shape = [1] * len(inner)
        shape[axis] = -1
        empty = empty & inside.reshape(shape)
    return int(empty.sum())


def _open(path: Path, dataset: str) -> Any:
    """Return the Zarr array or group `dataset` of the folder."""
    try:
        import zarr
    except ImportError as error:
        raise PerrinError(
            f"{path} is a Zarr folder, and the package zarr is not installed: "
            "pip install 'perrin[zarr]'."
        ) from error
    try:
        return zarr.open(path, path=dataset or None, mode="r")
    except DECODING as error:
        raise PerrinError(f"{path}: no Zarr array {dataset!r} can be read: {error}.") from error

"""Movies in HDF5 files that are no mass photometer's: any dataset, EMD, master files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from perrin.errors import PerrinError
from perrin.io.apart import HDF5
from perrin.io.encoding import Coded, find_encoding
from perrin.io.found import RAW, Asked, Found
from perrin.io.hdf5 import Hdf5Frames, arrays, coded_frames, hdf5_file, sources_problem, written
from perrin.io.movie import LazyFrames
from perrin.io.movies.axes import Layout, lay_out
from perrin.io.movies.emd import ncem_axes, velox_said
from perrin.io.movies.hdf5_pieces import in_pieces, without_movie
from perrin.io.movies.hyperspy import hyperspy_said
from perrin.io.movies.scaled import as_said
from perrin.io.quantities import Said, read, spacing, square
from perrin.io.read_as import listed as some
from perrin.types import Array

_REVERSED = (
    "MATLAB stores axes in reverse: its (y, x, time) comes with x and y exchanged; --axes TXY "
    "turns them"
)


@dataclass
class Told:
    """What a file tells of a dataset: names of its axes, (values, unit) of each, numbers."""

    kind: str = "HDF5"
    names: Sequence[object] | None = None
    coordinates: dict[int, tuple[Any, object]] = field(default_factory=dict)
    interval: Said = field(default_factory=Said)
    pixel: float | None = None
    notes: list[str] = field(default_factory=list)


class JoinedFrames(LazyFrames):
    """Frames that go on from one dataset to the next, as a detector's master file lists them."""

    def __init__(self, parts: Sequence[LazyFrames]) -> None:
        lengths = [len(part) for part in parts]
        super().__init__(parts[0].path, (sum(lengths), *parts[0].shape[1:]), parts[0].dtype)
        self.parts = tuple(parts)
        self._ends = np.cumsum(lengths)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.parts,)

    def _read(self, start: int, stop: int) -> Array:
        blocks, begin = [], 0
        for part, end in zip(self.parts, self._ends, strict=True):
            first, last = max(start, begin), min(stop, int(end))
            if first < last:
                blocks.append(part._read(first - begin, last - begin))
            begin = int(end)
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def close(self) -> None:
        """Close the files; reading afterwards is an error."""
        for part in self.parts:
            part.close()


def find_hdf5(path: Path, asked: Asked) -> Found:
    """Find the movie in an HDF5 file: its only dataset that may be one, or the one asked for.

    Raises `PerrinError` where it is not there, where the file holds no movie, and for links to
    other files without `asked.follow_links`.
    """
    with hdf5_file(path) as file:
        candidates = arrays(file) | (_linked(file) if asked.follow_links else {})
        listed = some(f"{name} {shape}" for name, shape in candidates.items()) or "none"
        pieces = None if asked.dataset else in_pieces(file, candidates)
        if pieces is not None:
            raise PerrinError(f"{path} {pieces}.")
        if asked.dataset is None and not candidates:
            raise _no_movie(file, path)
        name = asked.dataset
        if name is None and len(candidates) == 1:
            name = next(iter(candidates))
        if name is None:
            return _which(path, file, listed)
        parts = _datasets(file, name, path, listed, follow=asked.follow_links)
        if len(parts) > 1:
            return _joined(path, file, name, parts)
        return _one(path, file, parts[0], asked, name)


def _no_movie(file: h5py.File, path: Path) -> PerrinError:
    links = [name for name, _ in _external(file)]
    if links:
        return PerrinError(
            f"{path} holds no frames itself: {', '.join(links[:4])} are links to other files. A "
            "file should not make perrin read others; if you trust it, give --follow-links."
        )
    return PerrinError(f"{path} {without_movie(file)}.")


def _which(path: Path, file: h5py.File, listed: str) -> Found:
    kind = "EMD (electron microscopy), HDF5" if _is_emd(file) else "HDF5"
    return Found(
        path=path,
        format="hdf5",
        description=kind,
        frames=None,
        axes_named=False,
        notes=(f"datasets with three axes: {listed}",),
        asks={"dataset": f"which dataset is the movie; there are: {listed}"},
    )


def _is_emd(file: h5py.File) -> bool:
    return "version_major" in file.attrs or "Data/Image" in file


def _external(file: h5py.File) -> list[tuple[str, h5py.ExternalLink]]:
    """Return the links to other files, by name, without following one."""
    found: list[tuple[str, h5py.ExternalLink]] = []

    def visit(group: h5py.Group, prefix: str, depth: int) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                found.append((prefix + name, link))
            elif isinstance(link, h5py.HardLink) and depth < 12:
                node = group[name]
                if isinstance(node, h5py.Group):
                    visit(node, f"{prefix}{name}/", depth + 1)

    visit(file, "", 0)
    return found


def _linked(file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Return datasets behind external links; several of one group as that group."""
    shapes: dict[str, list[tuple[Any, ...]]] = {}
    for name, link in _external(file):
        node = _behind(file, name, link)
        if isinstance(node, h5py.Dataset) and node.ndim == 3 and node.dtype.kind in "uif":
            shapes.setdefault(name.rpartition("/")[0] or "/", []).append((name, *node.shape))
    found: dict[str, tuple[int, ...]] = {}
    for group, parts in shapes.items():
        if len(parts) > 1 and len({part[2:] for part in parts}) == 1:
            found[group] = (sum(int(part[1]) for part in parts), *parts[0][2:])
        else:
            found |= {str(part[0]): part[1:] for part in parts}
    return found


def _behind(file: h5py.File, name: str, link: h5py.ExternalLink) -> Any:
    HDF5.check(Path(file.filename).parent / link.filename)
    try:
        return file[name]
    except (KeyError, OSError) as error:
        raise PerrinError(
            f"{file.filename} is incomplete: {name} links to {link.path} in {link.filename}, "
            "which is missing or damaged. Copy it to the same folder."
        ) from error


def _datasets(
    file: h5py.File, name: str, path: Path, listed: str, *, follow: bool
) -> list[h5py.Dataset]:
    """Return the dataset called `name`, or those of a group that go on from each other."""
    _check_links(file, name, path, follow=follow)
    node = file.get(name)
    if isinstance(node, h5py.Dataset):
        return [node]
    parts = []
    if isinstance(node, h5py.Group):
        for child in sorted(node):
            link = node.get(child, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                _check_links(file, f"{name}/{child}", path, follow=follow)
                _behind(file, f"{name}/{child}", link)
            part = node.get(child)
            if isinstance(part, h5py.Dataset) and part.ndim == 3 and re.search(r"\d+$", child):
                parts.append(part)
    if len(parts) < 2 or len({part.shape[1:] for part in parts}) > 1:
        raise PerrinError(f"{path} has no dataset {name!r}; datasets with three axes: {listed}.")
    return parts


def _check_links(file: h5py.File, name: str, path: Path, *, follow: bool) -> None:
    """Raise `PerrinError` where the way to `name` leads through another file."""
    node: Any = file
    for part in name.strip("/").split("/"):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if isinstance(link, h5py.ExternalLink) and not follow:
            raise PerrinError(
                f"{path}: {name} is a link to {link.path} in another file, {link.filename}. A file "
                "should not make perrin read others; if you trust it, give --follow-links."
            )
        if isinstance(link, h5py.SoftLink):
            _check_links(file, link.path, path, follow=follow)
        node = node.get(part) if isinstance(node, h5py.Group) else None


def _joined(path: Path, file: h5py.File, name: str, parts: list[h5py.Dataset]) -> Found:
    names = [f"{name.strip('/')}/{child}" for child in sorted(file[name])]
    names = [one for one in names if isinstance(file[one], h5py.Dataset) and file[one].ndim == 3]
    whole = (sum(len(part) for part in parts), *parts[0].shape[1:])
    problem = next(
        (p for part in parts if (p := sources_problem(part, path, follow=True)) is not None), None
    )
    for part in parts:
        _, note, lacking = written(part, Layout(tuple(part.shape), 0, 1, 2))
        problem = problem or lacking or (note and f"is incomplete: {part.name}: {note}")
    return Found(
        path=path,
        format="hdf5",
        description=f"HDF5, {len(parts)} datasets of {name}",
        frames=None if problem else JoinedFrames([Hdf5Frames(path, one) for one in names]),
        axes_named=False,
        axes="TYX",
        stored_shape=whole,
        details={"dataset": name},
        notes=(f"{len(parts)} datasets ({names[0]} to {names[-1]}) follow each other",),
        problem=problem,
    )


def _one(path: Path, file: h5py.File, data: h5py.Dataset, asked: Asked, name: str) -> Found:
    dataset = data.name.strip("/") if data.file == file else name
    chosen = asked.dataset is None
    told = _told(data)
    axes = lay_out(data.shape, told.names, asked)
    layout, problem, notes = axes.layout, axes.problem, list(axes.notes)
    coded = Coded(RAW)
    frames: LazyFrames | None = None
    if layout is not None:
        problem = sources_problem(data, path, follow=asked.follow_links)
    if layout is not None and problem is None:
        layout, note, problem = written(data, layout)
        notes += [note] if note else []
        if layout.plain and not problem:
            coded = find_encoding(data.file, data.name, asked=asked.encoding)
            problem = _coded_elsewhere(data, file, coded)
        if not problem:
            frames, scaled, problem = as_said(
                coded_frames(path, dataset, coded, layout), data.attrs
            )
            notes += [scaled] if scaled else []
    interval, pixel, said = _numbers(told, axes.layout)
    if "MATLAB_class" in data.attrs and asked.axes is None:
        said.append(_REVERSED)
    return Found(
        path=path,
        format="hdf5",
        description=f"{told.kind}, dataset {dataset}",
        frames=frames,
        axes_named=axes.named,
        axes=axes.letters,
        stored_shape=tuple(data.shape),
        frame_interval_s=interval,
        pixel_nm=pixel,
        encoding=coded.encoding,
        details={"dataset": dataset},
        notes=(
            *((f"dataset {dataset} is its only movie",) if chosen else ()),
            *notes,
            *said,
            *((coded.note,) if coded.note else ()),
        ),
        asks=coded.asks,
        problem=problem,
    )


def _coded_elsewhere(data: h5py.Dataset, file: h5py.File, coded: Coded) -> str | None:
    if data.file == file or coded.encoding in (RAW, None):
        return None
    return f"links to differences of frames in {data.file.filename}: open that file itself"


def _told(data: h5py.Dataset) -> Told:
    """Gather names, coordinates and numbers: EMD's two kinds, labels, ilastik, NeXus."""
    if re.fullmatch(r"/?Data/Image/[^/]+/Data", data.name) and data.ndim == 3:
        interval, pixel, notes = velox_said(data.parent)
        return Told("Velox EMD (electron microscopy)", "YXT", {}, interval, pixel, notes)
    dims = ncem_axes(data)
    if dims is not None:
        return Told("NCEM EMD (electron microscopy)", dims[0], dims[1])
    hyperspy = hyperspy_said(data.parent, data.ndim)
    if hyperspy is not None:
        names, interval, pixel, notes = hyperspy
        return Told("HyperSpy", names, {}, Said(interval.value), pixel, notes)
    told = Told()
    tags = data.attrs.get("axistags")
    if tags is not None:
        try:
            told.names = [axis["key"] for axis in json.loads(tags)["axes"]]
        except (ValueError, KeyError, TypeError):
            told.notes.append("its axistags cannot be read: not used")
        return told
    names = [None] * data.ndim
    for axis in range(data.ndim):
        dimension = data.dims[axis]
        scale = dimension[0] if len(dimension) else None
        names[axis] = dimension.label or (scale.name.rpartition("/")[2] if scale else None)
        if scale is not None and scale.ndim == 1 and len(scale) == data.shape[axis]:
            told.coordinates[axis] = (scale[()], _text(scale.attrs.get("units", "")))
    if not any(names):
        names = _nexus_axes(data, told)
    told.names = names if any(names) else None
    size = data.attrs.get("element_size_um")
    if size is not None and np.size(size) == 3:
        _, y, x = (read(float(one), "um", "length") for one in np.ravel(size))
        told.pixel, notes = square(x, y)
        told.notes += notes
    return told


def _nexus_axes(data: h5py.Dataset, told: Told) -> list[object]:
    axes = data.parent.attrs.get("axes")
    if axes is None or np.size(axes) != data.ndim:
        return [None] * data.ndim
    names: list[object] = [_text(name) for name in np.ravel(axes)]
    for axis, name in enumerate(names):
        node = data.parent.get(name) if name not in (".", "") else None
        if isinstance(node, h5py.Dataset) and node.shape == (data.shape[axis],):
            told.coordinates[axis] = (node[()], _text(node.attrs.get("units", "")))
    return names


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _numbers(told: Told, layout: Layout | None) -> tuple[float | None, float | None, list[str]]:
    """Return interval (s), pixel (nm) and notes, from numbers or from coordinates."""
    notes = list(told.notes)
    interval, pixel = told.interval, told.pixel
    if layout is not None and told.coordinates:
        if layout.time in told.coordinates and interval.value is None:
            interval = spacing(*told.coordinates[layout.time], "time")
        if pixel is None and {layout.y, layout.x} <= set(told.coordinates):
            sides = [spacing(*told.coordinates[axis], "length") for axis in (layout.x, layout.y)]
            pixel, more = square(*sides)
            notes += more
    notes += [interval.note] if interval.note else []
    return interval.value, pixel, notes

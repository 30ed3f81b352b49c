"""Whether frames that lie in other files, or other datasets, are all there.

HDF5 reads what is not there as zeros: parts of a virtual dataset that no source is mapped to,
chunks of a source that were never written, and what external storage lacks at its end.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from perrin.io.apart import HDF5
from perrin.types import IntArray

_DEPTH = 4  # of virtual datasets whose sources are virtual
_ENDLESS = 2**63  # counts from here on mean "unlimited"


def mapped_problem(data: h5py.Dataset, time: int, depth: int = 0) -> str | None:
    """Return what a virtual or external dataset lacks, None for a whole one and any other.

    time: its axis that counts frames.
    """
    if data.external:
        return _external_problem(data, time)
    if not data.is_virtual:
        return None
    if depth >= _DEPTH:
        return f"maps {data.name} through more than {_DEPTH} files: copy it into one dataset"
    return _unmapped(data, time) or _sources(data, depth)


def _unmapped(data: h5py.Dataset, time: int) -> str | None:
    points = np.zeros(data.shape[time], np.int64)
    for one in data.virtual_sources():
        where = _selected(one.vspace, data.shape, time)
        if where is None:
            return (
                f"maps {data.name} to its sources in a way that cannot be checked here, and what "
                "is not mapped would be read as zeros: copy the frames into one dataset"
            )
        frames, each = where
        np.add.at(points, frames, each)
    whole = math.prod(data.shape) // max(data.shape[time], 1)
    if (points > whole).any():
        return f"maps {data.name} to sources that overlap: copy the frames into one dataset"
    return _lacking(points < whole, f"no source is mapped to the others of {data.name}")


def _selected(space: Any, shape: tuple[int, ...], time: int) -> tuple[IntArray, int] | None:
    """Return the frames of a selection and how many points of each it holds, None if unclear."""
    kind = space.get_select_type()
    if kind == h5py.h5s.SEL_ALL:
        return np.arange(shape[time]), math.prod(shape) // max(shape[time], 1)
    if kind != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return None
    start, stride, count, block = space.get_regular_hyperslab()
    if max(*count, *block) >= _ENDLESS:
        return None
    steps = np.arange(count[time])[:, None] * stride[time] + np.arange(block[time])
    frames = (start[time] + steps).ravel()
    others = [i for i in range(len(shape)) if i != time]
    if (frames >= shape[time]).any():
        return None
    return frames, math.prod(count[i] * block[i] for i in others)


def _sources(data: h5py.Dataset, depth: int) -> str | None:
    folder = Path(data.file.filename).parent
    for one in data.virtual_sources():
        path = Path(data.file.filename) if one.file_name == "." else folder / one.file_name
        about = f"{one.dset_name} in {path.name}, a source of {data.name},"
        try:
            HDF5.check(path)
            with h5py.File(path, "r") as file:
                problem = _source(file[one.dset_name], one, about, depth)
        except (OSError, KeyError, RuntimeError, AttributeError):
            problem = (
                f"is incomplete: {about} is missing or damaged, and would be read as zeros. Copy "
                "that file again"
            )
        if problem is not None:
            return problem
    return None


def _source(source: h5py.Dataset, one: Any, about: str, depth: int) -> str | None:
    if one.src_space.get_select_type() == h5py.h5s.SEL_ALL:
        reach, short = source.shape, source.size < one.vspace.get_select_npoints()
    else:
        reach = tuple(int(n) + 1 for n in one.src_space.get_select_bounds()[1])
        short = len(reach) != source.ndim or any(
            a > b for a, b in zip(reach, source.shape, strict=True)
        )
    if short:
        return (
            f"is incomplete: {about} has the shape {source.shape}, less than is said of it "
            f"(up to {reach}); what is missing would be read as zeros. Copy that file again"
        )
    if source.is_virtual or source.external:
        return mapped_problem(source, 0, depth + 1)
    wanted, held = 1, min(int(source.id.get_storage_size()), 1)
    if source.chunks is not None:
        grid = zip(source.shape, source.chunks, strict=True)
        wanted, held = math.prod(-(-n // c) for n, c in grid), source.id.get_num_chunks()
    if held < wanted:
        return (
            f"is incomplete: {about} lacks {wanted - held} of {wanted} chunks, which were never "
            "written and would be read as zeros. Copy that file again"
        )
    return None


def _external_problem(data: h5py.Dataset, time: int) -> str | None:
    folder = Path(data.file.filename).parent
    held, wanted = 0, data.size * data.dtype.itemsize
    for name, offset, size in data.external:
        sizes = [p.stat().st_size for p in (folder / name, Path(name)) if p.is_file()]
        needed = min(size, wanted - held)
        got = min(max(0, min(sizes, default=0) - offset), needed)
        held += got
        if got < needed:
            break  # what follows belongs behind the gap
    if held >= wanted:
        return None
    a_frame = max(wanted // max(data.shape[time], 1), 1)
    whole = held // a_frame if time == 0 else 0
    gone = np.arange(data.shape[time]) >= whole
    return _lacking(gone, f"the files of {data.name} are {wanted - held} bytes too short")


def _lacking(gone: np.ndarray[Any, np.dtype[np.bool_]], why: str) -> str | None:
    if not gone.any():
        return None
    first = ", ".join(str(frame) for frame in np.flatnonzero(gone)[:5])
    return (
        f"is incomplete: the file says {len(gone)} frames and holds {int((~gone).sum())} whole "
        f"ones (lacking: {first}{', ...' if gone.sum() > 5 else ''}): {why}. They would be read as "
        "zeros. Copy all files again from their source"
    )

"""HDF5 files that hold a movie in pieces, or none, named with the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import h5py

from perrin.io.read_as import listed

_MANY = 9  # datasets alike from which on they are the frames of one movie
_ONE = "write them as one dataset (T, Y, X), or export the movie as a TIFF stack"


def in_pieces(file: h5py.File, candidates: Mapping[str, tuple[int, ...]]) -> str | None:
    """Return why none of the datasets of a file is its movie; None where one may be.

    candidates: name and shape of those with three axes.
    """
    if "DataSet/ResolutionLevel 0" in file:
        return (
            "is an Imaris file (.ims), which holds a volume for each time and channel: open it in "
            "Imaris or Fiji and export it as OME-TIFF"
        )
    if "s00/resolutions" in file and any(name.startswith("t0") for name in file):
        return (
            "is a BigDataViewer file, which holds a volume for each time and view: open it in Fiji "
            "and export it as a TIFF stack"
        )
    if len(candidates) >= _MANY:
        shape, count = Counter(candidates.values()).most_common(1)[0]
        if count >= _MANY and sum(n > 1 for n in shape) == 2:
            return f"holds its frames as {count} datasets of {_size(shape)}: {_ONE}"
    return None


def without_movie(file: h5py.File) -> str:
    """Return what an HDF5 file holds that has no dataset of numbers with three axes."""
    flat = list(_datasets(file))
    masks = [name for name, shape, kind in flat if kind == "b" and len(shape) == 3]
    if masks:
        return f"holds true and false (a mask), no intensities: {listed(masks[:4])}"
    shapes = Counter(shape for _, shape, kind in flat if kind in "uif" and len(shape) == 2)
    shape, count = shapes.most_common(1)[0] if shapes else ((), 0)
    if count >= _MANY and min(shape) > 2:
        return f"holds its frames as {count} datasets of {_size(shape)}: {_ONE}"
    held = listed(list(file)[:8]) or "nothing"
    return (
        f"is an HDF5 file without a movie: no dataset has three axes. It holds {held}. Event "
        "tables are read with perrin.read_events (perrin spectrum), tracks with perrin.read_tracks "
        "(perrin diffusion)"
    )


def _datasets(file: h5py.File) -> Iterator[tuple[str, tuple[int, ...], str]]:
    found: list[tuple[str, tuple[int, ...], str]] = []

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and node.shape:
            found.append((name, node.shape, node.dtype.kind))

    file.visititems(visit)
    yield from found


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + " pixels"

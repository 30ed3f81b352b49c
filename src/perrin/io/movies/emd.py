"""What the two kinds of EMD files (electron microscopy, HDF5) say: Velox and NCEM.

Neither has time where other programs have it: Velox stores (y, x, time), and readers of NCEM's
kind reverse its axes on the way in and out. So axes go by name and unit, never by order.
"""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np

from perrin.io.movies.axes import letter_of
from perrin.io.movies.dose import dose_said
from perrin.io.quantities import Said, factor, read


def velox_said(group: h5py.Group) -> tuple[Said, float | None, list[str]]:
    """Return frame interval, pixel (nm) and notes of the metadata (JSON) beside the frames."""
    node = group.get("Metadata")
    if not isinstance(node, h5py.Dataset) or node.ndim != 2:
        return Said(), None, []
    raw = np.asarray(node[:, 0], dtype=np.uint8).tobytes().rstrip(b"\0")
    try:
        said = json.loads(raw.decode("utf-8"))
    except (ValueError, UnicodeDecodeError):
        return Said(), None, ["its metadata cannot be read: not used"]
    size = _within(said, "BinaryResult", "PixelSize")
    unit = _within(said, "BinaryResult", "PixelUnitX") or "m"
    sides = [read(_within(size, name), unit, "length") for name in ("width", "height")]
    notes = list(dict.fromkeys(side.note for side in sides if side.note))
    pixel = sides[0].value
    if pixel is None or sides[1].value is None or abs(pixel / sides[1].value - 1) > 1e-3:
        pixel = None
    interval = read(_within(said, "Scan", "FrameTime"), "s", "time")
    notes += dose_said(said)
    return interval, pixel, notes


def _within(said: Any, *names: str) -> Any:
    for name in names:
        said = said.get(name) if isinstance(said, dict) else None
    return said


def ncem_axes(
    data: h5py.Dataset,
) -> tuple[list[object], dict[int, tuple[Any, object]]] | None:
    """Return names and (coordinates, unit) of the axes of NCEM's data, None for other datasets."""
    group = data.parent
    if not (group.attrs.get("emd_group_type") == 1 or {"dim1", "dim2", "dim3"} <= set(group)):
        return None
    names: list[object] = [None] * data.ndim
    coordinates: dict[int, tuple[Any, object]] = {}
    for axis in range(data.ndim):
        dim = group.get(f"dim{axis + 1}")
        if not isinstance(dim, h5py.Dataset):
            continue
        name, unit = (_clean(dim.attrs.get(key, "")) for key in ("name", "units"))
        if dim.ndim == 1 and len(dim) in (data.shape[axis], 2):
            coordinates[axis] = (dim[()], unit)
        names[axis] = axis_name(name, unit)
    pair_axes(names, coordinates)
    return names, coordinates


def _clean(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip().strip("'\"").replace("_", "")


def axis_name(name: str, unit: str) -> str | None:
    """An axis in seconds is time, whatever it is called; otherwise its name decides."""
    if factor(unit, "time") is not None:
        return "T"
    letter = letter_of(name)
    return None if letter == "?" or (letter == "Z" and not unit) else letter


def pair_axes(names: list[object], coordinates: dict[int, tuple[Any, object]]) -> None:
    """Two axes in lengths are y and x in stored order where they have no names."""
    if "T" not in names or "Y" in names or "X" in names:
        return
    rest = [
        axis
        for axis, name in enumerate(names)
        if name is None and factor(coordinates.get(axis, (0, ""))[1], "length") is not None
    ]
    if len(rest) == 2:
        names[rest[0]], names[rest[1]] = "Y", "X"

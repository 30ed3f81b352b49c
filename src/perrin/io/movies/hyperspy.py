"""Axes of HyperSpy's own files (.hspy in HDF5, .zspy in Zarr): a group ``axis-0`` for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perrin.io.movies.emd import axis_name, pair_axes
from perrin.io.quantities import Said, read, square

_UNDEFINED = ("<undefined>", "None", "")


def hyperspy_said(
    group: Any, ndim: int
) -> tuple[list[object] | None, Said, float | None, list[str]] | None:
    """Return names of the axes, frame interval, pixel (nm) and notes; None for other groups.

    group: of h5py or zarr, the one that holds the array of `ndim` axes. An axis in a unit of time
    is time; where no axis is, names decide.
    """
    said: list[Mapping[str, Any]] = []
    for axis in range(ndim):
        node = group.get(f"axis-{axis}")
        if node is None or "scale" not in node.attrs:
            return None
        said.append(node.attrs)
    units = [_text(one.get("units")) for one in said]
    names: list[object] = [
        axis_name(_text(one.get("name")), unit) for one, unit in zip(said, units, strict=True)
    ]
    pair_axes(names, {axis: (0, unit) for axis, unit in enumerate(units)})
    steps = {name: (said[axis]["scale"], units[axis]) for axis, name in enumerate(names)}
    interval = read(*steps["T"], "time") if "T" in steps else Said()
    sides = [read(*steps[side], "length") if side in steps else Said() for side in "XY"]
    pixel, notes = square(*sides)
    named = names if any(names) else None
    return named, interval, pixel, [*notes, *([interval.note] if interval.note else [])]


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "" if text in _UNDEFINED else text

"""Refeyn's event tables: DiscoverMP .h5, workspaces and CSV, and the events inside a .mpr.

perrin's own tables use the same layout with its own columns beside the vendor's, so that
programs that read DiscoverMP's files read perrin's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.beside import unit_of_dataset
from perrin.io.hdf5 import check_whole
from perrin.io.vendor import RawTable

MPR_EVENTS = "analysis/events/events_fitted"
WORKSPACE = "per_movie_events"

VENDOR_NAMES = {
    "frame": "frame_indices",
    "x_px": "x_coords",
    "y_px": "y_coords",
    "contrast": "contrasts",
    "mass_kda": "masses_kDa",
    "fit_error": "fit_errors",
    "neighbor_px": "nearest_neighbour_distances",
    "retained": "selections",
}
"""perrin's column names on the left, DiscoverMP's (in its .h5) on the right."""

_VALUES = ("contrasts", "masses_kDa", "calibrated_values")
_EMBEDDED = (  # group, then the names of gradient, offset and point masses in it
    ("mass_model", "c_1kDa", "o_0kDa", "masses"),  # DiscoverMP 2.x
    ("calibration", "gradient", "offset", "calibrated_values"),  # DiscoverMP 2024.x
)


def is_discovermp(names: Iterable[str], footer: Sequence[str]) -> bool:
    """Whether a text table with these columns and footer lines comes from DiscoverMP."""
    return any("DiscoverMP" in line for line in footer) or {"frame_indices", "contrasts"} <= set(
        names
    )


def from_csv(table: pd.DataFrame, footer: Sequence[str]) -> RawTable:
    """Return DiscoverMP's eventsFitted or eventsFound table, its version from the footer."""
    version = re.search(r"DiscoverMP\s+([^\s;,]+)", " ".join(footer))
    kind = "eventsFitted" if "fit_errors" in table.columns else "eventsFound"
    return RawTable(
        columns=table,
        format=f"DiscoverMP CSV ({kind})",
        version=version.group(1) if version else None,
    )


def read_hdf5(file: h5py.File, *, dataset: str | None = None) -> list[RawTable]:
    """Return the event tables in an open HDF5 file, one for each measurement.

    Looks for DiscoverMP's datasets at the root, for the movies of a workspace, for the
    events inside a .mpr and for any one group with contrasts or masses; `dataset` names the
    group where there are several. Raises `PerrinError` where there are none.
    """
    version = program_version(file)
    if dataset is not None:
        return [_from_group(file, _asked_for(file, dataset), "HDF5", version, None)]
    if _has_events(file):
        return [_from_group(file, file, "DiscoverMP h5", version, None)]
    workspace = file.get(WORKSPACE)
    if isinstance(workspace, h5py.Group):
        movies = [name for name in workspace if _has_events(workspace.get(name))]
        if movies:
            return [
                _from_group(file, workspace[name], "DiscoverMP workspace", version, name)
                for name in movies
            ]
    if _has_events(file.get(MPR_EVENTS)):
        return [_from_group(file, file[MPR_EVENTS], "events in .mpr", version, None)]
    return [_elsewhere(file, version)]


def holds_events(file: h5py.File, dataset: str | None = None) -> bool:
    """Whether there are events under DiscoverMP's names: in `dataset`, or anywhere without it."""
    if dataset is None:
        return _has_events(file) or bool(event_groups(file))
    node = file.get(dataset)
    plain = isinstance(node, h5py.Dataset) and not node.dtype.names
    return _has_events(node.parent if plain else node)


def _asked_for(file: h5py.File, dataset: str) -> h5py.Group:
    group = file.get(dataset)
    if isinstance(group, h5py.Dataset):
        group = group.parent
    if not _has_events(group):
        found = ", ".join(event_groups(file)) or "none"
        raise PerrinError(
            f"{dataset!r} holds no events; groups with contrasts or masses: {found}. "
            "Give one of them with --dataset."
        )
    return group


def _elsewhere(file: h5py.File, version: str | None) -> RawTable:
    """Return the events of the one group that has any."""
    groups = event_groups(file)
    if len(groups) == 1:
        raw = _from_group(file, file[groups[0]], "HDF5", version, None)
        return replace(raw, remarks=(f"found in the group {groups[0]}",))
    if groups:
        raise PerrinError(
            f"contrasts or masses are in {len(groups)} groups: {', '.join(groups[:20])}. "
            "Which are the events? Give one of them with --dataset."
        )
    movie = any(name in file for name in ("movie/frame", "frame"))
    raise PerrinError(
        f"no event table in the file; it holds: {', '.join(list(file)[:20]) or 'nothing'}. "
        "An event table has 'contrasts' at the root, in per_movie_events/<movie> or in "
        f"{MPR_EVENTS}. "
        + (
            "This is a movie: use perrin landings."
            if movie
            else "Is it a movie or tracks? Movies "
            "go to perrin landings or track, tracks to perrin diffusion."
        )
    )


def event_groups(file: h5py.File) -> list[str]:
    """Return the names of the groups with contrasts or masses that are no calibration."""
    found = []

    def visit(name: str, item: object) -> None:
        calibration = name.rsplit("/", 1)[-1] in ("calibration", "mass_model")
        if not calibration and _has_events(item):
            found.append(name)

    file.visititems(visit)
    return found


def _has_events(group: object) -> bool:
    return isinstance(group, h5py.Group) and any(
        isinstance(group.get(name), h5py.Dataset) for name in _VALUES
    )


def _from_group(
    file: h5py.File, group: h5py.Group, layout: str, version: str | None, measurement: str | None
) -> RawTable:
    """Return the datasets of `group` that have one value for each event."""
    items = {
        name: item
        for name in group
        if isinstance(item := group.get(name), h5py.Dataset)
        and (item.shape != () or name in _VALUES)
    }
    for item in items.values():
        check_whole(item, file)
    values = {name: _flat(item) for name, item in items.items()}
    lengths = {name: len(values[name]) for name in _VALUES if name in values}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise PerrinError(
            f"the event datasets in {group.name!r} have different lengths ({said}); "
            "the file is damaged or not an event table. Export it again."
        )
    rows = next(iter(lengths.values()))
    other = [name for name, column in values.items() if len(column) != rows]
    table = pd.DataFrame({name: column for name, column in values.items() if name not in other})
    return RawTable(
        columns=table,
        format=layout,
        version=version,
        measurement=measurement,
        calibration=embedded_calibration(group),
        notes=(f"not one value for each event, left out: {', '.join(other)}",) if other else (),
        units={name: unit for name, item in items.items() if (unit := unit_of_dataset(item))},
    )


def _flat(item: h5py.Dataset | h5py.Group) -> np.ndarray[Any, Any]:
    """Return the values as (n,): older files store (1, n), text is decoded, others give (0,).

    A list of DiscoverMP 2024 is a group of datasets 0, 1, ... beside the mark __is_list__.
    """
    if isinstance(item, h5py.Group):
        places = sorted((name for name in item if name.isdecimal()), key=int)
        parts = [_flat(item[name]) for name in places]
        return np.concatenate(parts) if parts else np.empty(0)
    if item.size is None or item.size != max(item.shape, default=1):
        return np.empty(0)
    if h5py.check_string_dtype(item.dtype) is not None:
        return np.array(item.asstr(errors="replace")[()], dtype=object).reshape(-1)
    return np.asarray(item[()]).reshape(-1)


def embedded_calibration(group: h5py.Group) -> dict[str, Any] | None:
    """Return the calibration stored with the events, in `Calibration`'s fields, or None.

    Looked for in the group itself and then in the groups around it.
    """
    for name, gradient, offset, masses in _EMBEDDED:
        place = group
        while name not in place and place.name != "/":
            place = place.parent
        model = place.get(name)
        if not isinstance(model, h5py.Group):
            continue
        line = _number(model, gradient), _number(model, offset)
        if line[0] is None or line[1] is None:
            continue
        return {
            "gradient_per_kda": line[0],
            "offset": line[1],
            "points": _points(model, masses),
            "source": _text(model, "name") or name,
        }
    return None


def _points(model: h5py.Group, masses: str) -> list[dict[str, Any]]:
    """Return the calibrants; without a label where the file names none or not all."""
    m, c, labels = (
        _flat(model[key]) if key in model else np.empty(0)
        for key in (masses, "contrasts", "labels")
    )
    if m.dtype.kind not in "iuf" or c.dtype.kind not in "iuf" or len(m) != len(c):
        return []
    names = labels.tolist() if len(labels) == len(m) else [""] * len(m)
    return [
        {"mass_kda": float(mass), "contrast": float(contrast), "label": str(label)}
        for mass, contrast, label in zip(m, c, names, strict=True)
    ]


def write_calibration(file: h5py.File, calibration: dict[str, Any]) -> None:
    """Write a calibration as DiscoverMP 2.x's mass_model group."""
    points = calibration.get("points", ())
    model = file.create_group("mass_model")
    model["c_1kDa"] = calibration["gradient_per_kda"]
    model["o_0kDa"] = calibration["offset"]
    model["masses"] = np.array([point["mass_kda"] for point in points], dtype=np.float64)
    model["contrasts"] = np.array([point["contrast"] for point in points], dtype=np.float64)
    labels = [point.get("label", "") for point in points]
    model.create_dataset("labels", data=labels, shape=(len(labels),), dtype=h5py.string_dtype())
    model["name"] = calibration.get("source", "")


def program_version(file: h5py.File) -> str | None:
    """Return the version of the program that wrote the file, or of its format."""
    if isinstance(file.get("app_info"), h5py.Group):
        return _text(file["app_info"], "version")
    number = file.get("format_version_number")
    return f"format {number[()]}" if isinstance(number, h5py.Dataset) else None


def _number(group: h5py.Group, name: str) -> float | None:
    """Return the one finite number stored under `name`; None for anything else."""
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or item.size != 1 or item.dtype.kind not in "iuf":
        return None
    number = float(np.asarray(item[()]).item())
    return number if np.isfinite(number) else None


def _text(group: h5py.Group, name: str) -> str | None:
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or item.shape != ():
        return None
    value = item[()]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

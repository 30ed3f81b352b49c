"""Refeyn's event tables: DiscoverMP .h5, workspaces and CSV, and the events inside a .mpr.

perrin's own tables use the same layout with its own columns beside the vendor's, so that
programs that read DiscoverMP's files read perrin's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import h5py
import numpy as np
import pandas as pd

from perrin.errors import PerrinError
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
    "neighbor_px": "nearest_neighbor_distances",
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
    version = re.search(r"DiscoverMP\s+([^\s;]+)", " ".join(footer))
    kind = "eventsFitted" if "fit_errors" in table.columns else "eventsFound"
    return RawTable(
        columns=table,
        format=f"DiscoverMP CSV ({kind})",
        version=version.group(1) if version else None,
    )


def read_hdf5(file: h5py.File) -> list[RawTable]:
    """Return the event tables in an open HDF5 file, one for each measurement.

    Looks for DiscoverMP's datasets at the root, for the movies of a workspace and for the
    events inside a .mpr. Raises `PerrinError` where there are none.
    """
    version = program_version(file)
    if _has_events(file):
        return [_from_group(file, "DiscoverMP h5", version, None)]
    workspace = file.get(WORKSPACE)
    if isinstance(workspace, h5py.Group):
        movies = [name for name in workspace if _has_events(workspace[name])]
        if movies:
            return [
                _from_group(workspace[name], "DiscoverMP workspace", version, name)
                for name in movies
            ]
    if _has_events(file.get(MPR_EVENTS)):
        return [_from_group(file[MPR_EVENTS], "events in .mpr", version, None)]
    raise PerrinError(
        f"no event table in the file; it holds: {', '.join(list(file)[:20]) or 'nothing'}. "
        "An event table has 'contrasts' at the root, in per_movie_events/<movie> or in "
        f"{MPR_EVENTS}. Is this a movie? Open it with perrin.open_movie."
    )


def _has_events(group: object) -> bool:
    return isinstance(group, h5py.Group) and any(name in group for name in _VALUES)


def _from_group(
    group: h5py.Group, layout: str, version: str | None, measurement: str | None
) -> RawTable:
    """Return the datasets of `group` that have one value for each event."""
    values = {
        name: _flat(item)
        for name, item in group.items()
        if isinstance(item, h5py.Dataset) and (item.shape != () or name in _VALUES)
    }
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
    )


def _flat(dataset: h5py.Dataset) -> np.ndarray[Any, Any]:
    """Return the dataset as (n,): older files store (1, n), text is decoded, others give (0,)."""
    if dataset.size is None or dataset.size != max(dataset.shape, default=1):
        return np.empty(0)
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(dataset.asstr()[()], dtype=object).reshape(-1)
    return np.asarray(dataset[()]).reshape(-1)


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
        points = {key: _flat(model[key]).tolist() for key in (masses, "contrasts") if key in model}
        labels = _flat(model["labels"]).tolist() if "labels" in model else []
        return {
            "gradient_per_kda": line[0],
            "offset": line[1],
            "points": [
                {"mass_kda": float(mass), "contrast": float(contrast), "label": str(label)}
                for mass, contrast, label in zip(
                    points.get(masses, []),
                    points.get("contrasts", []),
                    labels or [""] * len(points.get(masses, [])),
                    strict=False,
                )
            ],
            "source": _text(model, "name") or name,
        }
    return None


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
    if "app_info" in file:
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
    return value.decode() if isinstance(value, bytes) else str(value)

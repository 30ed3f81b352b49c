"""Results folders, read back for their report: nothing but what lies in the folder is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.kinds import folder_of_many
from perrin.io.manifest import check_unchanged
from perrin.io.output_folder import SUMMARY
from perrin.landing.field import FieldMovie
from perrin.landing.thumbnails import Thumbnails
from perrin.tables import REQUIRED_EVENTS
from perrin.types import Array

if TYPE_CHECKING:
    import pandas as pd

OVERLAY = "overlay.npz"
"""Pictures of a tracked movie."""
_SHOWN = (".h5", ".csv", ".json", ".npz")


@dataclass(frozen=True)
class LandingFolder:
    """A folder of `perrin.write_results`; events, thumbnails and fields by measurement."""

    path: Path
    summary: dict[str, Any]
    events: dict[str, pd.DataFrame]
    thumbnails: dict[str, Thumbnails]
    fields: dict[str, FieldMovie]


@dataclass(frozen=True)
class MotionFolder:
    """A folder of `perrin diffusion`."""

    path: Path
    summary: dict[str, Any]
    tracks: pd.DataFrame
    trajectories: pd.DataFrame
    windows: pd.DataFrame
    regimes: pd.DataFrame
    time_course: pd.DataFrame


@dataclass(frozen=True)
class TrackFolder:
    """A folder of `perrin track`; figures by the name of their file, the fields of its `Clip`."""

    path: Path
    summary: dict[str, Any]
    particles: pd.DataFrame
    positions: pd.DataFrame
    pictures: dict[str, bytes]
    clip: dict[str, Array]


def read_folder(path: str | Path) -> LandingFolder | MotionFolder | TrackFolder:
    """Read a results folder of any kind.

    Raises `PerrinError` where `path` is no results folder, or one that lacks a file or holds one
    that is no longer what perrin wrote.
    """
    path = Path(path)
    many = folder_of_many(path)
    if many is not None:
        raise PerrinError(f"{path} is {many}.")
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PerrinError(
            f"{path} is not a results folder: no readable {SUMMARY} in it. Give the folder that "
            "`perrin landings`, `spectrum`, `track` or `diffusion` wrote."
        ) from error
    check_unchanged(path, _SHOWN)
    if isinstance(summary, dict) and "measurements" in summary:
        return _landings(path, summary)
    if isinstance(summary, dict) and "trajectories" in summary:
        return _motion(path, summary)
    if isinstance(summary, dict) and "tracked_positions" in summary:
        return _tracks(path, summary)
    raise PerrinError(f"{path / SUMMARY} is not the summary of a measurement; nothing to report.")


def _landings(path: Path, summary: dict[str, Any]) -> LandingFolder:
    from perrin.io.tables import read_events

    table = read_events(path / "events.h5")
    table.attrs = {}
    names = [measurement["name"] for measurement in summary["measurements"]]
    parts = {name: table[table["measurement"] == name] for name in names}
    for measurement in summary["measurements"]:
        found, said = len(parts[measurement["name"]]), measurement["events"]
        if found != said:
            raise PerrinError(
                f"{path}: events.h5 holds {found} events of {measurement['name']!r}, {SUMMARY} "
                f"says {said}. The files do not belong together: analyze again."
            )
    events = {name: _own(part) for name, part in parts.items()}
    shown, around = read_thumbnails(path / "thumbnails.npz"), read_fields(path / "field.npz")
    return LandingFolder(path, summary, events, shown, around)


def _own(part: pd.DataFrame) -> pd.DataFrame:
    """The events of one measurement, without the columns that only others have."""
    if len(part):
        empty = part.columns[part.isna().all()]
        part = part.drop(columns=[name for name in empty if name not in REQUIRED_EVENTS])
    return part.reset_index(drop=True)


def read_thumbnails(path: Path) -> dict[str, Thumbnails]:
    """Return the example thumbnails of a results folder by measurement; none without the file."""
    return {
        name: Thumbnails(part["values"], part["inside"], part["event"])
        for name, part in _arrays(path, "values", "inside", "event").items()
    }


def read_fields(path: Path) -> dict[str, FieldMovie]:
    """Return the field around the events of each measurement; none without the file."""
    return {
        name: FieldMovie(
            part["frames"], part["codes"], float(part["unit"]), int(part["n_avg"]), part["psf"]
        )
        for name, part in _arrays(path, "frames", "codes", "unit", "n_avg", "psf").items()
    }


def _arrays(path: Path, *names: str) -> dict[str, dict[str, Any]]:
    """The arrays of each measurement in a file of `perrin.write_results`; none without the file."""
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return {
            str(measurement): {name: stored[f"{name}_{k}"] for name in names}
            for k, measurement in enumerate(stored["measurements"])
        }


def _motion(path: Path, summary: dict[str, Any]) -> MotionFolder:
    import pandas as pd

    tables = {}
    for name in ("tracks", "trajectories", "windows", "regimes", "time_course"):
        file = path / f"{name}.csv"
        if not file.is_file():
            raise PerrinError(
                f"{path} has no {file.name}, which its report shows. Run `perrin diffusion` again: "
                "folders of earlier versions lack it."
            )
        tables[name] = pd.read_csv(file)
    return MotionFolder(path, summary, **tables)


def _tracks(path: Path, summary: dict[str, Any]) -> TrackFolder:
    import pandas as pd

    tables = {}
    for name in ("particles", "positions"):
        file = path / f"{name}.csv"
        if not file.is_file():
            raise PerrinError(f"{path} has no {file.name}, which its report shows. Track again.")
        tables[name] = pd.read_csv(file)
    clip: dict[str, Array] = {}
    if (path / OVERLAY).is_file():
        with np.load(path / OVERLAY, allow_pickle=False) as stored:
            clip = {name: stored[name] for name in stored.files}
    pictures = {one.name: one.read_bytes() for one in sorted((path / "figures").glob("*.*g"))}
    return TrackFolder(path, summary, pictures=pictures, clip=clip, **tables)

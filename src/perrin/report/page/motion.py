"""What a page shows of moving particles: estimates, windows, paths, MSD curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.diffusion.by_kind import answered
from perrin.diffusion.characterize import Scale
from perrin.diffusion.regimes import LABELS
from perrin.diffusion.summary import msd_curves
from perrin.diffusion.tables import TRAJECTORIES, axes_of
from perrin.report.page.encode import packed
from perrin.report.page.motion_kinds import kinds_of
from perrin.report.page.motion_methods import motion_methods
from perrin.report.page.motion_story import motion_story
from perrin.types import IntArray

if TYPE_CHECKING:
    import pandas as pd

    from perrin.report.page.folders import MotionFolder

MOST_PATHS = 1000
"""Trajectories whose path, windows and MSD a page carries; the table and the map hold all."""

_OF_WINDOWS = ("w", "alpha_fbm", "alpha_ctrw")
_FRACTIONS = ("fraction_fbm", "fraction_ctrw", "fraction_brownian", "fraction_noise")


def motion_records(folders: list[MotionFolder]) -> list[dict[str, Any]]:
    """One record a folder."""
    return [_record(folder) for folder in folders]


def _record(folder: MotionFolder) -> dict[str, Any]:
    summary, table = folder.summary, folder.trajectories
    units, scale = summary["units"], summary["scale"]
    drawn = _drawn(table)
    return {
        "name": summary["source"],
        "n": len(table),
        "length_unit": units["length_unit"],
        "time_unit": units["time_unit"],
        "length": scale["length"],
        "frame_interval": scale["frame_interval"],
        "dims": len(axes_of(folder.tracks)),
        "columns": {
            column.name: packed(table[column.name], "i4" if column.kind == "int" else "f4")
            for column in TRAJECTORIES
            if column.name in table.columns and column.kind != "text"
        },
        "reasons": table["reason"].fillna("").tolist(),
        "kinds": kinds_of(table, units),
        "drawn": drawn.tolist(),
        "paths": _paths(folder.tracks, table["particle"].to_numpy()[drawn]),
        "windows": _windows(folder.windows, table["particle"].to_numpy()[drawn]),
        "regimes": _regimes(folder.regimes, table["particle"].to_numpy()[drawn]),
        "along": _along(folder.time_course, table["particle"].to_numpy()[drawn]),
        "msd": _msd(folder, drawn),
        "story": motion_story(folder),
        "methods": motion_methods(folder),
        "settings": {
            "model": summary["model"],
            **{f"window.{key}": value for key, value in summary["settings"].items()},
            **{f"scale.{key}": value for key, value in scale.items()},
        },
    }


def _drawn(table: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows whose path is carried: all, or evenly over w where there are too many."""
    if len(table) <= MOST_PATHS:
        return np.arange(len(table))
    order = np.argsort(table["w"].to_numpy(float), kind="stable")
    return np.sort(order[np.linspace(0, len(order) - 1, MOST_PATHS).astype(np.int64)])


def _paths(tracks: pd.DataFrame, particles: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Frames and positions of some particles, one after the other, and where each ends."""
    axes = axes_of(tracks)
    rows, counts = _rows(tracks["particle"], particles)
    found = {
        name: packed(tracks[name].to_numpy()[rows], kind)
        for name, kind in [("frame", "i4"), *((axis, "f4") for axis in axes[:2])]
    }
    return found | {"stops": np.cumsum(counts).tolist()}


def _rows(column: pd.Series, particles: np.ndarray[Any, Any]) -> tuple[IntArray, IntArray]:
    """Return the rows of some particles, one particle after the other, and how many each has."""
    own = column.to_numpy()
    order = np.argsort(own, kind="stable")
    first, last = (np.searchsorted(own, particles, side, order) for side in ("left", "right"))
    counts = last - first
    before = np.cumsum(counts) - counts
    rows: IntArray = order[np.repeat(first - before, counts) + np.arange(counts.sum())]
    return rows, counts


def _windows(windows: pd.DataFrame, particles: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Estimates of the windows of some particles; `of` is their place among these."""
    place = {particle: k for k, particle in enumerate(particles)}
    kept = windows[windows["particle"].isin(place)]
    names = [name + end for name in _OF_WINDOWS for end in ("", "_low", "_high")]
    return {
        "of": packed(kept["particle"].map(place), "i4"),
        "start": packed(kept["frame_start"], "i4"),
        "stop": packed(kept["frame_stop"], "i4"),
        **{name: packed(kept[name], "f4") for name in (*names, *_FRACTIONS)},
    }


def _regimes(regimes: pd.DataFrame, particles: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Regimes of some particles; `of` is their place among these, `label` that in LABELS."""
    place = {particle: k for k, particle in enumerate(particles)}
    kept = regimes[regimes["particle"].isin(place)]
    label = kept["label"].map({name: k for k, name in enumerate(LABELS)})
    found = {"of": packed(kept["particle"].map(place), "i4"), "label": packed(label, "i4")}
    names = ("time_start", "residence_time", "start_low", "start_high", "confidence")
    return found | {name: packed(kept[name], "f4") for name in names}


def _along(time_course: pd.DataFrame, particles: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Fraction of CTRW near each frame of some particles, in percent, and where each ends."""
    rows, counts = _rows(time_course["particle"], particles)
    found = {
        name: packed(np.rint(100 * time_course[name].to_numpy(float)[rows]), "u1")
        for name in ("ctrw_near", "ctrw_near_low", "ctrw_near_high")
    }
    frame = time_course["frame"].to_numpy()[rows]
    starts = np.cumsum(counts) - counts
    first = np.zeros(len(counts), np.int64)
    first[counts > 0] = frame[starts[counts > 0]]
    return found | {"stops": np.cumsum(counts).tolist(), "first": first.tolist()}


def _msd(folder: MotionFolder, drawn: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any] | None:
    """Lags and the time-averaged MSD of each drawn trajectory (rows), NaN where there is none."""
    if not answered(folder.trajectories).any():
        return None
    scale, units = folder.summary["scale"], folder.summary["units"]
    measured = Scale(
        scale["length"], scale["frame_interval"], units["length_unit"], units["time_unit"]
    )
    curves = msd_curves(folder.tracks, folder.trajectories, measured)
    lags = next(iter(curves.values()))[0]
    nothing = np.full(len(lags), np.nan)
    particles = folder.trajectories["particle"].to_numpy()[drawn]
    rows = [curves[p][1] if p in curves else nothing for p in particles]
    with np.errstate(all="ignore"):
        median = np.nanmedian([msd for _, msd in curves.values()], axis=0)
    return {
        "lags": packed(lags, "f8"),
        "median": packed(median, "f8"),
        "rows": packed(np.array(rows), "f4"),
    }

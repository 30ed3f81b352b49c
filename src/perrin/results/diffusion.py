"""The results folder of moving particles: tables and figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perrin.diffusion.by_kind import answered
from perrin.diffusion.characterize import DiffusionResult, Scale
from perrin.diffusion.segments import TABLES as SEGMENT_TABLES
from perrin.diffusion.segments import Segments
from perrin.diffusion.summary import ergodicity, msd_curves, summary
from perrin.diffusion.tables import axes_of
from perrin.diffusion.time_course import TimeCourse
from perrin.io.csv_writing import write_csv
from perrin.io.track_formats import write_tracks_csv
from perrin.report import diffusion_figures as figures
from perrin.report import regime_figures
from perrin.results.folder import save_figures
from perrin.results.stored import read_table, restore, schema_of, store
from perrin.settings.diffusion import WindowSettings
from perrin.types import NetworkId

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KIND = "diffusion"
_KNOWN = (DiffusionResult, NetworkId, Scale, Segments, TimeCourse, WindowSettings)
_TABLES = ("tracks", "trajectories", "windows", "suspect_steps")


def write_diffusion(folder: Path, found: DiffusionResult, *, draw: bool = True) -> None:
    """Write what `characterize` found into a folder.

    ``tracks.csv`` holds the tracks in the file's own unit, with ``pixel_nm``,
    ``frame_interval_s`` and ``exposure`` where they are known, ``trajectories.csv`` and
    ``windows.csv`` what was found, ``time_course.csv``, ``regimes.csv``, ``transitions.csv`` and
    ``survival.csv`` how it changes, ``segments.csv``, ``states.csv`` and ``state_transitions.csv``
    where K, alpha and kind do, ``suspect_steps.csv`` links that are rather false; figures beside
    them, unless `draw` is off.
    """
    tables = {name: getattr(found, name) for name in _TABLES} | vars(found.time_course)
    tables |= found.segments.tables
    for name, table in tables.items():
        write = write_tracks_csv if name == "tracks" else write_csv
        write(_with_units(found) if name == "tracks" else table, folder / f"{name}.csv")
    bare: dict[str, Any] = {name: schema_of(table) for name, table in tables.items()}
    along = TimeCourse(**{name: bare.pop(name) for name in vars(found.time_course)})
    segments = found.segments.with_tables({name: bare.pop(name) for name in SEGMENT_TABLES})
    whole = replace(found, **bare, time_course=along, segments=segments)
    store(folder, KIND, whole, _KNOWN)
    if draw:
        curves = _curves(found)
        save_figures(folder, _figures(found.tracks, found, curves) if curves else {})


def _with_units(found: DiffusionResult) -> pd.DataFrame:
    """The tracks with what is known of their units, in the columns that `perrin track` writes."""
    tracks, scale = found.tracks, found.scale
    told: dict[str, Any] = {"exposure": tracks.attrs.get("exposure")}
    if scale.length_unit == "nm":  # of one unit of the positions, whatever it is
        told["pixel_nm"] = scale.length
    if scale.time_unit == "s":
        told["frame_interval_s"] = scale.frame_interval
    missing = {
        name: told[name]
        for name in ("pixel_nm", "frame_interval_s", "exposure")
        if told.get(name) is not None and name not in tracks.columns
    }
    return tracks.assign(**missing)


def read_diffusion(folder: Path) -> DiffusionResult:
    """Return the result that was written."""
    bare: DiffusionResult = restore(folder, _KNOWN)
    tables: dict[str, Any] = {
        name: read_table(folder / f"{name}.csv", getattr(bare, name)) for name in _TABLES
    }
    along = {
        name: read_table(folder / f"{name}.csv", schema)
        for name, schema in vars(bare.time_course).items()
    }
    parts = {
        name: read_table(folder / f"{name}.csv", schema)
        for name, schema in bare.segments.tables.items()
    }
    segments = bare.segments.with_tables(parts)
    return replace(bare, **tables, time_course=TimeCourse(**along), segments=segments)


def summarize_diffusion(found: DiffusionResult) -> dict[str, Any]:
    """Return the ensemble, units in the names."""
    attrs = found.tracks.attrs
    about: dict[str, Any] = {
        "model": found.model,
        "source": "" if found.source is None else found.source.name,
        "read_as": attrs.get("read_as"),
        "track_names": attrs.get("track_names", {}),
        "scale": {"length": found.scale.length, "frame_interval": found.scale.frame_interval},
        "settings": found.settings.model_dump(mode="json"),
        "notes": list(found.notes),
        **summary(found),
    }
    if curves := _curves(found):
        about["ergodicity_breaking"] = ergodicity(curves)
    return about


def _curves(found: DiffusionResult) -> dict[int, Any]:
    """Return the MSD of each characterized track; nothing where there is none."""
    if not answered(found.trajectories).any():
        return {}
    return msd_curves(found.tracks, found.trajectories, found.scale)


def _figures(
    tracks: pd.DataFrame, found: DiffusionResult, curves: dict[int, Any]
) -> dict[str, Figure]:
    drawn = {
        "ensemble": figures.ensemble_figure(found.trajectories),
        "tracks": figures.tracks_figure(tracks, found.trajectories),
        "msd": figures.msd_figure(
            curves,
            dims=len(axes_of(tracks)),
            length_unit=found.scale.length_unit,
            time_unit=found.scale.time_unit,
        ),
    }
    if found.windows["w"].notna().any():
        drawn["windows"] = figures.windows_figure(found.windows)
    time_course = found.time_course
    if len(time_course.regimes):
        unit = found.scale.time_unit
        drawn["time_course"] = regime_figures.time_course_figure(time_course, time_unit=unit)
        drawn["regimes"] = regime_figures.regimes_figure(tracks, time_course)
        drawn["transitions"] = regime_figures.transitions_figure(time_course, time_unit=unit)
    return drawn

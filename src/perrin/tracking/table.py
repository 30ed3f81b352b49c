"""The table of tracks, from located positions with the numbers of their tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perrin.diffusion.tables import TRACKS
from perrin.io.movie import Movie
from perrin.settings.tracking import TrackingSettings
from perrin.tracking.drift import Drift
from perrin.tracking.found import LABELS, MERGED, TOUCHING
from perrin.types import FloatArray


@dataclass(frozen=True)
class Recording:
    """What tracks need to know of their movie, where it is not at hand."""

    n_frames: int
    pixel_nm: float
    frame_interval_s: float


Recorded = Movie | Recording


def of_tracks(positions: pd.DataFrame) -> pd.DataFrame:
    """Return the positions that tracks are made of: a merged one is the place of neither."""
    single = positions["label"] != LABELS[MERGED]
    return positions[single & (positions["particle"] >= 0)]


def tracks_of(
    positions: pd.DataFrame, movie: Recorded, settings: TrackingSettings, drift: Drift | None
) -> pd.DataFrame:
    """Return the table of tracks: sorted, angles continuous, drift taken off."""
    table = of_tracks(positions).sort_values(["particle", "frame"], ignore_index=True)
    table["touching"] = table["label"] == LABELS[TOUCHING]
    moved = drift.at(table["frame"].to_numpy(np.int64)) if drift is not None else (0.0, 0.0)
    table["drift_x"], table["drift_y"] = moved
    table["x"] -= table["drift_x"]
    table["y"] -= table["drift_y"]
    if settings.kind == "rods":
        table["angle_deg"] = _continuous(table)
    table["pixel_nm"] = movie.pixel_nm
    table["frame_interval_s"] = movie.frame_interval_s
    if settings.exposure is not None:
        table["exposure"] = settings.exposure
    known = [column.name for column in TRACKS if column.name in table.columns]
    if settings.kind != "rods":
        known = [name for name in known if not name.startswith("angle")]
    table = table[known]
    table.attrs = {
        "length_unit": "px",
        "pixel_nm": movie.pixel_nm,
        "frame_interval_s": movie.frame_interval_s,
        "exposure": settings.exposure,
    }
    return table


def _continuous(table: pd.DataFrame) -> FloatArray:
    """Return angles without jumps: a rod looks the same after half a turn."""
    angle = table["angle_deg"].to_numpy(float).copy()
    if not len(angle):
        return angle
    first = np.flatnonzero(np.diff(table["particle"], prepend=-1))
    for a, b in zip(first, [*first[1:], len(table)], strict=True):
        angle[a:b] = np.degrees(np.unwrap(2 * np.radians(angle[a:b]))) / 2
    return angle

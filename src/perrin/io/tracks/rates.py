"""The frame interval by a column of times beside one of frames: one for all tracks, or none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.read_as import counted
from perrin.io.tracks.raw import RawTracks
from perrin.io.units import SECONDS
from perrin.types import IntArray

_AGREES = 0.02  # relative difference up to which two frame intervals are the same
_OFF = 0.5  # of a frame: farther off, a time is that of another frame


def interval_beside(raw: RawTracks, frames: IntArray) -> float | None:
    """Return the frame interval by a column of times with a known unit beside the frames.

    Steps of time that their frames do not explain are said: a pause. Raises `PerrinError` where
    tracks have different frame intervals, as those of several movies.
    """
    if "time" not in raw.table:
        return None
    seconds = SECONDS.get(raw.time_unit)
    times = pd.to_numeric(raw.table["time"], errors="coerce")
    if seconds is None or times.isna().all():
        raw.columns_not_used.append(raw.called("time"))
        return None
    steps = _steps(raw, frames, times * seconds)
    if steps.empty:
        return None
    usual = _of_tracks(steps)
    found = float(usual.median())
    if not found > 0:
        return None
    _check_one(raw, steps, usual, found)
    off = steps[(steps["time"] - found * steps["frames"]).abs() > _OFF * found]
    if len(off):
        first = off.iloc[0]
        raw.remarks.append(
            f"{counted(len(off), 'step')} of column {raw.called('time')} not as long as "
            f"{'its' if len(off) == 1 else 'their'} frames say (the first: {first['time']:.4g} s "
            f"over {counted(int(first['frames']), 'frame')}): a pause, or frames are missing?"
        )
    return found


def _steps(raw: RawTracks, frames: IntArray, times: pd.Series) -> pd.DataFrame:
    """Return the steps along tracks: particle, frames, time (s)."""
    rows = pd.DataFrame(
        {"particle": raw.table["particle"], "frames": frames, "time": times.astype(np.float64)}
    ).sort_values(["particle", "frames"])
    steps = rows[["frames", "time"]].diff().assign(particle=rows["particle"])
    inside = rows["particle"].eq(rows["particle"].shift()) & (steps["frames"] > 0)
    along: pd.DataFrame = steps[inside & np.isfinite(steps["time"])]
    return along


def _of_tracks(steps: pd.DataFrame) -> pd.Series:
    """Return the interval of the track of each step: total time over frames, without pauses."""
    each = steps["time"] / steps["frames"]
    median = each.groupby(steps["particle"]).transform("median")
    kept = steps[((each - median).abs() <= _OFF * median) | (median <= 0)]
    sums = kept.groupby("particle")[["time", "frames"]].sum()
    return steps["particle"].map(sums["time"] / sums["frames"])


def _check_one(raw: RawTracks, steps: pd.DataFrame, usual: pd.Series, found: float) -> None:
    """Raise `PerrinError` where the times of a track run away from the common interval."""
    spanned = steps.groupby("particle")["frames"].transform("sum")
    apart = (usual - found).abs()
    other = (apart > _AGREES * found) & (apart * spanned > _OFF * found)
    if not other.any():
        return
    low, high = float(usual.min()), float(usual.max())
    tracks = int(steps.loc[other, "particle"].nunique())
    raise PerrinError(
        f"the times in column {raw.called('time')!r} give no one frame interval beside "
        f"{raw.called('frame')!r}: {low:.4g} s in one track and {high:.4g} s in another "
        f"({counted(tracks, 'track')} of {steps['particle'].nunique()} differ from the median). "
        "If the table holds several movies, give one table for each."
    )

"""Frame numbers from what a table counts time in."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.tracks.rates import interval_beside
from perrin.io.tracks.raw import RawTracks
from perrin.io.units import SECONDS
from perrin.types import IntArray

_ROUNDING = 1e-3  # what dividing times by an interval leaves over whole numbers, at most
_AGREES = 0.02  # relative difference up to which a step of time is the frame interval
_JITTER = 0.25  # fraction of the interval up to which a time belongs to a frame
_LARGEST = 2**53


def number_frames(raw: RawTracks, frame_interval_s: float | None) -> tuple[IntArray, float | None]:
    """Return the frame of each row, and the frame interval that the times say (s, or None).

    frame_interval_s: what the user gave, or the file says elsewhere. A column of frames is taken
    as it is, up to rounding. Times are divided by their step, which must be the frame interval
    where their unit is known.

    Raises `PerrinError` for fractions of frames, frames beyond 2**53, times that are not evenly
    spaced or contradict the frame interval, and whole numbers that may be times or frames.
    """
    if "frame" in raw.table:
        frames = _rounded(raw)
        return frames, interval_beside(raw, frames)
    times = raw.table["time"].to_numpy(dtype=np.float64)
    if raw.time_unit == "frame":
        raw.names["frame"], raw.table["frame"] = raw.called("time"), raw.table["time"]
        return _rounded(raw), None
    step = _step(raw.table["particle"].to_numpy(), times)
    if step is None:
        return np.zeros(len(times), dtype=np.int64), None
    whole = bool((times % 1 == 0).all())
    if whole and not raw.time_unit and step == 1:
        return times.astype(np.int64), None
    seconds = _seconds(raw, step, frame_interval_s, whole=whole)
    interval = step if seconds is None else step * seconds
    many = 1
    if seconds is not None and frame_interval_s is not None:
        many = max(round(interval / frame_interval_s), 1)
    frames, refined = _counted(raw, times, step)
    raw.remarks.append(
        f"frames counted from the times in column {raw.called('time')}, in steps of {step:g}"
        + (f" {raw.time_unit or _named(seconds)}" if seconds else "")
    )
    if frame_interval_s is not None or seconds is None:
        return frames * many, None
    return frames, refined * seconds


def _named(seconds: float | None) -> str:
    return next((unit for unit, value in SECONDS.items() if value == seconds), "")


def _rounded(raw: RawTracks) -> IntArray:
    """Return the column of frames as whole numbers."""
    values = raw.table["frame"]
    if values.dtype.kind == "i":
        frames = values.to_numpy(dtype=np.int64)
    else:
        near = np.rint(values.to_numpy(dtype=np.float64))
        odd = np.abs(values - near) > _ROUNDING
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise PerrinError(
                f"column {raw.called('frame')!r} holds fractions ({values.iloc[row]:g}); frames "
                "are whole numbers. Divide times by the frame interval first, or rename the "
                "column to time."
            )
        frames = np.where(np.abs(near) < _LARGEST, near, _LARGEST).astype(np.int64)
    if (np.abs(frames) >= _LARGEST).any():
        raise PerrinError(
            f"column {raw.called('frame')!r} holds frame numbers of {values.abs().max():g}, which "
            "cannot be. Remove these rows."
        )
    return frames


def _step(particle: NDArray[np.int64], times: NDArray[np.float64]) -> float | None:
    """Return the time from one frame to the next: what all steps along tracks are multiples of."""
    order = np.lexsort((times, particle))
    same = np.diff(particle[order]) == 0
    steps = np.diff(times[order])[same]
    steps = steps[steps > 0]
    if not steps.size:
        return None
    if (steps % 1 == 0).all() and steps.max() < _LARGEST:
        return float(np.gcd.reduce(steps.astype(np.int64)))
    least = float(steps.min())
    near = steps[steps < 1.5 * least]
    return float(np.median(near))


def _seconds(
    raw: RawTracks, step: float, frame_interval_s: float | None, *, whole: bool
) -> float | None:
    """Return the seconds in one unit of the times; None where neither file nor user say."""
    name = raw.called("time")
    if raw.time_unit:
        seconds = SECONDS[raw.time_unit]
        if frame_interval_s is not None:
            many = step * seconds / frame_interval_s
            if round(many) < 1 or abs(many / round(many) - 1) > _AGREES:
                raise PerrinError(
                    f"the times in column {name!r} say that the frame interval is "
                    f"{step * seconds:g} s, and {frame_interval_s:g} s was given: they contradict "
                    "each other. Leave --frame-interval-s out, or correct the column."
                )
        return seconds
    if frame_interval_s is not None:
        for seconds in SECONDS.values():
            if abs(step * seconds / frame_interval_s - 1) <= _AGREES:
                return seconds
        raise PerrinError(
            f"column {name!r} goes in steps of {step:g}, which in no unit of time is the frame "
            f"interval of {frame_interval_s:g} s. If it counts frames, rename it to frame; if it "
            "holds times, divide them by the frame interval, or correct --frame-interval-s."
        )
    if whole:
        raise PerrinError(
            f"column {name!r} holds whole numbers in steps of {step:g}: times, or numbers of "
            "frames of which most are missing? Give the frame interval (--frame-interval-s), or "
            "rename the column to frame."
        )
    return None


def _counted(raw: RawTracks, times: NDArray[np.float64], step: float) -> tuple[IntArray, float]:
    """Return the frames of times, counted along each track, and the mean step of time."""
    particle = raw.table["particle"].to_numpy()
    order = np.lexsort((times, particle))
    gaps = np.diff(times[order])
    same = np.diff(particle[order]) == 0
    counts = np.rint(gaps / step)
    off = np.abs(gaps / step - counts)[same]
    if off.size and off.max() > _JITTER:
        raise PerrinError(
            f"the times in column {raw.called('time')!r} are not evenly spaced: steps of "
            f"{step:g}, and one that is {off.max():.0%} of it beside a frame. Number the frames in "
            "a column frame."
        )
    total = counts[same].sum()
    refined = float(gaps[same].sum() / total) if total else step
    first = np.r_[True, ~same]
    starts = np.rint(times[order][first] / refined)
    along = np.concatenate(([0.0], np.cumsum(np.where(same, counts, 0.0))))
    track = np.cumsum(first) - 1
    frames = np.empty(len(times), dtype=np.float64)
    frames[order] = along - along[first][track] + starts[track]
    if off.size and off.max() > 0.05:
        raw.remarks.append(f"times scatter by up to {off.max():.0%} of the frame interval")
    if np.abs(frames).max(initial=0) >= _LARGEST:
        raise PerrinError(f"column {raw.called('time')!r} gives frame numbers beyond all bounds.")
    return frames.astype(np.int64), refined


def missing_between(frames: IntArray, particle: NDArray[np.int64]) -> int:
    """Return k where positions are in every k-th frame only, all other frames missing; else 1."""
    order = np.lexsort((frames, particle))
    steps = np.diff(frames[order])[np.diff(particle[order]) == 0]
    steps = steps[steps > 0]
    return int(np.gcd.reduce(steps)) if steps.size else 1


def frames_spanned(tracks: pd.DataFrame) -> int:
    """Return the frames from the first to the last position of each track, all tracks together."""
    frame = tracks.groupby("particle")["frame"]
    return int((frame.max().astype(float) - frame.min().astype(float) + 1).sum())

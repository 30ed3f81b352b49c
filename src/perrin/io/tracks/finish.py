"""The last step, common to all formats: identity, axes, units, frames, bounds, what was read."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.read_as import compose_read_as, counted, listed
from perrin.io.tracks.identity import describe_names, number_tracks
from perrin.io.tracks.lengths import Length, drop_resting_axes, settle_errors, settle_lengths
from perrin.io.tracks.raw import AXES, KEPT, RawTracks, numbers
from perrin.io.tracks.strays import rows_of_zeros, said_of_strays
from perrin.io.tracks.times import frames_spanned, missing_between, number_frames

_FARTHEST = 1e9  # no position, in pixels or nanometers (a meter), is so large
_IMPOSSIBLE, _FAR = 1e7, 1e3  # times the spread of the positions: left out, said
_FILLINGS = (0.0, -1.0)  # with which arrays are filled up where tracks have ended
_DAMAGED = "row of zeros, several behind each other (is the file damaged?)"
_APART = 3.0  # times the extent of a track: farther off, these are no positions
_FEW = 20  # positions that tell a spread
_SPAN = 2_000_000  # frames of all tracks that need no comparison with the positions
_SAME_INTERVAL = 0.02  # relative difference up to which two frame intervals are the same
_SPARSE = 50  # frames a position beyond it


def finish(
    raw: RawTracks,
    *,
    pixel_nm: float | None,
    frame_interval_s: float | None,
    z_step_nm: float | None,
) -> pd.DataFrame:
    """Return the tracks of `raw` as `perrin.io.tracks.read_tracks` describes them."""
    rows = len(raw.table)
    if not rows:
        raise PerrinError("the file holds no track: its table is empty.")
    for name in ("x", "y", "z", *KEPT):
        if name in raw.table:
            raw.table[name] = numbers(raw.table[name], raw.called(name)).astype(np.float64)
    named = number_tracks(raw)
    drop_resting_axes(raw)
    _leave_out_impossible(raw)
    file_interval = raw.frame_interval_s
    given = frame_interval_s if frame_interval_s is not None else file_interval
    raw.table["frame"], counted_interval = number_frames(raw, given)
    file_interval = _one_interval(raw, file_interval, counted_interval, frame_interval_s)
    length = settle_lengths(raw, pixel_nm=pixel_nm, z_step_nm=z_step_nm)
    settle_errors(raw)
    if raw.may_branch:
        _leave_out_branched(raw, named)
    axes = [axis for axis in AXES if axis in raw.table]
    raw.keep(~rows_of_zeros(raw.table, axes), _DAMAGED)
    if raw.table.empty:
        raise PerrinError("all positions are rows of zeros: is the file damaged? Export it again.")
    _check_rows(raw)
    kept = [name for name in KEPT if name in raw.table]
    tracks = raw.table[["particle", "frame", *axes, *kept]]
    tracks = tracks.sort_values(["particle", "frame"], ignore_index=True)
    _check_span(tracks)
    interval = _interval(raw, frame_interval_s, file_interval)
    attrs: dict[Hashable | None, object] = {
        "format": raw.format,
        "length_unit": length.unit,
        "length_nm": length.nm,
        "pixel_nm": length.nm if length.unit == "px" else None,
        "frame_interval_s": interval,
        "exposure": raw.exposure,
        "dropped": rows - len(tracks),
        "track_names": named,
    }
    tracks.attrs = attrs | {"read_as": _read_as(raw, tracks, length, attrs, frame_interval_s)}
    return tracks


def _leave_out_impossible(raw: RawTracks) -> None:
    """Leave out rows without a position or a frame, and those of positions that cannot be."""
    axes = [axis for axis in AXES if axis in raw.table]
    positions = raw.table[axes].replace([np.inf, -np.inf], np.nan)
    raw.keep(positions.notna().all(axis=1).to_numpy(), "row without position")
    for name in ("frame", "time"):
        if name in raw.table:
            if name == "frame" or "frame" not in raw.table:
                values = (
                    _times(raw) if name == "time" else numbers(raw.table[name], raw.called(name))
                )
                raw.table[name] = values.replace([np.inf, -np.inf], np.nan)
                raw.keep(raw.table[name].notna().to_numpy(), "row without frame")
            if "frame" in raw.table:
                break
    if raw.table.empty:
        raise PerrinError("no row has a track, a frame and a position.")
    possible = np.ones(len(raw.table), dtype=bool)
    for axis in axes:
        at = raw.table[axis].to_numpy()
        away = np.abs(at - np.median(at))
        spread = float(np.quantile(away, 0.9)) if len(at) >= _FEW else 0.0
        far = np.abs(at) > _FARTHEST
        if spread > 0:
            far |= away > _IMPOSSIBLE * spread
            lost = at[(away > _FAR * spread) & ~far]
            if 0 < len(lost) <= len(at) / 100:
                raw.remarks.append(f"{raw.called(axis)} of {lost[0]:g} is far from all others")
        if far.any():
            raw.remarks.append(f"{raw.called(axis)} of {at[far][0]:g} cannot be a position")
        possible &= ~far
    raw.keep(possible, "row with an impossible position")
    for value in _FILLINGS:
        what = f"row at exactly {value:g}, far from its track (filling of an array?)"
        raw.keep(~_filling(raw, axes, value), what)
    if raw.table.empty:
        raise PerrinError("no row has a position that can be one.")


def _times(raw: RawTracks) -> pd.Series:
    try:
        return numbers(raw.table["time"], raw.called("time"))
    except PerrinError as error:
        raise PerrinError(
            f"{error} Times are numbers, of seconds, which are divided by the frame interval; or "
            "number the frames in a column frame."
        ) from error


def _filling(raw: RawTracks, axes: list[str], value: float) -> NDArray[np.bool_]:
    """Whether each row is at exactly `value` while its track is elsewhere."""
    table = raw.table[axes]
    at: NDArray[np.bool_] = (table == value).all(axis=1).to_numpy()
    if not at.any() or at.all():
        return np.zeros_like(at)
    track = raw.table["particle"]
    seen = table - value
    seen.loc[at] = np.nan
    center = seen.groupby(track).transform("median")
    extent = (seen - center).abs().groupby(track).transform("max").max(axis=1)
    away = center.abs().max(axis=1) > _APART * extent
    empty = center.isna().all(axis=1)  # nothing else in the track, where others are elsewhere
    filling: NDArray[np.bool_] = at & (away | empty).to_numpy()
    return filling


def _leave_out_branched(raw: RawTracks, named: dict[int, str]) -> None:
    """Leave out tracks with two positions in one frame, arms of a split or merger, by name."""
    place = ["particle", "frame"]
    axes = [axis for axis in AXES if axis in raw.table]
    twice = raw.table.duplicated(place, keep=False) & ~raw.table.duplicated(
        [*place, *axes], keep=False
    )
    branched = raw.table.loc[twice, "particle"].unique()
    if not len(branched):
        return
    names = listed(named.get(int(one), f"Track_{one}") for one in branched)
    if len(branched) == raw.table["particle"].nunique():
        raise PerrinError(
            f"all tracks split or merge ({names}): forbid splitting and merging in the program "
            "that linked them, or filter these tracks."
        )
    raw.table = raw.table[~raw.table["particle"].isin(branched)].reset_index(drop=True)
    raw.left_out[f"track that splits or merges ({names})"] = len(branched)


def _check_rows(raw: RawTracks) -> None:
    """Raise `PerrinError` where a track has two positions in one frame, with the likely reason."""
    repeated = raw.table.duplicated(["particle", "frame"], keep=False)
    if not repeated.any():
        return
    axes = [axis for axis in AXES if axis in raw.table]
    again = raw.table.duplicated(["particle", "frame", *axes])
    number = int(raw.table.duplicated(["particle", "frame"]).sum())
    if int(again.sum()) == number:
        raise PerrinError(
            f"{counted(number, 'row')} of {len(raw.table)} {'is' if number == 1 else 'are'} there "
            "twice, the same in track, "
            "frame and position. Remove the duplicates."
        )
    row = raw.table[repeated].iloc[0]
    telling = [name for name in raw.columns_not_used if name.isidentifier()]
    raise PerrinError(
        f"track {row['particle']:g} has frame {row['frame']:g} twice, at different positions "
        f"({counted(number, 'row')} like this). If the table holds several movies, name the "
        "column that tells them apart movie"
        + (f" (columns not used: {', '.join(telling[:6])})" if telling else "")
        + "; if tracks split or merge, separate their branches."
    )


def _check_span(tracks: pd.DataFrame) -> None:
    """Refuse frames so far apart that they are no frames, before memory is taken for the gaps."""
    spanned = frames_spanned(tracks)
    if spanned > max(_SPAN, 0) and spanned > _SPARSE * len(tracks):
        step = missing_between(tracks["frame"].to_numpy(), tracks["particle"].to_numpy())
        raise PerrinError(
            f"frame numbers span {spanned:.3g} frames for {len(tracks)} positions"
            + (f", in steps of {step}" if step > 1 else "")
            + ". Are they times? Divide them by the frame interval, or name the column time and "
            "give --frame-interval-s."
        )


def _one_interval(
    raw: RawTracks, said: float | None, counted_in: float | None, given: float | None
) -> float | None:
    """Return the frame interval of the file, which says one, counts one in times, or both."""
    if said is None or counted_in is None:
        return counted_in if said is None else said
    if given is None and abs(counted_in / said - 1) > _SAME_INTERVAL:
        raise PerrinError(
            f"the file says a frame interval of {said:.4g} s, and its times "
            f"({raw.called('time')}) go in steps of {counted_in:.4g} s: they contradict each "
            "other. Give the right one (--frame-interval-s)."
        )
    return said


def _interval(raw: RawTracks, given: float | None, found: float | None) -> float | None:
    if given is None:
        return found
    if found is not None and abs(given / found - 1) > 0.01:
        raw.remarks.append(
            f"a frame interval of {given:g} s was given and is used; the file says {found:.4g} s"
        )
    return given


def _read_as(
    raw: RawTracks,
    tracks: pd.DataFrame,
    length: Length,
    attrs: dict[Hashable | None, object],
    given: float | None,
) -> str:
    """Return the line that says what was understood."""
    axes = [axis for axis in AXES if axis in tracks]
    frames = tracks["frame"].to_numpy()
    step = missing_between(frames, tracks["particle"].to_numpy())
    interval = attrs["frame_interval_s"]
    source = "from the option" if given is not None else "from the file"
    facts = [
        counted(int(tracks["particle"].nunique()), "track"),
        counted(len(tracks), "position"),
        f"{len(axes)}D ({', '.join(axes)})",
        length.said,
        f"{interval:.6g} s a frame ({source})" if interval else "frame interval not known",
        f"frames {frames.min()} to {frames.max()}",
        f"step {step}",
    ]
    remarks = list(raw.remarks)
    if step > 1:
        remarks.append(f"positions in every {_th(step)} frame only: all frames between are missing")
    remarks += [said_of_strays(tracks, axes), *_gaps(tracks, step)]
    errors = [raw.called(name) for name in ("x_se", "y_se") if name in tracks]
    if errors:
        remarks.append(f"localization errors from {' and '.join(dict.fromkeys(errors))}")
    named = describe_names(attrs["track_names"])  # type: ignore[arg-type]
    return compose_read_as(
        facts,
        columns_not_used=raw.columns_not_used,
        left_out=raw.left_out,
        remarks=[*remarks, named],
    )


def _gaps(tracks: pd.DataFrame, step: int) -> list[str]:
    """Return how many frames inside tracks have no position, where there are any."""
    spans = tracks.groupby("particle")["frame"].agg(["min", "max", "size"])
    missing = (spans["max"] - spans["min"]) // step + 1 - spans["size"]
    gaps = int(missing.sum())
    if not gaps:
        return []
    return [
        f"{counted(gaps, 'frame')} inside {counted(int((missing > 0).sum()), 'track')} without "
        "a position"
    ]


def _th(number: int) -> str:
    return (
        f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10 * (number // 10 % 10 != 1), 'th') }"
    )

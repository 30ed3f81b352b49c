"""Which rows are one track: its number or name, and the movie that it belongs to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.read_as import counted, listed
from perrin.io.tracks.raw import AXES, RawTracks, numbers

_NONE = frozenset({"", "none", "nan", "null", "na", "n/a", "-1", "<na>", "unassigned",
                   "unlinked", "untracked", "no track"})  # fmt: skip
_UNSET = (2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)  # what -1 is, or stands for, elsewhere
_LARGEST = 2.0**53  # whole numbers above it are not told apart by floats
_FEW = 5
_JUMP, _PAUSE = 16.0, 1.5  # times the usual squared step, and the usual time between rows


def number_tracks(raw: RawTracks) -> dict[int, str]:
    """Make ``particle`` whole numbers, one for each track; return the names of those renumbered.

    Rows without a number, with a negative one (trackpy, TrackMate and others mark spots in no
    track with -1) or an empty name are left out and counted. Names are numbered in the order in
    which they come. A further column that tells movies apart is part of the identity.
    Raises `PerrinError` for fractions, and where every row would be a track of its own.
    """
    named: dict[int, str] = {}
    text = not pd.api.types.is_numeric_dtype(raw.table["particle"].dtype)
    if text:
        found = pd.to_numeric(raw.table["particle"], errors="coerce")
        empty = raw.table["particle"].astype(str).str.strip().str.lower().isin(_NONE)
        text = bool((found.isna() & ~(empty | raw.table["particle"].isna())).any())
        if not text:
            raw.table["particle"] = raw.table["particle"].where(~empty | found.notna(), "")
    if text:
        labels = raw.table["particle"].astype(str).str.strip()
        raw.keep((~labels.str.lower().isin(_NONE)).to_numpy(), "row in no track")
        labels = raw.table["particle"].astype(str).str.strip()
        codes, names = pd.factorize(labels)
        raw.table["particle"] = codes
        named = dict(enumerate(map(str, names)))
    else:
        named = _whole_numbers(raw)
    _check_no_row_number(raw)
    return _with_movie(raw, named)


def _whole_numbers(raw: RawTracks) -> dict[int, str]:
    """Return the names of tracks whose numbers are too large to keep."""
    values = numbers(raw.table["particle"], raw.called("particle"))
    raw.table["particle"] = values
    in_track = (values.notna() & (values >= 0)).to_numpy() & ~_unset(values)
    if not in_track.any():
        raise PerrinError(
            f"column {raw.called('particle')!r} numbers no track: all rows are empty or negative, "
            "which means in no track. Link the positions first."
        )
    raw.keep(in_track, "row in no track (without a number or with a negative one)")
    values = raw.table["particle"]
    odd = values % 1 != 0
    if odd.any():
        raise PerrinError(
            f"column {raw.called('particle')!r} holds {values[odd].iloc[0]:g}; tracks have whole "
            "numbers. Is it another column that numbers the tracks?"
        )
    large = values.abs() >= _LARGEST
    if large.any() and values.dtype.kind == "f":
        raise PerrinError(
            f"column {raw.called('particle')!r} holds {values[large].iloc[0]:g}: such numbers are "
            "not told apart once they are floats. Write them as whole numbers or as text."
        )
    if large.any():
        codes, names = pd.factorize(values)
        raw.table["particle"] = codes
        return dict(enumerate(map(str, names)))
    raw.table["particle"] = values.astype(np.int64)
    return {}


def _unset(values: pd.Series) -> NDArray[np.bool_]:
    """Whether a number is the -1 of unsigned integers, or the largest one, and far from others."""
    there = values.astype(float).isin(list(map(float, _UNSET))).to_numpy()
    others = values[~there]
    return there if len(others) and others.max() < min(_UNSET) / 2 else np.zeros_like(there)


def _check_no_row_number(raw: RawTracks) -> None:
    """Refuse a column that numbers rows, not tracks."""
    rows = len(raw.table)
    if rows < _FEW or raw.table["particle"].nunique() < rows:
        return
    like = [name for name in raw.columns_not_used if "tra" in name.lower()]
    raise PerrinError(
        f"column {raw.called('particle')!r} is different in every row: it numbers rows, and each "
        "track would have one position. "
        + (f"If {listed(like)} numbers the tracks, rename it to particle" if like else "Link first")
        + ", or name the column of the tracks particle."
    )


def _with_movie(raw: RawTracks, named: dict[int, str]) -> dict[int, str]:
    """Take the columns that tell movies apart into the identity, where tracks need them."""
    needed = []
    for name in list(raw.groups.columns):
        movie, _ = pd.factorize(raw.groups[name], use_na_sentinel=False)
        verdict = _verdict(raw, movie)
        if name in raw.perhaps_groups:
            _say_jumps(raw, name, movie, verdict)
        elif verdict == "needed":
            needed.append(name)
        else:
            raw.columns_not_used.append(name)
            if verdict == "changes":
                raw.remarks.append(
                    f"column {name} changes back and forth along tracks, so it is no part of what "
                    "a track is"
                )
    if not needed:
        return named
    both = pd.concat([raw.groups[needed].astype(str), raw.table["particle"]], axis=1)
    codes, index = pd.factorize(pd.MultiIndex.from_frame(both))
    raw.table["particle"] = codes
    raw.remarks.append(
        f"tracks are told apart by the column {', '.join(needed)} too, and numbered anew"
    )
    return {
        number: " ".join([*map(str, key[:-1]), named.get(key[-1], str(key[-1]))])
        for number, key in enumerate(index)
    }


def _verdict(raw: RawTracks, movie: np.ndarray) -> str:
    """Say what a column is.

    "needed" to tell tracks apart, "constant" along each track, the name of a "frame" or row (each
    value is in one frame only), or one that "changes".
    """
    table = _in_time(raw, movie)
    kinds = int((table.groupby("particle")["movie"].nunique() - 1).sum())
    if not kinds:
        return "constant"
    if table.groupby("movie")["time"].nunique().max() == 1:
        return "frame"
    if table.duplicated(["particle", "time"]).any():
        return "needed"
    return "needed" if int(_turns(table).sum()) == kinds else "changes"


def _in_time(raw: RawTracks, movie: np.ndarray) -> pd.DataFrame:
    time = raw.table["frame" if "frame" in raw.table else "time"]
    table = pd.DataFrame({"particle": raw.table["particle"], "movie": movie, "time": time})
    table = table.assign(**{axis: raw.table[axis] for axis in AXES if axis in raw.table})
    return table.sort_values(["particle", "time"], kind="stable")


def _turns(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a column changes from each row to the next of the same track (n - 1,)."""
    same = _same_track(table)
    turns: NDArray[np.bool_] = same & (np.diff(table["movie"].to_numpy()) != 0)
    return turns


def _same_track(table: pd.DataFrame) -> NDArray[np.bool_]:
    particle = table["particle"].to_numpy()
    same: NDArray[np.bool_] = particle[1:] == particle[:-1]
    return same


def _say_jumps(raw: RawTracks, name: str, movie: np.ndarray, verdict: str) -> None:
    """Say where a column of unknown meaning may tell movies apart: tracks jump where it changes."""
    table = _in_time(raw, movie)
    if verdict != "needed" or table.duplicated(["particle", "time"]).any():
        return  # a frame that a track has twice is refused later
    turns, same = _turns(table), _same_track(table)
    apart = np.diff(pd.to_numeric(table["time"], errors="coerce").to_numpy(dtype=np.float64))
    axes = [axis for axis in AXES if axis in table]
    steps = (np.diff(table[axes].to_numpy(dtype=np.float64), axis=0) ** 2).sum(axis=1)
    usual_step, usual_time = np.nanmedian(steps[same]), np.nanmedian(apart[same])
    jumps = np.nanmedian(steps[turns]) > _JUMP * usual_step
    if jumps or np.nanmedian(apart[turns]) > _PAUSE * usual_time:
        raw.remarks.append(
            f"{counted(int(turns.sum()), 'track')} jump or pause where the column {name} changes: "
            "if it tells movies apart, name it movie"
        )


def describe_names(named: dict[int, str]) -> str:
    """Return a phrase that says which name has which number."""
    if not named:
        return ""
    shown = listed(f"{number} is {name}" for number, name in list(named.items())[:_FEW])
    more = len(named) - _FEW
    return f"{counted(len(named), 'track')} numbered: {shown}" + (", ..." if more > 0 else "")

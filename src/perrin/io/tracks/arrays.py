"""Arrays of tracks without names: (tracks, frames, d), and rows in one of several orders.

Which order it is, is seen from the values: along a track positions are near each other, a track
has each frame once, and frames mostly step by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.tracks.raw import RawTracks
from perrin.types import Array

_CLEARLY = 2.0  # ratio of mean squared differences that decides between two orders
_ORDERS = (
    "known are (tracks, frames, d), rows of x, y, particle or x, y, frame, particle, and napari's "
    "rows of track, frame, (z,) y, x"
)


def from_array(array: Array, kind: str) -> RawTracks:
    """Return the tracks in an array (N, L, d), (L, N, d) or of rows.

    Raises `PerrinError` for values that are no numbers, other shapes, and rows whose order
    cannot be told.
    """
    if array.dtype.kind not in "iuf":
        raise PerrinError(f"the array holds {array.dtype}; tracks are real numbers.")
    while array.ndim > 2 and 1 in array.shape and not _is_stack(array):
        array = array.squeeze(axis=array.shape.index(1))
    if array.size == 0:
        raise PerrinError("the array is empty: it holds no track.")
    if _is_stack(array):
        return _from_stack(array, kind)
    if array.ndim == 2 and array.shape[0] in (3, 4, 5) and array.shape[1] > 20:
        array = array.T
    if array.ndim == 2 and array.shape[1] in (3, 4, 5):
        return _from_rows(np.asarray(array, dtype=np.float64), kind)
    movie = " Is it a movie? `perrin track` makes tracks of it." if array.ndim > 2 else ""
    raise PerrinError(
        f"an array of shape {array.shape} is no table of tracks; {_ORDERS}. Give one of these."
        f"{movie}"
    )


def _is_stack(array: Array) -> bool:
    return array.ndim == 3 and array.shape[2] in (1, 2, 3)


def _from_stack(array: Array, kind: str) -> RawTracks:
    """(N, L, d), or andi-datasets' (L, N, d), where positions step less along the first axis."""
    flat = np.asarray(array, dtype=np.float64)
    along, across = _squared_steps(flat, 1), _squared_steps(flat, 0)
    said = ""
    if along > _CLEARLY * across:
        flat = flat.swapaxes(0, 1)
        said = "axes taken as (frames, tracks, d), as andi-datasets has them: steps are least so"
    elif across < _CLEARLY * along:
        said = "axes taken as (tracks, frames, d); the values do not tell which of both is time"
    count, length, dims = flat.shape
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(count), length),
            "frame": np.tile(np.arange(length), count),
            **dict(zip("xyz", flat.reshape(-1, dims).T, strict=False)),
        }
    )
    raw = RawTracks(table, kind, remarks=[said] if said else [])
    here = ~np.isnan(flat).any(axis=2).reshape(-1)
    raw.table = raw.table[here].reset_index(drop=True)  # a frame without a position is a gap
    return raw


def _squared_steps(array: Array, axis: int) -> float:
    """Return the mean squared difference of neighbors along an axis; infinite without any."""
    steps = np.diff(array, axis=axis) ** 2
    steps = steps[np.isfinite(steps)]
    return float(steps.mean()) if steps.size else np.inf


@dataclass(frozen=True)
class _Order:
    """Columns of the track, the frame and the axes in rows of `width` cells."""

    said: str
    track: int
    frame: int
    axes: tuple[int, ...]


def _orders(width: int) -> dict[str, _Order]:
    last, axes = width - 1, tuple(range(width - 2))
    behind = tuple(range(2, width))
    return {
        "documented": _Order("x, y, frame, particle", last, last - 1, axes),
        "napari": _Order("track, frame, y, x", 0, 1, behind[::-1]),
        "frame last": _Order("x, y, particle, frame", last - 1, last, axes),
        "frame first": _Order("frame, track, ...", 1, 0, behind),
    }


def _from_rows(rows: Array, kind: str) -> RawTracks:
    if rows.shape[1] == 3:
        return _from_three(rows, kind)
    orders = _orders(rows.shape[1])
    steps = {name: _steps(rows, order) for name, order in orders.items()}
    best = min(steps, key=lambda name: steps[name])
    if not np.isfinite(steps[best]):
        again = len(rows) - len(np.unique(rows, axis=0))
        if again:
            raise PerrinError(
                f"{again} of {len(rows)} rows of the array are there twice, the same in all "
                "columns. Remove the duplicates."
            )
        raise PerrinError(
            f"the order of the {rows.shape[1]} columns of the array cannot be told: {_ORDERS}."
        )
    close = [name for name, step in steps.items() if step < _CLEARLY * steps[best]]
    best = "documented" if "documented" in close else best
    if best in ("frame last", "frame first") or (len(close) > 1 and best != "documented"):
        raise PerrinError(
            f"the columns of the array seem to be in the order {orders[best].said}; {_ORDERS}. "
            "Bring them into one of these."
        )
    order = orders[best]
    table = pd.DataFrame({"particle": rows[:, order.track], "frame": rows[:, order.frame]})
    for axis, column in zip("xyz", order.axes, strict=False):
        table[axis] = rows[:, column]
    said = ["columns taken as track, frame, (z,) y, x, as napari has them"] * (best == "napari")
    return RawTracks(table, f"napari {kind}" if best == "napari" else kind, remarks=said)


def _steps(rows: Array, order: _Order) -> float:
    """Return the mean squared step between frames under an order; infinite where it cannot be.

    Each track has each frame once; numbers of tracks and frames are whole, unless missing.
    """
    numbered = rows[:, [order.track, order.frame]]
    good = np.isfinite(rows).all(axis=1)
    whole = np.abs(numbered - np.rint(numbered)) < 1e-3
    if not good.any() or not whole[good].all():
        return np.inf
    table = pd.DataFrame(np.rint(numbered[good]), columns=["track", "frame"])
    if table.duplicated().any() or table["track"].nunique() > max(len(table) // 2, 1):
        return np.inf
    place = np.lexsort((table["frame"], table["track"]))
    same = np.diff(table["track"].to_numpy()[place]) == 0
    positions = rows[good][place][:, list(order.axes)]
    apart = np.diff(table["frame"].to_numpy()[place])[same]
    steps = (np.diff(positions, axis=0)[same] ** 2).sum(axis=1)
    return float(np.mean(steps / np.maximum(apart, 1))) if steps.size else np.inf


def _from_three(rows: Array, kind: str) -> RawTracks:
    """x, y, particle: frames are counted, so that each track must be in one piece."""
    track = rows[:, 2]
    turns = int((np.diff(track) != 0).sum()) + 1
    count = len(np.unique(track))
    if (track[np.isfinite(track)] % 1 != 0).any() or count > max(len(rows) // 2, 1):
        raise PerrinError(
            f"the third of 3 columns numbers no tracks ({track[0]:g}, ...), and no other order is "
            f"known: {_ORDERS}."
        )
    if turns != count:
        raise PerrinError(
            "rows of x, y, particle must hold one track after the other, because their frames are "
            "counted; these alternate between tracks. Give x, y, frame, particle."
        )
    table = pd.DataFrame({"particle": track, "x": rows[:, 0], "y": rows[:, 1]})
    table["frame"] = table.groupby("particle", dropna=False).cumcount()
    return RawTracks(table, kind, remarks=["frames counted along each track: no frame in the file"])

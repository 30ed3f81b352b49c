"""Particles beside the gap of a track: their image may hold the one that is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.stats import robust_sd
from perrin.tracking.appearance import Appearance
from perrin.tracking.found import LABELS, TOUCHING
from perrin.tracking.link import MOST_MEMORY
from perrin.tracking.stream import Seen
from perrin.tracking.table import of_tracks
from perrin.types import FloatArray, IntArray

_LEAST_ALONE, _PERHAPS_SDS = 30, 2.5  # positions that stand alone; beyond these: perhaps two


def mark_neighbors_of_gaps(positions: pd.DataFrame, seen: Seen) -> None:
    """Mark as touching what is where a particle is missing: its image may hold both.

    A missing particle is looked for where the straight line between both ends of a gap has it,
    and for some frames where its track ends or before it begins.
    """
    from scipy.spatial import cKDTree

    assert seen.appearance is not None  # noqa: S101 - something was located
    within = 2 * seen.appearance.extent_px
    places = missed_places(of_tracks(positions), last=int(positions["frame"].max()))
    if not len(places):
        return
    apart = (1, 1, 2 * within + 1)
    here = positions[["x", "y", "frame"]].to_numpy(float) * apart
    far = np.asarray(cKDTree(places * apart).query(here, distance_upper_bound=within)[0])
    labels = positions["label"].to_numpy(dtype=object, copy=True)
    rows = np.flatnonzero(np.isfinite(far) & (labels == ""))
    _widen(positions, rows, seen.appearance)
    labels[rows] = LABELS[TOUCHING]
    positions["label"] = labels


def missed_places(tracked: pd.DataFrame, *, last: int) -> FloatArray:
    """Return x, y and frame (M, 3) of the frames up to `last` that tracks miss."""
    if not len(tracked):
        return np.empty((0, 3))
    table = tracked.sort_values(["particle", "frame"])
    number, frame = (table[name].to_numpy(np.int64) for name in ("particle", "frame"))
    place = table[["x", "y"]].to_numpy(float)
    gap = np.where(np.diff(number) == 0, np.diff(frame) - 1, 0)
    row = np.repeat(np.arange(len(gap)), gap)
    later = np.arange(len(row)) - np.repeat(np.cumsum(gap) - gap, gap) + 1
    part = (later / (gap[row] + 1))[:, None]
    inner = np.column_stack([place[row] + part * (place[row + 1] - place[row]), frame[row] + later])
    first = np.flatnonzero(np.diff(number, prepend=-1))
    steps = np.arange(1, MOST_MEMORY + 1)
    ends = np.append(first[1:], len(number)) - 1
    row = np.repeat(np.concatenate([first, ends]), MOST_MEMORY)
    at = np.concatenate([frame[first][:, None] - steps, frame[ends][:, None] + steps]).ravel()
    inside = (at >= 0) & (at <= last)
    outer = np.column_stack([place[row], at])[inside]
    return np.concatenate([inner, outer])


def _widen(positions: pd.DataFrame, rows: IntArray, look: Appearance) -> None:
    """Widen the errors of those `rows` that look a little like two: one more may be in them.

    They have more contrast, and leave more, than the others that stand alone have by chance.
    As where two look like one (`perrin.tracking.locate`), their middle is off by half a radius.
    """
    alone = (positions["label"] == "").to_numpy(copy=True)
    alone[rows] = False
    if look.kind != "spheres" or look.varied or alone.sum() < _LEAST_ALONE:
        return
    square = np.zeros(len(rows))
    for values in (positions["contrast"].abs().to_numpy(float), positions["noise"].to_numpy(float)):
        usual, spread = np.median(values[alone]), robust_sd(values[alone])
        square += np.maximum((values[rows] - usual) / spread, 0.0) ** 2
    wide = rows[square > _PERHAPS_SDS**2]
    for name in ("x_se", "y_se"):
        errors = positions[name].to_numpy(float, copy=True)
        errors[wide] = np.hypot(errors[wide], look.extent_px / 2)
        positions[name] = errors

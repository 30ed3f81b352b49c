"""Merges and splits: where a particle goes into a position of two, and where one comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from perrin.tracking.link import MOST_MEMORY
from perrin.types import BoolArray, FloatArray

COLUMNS = ("kind", "frame", "particle", "other", "x", "y", "distance_px")
"""kind: merge or split. particle: whose track ends (merge) or begins (split), other: the track that
goes on there, -1 where the two in one belong to no track. distance_px: between the two."""


def lineage(positions: pd.DataFrame, *, within_px: float) -> pd.DataFrame:
    """Return the merges and splits of tracks, a row each, in order of frames.

    positions: located particles with ``particle``, ``frame``, ``x``, ``y`` and ``label``. A track
    that ends, and in the next frames has a position of two in one (label merged) within reach that
    is not its own, has merged with it; one that begins after such a position has split off.
    """
    single = positions[(positions["label"] != "merged") & (positions["particle"] >= 0)]
    merged = positions[positions["label"] == "merged"]
    rows = []
    if len(single) and len(merged):
        first, last = int(positions["frame"].min()), int(positions["frame"].max())
        ordered = single.sort_values("frame").groupby("particle")
        for kind, ends, edge in (
            ("merge", ordered.tail(1), last),
            ("split", ordered.head(1), first),
        ):
            rows += [
                (kind, *found)
                for end in ends[ends["frame"] != edge].to_dict("records")
                if (found := _nearest(end, merged, kind == "merge", within_px)) is not None
            ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["frame", "particle"], ignore_index=True)


def _nearest(
    end: dict[Any, Any], merged: pd.DataFrame, later: bool, within_px: float
) -> tuple[int, int, int, float, float, float] | None:
    """Return frame, particle, other, place and distance of the two in one next to an end."""
    columns: list[FloatArray] = [merged[name].to_numpy(float) for name in ("frame", "x", "y")]
    frame, x, y = columns
    other = merged["particle"].to_numpy(np.int64)
    apart = (frame - end["frame"]) * (1 if later else -1)
    far = np.hypot(x - end["x"], y - end["y"])
    near: BoolArray = (apart > 0) & (apart <= MOST_MEMORY + 1)
    near &= (far <= within_px * np.sqrt(np.maximum(apart, 1))) & (other != int(end["particle"]))
    if not near.any():
        return None
    k = int(np.flatnonzero(near)[np.lexsort((far[near], apart[near]))[0]])
    place = (float(x[k]), float(y[k]), float(far[k]))
    return int(frame[k]), int(end["particle"]), int(other[k]), *place

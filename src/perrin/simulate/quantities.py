"""The truth of what a quantifier reads: of the molecule in the middle of each thumbnail."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.landing.quantities import INTEGRATION, LONGEST_STAY, TARGETS
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.simulate.studio import Part

_OFF_PX, _OFF_FRAMES = 1.0, 1.5  # what counts as the same distance from the middle


def central(part: Part) -> pd.DataFrame:
    """Truth of the molecule in the middle of each thumbnail, (N rows).

    That is the one asked for, but among neighbors the detector may have seen another.
    """
    if not len(part.neighbors):
        return part.truth
    number = np.arange(len(part.truth))
    others = part.neighbors.assign(row_of=np.repeat(number, part.truth["n_neighbors"]))
    own = part.truth.assign(row_of=number)
    columns = own.columns.intersection(others.columns)
    everyone = pd.concat([own[columns], others[columns]], ignore_index=True)
    nearest = off_centre(everyone).groupby(everyone["row_of"]).idxmin().sort_index()
    chosen = everyone.loc[nearest].reset_index(drop=True)
    moved = (nearest >= len(own)).to_numpy()
    truth = part.truth.reset_index(drop=True).copy()
    for name in columns.drop("row_of"):
        truth.loc[moved, name] = chosen.loc[moved, name]
    return truth


def off_centre(table: pd.DataFrame) -> pd.Series:
    """Distance of a landing from the middle of its thumbnail in time and place, no unit."""
    frames = table["frame"] + table["phase"] - 0.5 - half_length(INTEGRATION)
    y, x = (table[name] - THUMBNAIL_PX // 2 for name in ("y_px", "x_px"))
    return (frames / _OFF_FRAMES) ** 2 + (x**2 + y**2) / _OFF_PX**2


def truth_of(truth: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return contrast (above 0), stay, path, net and speed (N, 5), and where there is one.

    In frames and pixels, as `perrin.landing.quantities` defines them; speeds are of movers.
    """
    moves = truth["steps"].to_numpy() > 0
    stay = truth["end_frame"] - truth["frame"] - truth["phase"]
    net = np.hypot(truth["end_x_px"] - truth["x_px"], truth["end_y_px"] - truth["y_px"])
    duration = np.where(moves, truth["duration_frames"], 1.0)
    found = np.column_stack(
        [
            np.abs(truth["contrast"]),
            np.minimum(stay, LONGEST_STAY),
            truth["path_px"],
            np.where(moves, net, 0.0),
            np.where(moves, truth["path_px"] / duration, 0.0),
        ]
    )
    known = np.ones((len(truth), len(TARGETS)), np.bool_)
    known[:, TARGETS.index("speed")] = moves
    return found, known

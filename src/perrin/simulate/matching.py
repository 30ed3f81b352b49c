"""Detected events against simulated truth: which landing found which event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perrin.landing.matched import MARGIN_PX

if TYPE_CHECKING:
    import pandas as pd

    from perrin.io.movie import Movie

ISOLATED_PX = 6.0
FOUND_PX = 3.0
FOUND_FRAMES = 5


def is_isolated(
    truth: pd.DataFrame, *, n_avg: int, within_px: float = ISOLATED_PX
) -> NDArray[np.bool_]:
    """Whether each molecule (N,) has no other within 6 px and 2 n_avg frames of its landing.

    `truth` holds ``frame``, ``x_px`` and ``y_px`` of all molecules, those outside the field
    included.
    """
    from scipy.spatial import cKDTree

    # Scaled so that the box in time and the disc in space both have radius 1.
    frame = truth["frame"].to_numpy(float) / (2 * n_avg)
    place = truth[["y_px", "x_px"]].to_numpy(float) / within_px
    pairs = cKDTree(place).query_pairs(1.0, output_type="ndarray")
    close = np.abs(frame[pairs[:, 0]] - frame[pairs[:, 1]]) <= 1.0
    alone = np.ones(len(truth), np.bool_)
    alone[pairs[close].ravel()] = False
    return alone


def is_accepted(truth: pd.DataFrame, movie: Movie, *, n_avg: int) -> NDArray[np.bool_]:
    """Whether each landing (N,) lies where events are detected: not at an edge or an end."""
    x, y, frame = (truth[name].to_numpy(float) for name in ("x_px", "y_px", "frame"))
    inside = (y >= MARGIN_PX) & (y <= movie.height - 1 - MARGIN_PX)
    inside &= (x >= MARGIN_PX) & (x <= movie.width - 1 - MARGIN_PX)
    whole = (frame > n_avg + 1) & (frame < movie.n_frames - n_avg - 2)
    result: NDArray[np.bool_] = inside & whole
    return result


def match_landings(truth: pd.DataFrame, events: pd.DataFrame) -> NDArray[np.int64]:
    """Row of the landing event nearest to each molecule (N,), -1 where none was found.

    Found: within 3 px and 5 frames. An event may be found by several molecules.
    """
    landing = np.flatnonzero((events["contrast"] < 0).to_numpy())
    at = events[["frame", "y_px", "x_px"]].to_numpy(float)[landing]
    rows = np.full(len(truth), -1, np.int64)
    order = np.argsort(at[:, 0], kind="stable")
    frames = at[order, 0]
    for i, (t, y, x) in enumerate(truth[["frame", "y_px", "x_px"]].to_numpy(float)):
        first = np.searchsorted(frames, t - FOUND_FRAMES)
        last = np.searchsorted(frames, t + FOUND_FRAMES, side="right")
        near = order[first:last]
        distance = np.hypot(at[near, 1] - y, at[near, 2] - x)
        if distance.size and distance.min() <= FOUND_PX:
            rows[i] = landing[near[distance.argmin()]]
    return rows

"""The truth of what a quantifier reads: of the molecule in the middle of each thumbnail."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.landing.quantifier.quantities import INTEGRATION, LONGEST_RESIDENCE, TARGETS
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.simulate.thumbnail_simulator import Part

_BLUR_PX = 2.3  # of a landing as the matched filter sees it: the PSF's own, and the filter's


def central(part: Part) -> pd.DataFrame:
    """Truth of the molecule that each thumbnail (N rows) is centered on.

    That is the one asked for, unless a neighbor lends more to what the detector has seen in
    the middle.
    """
    everyone, chosen = _molecules(part)
    truth = part.truth.reset_index(drop=True).copy()
    found = everyone[chosen].sort_values("row_of", ignore_index=True)
    moved = found["other"].to_numpy()
    for name in everyone.columns.drop(["row_of", "other"]):
        truth.loc[moved, name] = found.loc[moved, name]
    return truth


def around(part: Part) -> pd.DataFrame:
    """Truth of all molecules but the central ones; ``row_of`` says in which thumbnail."""
    everyone, chosen = _molecules(part)
    return everyone[~chosen].drop(columns="other").reset_index(drop=True)


def _molecules(part: Part) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return all molecules, and which of them are in the middle of their thumbnails."""
    number = np.arange(len(part.truth))
    own = part.truth.assign(row_of=number, other=False)
    others = part.neighbors.assign(row_of=np.repeat(number, part.truth["n_neighbors"]), other=True)
    columns = own.columns.intersection(others.columns) if len(others) else own.columns
    everyone = pd.concat([own[columns], others[columns]] if len(others) else [own])
    everyone = everyone.reset_index(drop=True)
    strongest = in_the_middle(everyone).groupby(everyone["row_of"]).idxmax()
    return everyone, everyone.index.isin(strongest)


def in_the_middle(table: pd.DataFrame) -> pd.Series:
    """Contrast (above 0) that a matched filter sees of each molecule in the middle.

    A landing counts less the further away it is, in place and in frames; of one that moves,
    where and when it comes nearest.
    """
    early = table["frame"] + table["phase"] - 0.5 - half_length(INTEGRATION)
    moving = table["residence_time_frames"].where(table["steps"] > 0, 0.0)
    frames = early.clip(lower=0.0) + (-early - moving).clip(lower=0.0)
    y, x = (table[name] - THUMBNAIL_PX // 2 for name in ("y_px", "x_px"))
    dy, dx = table["end_y_px"] - table["y_px"], table["end_x_px"] - table["x_px"]
    along = (-(y * dy + x * dx) / (dy**2 + dx**2).clip(lower=1e-12)).clip(0.0, 1.0)
    square = (y + along * dy) ** 2 + (x + along * dx) ** 2
    left = (1.0 - frames / INTEGRATION).clip(lower=0.0)
    seen: pd.Series = table["contrast"].abs() * left * np.exp(-square / (2 * _BLUR_PX**2))
    return seen


def truth_of(truth: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return contrast (above 0), stay, path, net and speed (N, 5), and where there is one.

    In frames and pixels, as `perrin.landing.quantifier.quantities` defines them; speeds are
    of movers.
    """
    moves = truth["steps"].to_numpy() > 0
    residence_time = truth["end_frame"] - truth["frame"] - truth["phase"]
    net = np.hypot(truth["end_x_px"] - truth["x_px"], truth["end_y_px"] - truth["y_px"])
    moving_frames = np.where(moves, truth["residence_time_frames"], 1.0)
    found = np.column_stack(
        [
            np.abs(truth["contrast"]),
            np.minimum(residence_time, LONGEST_RESIDENCE),
            truth["path_px"],
            np.where(moves, net, 0.0),
            np.where(moves, truth["path_px"] / moving_frames, 0.0),
        ]
    )
    known = np.ones((len(truth), len(TARGETS)), np.bool_)
    known[:, TARGETS.index("speed")] = moves
    return found, known

"""What the kinds of motion leave of a track's mixture: which numbers stay, how far w reaches.

The mixture network reads every track as FBM, CTRW and noise. Where the kinds say otherwise, its
numbers are taken back or their interval is widened.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.diffusion.motion_kinds import MOTION_KINDS
from perrin.diffusion.ratio_reach import RatioReach, reaching
from perrin.types import BoolArray, FloatArray

LEAST = 0.1
"""A number is given where the kinds that have it are together at least so probable."""
HALF = 0.5
"""w may be anything where the kinds that have it are together less probable than this."""
TAIL = 0.05
"""An end of w's interval reaches 0 or 1 where the kinds with that w are more probable than this."""

_GAUSSIAN = tuple(kind.name for kind in MOTION_KINDS if kind.gaussian and not kind.jumps)
_JUMPING = tuple(kind.name for kind in MOTION_KINDS if kind.jumps and not kind.gaussian)
_BOTH = tuple(kind.name for kind in MOTION_KINDS if kind.gaussian and kind.jumps)
_RULES: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        (*_GAUSSIAN, *_JUMPING, *_BOTH),
        ("w", "frames_ctrw"),
        "outside FBM, CTRW and their mixtures with p {:.2f}: no w, the fractions mean little",
    ),
    (
        (*_GAUSSIAN, *_BOTH),
        ("alpha_fbm", "D"),
        "no FBM or Brownian part with p {:.2f}: no alpha_fbm, no D",
    ),
    (
        (*_JUMPING, *_BOTH),
        ("alpha_ctrw", "jump_rate"),
        "no CTRW part with p {:.2f}: no alpha_ctrw, no jumps",
    ),
)
"""Kinds that have numbers, the numbers, and what is said where these are taken back."""
_ENDS = ("", "_low", "_high")
_RATIO = ["w_low", "w", "w_high"]
_BESIDE = (("jump_rate", "jump_variance"), ("D", "D_exponent"))
"""Numbers without an interval, and those that they go with."""


def bounded_by_kind(trajectories: pd.DataFrame, *, reach: RatioReach | None = None) -> pd.DataFrame:
    """Return TRAJECTORIES with the numbers that their kinds leave, and reasons for the others.

    w's interval is the network's, as wide as `reach` says, with its low end at 0 where Brownian
    motion and FBM, its high end at 1 where a CTRW is more probable than `TAIL`; 0 to 1 where the
    kinds that have a w are less
    probable than `HALF`. Tracks without a predicted kind stay as they are.
    """
    table = trajectories.copy()
    said = table["reason"].to_numpy(dtype=object).copy()
    for kinds, names, why in _RULES:
        p = _together(table, kinds)
        gone = (p < LEAST) & table[list(names)].notna().any(axis=1).to_numpy()
        columns = [name + end for name in names for end in _ENDS]
        columns += [beside for name, beside in _BESIDE if name in names]
        table.loc[gone, columns] = np.nan
        for row in np.flatnonzero(gone):
            said[row] = "; ".join(filter(None, (said[row], why.format(1 - p[row]))))
    given = table["w"].notna().to_numpy()
    p = table[[f"p_{kind.name}" for kind in MOTION_KINDS]].to_numpy(float)
    at_zero, at_one, _ = reaches_ends(p)
    told = given & np.isfinite(p).all(axis=1)
    if reach is not None and told.any():
        frames = (table["frame_stop"] - table["frame_start"]).to_numpy(np.int64)
        intervals = table.loc[told, _RATIO].to_numpy(float)
        table.loc[told, _RATIO] = reaching(intervals, frames[told], reach)
    table.loc[given & at_zero, "w_low"] = 0.0
    table.loc[given & at_one, "w_high"] = 1.0
    return table.assign(reason=said)


def reaches_ends(p: FloatArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return where w's interval begins at 0, ends at 1, and where there is a w at all: (N,) each.

    p (N, K): probabilities of `MOTION_KINDS`.
    """
    own = [
        p[:, [kind.name in kinds for kind in MOTION_KINDS]].sum(axis=1)
        for kinds in (_GAUSSIAN, _JUMPING, _RULES[0][0])
    ]
    gaussian, jumping, together = own
    return (
        (gaussian > TAIL) | (together < HALF),
        (jumping > TAIL) | (together < HALF),
        together >= LEAST,
    )


def without_w(trajectories: pd.DataFrame) -> BoolArray:
    """Return which tracks (N,) have an answer of the network, but no w: their kind has none."""
    found: BoolArray = (answered(trajectories) & trajectories["w"].isna()).to_numpy()
    return found


def w_may_be_anything(trajectories: pd.DataFrame) -> BoolArray:
    """Return which tracks (N,) have a w of which nothing is known, 0 to 1."""
    doubtful = _together(trajectories, _RULES[0][0]) < HALF
    found: BoolArray = trajectories["w"].notna().to_numpy() & doubtful
    return found


def answered(trajectories: pd.DataFrame) -> pd.Series:
    """Return of which tracks (N,) the mixture network said something, whatever is left of it."""
    return trajectories["fraction_noise"].notna()


def _together(table: pd.DataFrame, kinds: tuple[str, ...]) -> FloatArray:
    """Return the probability (N,) of one of the kinds; NaN where none is predicted."""
    p: FloatArray = table[[f"p_{kind}" for kind in kinds]].sum(axis=1, skipna=False).to_numpy(float)
    return p

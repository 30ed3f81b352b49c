"""What the kinds of motion leave of a track's mixture: which numbers stay, how far w reaches.

The mixture network reads every track as FBM, CTRW and noise. Where the kinds say otherwise, its
numbers are taken back or their interval is widened.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.diffusion.motion_kinds import MOTION_KINDS
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


def bounded_by_kind(trajectories: pd.DataFrame) -> pd.DataFrame:
    """Return TRAJECTORIES with the numbers that their kinds leave, and reasons for the others.

    w's interval is the network's, with its low end at 0 where Brownian motion and FBM, its high end
    at 1 where a CTRW is more probable than `TAIL`; 0 to 1 where the kinds that have a w are less
    probable than `HALF`. Tracks without a predicted kind stay as they are.
    """
    table = trajectories.copy()
    said = table["reason"].to_numpy(dtype=object).copy()
    for kinds, names, why in _RULES:
        p = _together(table, kinds)
        gone = (p < LEAST) & table[list(names)].notna().any(axis=1).to_numpy()
        columns = [name + end for name in names for end in _ENDS]
        columns += ["jump_variance"] if "jump_rate" in names else []
        table.loc[gone, columns] = np.nan
        for row in np.flatnonzero(gone):
            said[row] = "; ".join(filter(None, (said[row], why.format(1 - p[row]))))
    given, anything = table["w"].notna().to_numpy(), w_may_be_anything(table)
    at_zero = given & ((_together(table, _GAUSSIAN) > TAIL) | anything)
    at_one = given & ((_together(table, _JUMPING) > TAIL) | anything)
    table.loc[at_zero, "w_low"] = 0.0
    table.loc[at_one, "w_high"] = 1.0
    return table.assign(reason=said)


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

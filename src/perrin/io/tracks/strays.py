"""Positions that are none: far from their track for one frame, or zeros in place of values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.io.read_as import counted
from perrin.types import BoolArray

_FAR = 6.0  # times the steps of which one in twenty is longer
_ZEROS, _ENOUGH = 3, 20  # rows of zeros that are no chance, and others that tell what is usual
_FRACTIONS, _RESTS = 0.9, 0.01  # of the values and of the steps, where zeros are no positions
_BACK = 0.2  # of the way out: what lies between the positions before and after, at most


def said_of_strays(tracks: pd.DataFrame, axes: list[str]) -> str:
    """Return a remark on positions of sorted tracks that are far off for one frame; "" for none.

    A cell of -9999 or 0, or a digit too many, is a step out and a step back, each many times as
    long as others; it makes a diffusion coefficient of nothing. Nothing is left out.
    """
    at = tracks[axes].to_numpy(dtype=np.float64)
    if len(at) < 3:
        return ""
    particle = tracks["particle"].to_numpy()
    steps = np.sqrt((np.diff(at, axis=0) ** 2).sum(axis=1))
    same = particle[1:] == particle[:-1]
    usual = float(np.quantile(steps[same], 0.95)) if same.any() else 0.0
    out, back = steps[:-1], steps[1:]
    across = np.sqrt(((at[2:] - at[:-2]) ** 2).sum(axis=1))
    least = np.minimum(out, back)
    stray = same[:-1] & same[1:] & (least > _FAR * usual) & (across < _BACK * least)
    if usual == 0 or not stray.any():
        return ""
    first = tracks.iloc[int(stray.argmax()) + 1]
    where = ", ".join(f"{axis} {first[axis]:g}" for axis in axes)
    return (
        f"{counted(int(stray.sum()), 'position')} far from the rest of its track for one frame "
        f"(frame {first['frame']:g} of track {first['particle']:g}: {where}): a false cell?"
    )


def rows_of_zeros(table: pd.DataFrame, axes: list[str]) -> BoolArray:
    """Return which rows hold zeros in place of positions, as damaged arrays do (n,).

    Several rows of a track behind each other at exactly 0 in x or y, where all others are
    fractions and nothing else ever rests: walks that wait keep all their rows.
    """
    order = np.lexsort((table["frame"].to_numpy(), table["particle"].to_numpy()))
    particle = table["particle"].to_numpy()[order]
    same = particle[1:] == particle[:-1]
    found = np.zeros(len(table), dtype=bool)
    for axis in {"x", "y"} & set(axes):
        at = table[axis].to_numpy(dtype=np.float64)[order]
        zero = at == 0
        pairs = same & zero[1:] & zero[:-1]
        run = np.r_[pairs, False] | np.r_[False, pairs]
        others = at[~zero]
        steps = same & ~zero[1:] & ~zero[:-1]
        if run.sum() < _ZEROS or len(others) < _ENOUGH or not steps.any():
            continue
        rests = np.mean(np.diff(at)[steps] == 0)
        if np.mean(others % 1 != 0) > _FRACTIONS and rests < _RESTS:
            found[order[run]] = True
    return found

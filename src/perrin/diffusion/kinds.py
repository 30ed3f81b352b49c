"""Kinds of motion: the probability of each, the most probable one, and its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from perrin.diffusion.kind_numbers import numbers_of
from perrin.diffusion.motion_kinds import KINDS, NUMBERS, UNDETERMINED
from perrin.diffusion.ratio_reach import RatioReach
from perrin.diffusion.standard import Prediction
from perrin.diffusion.tables import OF_KIND
from perrin.diffusion.windows import Track
from perrin.types import FloatArray, IntArray

SURE = 0.5
"""The most probable kind is named where its probability is at least this."""


@dataclass(frozen=True)
class KindsPrediction:
    """p (N, K): probability of each of `KINDS`; walls (N,): that of walls, if it is confined."""

    p: FloatArray
    walls: FloatArray


class Model(Protocol):
    """What tells kinds apart: `perrin.models.kinds.KindsModel` is one."""

    @property
    def reach(self) -> RatioReach | None:
        """How far intervals of w reach beside it; None: as far as the mixture network's."""

    def predict(self, tracks: Sequence[Track], prediction: Prediction) -> KindsPrediction:
        """Return how probable each kind is, given the mixture network's prediction."""


def kind_columns(
    tracks: Sequence[Track],
    rows: IntArray,
    prediction: Prediction | None,
    *,
    model: Model | None,
    length: float,
    frame_interval: float,
) -> pd.DataFrame:
    """Return the columns `perrin.diffusion.tables.OF_KIND` of tracks, a row each.

    rows: tracks that the mixture network answered, with its prediction. A track that never moves
    is immobile for sure; without a model none is predicted. length, frame_interval: of the scale.
    """
    p = np.full((len(tracks), len(KINDS)), np.nan)
    walls = np.full(len(tracks), np.nan)
    if model is not None:
        for row, track in enumerate(tracks):
            if track.seen.sum() > 1 and not np.ptp(track.positions[track.seen], axis=0).any():
                p[row] = np.eye(len(KINDS))[KINDS.index("immobile")]
        if prediction is not None:
            answer = model.predict([tracks[row] for row in rows], prediction)
            p[rows], walls[rows] = answer.p, answer.walls
    best = np.nan_to_num(p, nan=-1.0).argmax(axis=1)
    columns: dict[str, FloatArray] = {
        column.name: np.full(len(tracks), np.nan) for column in OF_KIND if column.kind == "float"
    }
    for k, kind in enumerate(KINDS):
        columns[f"p_{kind}"] = p[:, k]
    for row in rows if model is not None else ():
        found = numbers_of(tracks[row], KINDS[best[row]], walls=float(walls[row]))
        if KINDS[best[row]] == "confined":
            columns["p_walls"][row] = walls[row]
        for name, value in found.items():
            columns[name][row] = value * _unit(name, length, frame_interval)
    return pd.DataFrame({"kind": named(p), **columns})


def _unit(name: str, length: float, frame_interval: float) -> float:
    """Return what one of a number is in the units of the scale; name: also of an end."""
    number = NUMBERS.get(name.removesuffix("_low").removesuffix("_high"))
    return 1.0 if number is None else length**number.length * frame_interval**number.time


def named(probabilities: FloatArray) -> list[str]:
    """Return the name of the most probable kind of each row (N, K); NaN rows have none."""
    best = np.nan_to_num(probabilities, nan=-1.0).argmax(axis=1)
    top = probabilities[np.arange(len(best)), best]
    return [
        KINDS[k] if p >= SURE else (UNDETERMINED if np.isfinite(p) else "")
        for k, p in zip(best, top, strict=True)
    ]

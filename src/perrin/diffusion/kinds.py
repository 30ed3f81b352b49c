"""Kinds of motion: the probability of each, the most probable one, and its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from perrin.diffusion.kind_numbers import Interval, confinement, speed, two_states
from perrin.diffusion.standard import Prediction
from perrin.diffusion.tables import OF_KIND
from perrin.diffusion.windows import Track
from perrin.types import FloatArray, IntArray

KINDS = (
    "immobile",
    "confined",
    "brownian",
    "fbm",
    "ctrw",
    "directed",
    "changing_diffusivity",
    "mixture",
)
"""In the order of the columns p_immobile, p_confined, ..."""
UNDETERMINED = "undetermined"
SURE = 0.5
"""The most probable kind is named where its probability is at least this."""


@dataclass(frozen=True)
class KindsAnswer:
    """p (N, 8): probability of each of `KINDS`; walls (N,): that of walls, if it is confined."""

    p: FloatArray
    walls: FloatArray


class Model(Protocol):
    """What tells kinds apart: `perrin.models.kinds.KindsModel` is one."""

    def predict(self, tracks: Sequence[Track], prediction: Prediction) -> KindsAnswer:
        """Return how probable each kind is, given the mixture network's prediction."""


SAID: dict[str, str] = {
    "immobile": "immobile",
    "confined": "confined",
    "brownian": "Brownian",
    "fbm": "FBM",
    "ctrw": "CTRW",
    "directed": "directed",
    "changing_diffusivity": "of changing diffusivity",
    "mixture": "mixed of FBM and CTRW",
    UNDETERMINED: "undetermined",
    "": "too little to say",
}
"""Kinds in sentences: "4 FBM, 2 of changing diffusivity"."""


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
    is immobile for sure; without a model nothing is told. length, frame_interval: of the scale.
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
        found = _numbers(tracks[row], KINDS[best[row]], walls=float(walls[row]))
        if KINDS[best[row]] == "confined":
            columns["p_walls"][row] = walls[row]
        for name, value in found.items():
            columns[name][row] = value * _unit(name, length, frame_interval)
    return pd.DataFrame({"kind": named(p), **columns})


_LENGTHS = {"confinement_radius": 1, "relaxation_time": 0, "speed": 1, "D_slow": 2, "D_fast": 2}
_TIMES = {"confinement_radius": 0, "relaxation_time": 1, "speed": -1, "D_slow": -1, "D_fast": -1}


def _unit(name: str, length: float, frame_interval: float) -> float:
    """Return what one of a number is in the units of the scale; name: also of an end."""
    name = name.removesuffix("_low").removesuffix("_high")
    return length ** _LENGTHS.get(name, 0) * frame_interval ** _TIMES.get(name, 0)


def _numbers(track: Track, kind: str, *, walls: float) -> dict[str, float]:
    """Return the numbers of a track's kind with their ends, in its own unit and frames."""
    if kind == "confined":
        held = confinement(track, walls=walls)
        return _with_ends("confinement_radius", held.radius) | _with_ends(
            "relaxation_time", held.time
        )
    if kind == "directed":
        return _with_ends("speed", speed(track))
    if kind == "changing_diffusivity":
        states = two_states(track)
        both = _with_ends("D_slow", states.slow) | _with_ends("D_fast", states.fast)
        return both | {"fraction_fast": states.fraction_fast}
    return {}


def _with_ends(name: str, values: Interval) -> dict[str, float]:
    return dict(zip((name + "_low", name, name + "_high"), values, strict=True))


def named(probabilities: FloatArray) -> list[str]:
    """Return the name of the most probable kind of each row (N, 8); NaN rows have none."""
    best = np.nan_to_num(probabilities, nan=-1.0).argmax(axis=1)
    top = probabilities[np.arange(len(best)), best]
    return [
        KINDS[k] if p >= SURE else (UNDETERMINED if np.isfinite(p) else "")
        for k, p in zip(best, top, strict=True)
    ]

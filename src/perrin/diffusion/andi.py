"""Exponent and model of each track, as in the AnDi challenge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from perrin.diffusion import classical
from perrin.diffusion.tables import PARTICLE, estimates
from perrin.diffusion.windows import to_tracks
from perrin.errors import PerrinError
from perrin.tables import Column, columns
from perrin.types import BoolArray, FloatArray

COLUMNS: tuple[Column, ...] = (
    PARTICLE,
    *columns("int", "frame", frames="from its first to its last position"),
    *estimates((("alpha", "1", "anomalous exponent, median"),)),
    *columns("text", model="most probable model"),
    Column("p_model", "float", "1", "its probability; the others follow as p_attm, p_ctrw, ..."),
    Column("reason", "text", "", "why there is no prediction"),
)


@dataclass(frozen=True)
class AndiAnswer:
    """alpha (N, 3): 5%, 50% and 95% quantile; model (N, 5): probability of each of the models."""

    alpha: FloatArray
    model: FloatArray


class Model(Protocol):
    """What reads tracks: `perrin.models.andi.AndiModel` is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models, in the order of the predictions."""

    def refusal(self, seen: BoolArray, dims: int) -> str | None:
        """Return why a track is out of range, or None."""

    def predict(
        self,
        positions: Sequence[FloatArray],
        seen: Sequence[BoolArray] | None = None,
    ) -> AndiAnswer:
        """Return exponent and model of each track."""


def andi_table(tracks: pd.DataFrame, *, model: Model) -> pd.DataFrame:
    """Return one row a track: `COLUMNS` and the probability of each model.

    Raises `PerrinError` for tables that are no tracks (`check_tracks`) or hold none.
    """
    whole = to_tracks(tracks)
    if not whole:
        raise PerrinError("the table holds no track. Check the file.")
    reasons = []
    for track in whole:
        refused = model.refusal(track.seen, track.positions.shape[1]) or ""
        steps = classical.displacements(track.positions, track.seen, lag=1)
        reasons.append(refused or ("" if (steps != 0).any() else "immobile"))
    kept = np.flatnonzero([not reason for reason in reasons])
    alpha = np.full((len(whole), 3), np.nan)
    odds = np.full((len(whole), len(model.names)), np.nan)
    if kept.size:
        predicted = model.predict([whole[i].positions for i in kept], [whole[i].seen for i in kept])
        alpha[kept], odds[kept] = predicted.alpha, predicted.model
    named = np.array([*model.names, ""], dtype=object)
    best = np.full(len(whole), len(model.names))
    best[kept] = odds[kept].argmax(axis=1)
    return pd.DataFrame(
        {
            "particle": [track.particle for track in whole],
            "frames": [len(track.seen) for track in whole],
            "alpha": alpha[:, 1],
            "alpha_low": alpha[:, 0],
            "alpha_high": alpha[:, 2],
            "model": named[best],
            "p_model": odds.max(axis=1),
            "reason": reasons,
            **{f"p_{name}": odds[:, k] for k, name in enumerate(model.names)},
        }
    )

"""Exponent and model of each track, as in the AnDi challenge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from perrin.diffusion import classical
from perrin.diffusion.andi_outside import LIKE, OutsideLimits, outside
from perrin.diffusion.kinds import named
from perrin.diffusion.motion_kinds import ADJECTIVES, KINDS, UNDETERMINED
from perrin.diffusion.tables import FALSE_FLAGS, PARTICLE, estimates
from perrin.diffusion.windows import Track, to_tracks
from perrin.errors import PerrinError
from perrin.tables import Column, columns
from perrin.types import BoolArray, FloatArray, IntArray

COLUMNS: tuple[Column, ...] = (
    PARTICLE,
    *columns("int", "frame", frames="from its first to its last position"),
    *estimates((("alpha", "1", "anomalous exponent, median"),)),
    *columns("text", model="most probable model"),
    Column("p_model", "float", "1", "its probability; the others follow as p_attm, p_ctrw, ..."),
    Column("reason", "text", "", "why there is no prediction"),
    Column("kind", "text", "", "most probable kind of motion, those of `perrin diffusion`"),
    Column("p_outside", "float", "1", "probability of kinds that tracks of this model are not"),
    Column("out_of_model", "bool", "", "whether 5% of the model's own tracks have more"),
)


@dataclass(frozen=True)
class AndiAnswer:
    """alpha (N, 3): 5%, 50% and 95% quantile; model (N, 5): probability of each of the models."""

    alpha: FloatArray
    model: FloatArray


Tell = Callable[[list[Track]], FloatArray]
"""From tracks to the probabilities (N, K) of kinds of motion; NaN where nothing is predicted."""


class Model(Protocol):
    """What reads tracks: `perrin.models.andi.AndiModel` is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models, in the order of the predictions."""

    @property
    def outside(self) -> OutsideLimits | None:
        """What tracks of the models have as p_outside; None: not measured."""

    def refusal(self, seen: BoolArray, dims: int) -> str | None:
        """Return why a track is out of range, or None."""

    def predict(
        self,
        positions: Sequence[FloatArray],
        seen: Sequence[BoolArray] | None = None,
    ) -> AndiAnswer:
        """Return exponent and model of each track."""


def andi_table(tracks: pd.DataFrame, *, model: Model, tell: Tell | None = None) -> pd.DataFrame:
    """Return one row a track: `COLUMNS` and the probability of each model.

    tell: what tells kinds of motion; without it no track is called out of the models. Raises
    `PerrinError` for tables that are no tracks (`check_tracks`) or hold none.
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
    table = pd.DataFrame(
        {
            "particle": [track.particle for track in whole],
            "frames": [len(track.seen) for track in whole],
            "alpha": alpha[:, 1],
            "alpha_low": alpha[:, 0],
            "alpha_high": alpha[:, 2],
            "model": named[best],
            "p_model": odds.max(axis=1),
            "reason": reasons,
        }
    )
    table = pd.concat([table, _of_kind(whole, kept, odds, model, tell)], axis=1)
    return table.assign(**{f"p_{name}": odds[:, k] for k, name in enumerate(model.names)})


def _of_kind(
    tracks: list[Track], rows: IntArray, odds: FloatArray, model: Model, tell: Tell | None
) -> pd.DataFrame:
    """Return the columns kind, p_outside and out_of_model."""
    p = np.full((len(tracks), len(KINDS)), np.nan)
    far, flagged = np.full(len(tracks), np.nan), np.zeros(len(tracks), dtype=bool)
    if tell is not None and model.outside is not None and rows.size:
        p[rows] = tell([tracks[row] for row in rows.tolist()])
        best = odds[rows].argmax(axis=1)
        far[rows] = outside(best, p[rows], names=model.names)
        frames = np.array([len(tracks[row].seen) for row in rows.tolist()])
        flagged[rows] = far[rows] > model.outside.of(frames, best)
    return pd.DataFrame({"kind": named(p), "p_outside": far, "out_of_model": flagged})


def outside_in_words(table: pd.DataFrame) -> str:
    """Return how many tracks are out of the models, and what they rather are; empty without any."""
    if table["p_outside"].isna().all():
        return ""
    odd = table[table["out_of_model"]]
    kinds = odd["kind"].replace("", UNDETERMINED).map(ADJECTIVES).value_counts()
    rather = ": rather " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()) if len(odd) else ""
    return (
        f"{len(odd)} of {int(table['p_outside'].notna().sum())} out of the {len(LIKE)} models, "
        f"{FALSE_FLAGS:.0%} of their own tracks would be{rather}"
    )

"""What a network of kinds reaches on fresh tracks: how often it is right, how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perrin.diffusion import classical
from perrin.diffusion.kinds import SURE
from perrin.diffusion.motion_kinds import KINDS
from perrin.evaluate.card_rows import card_rows
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.simulate.kind_sets import draw_kinds
from perrin.types import BoolArray, FloatArray, IntArray

LENGTHS = (25, 50, 100, 300)
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
"""Edges of the probabilities that are compared with how often they come true."""


@dataclass(frozen=True)
class KindsFigures:
    """cells: a row a length. confusion: true kind (row), most probable one (column), 100 frames.

    calibration: a row a bin of probability, all kinds and lengths together: mean probability
    predicted, fraction that came true, number.
    """

    cells: pd.DataFrame
    confusion: pd.DataFrame
    calibration: pd.DataFrame

    def for_card(self) -> dict[str, Any]:
        """Return the figures as a card holds them."""
        return {
            "protocol": "fresh 2D tracks of the simulator perrin.simulate.kind_sets, kinds as "
            "common as in training.prior, cameras as in training.camera",
            "cells": card_rows(self.cells),
            "confusion_100": card_rows(self.confusion.reset_index(names="true")),
            "calibration": card_rows(self.calibration),
        }


def evaluate_kinds(
    model: KindsModel, mixture: MixtureModel, *, count: int, seed: int
) -> KindsFigures:
    """Return what `model` reaches on `count` fresh tracks a length."""
    rng = np.random.default_rng(seed)
    rows, predicted, true = [], [], []
    confusion = pd.DataFrame()
    for length in LENGTHS:
        p, kind = _predicted(model, mixture, count=count, length=length, rng=rng)
        best = p.argmax(axis=1)
        sure = p.max(axis=1) >= SURE
        rows.append(
            {
                "frames": length,
                "n": len(kind),
                "right": float((best == kind).mean()),
                "named": float(sure.mean()),
                "right_of_named": _mean((best == kind)[sure]),
                **{f"recall_{name}": _recall(best, kind, k) for k, name in enumerate(KINDS)},
            }
        )
        predicted.append(p)
        true.append(kind)
        if length == 100:
            confusion = _confusion(best, kind)
    return KindsFigures(
        pd.DataFrame(rows), confusion, _calibration(np.concatenate(predicted), np.concatenate(true))
    )


def _predicted(
    model: KindsModel,
    mixture: MixtureModel,
    *,
    count: int,
    length: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, IntArray]:
    """Return the probabilities (N, K) and true kinds (N,) of the fresh tracks that move."""
    drawn = draw_kinds(count, length=length, dims=2, rng=rng)
    rows = [
        row
        for row, track in enumerate(drawn.tracks)
        if (classical.displacements(track.positions, track.seen, lag=1) != 0).any()
        and mixture.refusal(track.seen, 2) is None
    ]
    tracks = [drawn.tracks[row] for row in rows]
    prediction = mixture.predict_tracks(tracks)
    return model.predict(tracks, prediction).p, drawn.kind[rows]


def _recall(best: IntArray, kind: IntArray, which: int) -> float:
    of_kind = kind == which
    return _mean(best[of_kind] == which)


def _mean(right: BoolArray) -> float:
    return float(right.mean()) if right.size else float("nan")


def _confusion(best: IntArray, kind: IntArray) -> pd.DataFrame:
    table = pd.crosstab(kind, best, normalize="index")
    every = range(len(KINDS))
    table = table.reindex(index=every, columns=every, fill_value=0.0)
    return table.set_axis(KINDS, axis=0).set_axis(KINDS, axis=1)


def _calibration(p: FloatArray, kind: IntArray) -> pd.DataFrame:
    came = (kind[:, None] == np.arange(len(KINDS))).ravel()
    place = np.clip(np.searchsorted(BINS, p.ravel(), side="right") - 1, 0, len(BINS) - 2)
    return pd.DataFrame(
        [
            {
                "from": BINS[k],
                "to": BINS[k + 1],
                "predicted": float(p.ravel()[place == k].mean()),
                "came_true": float(came[place == k].mean()),
                "n": int((place == k).sum()),
            }
            for k in range(len(BINS) - 1)
            if (place == k).any()
        ]
    )

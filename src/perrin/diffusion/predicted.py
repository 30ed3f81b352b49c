"""What a network says of tracks and of parts of them: each part is asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perrin.diffusion import classical
from perrin.diffusion.standard import Prediction
from perrin.diffusion.windows import Track
from perrin.types import BoolArray, FloatArray, IntArray


class Model(Protocol):
    """What characterizes tracks: `perrin.models.mixture.MixtureModel` is one."""

    @property
    def name(self) -> str:
        """Name of the model."""

    def refusal(self, seen: BoolArray, dims: int) -> str | None:
        """Return why a track is out of range, or None."""

    def predict_tracks(self, tracks: Sequence[Track]) -> Prediction:
        """Return what is in each track: see `perrin.models.mixture.MixtureModel`."""

    def posterior_predictive_p(self, tracks: Sequence[Track], prediction: Prediction) -> FloatArray:
        """Return the posterior predictive p-value of each track: see `MixtureModel`."""


@dataclass(frozen=True)
class Predicted:
    """Tracks, why one has no prediction (empty if it has), and the prediction for `rows`."""

    tracks: list[Track]
    reasons: list[str]
    rows: IntArray
    prediction: Prediction | None

    def by_place(self) -> dict[tuple[int, int, int], tuple[FloatArray, FloatArray]]:
        """Return the quantiles and steps of each answered track by `_place`."""
        if self.prediction is None:
            return {}
        told = zip(self.rows, self.prediction.quantiles, self.prediction.steps, strict=True)
        return {_place(self.tracks[row]): (quantiles, steps) for row, quantiles, steps in told}


def predict(tracks: list[Track], model: Model, *, known: Predicted | None = None) -> Predicted:
    """Return what the model predicts of those tracks that it does not refuse.

    known: of whole tracks; a window or a regime that is all of one is not predicted again.
    """
    reasons = [_refusal(track, model) for track in tracks]
    rows = np.array([i for i, reason in enumerate(reasons) if not reason], dtype=np.int64)
    if not rows.size:
        return Predicted(tracks, reasons, rows, None)
    found = {} if known is None else known.by_place()
    new = [i for i in rows.tolist() if _place(tracks[i]) not in found]
    if new:
        own = model.predict_tracks([tracks[i] for i in new])
        told = zip(new, own.quantiles, own.steps, strict=True)
        found |= {_place(tracks[i]): (quantiles, steps) for i, quantiles, steps in told}
    each = [found[_place(tracks[i])] for i in rows]
    quantiles = np.array([quantiles for quantiles, _ in each])
    return Predicted(tracks, reasons, rows, Prediction(quantiles, [steps for _, steps in each]))


def _place(track: Track) -> tuple[int, int, int]:
    """Return which part of which particle's track it is."""
    return track.particle, track.start, track.stop


def _refusal(track: Track, model: Model) -> str:
    """Return why there is no prediction for a track at all, empty if there is one."""
    refused = model.refusal(track.seen, track.positions.shape[1])
    if refused:
        return refused
    steps = classical.displacements(track.positions, track.seen, lag=1)
    if not len(steps):
        return "no two neighboring frames"
    return "" if (steps != 0).any() else "immobile"

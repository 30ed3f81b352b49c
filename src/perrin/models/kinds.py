"""The network of kinds at work: tracks in, the probability of each kind of motion out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from perrin.diffusion.kind_evidence import evidence
from perrin.diffusion.kinds import KindsPrediction
from perrin.diffusion.motion_kinds import KINDS
from perrin.diffusion.ratio_reach import RatioReach
from perrin.diffusion.standard import Prediction
from perrin.diffusion.windows import Track
from perrin.errors import PerrinError
from perrin.models.bundle import Bundle, Run, load_bundle_of
from perrin.models.cards import KindsCard


class KindsModel:
    """Tells kinds of motion apart, beside the mixture network that its card names."""

    def __init__(self, bundle: Bundle[KindsCard]) -> None:
        if bundle.card.kinds != KINDS:
            raise PerrinError(
                f"model {bundle.card.name} tells {', '.join(bundle.card.kinds)} apart; this "
                f"version of perrin knows {', '.join(KINDS)}. Train or install the model again."
            )
        self.bundle = bundle

    @classmethod
    def load(cls, name: str | Path = "kinds") -> Self:
        """Return the model of a bundle; raises `PerrinError` for one of another task."""
        return cls(load_bundle_of(name, KindsCard))

    @property
    def reach(self) -> RatioReach | None:
        """How far intervals of w reach beside it, where its card says so."""
        return self.bundle.card.reach

    def suits(self, mixture_sha256: str) -> bool:
        """Whether it was trained beside the mixture network with this file."""
        return self.bundle.card.mixture == mixture_sha256

    def predict(self, tracks: Sequence[Track], prediction: Prediction) -> KindsPrediction:
        """Return how probable each kind is.

        prediction: what the mixture network says of the tracks, which have to move.
        """
        return answer(self.bundle.run, tracks, prediction)


def answer(run: Run, tracks: Sequence[Track], prediction: Prediction) -> KindsPrediction:
    """Return what a network says of tracks; run: from named inputs to the outputs asked for."""
    if not tracks:
        return KindsPrediction(np.zeros((0, len(KINDS))), np.zeros(0))
    looked = evidence(tracks, prediction).astype(np.float32)
    told = run({"evidence": looked}, ["logits", "walls"])
    logits = told["logits"].astype(float)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    walls = 1 / (1 + np.exp(-told["walls"][:, 0].astype(float)))
    return KindsPrediction(odds / odds.sum(axis=1, keepdims=True), walls)

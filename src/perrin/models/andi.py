"""The AnDi network at work: trajectories in, exponent and model out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perrin.diffusion.andi import AndiAnswer
from perrin.diffusion.andi_outside import OutsideLimits
from perrin.diffusion.standard import grouped, joined
from perrin.errors import PerrinError
from perrin.models.bundle import Bundle, Run, load_bundle_of
from perrin.models.cards import AndiCard
from perrin.models.track_range import outside
from perrin.threads import cores
from perrin.types import BoolArray, FloatArray


class AndiModel:
    """Reads the anomalous exponent and the diffusion model from trajectories of any length."""

    def __init__(self, bundle: Bundle[AndiCard]) -> None:
        self.bundle = bundle

    @classmethod
    def load(cls, name: str | Path = "andi") -> Self:
        """Return the model of a bundle; raises `PerrinError` for one of another task."""
        return cls(load_bundle_of(name, AndiCard))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models, in the order of the predictions."""
        return self.bundle.card.models

    @property
    def outside(self) -> OutsideLimits | None:
        """Which tracks are out of the models, where the card says so."""
        return self.bundle.card.outside

    def refusal(self, seen: BoolArray, dims: int) -> str | None:
        """Return why a track, seen (L,), is outside what the card covers; None if it is not."""
        refused = outside(self.bundle.card, frames=len(seen), dims=dims)
        if refused is not None:
            return refused
        if not seen.all():
            return f"{int((~seen).sum())} missing frames; the model covers tracks without gaps"
        return None

    def predict(
        self, positions: Sequence[FloatArray], seen: Sequence[BoolArray] | None = None
    ) -> AndiAnswer:
        """Return exponent and model of each track, (L, d) each; seen (L,): all frames if None.

        Raises `PerrinError` for a track out of range, or one that never moves.
        """
        seen = [np.ones(len(track), dtype=bool) for track in positions] if seen is None else seen
        for track, frames in zip(positions, seen, strict=True):
            refused = self.refusal(frames, track.shape[1])
            if refused:
                raise PerrinError(f"a track has {refused}. Cut it into windows, or leave it out.")
        return answer(self.bundle.run, positions, seen, models=len(self.bundle.card.models))


def answer(
    run: Run, positions: Sequence[FloatArray], seen: Sequence[BoolArray], *, models: int
) -> AndiAnswer:
    """Return what a network says of tracks; run: from named inputs to the outputs asked for."""
    parts = grouped([len(track) for track in positions])

    def ask(part: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
        standard = joined([positions[i] for i in part], [seen[i] for i in part])
        inputs = {"positions": standard.positions, "seen": standard.seen}
        return run(inputs, ["alpha", "model"])

    alpha = np.zeros((len(positions), 3))
    logits = np.zeros((len(positions), models))
    with ThreadPoolExecutor(cores()) as pool:
        for part, told in zip(parts, pool.map(ask, parts), strict=True):
            alpha[part], logits[part] = told["alpha"], told["model"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return AndiAnswer(alpha, odds / odds.sum(axis=1, keepdims=True))

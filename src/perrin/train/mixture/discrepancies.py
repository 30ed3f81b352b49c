"""How far tracks of the model are from replicates of what the network answers, for its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from perrin.diffusion.windows import Track
from perrin.models.cards import Discrepancies
from perrin.models.mixture import MixtureModel
from perrin.models.predictive import LENGTHS, LEVELS
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.types import FloatArray

MOST = 1000
"""Tracks of each length: the distance of the last level then comes from the 10 farthest."""
IN_MODEL: tuple[tuple[float, Mapping[str, object]], ...] = (
    (0.40, {}),
    (0.15, {"start": "aged"}),
    (0.10, {"kind": "increments", "brownian": (0.0, 1.0)}),
    (0.15, {"kind": "interleaved", "start": "aged", "segment_frames": 60}),
    (0.12, {"w": (0.0, 0.0), "alpha_fbm": (0.1, 1.9)}),
    (0.08, {"w": (1.0, 1.0), "start": "aged"}),
)
"""Fraction of the tracks that stand for the model, and what differs from the defaults."""
NOISES = (((0.0, 0.0), True), ((0.0, 0.5), True), ((0.0, 0.5), False))
"""Localization errors over the step, and whether they are known; half of the tracks have none."""


def measure_discrepancies(model: MixtureModel, *, count: int, seed: int) -> Discrepancies:
    """Return the table of a network, from about `count` fresh tracks of each length."""
    distances = []
    for length in LENGTHS:
        rng = np.random.default_rng([seed, length])
        distances.append(own_distances(model, length=length, count=count, rng=rng))
    edges = [np.quantile(far, 1 - np.array(LEVELS)) for far in distances]
    return Discrepancies(
        lengths=LENGTHS,
        levels=LEVELS,
        distances=tuple(tuple(np.round(row, 2).tolist()) for row in edges),
    )


def own_distances(
    model: MixtureModel, *, length: int, count: int, rng: np.random.Generator
) -> FloatArray:
    """Return how far tracks of the model are from replicates of what it answers of them, (N,)."""
    parts = []
    for tracks in _tracks_of_the_model(length=length, count=count, rng=rng):
        prediction = model.predict_tracks(tracks)
        parts.append(model.distances(tracks, prediction))
    return np.concatenate(parts)


def _tracks_of_the_model(
    *, length: int, count: int, rng: np.random.Generator
) -> Iterator[list[Track]]:
    """Tracks in 2D without gaps and blur, kind by kind; those that never move are left out."""
    for fraction, changes in IN_MODEL:
        number = max(4, round(fraction * count))
        for noise, known in NOISES:
            settings = MixtureSettings.model_validate({"length": length, "noise": noise, **changes})
            part = max(1, number // (2 if noise[1] == 0 else 4))
            drawn = simulate_mixture(settings, count=part, rng=rng)
            kept = (np.diff(drawn.positions, axis=1) != 0).any(axis=(1, 2))
            error = np.where(known, drawn.truth.noise_sigma, np.nan)[kept]
            tracks = [
                Track(k, 0, positions, np.ones(length, bool), error[k], 0.0 if known else np.nan)
                for k, positions in enumerate(drawn.positions[kept])
            ]
            if tracks:
                yield tracks

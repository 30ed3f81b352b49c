"""How probable kinds that the challenge's models are not are for their own tracks: limits."""

from __future__ import annotations

import numpy as np

from perrin.diffusion.andi_outside import OutsideLimits, outside
from perrin.diffusion.tables import FALSE_FLAGS
from perrin.diffusion.windows import Track
from perrin.models.andi import answer
from perrin.models.bundle import Run
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.simulate.andi import MODELS, simulate_andi

LENGTHS = (20, 50, 100, 300)
_FEW = 20  # tracks called a model below which none of them is out of it


def measure_outside(
    run: Run, kinds: KindsModel, mixture: MixtureModel, *, count: int, rng: np.random.Generator
) -> OutsideLimits:
    """Return the limits for a network, from `count` walks of each length, models equally common.

    run: of the network; kinds: what tells kinds beside the mixture network.
    """
    limits = []
    for length in LENGTHS:
        drawn = simulate_andi(count, length=length, rng=rng)
        seen = np.ones(length, dtype=bool)
        tracks = [Track(k, 0, own, seen) for k, own in enumerate(drawn.positions)]
        called = answer(run, list(drawn.positions), [seen] * count, models=len(MODELS))
        best = called.model.argmax(axis=1)
        p = kinds.predict(tracks, mixture.predict_tracks(tracks)).p
        far = outside(best, p, names=MODELS)
        of_model = [far[best == k] for k in range(len(MODELS))]
        limits.append(
            [
                round(float(np.quantile(own, 1 - FALSE_FLAGS)), 4) if len(own) >= _FEW else 1.0
                for own in of_model
            ]
        )
    return OutsideLimits(
        kinds=kinds.bundle.card.sha256, lengths=LENGTHS, limits=tuple(map(tuple, limits))
    )

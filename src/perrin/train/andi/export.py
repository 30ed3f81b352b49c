"""From a trained AnDi network to a bundle: ONNX, card, self-test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perrin.diffusion.standard import standardize
from perrin.models.bundle import Arrays
from perrin.models.cards import AndiCard
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import AndiTraining
from perrin.simulate.andi import EXPONENTS, MODELS, NOISES, simulate_andi
from perrin.train.andi.network import AndiNetwork
from perrin.train.andi.outside import measure_outside
from perrin.train.export import Exported, written_bundle

FRAMES = (10, 1000)
LIMITS = (
    "Every trajectory is predicted as one of the five models with one exponent, also one that is "
    "none of them, or several: out_of_model says so of most that drift, are walled in or "
    "mixed, not of those that switch between diffusivities or wait exponentially.",
    "Trained with localization noise of .1, .5 and 1 step as in the challenge; noise-free "
    "trajectories and motion blur are outside of it. No missing frames.",
    "alpha_low and alpha_high are the network's own quantiles, not calibrated afterwards; the "
    "card's figures say what they cover.",
)
OUTSIDE = 2000
"""Walks of each length that tell which tracks are out of the models; fewer after a short trial."""
_OUTPUTS = ("alpha", "model")
_TOLERANCE = 5e-4  # between torch and ONNX Runtime, float32, logits


def write_andi_bundle(
    network: AndiNetwork, folder: Path, *, settings: AndiTraining, overwrite: bool = False
) -> AndiCard:
    """Write `network` as a bundle to `folder` and return its card.

    Raises `PerrinError` where torch and ONNX Runtime differ.
    """

    def card_of(exported: Exported) -> AndiCard:
        for length, dims in ((12, 2), (25, 1), (300, 2), (1000, 1)):
            inputs = _inputs(settings.seed, length=length, dims=dims)
            exported.check(inputs, allowed=_TOLERANCE, where=f" at {length} frames, {dims}D")
        example = _inputs(settings.seed, length=20, dims=2)
        example["positions"] = np.round(example["positions"], 4)
        kinds, mixture = KindsModel.load(), MixtureModel.load("mixture")
        outside = measure_outside(
            exported.run,
            kinds,
            mixture,
            count=min(OUTSIDE, max(30, settings.steps)),
            rng=np.random.default_rng(settings.seed),
        )
        return AndiCard(
            **exported.about,
            outside=outside,
            inputs={
                "positions": "(N, T, d) float32, see perrin.diffusion.standard",
                "seen": "(N, T) float32, 1 where the frame is part of the track, 0 in the padding",
            },
            models=MODELS,
            frames=FRAMES,
            dims=(1, 2),
            limits=LIMITS,
            training={
                "settings": settings.model_dump(mode="json"),
                "exponents": {name: list(ends) for name, ends in EXPONENTS.items()},
                "noises": list(NOISES),
            },
            vector=exported.vector(example, _OUTPUTS),
        )

    return written_bundle(
        network,
        folder,
        example=_inputs(settings.seed, length=24, dims=2),
        outputs=_OUTPUTS,
        card_of=card_of,
        indent=1,
        overwrite=overwrite,
    )


def _inputs(seed: int, *, length: int, dims: int) -> Arrays:
    """Return the inputs of four walks."""
    drawn = simulate_andi(4, length=length, dims=dims, rng=np.random.default_rng(seed))
    standard = standardize(drawn.positions, np.ones((4, length), dtype=bool))
    return {"positions": standard.positions, "seen": standard.seen}

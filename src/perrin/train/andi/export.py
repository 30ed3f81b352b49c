"""From a trained AnDi network to a bundle: ONNX, card, self-test."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from perrin._version import __version__
from perrin.diffusion.standard import standardize
from perrin.io.output_folder import written_folder
from perrin.models.bundle import Arrays, load_bundle, open_session
from perrin.models.cards import AndiCard, Vector
from perrin.settings.diffusion import AndiTraining
from perrin.simulate.andi import EXPONENTS, MODELS, NOISES, simulate_andi
from perrin.train.andi.network import AndiNetwork
from perrin.train.export import both_predictions, check_same, to_onnx

FRAMES = (10, 1000)
LIMITS = (
    "Every trajectory is told as one of the five models with one exponent, also one that is none "
    "of them, or several: for mixtures and changes in time use a mixture network.",
    "Trained with localization noise of .1, .5 and 1 step as in the challenge; noise-free "
    "trajectories and motion blur are outside of it. No missing frames.",
    "alpha_low and alpha_high are the network's own quantiles, not calibrated afterwards; the "
    "card's figures say what they cover.",
)
_OUTPUTS = ("alpha", "model")
_TOLERANCE = 5e-4  # between torch and ONNX Runtime, float32, logits


def write_andi_bundle(
    network: AndiNetwork, folder: Path, *, settings: AndiTraining, overwrite: bool = False
) -> AndiCard:
    """Write `network` as a bundle to `folder` and return its card.

    Raises `PerrinError` where torch and ONNX Runtime differ.
    """
    network.eval()
    with written_folder(folder, overwrite=overwrite) as partial:
        inputs = _inputs(settings.seed, length=24, dims=2)
        content = to_onnx(network, partial / "model.onnx", inputs=inputs, outputs=_OUTPUTS)
        session = open_session(content)
        for length, dims in ((12, 2), (25, 1), (300, 2), (1000, 1)):
            inputs = _inputs(settings.seed, length=length, dims=dims)
            for _, told, own in both_predictions(network, session, inputs=inputs, outputs=_OUTPUTS):
                worst = float(np.abs(told - own).max())
                check_same(worst, allowed=_TOLERANCE, where=f"at {length} frames, {dims}D")
        example = _inputs(settings.seed, length=20, dims=2)
        example["positions"] = np.round(example["positions"], 4)
        predictions = session.run(list(_OUTPUTS), example)
        card = AndiCard(
            name=folder.name,
            perrin_version=__version__,
            sha256=hashlib.sha256(content).hexdigest(),
            license="MIT",
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
            figures={},
            vector=Vector(
                inputs={name: values.tolist() for name, values in example.items()},
                outputs={
                    name: prediction.tolist()
                    for name, prediction in zip(_OUTPUTS, predictions, strict=True)
                },
            ),
        )
        (partial / "card.json").write_text(card.model_dump_json(indent=1) + "\n")
    load_bundle(folder)
    return card


def _inputs(seed: int, *, length: int, dims: int) -> Arrays:
    """Return the inputs of four walks."""
    drawn = simulate_andi(4, length=length, dims=dims, rng=np.random.default_rng(seed))
    standard = standardize(drawn.positions, np.ones((4, length), dtype=bool))
    return {"positions": standard.positions, "seen": standard.seen}

"""From a trained network of kinds to a bundle: ONNX, card, self-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perrin.diffusion.kinds import KindsPrediction
from perrin.diffusion.motion_kinds import KINDS
from perrin.diffusion.ratio_reach import RatioReach
from perrin.diffusion.standard import Prediction
from perrin.diffusion.windows import Track
from perrin.models.bundle import Arrays
from perrin.models.cards import KindsCard
from perrin.models.kinds import answer
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import KindsTraining
from perrin.simulate.kind_sets import CAMERA, PRIOR
from perrin.train.export import Exported, written_bundle
from perrin.train.kinds.network import KindsNetwork
from perrin.train.kinds.reach import fit_reach
from perrin.train.kinds.recipe import LENGTHS, draw_batch

LIMITS = (
    "The probabilities hold for the prior on this card (training.prior): where one kind is much "
    "more common in your sample, it is more probable than they say.",
    "Motion that is none of the kinds, as of swimmers or Levy walks, is predicted as the one that "
    "looks most like it; posterior_predictive_p may say so.",
    "What does not show within the track is not predicted: confinement much wider than the "
    "particle gets, a drift slower than diffusion over the whole track.",
)
OUTPUTS = ("logits", "walls")
REACH = 150
"""Tracks of each length and w that tell how far w's intervals reach; fewer after a short trial."""
_TOLERANCE = 1e-3  # between torch and ONNX Runtime, float32, logits


@dataclass(frozen=True)
class _Answering:
    """The exported network, before it has a card."""

    exported: Exported
    reach: RatioReach | None = None

    def predict(self, tracks: Sequence[Track], prediction: Prediction) -> KindsPrediction:
        """Return how probable each kind is."""
        return answer(self.exported.run, tracks, prediction)


def write_kinds_bundle(
    network: KindsNetwork,
    folder: Path,
    *,
    settings: KindsTraining,
    model: MixtureModel,
    overwrite: bool = False,
) -> KindsCard:
    """Write `network` as a bundle to `folder` and return its card; `model` was looked at too.

    Raises `PerrinError` where torch and ONNX Runtime differ.
    """
    drawn = draw_batch(settings, model, rng=np.random.default_rng(settings.seed), length=50)
    example: Arrays = {"evidence": np.round(drawn.evidence[:8], 4)}

    def card_of(exported: Exported) -> KindsCard:
        exported.check({"evidence": drawn.evidence}, allowed=_TOLERANCE, relative=True)
        reach = fit_reach(
            _Answering(exported),
            model,
            count=min(REACH, max(3, settings.steps)),
            rng=np.random.default_rng(settings.seed),
        )
        return KindsCard(
            **exported.about,
            reach=reach,
            inputs={"evidence": "(N, q) float32, see perrin.diffusion.kind_evidence"},
            kinds=KINDS,
            mixture=model.bundle.card.sha256,
            limits=LIMITS,
            training={
                "settings": settings.model_dump(mode="json"),
                "prior": PRIOR,
                "lengths": list(LENGTHS),
                "camera": CAMERA,
            },
            vector=exported.vector(example, OUTPUTS),
        )

    return written_bundle(
        network,
        folder,
        example=example,
        outputs=OUTPUTS,
        card_of=card_of,
        indent=1,
        overwrite=overwrite,
    )

"""The event classifier at work: stacks in, scores and probabilities out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin.landing.views import look
from perrin.models.bundle import Arrays
from perrin.models.cards import ClassifierCard
from perrin.models.events import EventModel
from perrin.types import BoolArray, Float32Array, FloatArray


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of N events, classes in the order of its card."""

    score: FloatArray
    """(N, C): 0 to 1 for each class by itself; what kind of number it is, the card says."""
    probability: FloatArray
    """(N, C): of the classes on a balanced mix; each row sums to 1."""


_VARIED = 1.25
"""Instruments of the training differ in contrast by this factor."""


class ClassifierModel(EventModel[ClassifierCard]):
    """What `perrin.landing.classifier` needs: is a movie in range, and what are its events."""

    kind = ClassifierCard
    shipped = "classifier"
    instead = (
        "Train one for this instrument (perrin train classifier), or analyze without a model "
        "(--model none)."
    )

    @property
    def identity(self) -> str:
        """Tells it from every other classifier."""
        return self.bundle.card.sha256

    @property
    def confusion(self) -> FloatArray:
        """Probability of each predicted class (column) for each true one (row), balanced mix."""
        return np.array(self.bundle.card.confusion)

    @property
    def thresholds(self) -> dict[str, float]:
        """``score_binder`` with the best F1 on validation data, by range of mass."""
        return self.bundle.card.thresholds

    @property
    def heaviest_contrast(self) -> float:
        """Contrast of the heaviest molecule that it has learned from; infinite where unknown."""
        settings = self.bundle.card.training.get("source", {}).get("settings", {})
        try:
            heaviest = float(settings["masses"]["high_kda"])
            return heaviest * abs(float(settings["instrument"]["contrast_per_kda"])) * _VARIED
        except (KeyError, TypeError):
            return math.inf

    def check_range(self, *, n_avg: int, pixel_nm: float, frame_interval_s: float) -> None:
        """Raise `PerrinError` for data that the card does not cover, with what to do."""
        self._check("n_avg", n_avg, self.bundle.card.n_avg, "frames")
        self._check_instrument(pixel_nm=pixel_nm, frame_interval_s=frame_interval_s)

    def predict(
        self, stacks: Float32Array, inside: BoolArray, *, n_avg: int, landing_sign: int
    ) -> Prediction:
        """Return the prediction for stacks (N, T, 17, 17), see `perrin.landing.views.look`."""
        found = self.outputs(
            stacks, inside, ("score", "probability"), n_avg=n_avg, landing_sign=landing_sign
        )
        return Prediction(found["score"].astype(float), found["probability"].astype(float))

    def outputs(
        self,
        stacks: NDArray[np.float32],
        inside: NDArray[np.bool_],
        names: Sequence[str],
        *,
        n_avg: int,
        landing_sign: int,
    ) -> Arrays:
        """Return raw outputs by name, N rows each, computed in batches on all cores.

        There are ``score`` and ``probability`` (N, C), ``features`` (N, F): what the last layer
        sees, and ``activations`` (N, ...): mean activation of the first residual layer, over the
        axes of the view.
        """

        def view(rows: slice) -> NDArray[np.float32]:
            return look(
                stacks[rows],
                inside[rows],
                view=self.bundle.card.view,
                n_avg=n_avg,
                landing_sign=landing_sign,
            )

        return self._run(view, len(stacks), names)

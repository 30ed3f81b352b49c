"""The quantifier at work: stacks in, calibrated quantiles of contrast, residence and motion out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.landing.quantifier.quantities import LONGEST_RESIDENCE, TARGETS
from perrin.landing.thumbnails import frames_around
from perrin.landing.views import scaled_histories
from perrin.mass.errors import ErrorShape
from perrin.models.bundle import Arrays
from perrin.models.cards import QuantifierCard, QuantityIntervals
from perrin.models.events import EventModel
from perrin.types import FloatArray

OUTPUTS = ("quantiles", "score", "probability", "out_of_distribution")
_CONTRAST, _RESIDENCE_TIME = TARGETS.index("contrast"), TARGETS.index("residence_time")


@dataclass(frozen=True)
class Quantities:
    """What a quantifier says of N events."""

    quantiles: FloatArray
    """(N, 5, 3): low, middle and high (5, 50, 95%) of each of
    `perrin.landing.quantifier.quantities.TARGETS`: contrast (above 0, for landings), residence
    time in frames, path length and displacement in pixels, speed in pixels a frame."""
    score: FloatArray
    probability: FloatArray
    """score, probability (N, C): what the classifier says that it looks through
    (`QuantifierModel.classifier`), which sees the same stacks; classes in the order of the card."""
    out_of_distribution: NDArray[np.bool_]
    """(N,): events unlike anything in training: their numbers mean nothing."""


class QuantifierModel(EventModel[QuantifierCard]):
    """What `perrin.landing.quantifier.quantify` needs."""

    kind = QuantifierCard
    shipped = "quantifier"
    instead = (
        "Train one for this instrument (perrin train quantifier), or analyze without "
        "(--quantifier none)."
    )

    @property
    def integration(self) -> int:
        """The n_avg that stacks have to be cut for, whatever that of the analysis."""
        return self.bundle.card.integration

    @property
    def classifier(self) -> str:
        """`ClassifierModel.identity` of the classifier whose predictions it gives."""
        return self.bundle.card.classifier

    @property
    def heaviest_contrast(self) -> float:
        """Contrast of the heaviest molecule that it has learned from."""
        return self.bundle.card.contrast[1]

    @property
    def errors(self) -> ErrorShape:
        """How errors of the contrast are distributed, in standard errors."""
        return self.bundle.card.errors

    def check_range(self, *, pixel_nm: float, frame_interval_s: float) -> None:
        """Raise `PerrinError` for data that the card does not cover, with what to do."""
        self._check_instrument(pixel_nm=pixel_nm, frame_interval_s=frame_interval_s)

    def predict(
        self, stacks: NDArray[np.float32], inside: NDArray[np.bool_], *, landing_sign: int
    ) -> Quantities:
        """Return what stacks (N, 60, 17, 17), cut for `integration`, hold."""
        found, scale = self.raw(stacks, inside, landing_sign=landing_sign)
        card = self.bundle.card
        quantiles = found["quantiles"].astype(np.float64)
        quantiles *= np.array(card.units)[:, None]
        quantiles = calibrated(quantiles, found["probability"], card.interval)
        quantiles[:, _CONTRAST] *= scale[:, None]
        return Quantities(
            quantiles,
            found["score"].astype(np.float64),
            found["probability"].astype(np.float64),
            found["out_of_distribution"] > card.out_of_distribution,
        )

    def raw(
        self, stacks: NDArray[np.float32], inside: NDArray[np.bool_], *, landing_sign: int
    ) -> tuple[Arrays, NDArray[np.float32]]:
        """Return the network's outputs, not calibrated, and the scales (N,) in contrast."""
        before, after = frames_around(self.integration)
        if stacks.shape[1] != before + 1 + after:
            raise PerrinError(
                f"stacks have {stacks.shape[1]} frames; the model {self.name} needs "
                f"{before + 1 + after}: cut them with perrin.landing.thumbnails.iter_event_stacks "
                f"for n_avg = {self.integration}."
            )
        scales = []

        def view(rows: slice) -> NDArray[np.float32]:
            seen, scale = scaled_histories(
                stacks[rows], inside[rows], before=before, landing_sign=landing_sign
            )
            scales.append(scale)
            return seen

        outputs = self._run(view, len(stacks), OUTPUTS)
        return outputs, np.concatenate(scales)


def calibrated(
    quantiles: FloatArray, probability: NDArray[np.floating], interval: QuantityIntervals
) -> FloatArray:
    """Return quantiles (N, 5, 3) with the factors of a card: middles unbiased, ends that cover."""
    kind, width = cells(quantiles, probability, interval.width_edges)
    prediction = quantiles.copy()
    prediction[:, _CONTRAST] *= np.array(interval.middle)[kind, width][:, None]
    factors = np.array(interval.factors)[:, :, kind, width].transpose(2, 0, 1)  # (N, 5, 2)
    middle = prediction[..., 1]
    prediction[..., 0] = middle - factors[..., 0] * (middle - prediction[..., 0])
    prediction[..., 2] = middle + factors[..., 1] * (prediction[..., 2] - middle)
    prediction[:, _RESIDENCE_TIME] = np.minimum(prediction[:, _RESIDENCE_TIME], LONGEST_RESIDENCE)
    return np.asarray(np.maximum(prediction, 0.0))


def cells(
    quantiles: FloatArray, probability: NDArray[np.floating], width_edges: tuple[float, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the calibration cell of each event: most probable class (N,), width (N,)."""
    low, middle, high = quantiles[:, _CONTRAST].T
    width = (high - low) / np.maximum(middle, 1e-9)
    return probability.argmax(axis=1), np.searchsorted(width_edges, width)

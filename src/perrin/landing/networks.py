"""What the steps need of an event network: they take one as an argument and import none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from perrin.types import BoolArray, Float32Array, FloatArray

if TYPE_CHECKING:
    from perrin.mass.errors import ErrorShape


class ClassPrediction(Protocol):
    """What a classifier says of N events, each (N, C), classes in the order of the model."""

    @property
    def score(self) -> FloatArray:
        """0 to 1 for each class by itself."""

    @property
    def probability(self) -> FloatArray:
        """Of the classes on a balanced mix; each row sums to 1."""


class EventNetwork(Protocol):
    """What every network that reads events has."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the C classes; one of them is ``binder``."""


class Classifier(EventNetwork, Protocol):
    """What classifies events: `perrin.models.classifier.ClassifierModel` is one."""

    @property
    def identity(self) -> str:
        """Tells it from every other classifier."""

    @property
    def confusion(self) -> FloatArray:
        """Probability (C, C) of each predicted class (column) for each true one (row)."""

    def check_range(self, *, n_avg: int, pixel_nm: float, frame_interval_s: float) -> None:
        """Raise `PerrinError` for data that the model was not trained for."""

    def predict(
        self,
        stacks: Float32Array,
        inside: BoolArray,
        *,
        n_avg: int,
        landing_sign: int,
    ) -> ClassPrediction:
        """Return the prediction for stacks (N, T, 17, 17) with their field of view (N, 17, 17)."""


class QuantityPrediction(ClassPrediction, Protocol):
    """What a quantifier says of N events; see `perrin.models.quantifier.Quantities`."""

    @property
    def quantiles(self) -> FloatArray:
        """Low, middle, high (N, 5, 3) of `perrin.landing.quantifier.quantities.TARGETS`."""

    @property
    def out_of_distribution(self) -> BoolArray:
        """Whether an event is unlike anything in training, (N,)."""


class Quantifier(EventNetwork, Protocol):
    """What predicts masses of events: `perrin.models.quantifier.QuantifierModel` is one."""

    @property
    def integration(self) -> int:
        """The n_avg that its stacks are cut for."""

    @property
    def errors(self) -> ErrorShape:
        """How errors of the contrast are distributed, in standard errors."""

    @property
    def classifier(self) -> str:
        """``identity`` of the classifier whose predictions it gives."""

    def check_range(self, *, pixel_nm: float, frame_interval_s: float) -> None:
        """Raise `PerrinError` for data that the model was not trained for."""

    def predict(
        self, stacks: Float32Array, inside: BoolArray, *, landing_sign: int
    ) -> QuantityPrediction:
        """Return the prediction for stacks (N, T, 17, 17) with their field of view (N, 17, 17)."""

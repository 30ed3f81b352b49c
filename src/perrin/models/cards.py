"""The card of a trained network: what it is, what it is valid for, what it was measured to do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from perrin.diffusion.andi_outside import OutsideLimits
from perrin.diffusion.ratio_reach import RatioReach
from perrin.mass.errors import ErrorShape
from perrin.settings.base import Settings

Range = tuple[float, float]


class Vector(Settings):
    """Test inputs and the outputs that belong to them, by name, as nested lists."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]


class Card(Settings):
    """What every card says."""

    name: str
    task: str
    perrin_version: str
    sha256: str = Field(description="of model.onnx")
    license: str
    inputs: dict[str, str]
    limits: tuple[str, ...] = Field(description="what it cannot tell, in sentences")
    training: dict[str, Any] = Field(description="settings, data, seed, curve")
    figures: dict[str, Any] = Field(description="measured, with protocol and number")
    vector: Vector

    def summary(self) -> str:
        """Return what it is in a few words."""
        return self.task


class Interval(Settings):
    """Calibration of the 90% intervals: factors on the distances middle - low, high - middle.

    Cells: what is known of the camera and how much it saw (`perrin.diffusion.standard.CAMERAS`),
    nearest `lengths` (in logarithm), then the predicted noise fraction and the predicted middle,
    each by its inner `edges`; factors[target][side][camera][length][noise][middle].
    """

    lengths: tuple[int, ...]
    noise_edges: tuple[float, ...]
    middle_edges: tuple[float, ...]
    factors: tuple[tuple[tuple[tuple[tuple[tuple[float, ...], ...], ...], ...], ...], ...]


class Discrepancies(Settings):
    """How far tracks of the model itself are from their replicates, by frames of the track.

    distances[length][level]: those that a fraction `levels` of simulated tracks of `lengths` frames
    exceed (`perrin.models.predictive`).
    """

    lengths: tuple[int, ...]
    levels: tuple[float, ...]
    distances: tuple[tuple[float, ...], ...]


class MixtureCard(Card):
    """A network that reads what moves a particle from its trajectory."""

    task: Literal["mixture"] = "mixture"
    outputs: tuple[str, ...]
    frames: tuple[int, int] = Field(description="shortest and longest trajectory")
    dims: tuple[int, ...]
    max_missing: float = Field(description="largest fraction of missing frames")
    interval: Interval
    discrepancies: Discrepancies | None = Field(
        None, description="of tracks of the model; without them no track is checked against it"
    )

    def summary(self) -> str:
        """Return what it is in a few words."""
        return f"{self.task}, {self.frames[0]} to {self.frames[1]} frames"


class AndiCard(Card):
    """A network for the tasks of the AnDi challenge: exponent and model of a trajectory."""

    task: Literal["andi"] = "andi"
    models: tuple[str, ...] = Field(description="in the order of the outputs")
    frames: tuple[int, int] = Field(description="shortest and longest trajectory")
    dims: tuple[int, ...]
    outside: OutsideLimits | None = Field(
        None, description="which tracks are out of the models; without it none is called so"
    )

    def summary(self) -> str:
        """Return what it is in a few words."""
        return (
            f"{self.task}, {len(self.models)} models, {self.frames[0]} to {self.frames[1]} frames"
        )


class KindsCard(Card):
    """A network that tells kinds of motion apart."""

    task: Literal["kinds"] = "kinds"
    kinds: tuple[str, ...] = Field(description="in the order of the outputs")
    mixture: str = Field(description="sha256 of the mixture network that it stands beside")
    reach: RatioReach | None = Field(
        None, description="how far intervals of w reach beside it; without it those of the network"
    )

    def summary(self) -> str:
        """Return what it is in a few words."""
        return f"{self.task}, {len(self.kinds)} kinds of motion"


class ClassifierCard(Card):
    """A network that sorts landings into classes."""

    task: Literal["classifier"] = "classifier"
    classes: tuple[str, ...] = Field(description="in the order of the outputs")
    view: Literal["thumbnail", "history"] = Field(description="see perrin.landing.views")
    score: str = Field(description="what kind of number a score is")
    n_avg: tuple[int, int] = Field(description="integrations, frames on each side")
    pixel_nm: Range = Field(description="pixel sizes in the sample")
    frame_interval_s: Range = Field(description="times from frame to frame")
    confusion: tuple[tuple[float, ...], ...] = Field(
        description="probability of each predicted class (column) for each true one (row), "
        "protocol use, balanced"
    )
    thresholds: dict[str, float] = Field(
        description="score_binder with the best F1 on validation data, by range of mass"
    )

    def summary(self) -> str:
        """Return what it is in a few words."""
        return f"{self.task}, {len(self.classes)} classes, n_avg {self.n_avg[0]} to {self.n_avg[1]}"


class QuantityIntervals(Settings):
    """Calibration of a quantifier: cells by the most probable class and the relative width.

    middle[class][width] is a factor on all three quantiles of the contrast;
    factors[target][side][class][width] those on the distances middle - low, high - middle.
    The relative width is that of the interval of the contrast over its middle, sorted by its
    inner `width_edges`.
    """

    width_edges: tuple[float, ...]
    middle: tuple[tuple[float, ...], ...]
    factors: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]


class QuantifierCard(Card):
    """A network that reads contrast, stay and motion of a landing from its history."""

    task: Literal["quantifier"] = "quantifier"
    targets: tuple[str, ...] = Field(description="in the order of the quantiles")
    units: tuple[float, ...] = Field(description="of the raw quantiles")
    classes: tuple[str, ...] = Field(description="in the order of the probabilities")
    integration: int = Field(description="n_avg that stacks are cut for")
    classifier: str = Field(
        description="sha256 of the classifier whose first layers it looks through, and whose "
        "answers it gives"
    )
    pixel_nm: Range = Field(description="pixel sizes in the sample")
    frame_interval_s: Range = Field(description="times from frame to frame")
    contrast: Range = Field(description="of the molecules it has learned from")
    out_of_distribution: float = Field(
        description="squared distance from training events that 2% of these exceed"
    )
    interval: QuantityIntervals
    errors: ErrorShape = Field(description="of the contrast, in standard errors of its interval")

    def summary(self) -> str:
        """Return what it is in a few words."""
        return f"{self.task}, pixels of {self.pixel_nm[0]:.3g} to {self.pixel_nm[1]:.3g} nm"


CARDS: dict[str, type[Card]] = {
    "mixture": MixtureCard,
    "classifier": ClassifierCard,
    "quantifier": QuantifierCard,
    "andi": AndiCard,
    "kinds": KindsCard,
}

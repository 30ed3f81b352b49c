"""Linear networks: real models of perrin, whose session is a matrix instead of an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from perrin.events import CLASSES, PAPER_CLASSES
from perrin.landing.views import View, look
from perrin.models.bundle import Bundle
from perrin.models.cards import ClassifierCard, Vector
from perrin.models.classifier import ClassifierModel
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import Part, ThumbnailSimulator
from perrin.simulate.thumbnails import threads

Making = Callable[..., ClassifierModel]
N_AVG = 10


@dataclass(frozen=True)
class LinearSession:
    """Answers like an ONNX session: logits are a matrix times squared and plain pixels."""

    weights: NDArray[np.float64]

    def run(self, names: list[str], inputs: dict[str, NDArray[np.float32]]) -> list:
        view = inputs["view"]
        logits = features(view) @ self.weights
        exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
        predictions = {
            "score": 1 / (1 + np.exp(-logits)),
            "probability": exponential / exponential.sum(axis=1, keepdims=True),
            "features": features(view)[:, :20],
            "activations": view.reshape(len(view), -1, *view.shape[-2:]).mean(axis=1),
        }
        return [predictions[name].astype(np.float32) for name in names]


def features(view: NDArray[np.float32]) -> NDArray[np.float64]:
    """Means of central and outer pixels over time, the squares, and 1."""
    frames = view.reshape(len(view), -1, *view.shape[-2:])
    middle = frames[:, :, 7:10, 7:10].mean(axis=(2, 3))
    ring = frames[:, :, 4:13, 4:13].mean(axis=(2, 3))
    found = np.concatenate([middle, ring, middle**2, np.ones((len(view), 1))], axis=1)
    return found.astype(float)


@pytest.fixture(scope="session")
def part() -> Part:
    """A thousand events to learn from."""
    model_seed, draw_seed = np.random.SeedSequence(0).spawn(2)
    settings = ThumbnailSettings(n_avg=N_AVG)
    simulator = ThumbnailSimulator.of(
        settings, centering="truth", background=None, psf=None, seed=model_seed
    )
    with threads(1) as pool:
        (found,) = simulator.events(np.resize(PAPER_CLASSES, 1000), seed=draw_seed, pool=pool)
    return found


@pytest.fixture(scope="session")
def linear(part: Part) -> Making:
    """Give a function that makes a linear network by least squares on those events."""

    def make(
        name: str = "linear",
        *,
        view: View = "history",
        classes: tuple[str, ...] = CLASSES,
        n_avg: tuple[int, int] = (5, 40),
    ) -> ClassifierModel:
        seen = look(part.stacks, part.inside, view=view, n_avg=N_AVG, landing_sign=-1)
        labels = part.truth["class"].to_numpy()
        wanted = 6.0 * (labels[:, None] == np.array(classes)) - 3.0
        x = features(seen)
        weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ wanted)
        card = ClassifierCard(
            name=name,
            perrin_version="0",
            sha256="0",
            license="MIT",
            inputs={},
            limits=(),
            training={},
            figures={},
            vector=Vector(inputs={}, outputs={}),
            classes=classes,
            view=view,
            score="sigmoid of a linear score",
            n_avg=n_avg,
            pixel_nm=(60, 90),
            frame_interval_s=(0.003, 0.006),
            confusion=tuple(tuple(row) for row in np.eye(len(classes))),
            thresholds={"30 to 55 kDa": 0.5},
        )
        return ClassifierModel(Bundle(card, LinearSession(weights)))

    return make

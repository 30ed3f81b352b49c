"""Test events with their truth, and what classifiers say of them: drawn in blocks, not kept.

Protocol *paper*: centered on the truth, every simulated event, the paper's five classes in equal
parts. Protocol *use*: where the permissive detector sees them, six classes, the sixth being what
it picks in buffer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.models.classifier import ClassifierModel
from perrin.settings.simulation import MassPrior, ThumbnailSettings
from perrin.simulate.thumbnail_simulator import Centering, Part, ThumbnailSimulator
from perrin.simulate.thumbnails import threads
from perrin.types import FloatArray

Report = Callable[[int], None]
"""Called with the number of further events that are done."""

RANGES: dict[str, MassPrior] = {
    "30 to 800 kDa": MassPrior(),
    "30 to 55 kDa": MassPrior(low_kda=30, middle_kda=55, high_kda=55, low_fraction=1),
    "55 to 100 kDa": MassPrior(low_kda=55, middle_kda=100, high_kda=100, low_fraction=1),
    "100 to 800 kDa": MassPrior(low_kda=100, middle_kda=800, high_kda=800, low_fraction=1),
}
"""Masses of the test sets: the prior of training, and uniform within three ranges."""
ALL_MASSES = next(iter(RANGES))

_OWN_ENTROPY = 20_020_807  # no training, whatever its seed, draws the events of an evaluation
_BLOCK = 500  # events drawn at a time: about 200 MB at n_avg 40


@dataclass(frozen=True)
class Predictions:
    """Events and what the models say of them."""

    labels: NDArray[np.str_]
    """(N,): true classes."""
    mass_kda: FloatArray
    """(N,): true masses; NaN for buffer events."""
    score: FloatArray
    probability: FloatArray
    """score, probability (M, N, 6): of each model, classes in the order of `CLASSES`; NaN and 0 for
    a class that a model does not have."""

    @property
    def true(self) -> NDArray[np.int64]:
        """Number of each event's class."""
        return np.array([CLASSES.index(name) for name in self.labels], np.int64)

    def among(self, classes: Sequence[str]) -> FloatArray:
        """Probabilities (M, N, C) given that it is one of these classes."""
        index = [CLASSES.index(name) for name in classes]
        chosen = self.probability[:, :, index]
        chosen /= np.maximum(chosen.sum(axis=2, keepdims=True), 1e-30)
        return chosen

    @classmethod
    def joined(cls, parts: Sequence[Predictions]) -> Predictions:
        """All events of several."""
        return cls(
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.mass_kda for part in parts]),
            np.concatenate([part.score for part in parts], axis=1),
            np.concatenate([part.probability for part in parts], axis=1),
        )


def fresh_seed(seed: int, *key: int) -> np.random.SeedSequence:
    """Return a seed for test events: one for each key, and never one of a training."""
    return np.random.SeedSequence([_OWN_ENTROPY, seed], spawn_key=key)


def predict_on(
    models: Sequence[ClassifierModel],
    *,
    simulated: ThumbnailSettings,
    classes: Sequence[str] = PAPER_CLASSES,
    count: int,
    centering: Centering = "truth",
    seed: np.random.SeedSequence,
    report: Report | None = None,
) -> Predictions:
    """Return what `models` say of `count` fresh events, `classes` in equal parts, in random order.

    Raises `PerrinError` where a model does not cover the simulated instrument or its n_avg.
    """
    shared, order, events = seed.spawn(3)
    names = np.resize(np.array(classes), count)
    labels = np.random.default_rng(order).permutation(names)
    simulator = ThumbnailSimulator.of(
        simulated, centering=centering, background=None, psf=None, seed=shared
    )
    check_instrument(models, simulator)
    parts = []
    for own, part in drawn(simulator, labels, seed=events):
        parts.append(predict_part(models, part, own, simulator))
        if report is not None:
            report(len(own))
    return Predictions.joined(parts)


def drawn(
    simulator: ThumbnailSimulator, labels: NDArray[np.str_], *, seed: np.random.SeedSequence
) -> Iterator[tuple[NDArray[np.str_], Part]]:
    """Yield parts with one event for each label, a bounded number at a time, and their labels."""
    molecules = labels[labels != "buffer"]
    blanks = len(labels) - len(molecules)
    blank_seed, *seeds = seed.spawn(1 + -(-len(molecules) // _BLOCK))
    with threads(os.cpu_count() or 1) as pool:
        for k, own_seed in enumerate(seeds):
            block = molecules[k * _BLOCK : (k + 1) * _BLOCK]
            for part in simulator.events(block, seed=own_seed, pool=pool):
                yield block[part.rows], part
        for slots, part in simulator.blanks(np.arange(blanks), seed=blank_seed):
            yield np.full(len(slots), "buffer"), part


def predict_part(
    models: Sequence[ClassifierModel],
    part: Part,
    labels: NDArray[np.str_],
    simulator: ThumbnailSimulator,
) -> Predictions:
    """Return what `models` say of the events of a part."""
    predicted = [
        predict(
            model,
            part.stacks,
            part.inside,
            n_avg=simulator.settings.n_avg,
            landing_sign=simulator.landing_sign,
        )
        for model in models
    ]
    mass = part.truth["mass_kda"] if "mass_kda" in part.truth else np.full(len(labels), np.nan)
    return Predictions(
        labels,
        np.asarray(mass, float),
        np.stack([score for score, _ in predicted]),
        np.stack([probability for _, probability in predicted]),
    )


def predict(
    model: ClassifierModel,
    stacks: NDArray[np.float32],
    inside: NDArray[np.bool_],
    *,
    n_avg: int,
    landing_sign: int,
) -> tuple[FloatArray, FloatArray]:
    """Return scores and probabilities (N, 6) of one model, classes in the order of `CLASSES`."""
    prediction = model.predict(stacks, inside, n_avg=n_avg, landing_sign=landing_sign)
    score = np.full((len(stacks), len(CLASSES)), np.nan)
    probability = np.zeros_like(score)
    columns = [CLASSES.index(name) for name in model.classes]
    score[:, columns] = prediction.score
    probability[:, columns] = prediction.probability
    return score, probability


def check_instrument(models: Sequence[ClassifierModel], simulator: ThumbnailSimulator) -> None:
    """Raise `PerrinError` where a model does not cover what the simulator records."""
    for model in models:
        unknown = set(model.classes) - set(CLASSES)
        if unknown or not set(PAPER_CLASSES) <= set(model.classes):
            raise PerrinError(
                f"the model {model.name} has the classes {', '.join(model.classes)}; an evaluation "
                f"needs {', '.join(PAPER_CLASSES)}, with or without buffer."
            )
        model.check_range(
            n_avg=simulator.settings.n_avg,
            pixel_nm=simulator.instrument.pixel_nm,
            frame_interval_s=simulator.instrument.frame_interval_s,
        )

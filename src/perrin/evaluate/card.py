"""What the card of a classifier needs besides figures: its confusion matrix and thresholds.

They are measured on events of their own, which no training and no evaluation draws.
"""

from __future__ import annotations

import numpy as np

from perrin.evaluate import roc
from perrin.evaluate.predictions import RANGES, fresh_seed, predict_on
from perrin.models.classifier import ClassifierModel
from perrin.settings.simulation import ThumbnailSettings

Matrix = tuple[tuple[float, ...], ...]


def confusion_use(
    model: ClassifierModel,
    *,
    count: int,
    seed: int,
    simulated: ThumbnailSettings | None = None,
) -> Matrix:
    """Return the confusion matrix of a card: the model's classes in equal parts, protocol *use*.

    Parameters
    ----------
    model : ClassifierModel
        At n_avg 10, or the nearest that its card covers.
    count, seed : int
        Number of events, and what they are drawn from.
    simulated : ThumbnailSettings, optional
        Instrument, surface and motions; by default the simulator's own.

    Returns
    -------
    C rows of C
        Fraction of each predicted class (column) of each true one (row), in the order of the
        model's classes; rows sum to 1.

    """
    predictions = predict_on(
        [model],
        simulated=_usual(model, simulated),
        classes=model.classes,
        count=count,
        centering="detector",
        seed=fresh_seed(seed, 6),
    )
    predicted = predictions.among(model.classes)[0].argmax(axis=1)
    true = np.array([model.classes.index(name) for name in predictions.labels])
    fractions = roc.confusion(true, predicted, classes=len(model.classes))
    return tuple(tuple(float(fraction) for fraction in row) for row in fractions)


def best_thresholds(
    model: ClassifierModel,
    *,
    count: int,
    seed: int,
    simulated: ThumbnailSettings | None = None,
) -> dict[str, float]:
    """Return the thresholds of a card: on the score of binders, highest F1, by range of mass.

    `count` events in each range, protocol *paper*; the rest as in `confusion_use`.
    """
    found = {}
    usual = _usual(model, simulated)
    for k, (name, masses) in enumerate(RANGES.items()):
        predictions = predict_on(
            [model],
            simulated=usual.model_copy(update={"masses": masses}),
            count=count,
            seed=fresh_seed(seed, 7, k),
        )
        found[name] = roc.best_threshold(predictions.score[0, :, 0], predictions.true == 0)
    return found


def _usual(model: ClassifierModel, simulated: ThumbnailSettings | None) -> ThumbnailSettings:
    low, high = model.bundle.card.n_avg
    plain = simulated or ThumbnailSettings()
    return plain.model_copy(update={"n_avg": min(max(10, low), high)})

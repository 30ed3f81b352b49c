"""Class fractions and probabilities of samples of other mixes and masses, against the truth.

Protocol *use*: events centered by the detector, six classes. The confusion matrix is that of the
model's card; fractions and probabilities are judged on fresh events. For each range of mass and
mix: largest error of a fraction (by the confusion, by probability, by plain counts), Brier score of
``p_binder``, and the precision at a score of 0.9, estimated and true. Another model can be given:
``python benchmarks/prevalence.py MODEL``.
"""

from __future__ import annotations

import sys

import numpy as np

from _measure import print_table
from perrin.evaluate.predictions import RANGES, Predictions, fresh_seed, predict_on
from perrin.events import CLASSES
from perrin.landing.classifier.prevalence import class_prevalence, correct_prior_shift, prevalence
from perrin.models.classifier import ClassifierModel
from perrin.settings.simulation import ThumbnailSettings

COUNT, SEED = 3000, 20_302
DRAWN = 5000
MIXES = {  # in the order of CLASSES
    "firm": (0.85, 0.03, 0.08, 0.01, 0.02, 0.01),
    "mixed": (0.40, 0.25, 0.12, 0.05, 0.14, 0.04),
    "faint": (0.40, 0.25, 0.05, 0.03, 0.13, 0.14),
    "loose": (0.10, 0.35, 0.20, 0.10, 0.15, 0.10),
}


def main(name: str = "default") -> None:
    model = ClassifierModel.load(name)
    rows = []
    for k, masses in enumerate(RANGES):
        test = predict_on(
            [model],
            simulated=ThumbnailSettings(masses=RANGES[masses]),
            classes=CLASSES,
            count=COUNT,
            centering="detector",
            seed=fresh_seed(SEED, k),
        )
        for mix, fractions in MIXES.items():
            rows.append((masses, mix, *judged(test, np.array(fractions), model.confusion)))
    print_table(
        ("masses", "mix", "confusion", "probability", "count", "Brier", "precision", "true"), rows
    )


def judged(test: Predictions, mix: np.ndarray, confusion: np.ndarray) -> list[str]:
    weight = mix[test.true] / np.bincount(test.true, minlength=len(mix))[test.true]
    rows = np.random.default_rng(0).choice(len(test.true), DRAWN, p=weight / weight.sum())
    true, probability, score = test.true[rows], test.probability[0][rows], test.score[0][rows]
    truth = np.bincount(true, minlength=len(mix)) / DRAWN
    predicted = np.bincount(probability.argmax(axis=1), minlength=len(mix)) / DRAWN
    fractions = prevalence(probability, confusion)
    errors = [
        np.abs(found - truth).max()
        for found in (fractions, class_prevalence(probability), predicted)
    ]
    binder = true == 0
    p_binder = correct_prior_shift(probability, fractions)[:, 0]
    kept = score[:, 0] >= 0.9
    brier = np.mean((p_binder - binder) ** 2)
    figures = (*errors, brier, p_binder[kept].mean(), binder[kept].mean())
    return [f"{figure:.3f}" for figure in figures]


if __name__ == "__main__":
    main(*sys.argv[1:])

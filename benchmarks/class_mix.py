"""Class shares and probabilities of samples of other mixes and masses, against the truth.

Protocol *use*: events centred by the detector, six classes. The confusion matrix is that of the
model's card; shares and probabilities are judged on fresh events. For each range of mass and mix:
largest error of a share (by the confusion, by probability, by plain counts), Brier score of
``p_binder``, and the precision at a score of 0.9, estimated and true. Another model can be given:
``python benchmarks/class_mix.py MODEL``.
"""

from __future__ import annotations

import sys

import numpy as np

from _measure import print_table
from perrin.evaluate.answers import RANGES, Answers, answers_on, fresh_seed
from perrin.landing.classifier.mix import at_mix, class_mix, told_mix
from perrin.models.classifier import ClassifierModel
from perrin.settings.classifier import CLASSES
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
        test = answers_on(
            [model],
            simulated=ThumbnailSettings(masses=RANGES[masses]),
            classes=CLASSES,
            count=COUNT,
            centring="detector",
            seed=fresh_seed(SEED, k),
        )
        for mix, shares in MIXES.items():
            rows.append((masses, mix, *judged(test, np.array(shares), model.confusion)))
    print_table(
        ("masses", "mix", "confusion", "probability", "count", "Brier", "precision", "true"), rows
    )


def judged(test: Answers, mix: np.ndarray, confusion: np.ndarray) -> list[str]:
    weight = mix[test.true] / np.bincount(test.true, minlength=len(mix))[test.true]
    rows = np.random.default_rng(0).choice(len(test.true), DRAWN, p=weight / weight.sum())
    true, probability, score = test.true[rows], test.probability[0][rows], test.score[0][rows]
    truth = np.bincount(true, minlength=len(mix)) / DRAWN
    told = np.bincount(probability.argmax(axis=1), minlength=len(mix)) / DRAWN
    shares = told_mix(probability, confusion)
    errors = [np.abs(found - truth).max() for found in (shares, class_mix(probability), told)]
    binder = true == 0
    p_binder = at_mix(probability, shares)[:, 0]
    kept = score[:, 0] >= 0.9
    brier = np.mean((p_binder - binder) ** 2)
    figures = (*errors, brier, p_binder[kept].mean(), binder[kept].mean())
    return [f"{figure:.3f}" for figure in figures]


if __name__ == "__main__":
    main(*sys.argv[1:])

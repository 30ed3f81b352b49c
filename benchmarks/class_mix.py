"""Class shares and probabilities of samples of other mixes and masses, against the truth.

    python benchmarks/class_mix.py MODEL [CONFUSION_EVENTS] [TEST_EVENTS]

Protocol *use*: events centred by the detector, six classes. The confusion matrix is measured on
fresh events of the training's masses; shares and probabilities are judged on others. Printed for
each range of mass and mix: largest error of a share (by the confusion, by probability, by plain
counts), Brier score of ``p_binder``, and the precision at a score of 0.9, estimated and true.
"""

from __future__ import annotations

import sys

import numpy as np

from perrin.evaluate.answers import ALL_MASSES, RANGES, Answers, answers_on
from perrin.landing.mix import at_mix, class_mix, told_mix
from perrin.models.classifier import ClassifierModel
from perrin.settings.classifier import CLASSES

N_AVG = 10
DRAWN = 5000
MIXES = {  # in the order of CLASSES
    "firm": (0.85, 0.03, 0.08, 0.01, 0.02, 0.01),
    "mixed": (0.40, 0.25, 0.12, 0.05, 0.14, 0.04),
    "faint": (0.40, 0.25, 0.05, 0.03, 0.13, 0.14),
    "loose": (0.10, 0.35, 0.20, 0.10, 0.15, 0.10),
}


def main(name: str, for_confusion: int = 6000, for_test: int = 3000) -> None:
    model = ClassifierModel.load(name)
    first = events(model, ALL_MASSES, for_confusion, seed=20_301)
    confusion = np.full((len(CLASSES), len(CLASSES)), 1e-3)
    np.add.at(confusion, (first.true, first.probability[0].argmax(axis=1)), 1)
    confusion /= confusion.sum(axis=1, keepdims=True)
    print("masses          mix    error: confusion, probability, count   Brier    precision, true")
    for masses in RANGES:
        test = events(model, masses, for_test, seed=20_302)
        for mix, shares in MIXES.items():
            print(f"{masses:15s} {mix:6s} {judged(test, np.array(shares), confusion)}", flush=True)


def events(model: ClassifierModel, masses: str, count: int, *, seed: int) -> Answers:
    return answers_on(
        [model],
        classes=CLASSES,
        masses=RANGES[masses],
        n_avg=N_AVG,
        count=count,
        centring="detector",
        seed=np.random.SeedSequence(seed),
    )


def judged(test: Answers, mix: np.ndarray, confusion: np.ndarray) -> str:
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
    return (
        f"{errors[0]:17.3f} {errors[1]:12.3f} {errors[2]:7.3f} {brier:9.4f} "
        f"{p_binder[kept].mean():9.3f} {binder[kept].mean():6.3f}"
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))

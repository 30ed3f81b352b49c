"""The tables of an evaluation: what the answers to sets of test events amount to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from perrin.evaluate import roc
from perrin.evaluate.predictions import ALL_MASSES, Predictions
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.types import FloatArray

Row = dict[str, Any]

PAPER_AUC: dict[str, tuple[float, ...]] = {
    "30 to 800 kDa": (0.985, 0.999, 0.995, 0.996, 0.985),
    "30 to 55 kDa": (0.841, 0.995, 0.882, 0.968, 0.868),
    "55 to 100 kDa": (0.932, 0.999, 0.978, 0.998, 0.950),
    "100 to 800 kDa": (0.998, 0.999, 0.995, 1.00, 0.995),
}
"""Paper 002, Table 2, in the order of `PAPER_CLASSES`: its own data, background and networks."""
PAPER_ERRORS = 0.055
PAPER_PRECISION = 0.61  # at that recall, 30 to 55 kDa
RECALL = 0.23
"""Of binders, where the paper gives its precision (its threshold for protein A)."""
RECOMMENDED = 0.9
"""Threshold that the paper recommends to start with."""
_MOST_POINTS = 400  # of a ROC curve that is kept


class EventSet(NamedTuple):
    """One set of test events and what the models, by name, say of them."""

    protocol: str
    n_avg: int
    range: str
    models: tuple[str, ...]
    classes: tuple[str, ...]
    predictions: Predictions

    @property
    def about(self) -> Row:
        """The columns of tables that say which set it is."""
        return {"protocol": self.protocol, "n_avg": self.n_avg, "range": self.range}


class _Quantity(NamedTuple):
    """What a figure is, by which score, and of which class."""

    quantity: str
    by: str
    of: str


def figures_of(
    sets: Sequence[EventSet], *, resamples: int, seed: np.random.SeedSequence
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all figures with intervals, and the differences of every two models on each set."""
    rows: list[Row] = []
    differences: list[Row] = []
    for test, own_seed in zip(sets, seed.spawn(len(sets)), strict=True):
        names, statistics = _statistics(test)
        balanced = len(test.classes) > 1  # as many of each class as were asked for
        point, drawn_again = roc.bootstrap(
            statistics,
            test.predictions.labels if balanced else np.zeros(len(test.predictions.labels)),
            resamples=resamples,
            rng=np.random.default_rng(own_seed),
        )
        shape = len(test.models), len(names)
        point, again = point.reshape(shape), drawn_again.reshape(-1, *shape)
        for q, name in enumerate(names):
            columns = {"quantity": name.quantity, "by": name.by, "class": name.of}
            for m, model in enumerate(test.models):
                low, high = roc.interval(again[:, m, q])
                value = {"value": point[m, q], "low": low, "high": high}
                rows.append(
                    test.about | {"model": model} | columns | value | {"paper": _paper(test, name)}
                )
            for a, b in combinations(range(len(test.models)), 2):
                differences.append(
                    test.about
                    | {"model": test.models[a], "against": test.models[b]}
                    | columns
                    | _difference(point[[a, b], q], again[:, [a, b], q])
                )
        rows += _calibration_errors(test)
    return pd.DataFrame(rows), pd.DataFrame(differences)


def _statistics(test: EventSet) -> tuple[list[_Quantity], roc.Statistics]:
    """Names of the figures of one model, and the function that gives those of all models."""
    classes, true = test.classes, test.predictions.true
    several = len(classes) > 1
    names = []
    for by in _scores(test):
        names += [_Quantity("AUC", by, of) for of in classes]
        names.append(_Quantity(f"precision at {RECALL:.0%} recall", by, "binder"))
    if several:
        names.append(_Quantity("errors", "probability", "all"))
        wrong = test.predictions.among(classes).argmax(axis=2) != true
    scores = list(_scores(test).values())
    positives = [true == CLASSES.index(of) for of in classes]

    def statistics(weights: FloatArray) -> FloatArray:
        columns = []
        for m in range(len(test.models)):
            for values in scores:
                for c, positive in enumerate(positives):
                    columns.append(roc.weighted_auc(values[m, :, c], positive, weights))
                binder = values[m, :, 0]
                columns.append(roc.precision_at(binder, positives[0], weights, recall=RECALL))
            if several:
                columns.append(weights @ wrong[m] / weights.sum(axis=1))
        return np.stack(columns, axis=1)

    return names, statistics


def _scores(test: EventSet) -> dict[str, FloatArray]:
    """Both scores (M, N, C) of the set's classes; NaN for a class that a model does not have."""
    index = [CLASSES.index(name) for name in test.classes]
    score = test.predictions.score[:, :, index]
    predicted = (
        test.predictions.among(test.classes) if len(index) > 1 else test.predictions.probability
    )
    return {
        "score": score,
        "probability": np.where(np.isnan(score), np.nan, predicted[:, :, : len(index)]),
    }


def _paper(test: EventSet, name: _Quantity) -> float:
    """What the paper reached; NaN where it gives no figure."""
    if test.protocol != "paper" or test.n_avg != 10:
        return float("nan")
    if name.quantity == "AUC":
        return PAPER_AUC[test.range][PAPER_CLASSES.index(name.of)]
    if name.quantity == "errors" and test.range == ALL_MASSES:
        return PAPER_ERRORS
    if name.quantity.startswith("precision") and test.range == "30 to 55 kDa":
        return PAPER_PRECISION
    return float("nan")


def _difference(point: FloatArray, again: FloatArray) -> dict[str, float]:
    """Model (first) minus against (second), and relative to it, with paired intervals."""
    low, high = roc.interval(again[:, 0] - again[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = point[0] / point[1] - 1
        relative_low, relative_high = roc.interval(again[:, 0] / again[:, 1] - 1)
    return {
        "difference": point[0] - point[1],
        "low": low,
        "high": high,
        "relative": relative,
        "relative_low": relative_low,
        "relative_high": relative_high,
    }


def table(sets: Sequence[EventSet], rows: Callable[[EventSet], Iterator[Row]]) -> pd.DataFrame:
    """Return the rows of all sets, each with what says which set it is."""
    return pd.DataFrame([test.about | row for test in sets for row in rows(test)])


def confusion_rows(test: EventSet) -> Iterator[Row]:
    """Yield the fraction of each predicted class among the events of each true one."""
    if len(test.classes) == 1:
        return
    predicted = test.predictions.among(test.classes).argmax(axis=2)
    for m, model in enumerate(test.models):
        fractions = roc.confusion(test.predictions.true, predicted[m], classes=len(test.classes))
        for true, row in zip(test.classes, fractions, strict=True):
            for name, fraction in zip(test.classes, row, strict=True):
                yield {"model": model, "true": true, "predicted": name, "fraction": fraction}


def threshold_rows(test: EventSet, cards: dict[str, dict[str, float]]) -> Iterator[Row]:
    """Yield what thresholds do to one half of the events; the best is looked for on the other.

    `cards` are the thresholds of each model's card, by range of mass.
    """
    positive = test.predictions.true == 0
    for m, model in enumerate(test.models):
        score = test.predictions.score[m, :, 0]
        chosen = {
            "best F1": roc.best_threshold(score[::2], positive[::2]),
            "recommended": RECOMMENDED,
        }
        if test.range in cards[model]:
            chosen["card"] = cards[model][test.range]
        for how, threshold in chosen.items():
            kept = roc.at_threshold(score[1::2], positive[1::2], threshold)
            yield {"model": model, "chosen": how, "threshold": threshold} | kept._asdict()


def trade_off_rows(test: EventSet) -> Iterator[Row]:
    """Yield precision, recall and F1 of binders at thresholds from 0 to 1, dense near 1."""
    near_one = 1 - np.geomspace(0.01, 1e-4, 21)
    positive = test.predictions.true == 0
    for m, model in enumerate(test.models):
        for threshold in np.concatenate([np.arange(0.01, 0.985, 0.01), near_one]):
            kept = roc.at_threshold(test.predictions.score[m, :, 0], positive, threshold)
            yield {"model": model, "threshold": threshold} | kept._asdict()


def reliability_rows(test: EventSet) -> Iterator[Row]:
    """Yield, in bins of the predicted probability of a class, how often it was that class."""
    if len(test.classes) == 1:
        return
    for m, model in enumerate(test.models):
        for of, found in _reliabilities(test, m):
            edges = np.linspace(0, 1, len(found.events) + 1)
            for k in np.flatnonzero(found.events):
                yield {
                    "model": model,
                    "class": of,
                    "from": edges[k],
                    "to": edges[k + 1],
                    "events": found.events[k],
                    "predicted": found.predicted[k],
                    "true": found.true[k],
                }


def _reliabilities(test: EventSet, model: int) -> Iterator[tuple[str, roc.Reliability]]:
    """Reliability of each class's probability, and of the most probable class of each event."""
    predicted = test.predictions.among(test.classes)[model]
    true = test.predictions.true
    for c, of in enumerate(test.classes):
        if predicted[:, c].any():
            yield of, roc.reliability(predicted[:, c], true == c)
    yield "most probable", roc.reliability(predicted.max(axis=1), predicted.argmax(axis=1) == true)


def _calibration_errors(test: EventSet) -> Iterator[Row]:
    if len(test.classes) == 1:
        return
    for m, model in enumerate(test.models):
        for of, found in _reliabilities(test, m):
            yield test.about | {
                "model": model,
                "quantity": "calibration error",
                "by": "probability",
                "class": of,
                "value": found.error,
                "low": np.nan,
                "high": np.nan,
                "paper": np.nan,
            }


def roc_rows(test: EventSet) -> Iterator[Row]:
    """Yield points of the ROC curve of each class, evenly along it."""
    true = test.predictions.true
    for by, values in _scores(test).items():
        for m, model in enumerate(test.models):
            for c, of in enumerate(test.classes):
                positive = true == CLASSES.index(of)
                if np.isnan(values[m, :, c]).any() or positive.all() or not positive.any():
                    continue
                found = roc.curve(values[m, :, c], positive)
                rates = np.stack([found.false_rate, found.recall], axis=1)
                length = np.abs(np.diff(rates, axis=0, prepend=0)).sum(axis=1).cumsum()
                at = np.searchsorted(length, np.linspace(0, length[-1], _MOST_POINTS))
                for false_rate, recall in rates[np.unique(np.minimum(at, len(rates) - 1))]:
                    yield {
                        "model": model,
                        "by": by,
                        "class": of,
                        "false_rate": false_rate,
                        "recall": recall,
                    }

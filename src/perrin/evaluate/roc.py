"""How well a score ranks: AUC, ROC, precision, recall, F1, reliability; intervals by bootstrap.

An event is kept where its score is at or above the threshold; events of equal score are kept or
dropped together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from perrin.types import BoolArray, FloatArray

Statistics = Callable[[FloatArray], FloatArray]
"""From weights of the events (B, N) to as many rows of K figures (B, K)."""

_BLOCK_BYTES = 16 << 20  # weights of resamples held at a time


@dataclass(frozen=True)
class Curve:
    """What is kept at each threshold (K,), from the highest to the lowest."""

    threshold: FloatArray
    """(K,): the different scores."""
    hits: FloatArray
    alarms: FloatArray
    """hits, alarms (K,): positives and negatives at or above it."""

    @property
    def recall(self) -> FloatArray:
        """Fraction of the positives that are kept (true positive rate)."""
        fraction: FloatArray = self.hits / self.hits[-1]
        return fraction

    @property
    def false_rate(self) -> FloatArray:
        """Fraction of the negatives that are kept (false positive rate)."""
        fraction: FloatArray = self.alarms / self.alarms[-1]
        return fraction

    @property
    def precision(self) -> FloatArray:
        """Fraction of the kept that are positives."""
        fraction: FloatArray = self.hits / (self.hits + self.alarms)
        return fraction

    @property
    def f1(self) -> FloatArray:
        """Harmonic mean of precision and recall (paper 002, "ROC Curves")."""
        mean: FloatArray = 2 * self.hits / (self.hits[-1] + self.hits + self.alarms)
        return mean


def curve(score: FloatArray, positive: BoolArray) -> Curve:
    """Return the curve of scores (N,) for `positive` (N,); there must be some of both."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    hits = np.cumsum(positive[order])[ends]
    return Curve(score[order][ends], hits.astype(float), (ends + 1.0 - hits))


def best_threshold(score: FloatArray, positive: BoolArray) -> float:
    """Return the threshold with the highest F1, the highest of several that are as good."""
    found = curve(score, positive)
    return float(found.threshold[found.f1.argmax()])


class Kept(NamedTuple):
    """What a threshold does: all three NaN where nothing is kept or nothing is positive."""

    precision: float
    recall: float
    f1: float


def at_threshold(score: FloatArray, positive: BoolArray, threshold: float) -> Kept:
    """Return precision, recall and F1 of what has a score at or above `threshold`."""
    kept = score >= threshold
    hits, all_kept, all_positive = (float(x.sum()) for x in (kept & positive, kept, positive))
    if not all_kept or not all_positive:
        return Kept(np.nan, np.nan, np.nan)
    return Kept(hits / all_kept, hits / all_positive, 2 * hits / (all_kept + all_positive))


def auc(score: ArrayLike, positive: ArrayLike) -> float:
    """Return the probability that a positive has a higher score than a negative, ties half.

    NaN if there are none of either, or a score is NaN.
    """
    return float(weighted_auc(np.asarray(score), np.asarray(positive), _once(np.size(score)))[0])


def weighted_auc(score: FloatArray, positive: BoolArray, weights: FloatArray) -> FloatArray:
    """Return the AUC (B,) of scores (N,) where events count as often as `weights` (B, N) say."""
    out = np.empty(len(weights))
    order, starts = _groups(score)
    _weighted_auc(order, starts, positive, weights, out)
    return np.full(len(weights), np.nan) if np.isnan(score).any() else out


def precision_at(
    score: FloatArray, positive: BoolArray, weights: FloatArray, *, recall: float
) -> FloatArray:
    """Return the precision (B,) at the highest threshold that keeps `recall` of the positives."""
    out = np.empty(len(weights))
    order, starts = _groups(-score)
    _precision_at(order, starts, positive, weights, recall, out)
    return np.full(len(weights), np.nan) if np.isnan(score).any() else out


def bootstrap(
    statistics: Statistics,
    strata: NDArray[np.generic],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Return K figures (K,), and those of bootstrap resamples (R, K).

    Events are drawn again within each stratum (N,): a balanced set stays balanced. All figures
    of one resample come from the same events, so that their differences are paired.
    """
    count = len(strata)
    point = statistics(_once(count))[0]
    drawn = [np.empty((0, len(point)))]
    members = [np.flatnonzero(strata == name) for name in np.unique(strata)]
    block = max(1, _BLOCK_BYTES // (8 * max(count, 1)))
    for first in range(0, resamples, block):
        rows = min(block, resamples - first)
        weights = np.empty((rows, count))
        for own in members:
            picked = rng.integers(len(own), size=(rows, len(own)))
            picked += len(own) * np.arange(rows)[:, None]
            counted = np.bincount(picked.ravel(), minlength=rows * len(own))
            weights[:, own] = counted.reshape(rows, len(own))
        drawn.append(statistics(weights))
    return point, np.concatenate(drawn)


def interval(drawn: FloatArray) -> tuple[float, float]:
    """Return the 95% interval of resampled figures (R,); NaN without resamples."""
    if not len(drawn) or np.isnan(drawn).any():
        return np.nan, np.nan
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Reliability:
    """In bins of the predicted probability: number of events, its mean, fraction that was true."""

    events: NDArray[np.int64]
    predicted: FloatArray
    true: FloatArray

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of predicted and true, over the events."""
        filled = self.events > 0
        distance = np.abs(self.predicted - self.true)[filled]
        return float(np.average(distance, weights=self.events[filled]))


def reliability(probability: FloatArray, true: BoolArray, *, bins: int = 15) -> Reliability:
    """Return how often events with a predicted probability (N,) were `true` (N,), in equal bins."""
    index = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(index, weights=probability, minlength=bins) / count
        fraction = np.bincount(index, weights=true, minlength=bins) / count
    return Reliability(count, predicted, fraction)


def confusion(
    true: NDArray[np.int64], predicted: NDArray[np.int64], *, classes: int
) -> NDArray[np.float64]:
    """Return the confusion matrix: fraction of each predicted class (column) by true one (row)."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (true, predicted), 1.0)
    counts /= np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return counts


def _once(count: int) -> FloatArray:
    return np.ones((1, count))


def _groups(score: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rising order of scores, and where each group of equal ones starts in it, and the end."""
    order = np.argsort(score, kind="stable")
    changes = np.flatnonzero(np.diff(score[order])) + 1
    return order, np.concatenate([[0], changes, [len(order)]])


@njit(cache=True, parallel=True)
def _weighted_auc(order, starts, positive, weights, out):  # type: ignore[no-untyped-def]
    for b in prange(len(weights)):
        below, hits, won = 0.0, 0.0, 0.0
        for g in range(len(starts) - 1):
            p, n = 0.0, 0.0
            for k in range(starts[g], starts[g + 1]):
                weight = weights[b, order[k]]
                if positive[order[k]]:
                    p += weight
                else:
                    n += weight
            won += p * (below + n / 2)
            below += n
            hits += p
        out[b] = won / (hits * below) if hits * below > 0 else np.nan


@njit(cache=True, parallel=True)
def _precision_at(order, starts, positive, weights, recall, out):  # type: ignore[no-untyped-def]
    for b in prange(len(weights)):
        wanted = 0.0
        for k in range(len(order)):
            if positive[k]:
                wanted += recall * weights[b, k]
        hits, alarms = 0.0, 0.0
        for g in range(len(starts) - 1):
            if hits > 0.0 and hits >= wanted - 1e-9:
                break
            for k in range(starts[g], starts[g + 1]):
                if positive[order[k]]:
                    hits += weights[b, order[k]]
                else:
                    alarms += weights[b, order[k]]
        out[b] = hits / (hits + alarms) if hits > 0.0 else np.nan

"""Calibration of a quantifier on events that it has not learned from.

Cell by cell (most probable class, relative width), with all masses weighted as equally common:
first the contrasts are scaled so that the median of the truth lies on the middle, then the
distances to both ends so that 5% of the truths lie beyond each (split conformal: Romano,
Patterson and Candes, NeurIPS 2019). Last, how often errors are far larger than they say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from perrin.landing.quantifier.quantities import TARGETS
from perrin.mass.errors import ErrorShape
from perrin.models.cards import QuantityIntervals
from perrin.models.quantifier import cells
from perrin.types import FloatArray

WIDTH_EDGES = (0.06, 0.09, 0.14, 0.22, 0.35, 0.7)
"""Inner edges of the relative width of the 90% interval."""
_BEYOND = 0.05
_LEAST = 150  # events that a cell needs, or it takes those of all widths
_SAME = 1e-6
_NEVER = 1e-300


@dataclass(frozen=True)
class HeldOut:
    """Answers (N, 5, 3), the truth (N, 5) in the same units, which of it is known, weights (N,)."""

    quantiles: FloatArray
    probability: FloatArray
    truth: FloatArray
    known: NDArray[np.bool_]
    weight: FloatArray


def fit_intervals(found: HeldOut, *, classes: int) -> QuantityIntervals:
    """Return the factors of a card from held-out events."""
    kind, width = cells(found.quantiles, found.probability, WIDTH_EDGES)
    widths = len(WIDTH_EDGES) + 1
    middle = np.ones((classes, widths))
    factors = np.ones((len(TARGETS), 2, classes, widths))
    for c in range(classes):
        own = kind == c
        for w in range(widths):
            rows = own & (width == w)
            rows = rows if rows.sum() >= _LEAST else own
            if rows.sum() < _LEAST:
                continue
            middle[c, w] = _middle(found, rows)
            for target in range(len(TARGETS)):
                scale = middle[c, w] if target == 0 else 1.0
                factors[target, :, c, w] = _sides(found, rows, target, scale)
    return QuantityIntervals(
        width_edges=WIDTH_EDGES,
        middle=np.round(middle, 5).tolist(),
        factors=np.round(factors, 4).tolist(),
    )


def _middle(found: HeldOut, rows: NDArray[np.bool_]) -> float:
    """Median of truth over answer, of the contrast."""
    ratio = found.truth[rows, 0] / np.maximum(found.quantiles[rows, 0, 1], _SAME)
    return quantile(ratio, found.weight[rows], 0.5)


def _sides(found: HeldOut, rows: NDArray[np.bool_], target: int, scale: float) -> FloatArray:
    """Return the factors on both sides beyond which 5% of the truths lie."""
    rows = rows & found.known[:, target]
    if rows.sum() < _LEAST:
        return np.ones(2)
    low, middle, high = scale * found.quantiles[rows, target].T
    truth, weight = found.truth[rows, target], found.weight[rows]
    below = (middle - truth) / np.maximum(middle - low, _SAME)
    above = (truth - middle) / np.maximum(high - middle, _SAME)
    ends = [quantile(score, weight, 1 - _BEYOND) for score in (below, above)]
    return np.clip(ends, 0.0, 20.0)


def fit_error_shape(pulls: FloatArray, weight: FloatArray) -> ErrorShape:
    """Return how errors (N,) in standard errors are distributed, by maximum likelihood."""

    def shape(found: FloatArray) -> ErrorShape:
        narrow, more, odds = np.exp(found)
        return ErrorShape(float(narrow), float(narrow + more), float(odds / (1 + odds)))

    def surprise(found: FloatArray) -> float:
        one = shape(found)
        normal = (1 - one.fraction) / one.narrow * np.exp(-0.5 * (pulls / one.narrow) ** 2)
        others = one.fraction / one.wide * np.exp(-0.5 * (pulls / one.wide) ** 2)
        return -float(np.average(np.log(normal + others + _NEVER), weights=weight))

    return shape(minimize(surprise, np.log([1.0, 3.0, 0.03]), method="Nelder-Mead").x)


def quantile(values: FloatArray, weight: FloatArray, level: float) -> float:
    """Quantile of weighted values (N,)."""
    order = np.argsort(values)
    fraction = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(fraction, level * fraction[-1])])

"""How many of the events are of each class: the prevalence of the classes in a measurement.

A classifier answers as if all classes were equally frequent, and it makes mistakes. The events
themselves tell how frequent the classes are, by maximum likelihood: the fractions pi that maximize

    sum over events of log(sum over classes of pi_c l_c)

where l_c is the likelihood of what was seen of the event, if it is of class c, up to a factor
of the event's own. Expectation maximization climbs to it (Saerens, Latinne and Decaestecker
2002) and its fractions are never negative and sum to one. Two things can be "seen" of an event:

the predicted class
    the most probable one; its likelihoods are a column of the confusion matrix. This is the
    answer: the confusion is measured, on events as the detector finds them.
the balanced probabilities
    all of them; they are proportional to l_c if the network knows exactly how sure it may be.
    More is seen of each event, but a network that is too sure makes the fractions wrong, more so
    than plain counts (``benchmarks/prevalence.py``). It stands beside the estimate as a check.

The probabilities of the events are weighted with these fractions (`correct_prior_shift`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from perrin.mass.results import Estimate
from perrin.stats import percentile_interval
from perrin.types import FloatArray

_UNKNOWN = 0.1  # of the mix that probabilities are weighted with is balanced
_BEFOREHAND = 1.0  # events of each class assumed beforehand: a handful does not decide it all
_MOST_CYCLES = 2000
_TOLERANCE = 1e-6  # of a fraction, in one cycle


@dataclass(frozen=True)
class ClassPrevalence:
    """The fraction of one class among the scored landings."""

    name: str
    """The class."""
    fraction: Estimate
    """By the predicted classes and the confusion matrix: the estimate."""
    fraction_by_probability: Estimate
    """By the balanced probabilities: a check."""
    predicted: int
    """Landings for which the class is the most probable on a balanced mix."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers with their intervals."""
        return {
            "class": self.name,
            **self.fraction.named("fraction"),
            **self.fraction_by_probability.named("fraction_by_probability"),
            "predicted": self.predicted,
        }


def class_prevalence(likelihood: FloatArray, *, counts: FloatArray | None = None) -> FloatArray:
    """Return the fractions (C,) of the classes that make the events most likely.

    Parameters
    ----------
    likelihood : (N, C)
        Of what was seen of each event, for each class; rows may have any scale above 0.
    counts : (N,), optional
        How often each row was seen; by default once.

    Returns
    -------
    (C,) fractions that sum to 1, with one event of each class assumed beforehand.

    """
    weights = np.ones(len(likelihood)) if counts is None else counts.astype(np.float64)
    fractions = np.full(likelihood.shape[1], 1.0 / likelihood.shape[1])
    _climb(np.ascontiguousarray(likelihood, np.float64), weights, fractions)
    return fractions


def prevalence(
    probability: FloatArray, confusion: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Return the fractions (C,) of the classes by the predicted class of each event: the estimate.

    `probability` (N, C) is balanced; `confusion` (C, C) is the probability of each predicted class
    (column) for each true one (row); `counts` (N,) as in `class_prevalence`.
    """
    predicted = np.bincount(probability.argmax(axis=1), weights=counts, minlength=len(confusion))
    return class_prevalence(confusion.T, counts=predicted.astype(np.float64))


def correct_prior_shift(probability: FloatArray, fractions: FloatArray) -> FloatArray:
    """Return balanced probabilities (N, C) as they are where the classes have these fractions.

    A tenth of the mix is taken as balanced all the same: no sample is quite like the training,
    and fractions that come out as 0 would forbid what single events show.
    """
    prior = (1 - _UNKNOWN) * fractions + _UNKNOWN / len(fractions)
    weighted = probability * prior
    result: FloatArray = weighted / weighted.sum(axis=1, keepdims=True)
    return result


def class_prevalences(
    probability: FloatArray,
    *,
    classes: Sequence[str],
    confusion: FloatArray,
    resamples: int = 0,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> tuple[ClassPrevalence, ...]:
    """Return the fraction of each class, both ways, with bootstrap intervals if `rng` is given.

    Parameters
    ----------
    probability : (N, C)
        Balanced probabilities of the landings.
    classes : sequence of str
        Names of the C classes.
    confusion : (C, C)
        Probability of each predicted class (column) for each true one (row).
    resamples, confidence, rng
        Of the bootstrap (Efron 1979) over the events.

    """
    number = len(probability)
    drawn = np.empty((0, 2, len(classes)))
    if rng is not None and resamples and number:
        even = np.full(number, 1.0 / number)
        rows = (rng.multinomial(number, even).astype(float) for _ in range(resamples))
        drawn = np.array([_both(probability, confusion, row) for row in rows])
    value = _both(probability, confusion, np.ones(number))
    ends = percentile_interval(drawn, confidence=confidence) if len(drawn) else None

    def estimate(way: int, k: int) -> Estimate:
        if ends is None:
            return Estimate(float(value[way, k]))
        return Estimate(float(value[way, k]), *(float(end[way, k]) for end in ends))

    predicted = np.bincount(probability.argmax(axis=1), minlength=len(classes))
    return tuple(
        ClassPrevalence(name, estimate(0, k), estimate(1, k), int(predicted[k]))
        for k, name in enumerate(classes)
    )


def _both(probability: FloatArray, confusion: FloatArray, counts: FloatArray) -> FloatArray:
    """Fractions (2, C) by predicted classes and by probabilities, of events seen `counts` times."""
    return np.stack(
        [
            prevalence(probability, confusion, counts=counts),
            class_prevalence(probability, counts=counts),
        ]
    )


@njit(cache=True)
def _climb(likelihood, counts, fractions):  # type: ignore[no-untyped-def]
    """Expectation maximization in place."""
    number, classes = likelihood.shape
    whole = counts.sum() + classes * _BEFOREHAND
    for _ in range(_MOST_CYCLES):
        expected = np.full(classes, _BEFOREHAND)
        for e in range(number):
            if counts[e] == 0.0:
                continue
            total = 0.0
            for c in range(classes):
                total += fractions[c] * likelihood[e, c]
            if total <= 0.0:
                total = 1e-300
            for c in range(classes):
                expected[c] += counts[e] * fractions[c] * likelihood[e, c] / total
        change = 0.0
        for c in range(classes):
            new = expected[c] / whole
            change = max(change, abs(new - fractions[c]))
            fractions[c] = new
        if change < _TOLERANCE:
            break

"""How many of the events are of each class: the class mix of a measurement.

A classifier answers as if all classes were equally frequent, and it makes mistakes. The events
themselves tell how frequent the classes are, by maximum likelihood: the shares pi that maximise

    sum over events of log(sum over classes of pi_c l_c)

where l_c is the likelihood of what was seen of the event, if it is of class c, up to a factor
of the event's own. Expectation maximisation climbs to it (Saerens, Latinne and Decaestecker
2002) and its shares are never negative and sum to one. Two things can be "seen" of an event:

the told class
    the most probable one; its likelihoods are a column of the confusion matrix. This is the
    answer: the confusion is measured, on events as the detector finds them.
the balanced probabilities
    all of them; they are proportional to l_c if the network knows exactly how sure it may be.
    More is seen of each event, but a network that is too sure makes the shares wrong, more so
    than plain counts (``benchmarks/class_mix.py``). It stands beside the answer as a check.

The probabilities of the events are weighted with these shares (`at_mix`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perrin.mass.resolution import percentile_interval
from perrin.mass.results import Estimate

FloatArray = NDArray[np.float64]

_UNKNOWN = 0.1  # of the mix that probabilities are weighted with is balanced
_BEFOREHAND = 1.0  # events of each class assumed beforehand: a handful does not decide it all
_MOST_CYCLES = 2000
_TOLERANCE = 1e-6  # of a share, in one cycle


@dataclass(frozen=True)
class ClassShare:
    """The share of one class among the scored landings.

    Attributes
    ----------
    name : str
        The class.
    share : Estimate
        By the told classes and the confusion matrix: the answer.
    share_by_probability : Estimate
        By the balanced probabilities: a check.
    told : int
        Landings for which the class is the most probable on a balanced mix.

    """

    name: str
    share: Estimate
    share_by_probability: Estimate
    told: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers with their intervals."""
        return {
            "class": self.name,
            **self.share.named("share"),
            **self.share_by_probability.named("share_by_probability"),
            "told": self.told,
        }


def class_mix(likelihood: FloatArray, *, counts: FloatArray | None = None) -> FloatArray:
    """Return the shares (C,) of the classes that make the events most likely.

    Parameters
    ----------
    likelihood : (N, C)
        Of what was seen of each event, for each class; rows may have any scale above 0.
    counts : (N,), optional
        How often each row was seen; by default once.

    Returns
    -------
    (C,) shares that sum to 1, with one event of each class assumed beforehand.

    """
    weights = np.ones(len(likelihood)) if counts is None else counts.astype(np.float64)
    shares = np.full(likelihood.shape[1], 1.0 / likelihood.shape[1])
    _climb(np.ascontiguousarray(likelihood, np.float64), weights, shares)
    return shares


def told_mix(
    probability: FloatArray, confusion: FloatArray, *, counts: FloatArray | None = None
) -> FloatArray:
    """Return the shares (C,) of the classes by the told class of each event: the answer.

    `probability` (N, C) is balanced; `confusion` (C, C) is the probability of each told class
    (column) for each true one (row); `counts` (N,) as in `class_mix`.
    """
    told = np.bincount(probability.argmax(axis=1), weights=counts, minlength=len(confusion))
    return class_mix(confusion.T, counts=told.astype(np.float64))


def at_mix(probability: FloatArray, shares: FloatArray) -> FloatArray:
    """Return balanced probabilities (N, C) as they are where the classes have these shares.

    A tenth of the mix is taken as balanced all the same: no sample is quite like the training,
    and shares that come out as 0 would forbid what single events show.
    """
    prior = (1 - _UNKNOWN) * shares + _UNKNOWN / len(shares)
    weighted = probability * prior
    result: FloatArray = weighted / weighted.sum(axis=1, keepdims=True)
    return result


def class_shares(
    probability: FloatArray,
    *,
    classes: Sequence[str],
    confusion: FloatArray,
    resamples: int = 0,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> tuple[ClassShare, ...]:
    """Return the share of each class, both ways, with bootstrap intervals if `rng` is given.

    Parameters
    ----------
    probability : (N, C)
        Balanced probabilities of the landings.
    classes : sequence of str
        Names of the C classes.
    confusion : (C, C)
        Probability of each told class (column) for each true one (row).
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

    told = np.bincount(probability.argmax(axis=1), minlength=len(classes))
    return tuple(
        ClassShare(name, estimate(0, k), estimate(1, k), int(told[k]))
        for k, name in enumerate(classes)
    )


def _both(probability: FloatArray, confusion: FloatArray, counts: FloatArray) -> FloatArray:
    """Shares (2, C) by told classes and by probabilities, of events seen `counts` times."""
    return np.stack(
        [
            told_mix(probability, confusion, counts=counts),
            class_mix(probability, counts=counts),
        ]
    )


@njit(cache=True)
def _climb(likelihood, counts, shares):  # type: ignore[no-untyped-def]
    """Expectation maximisation in place."""
    number, classes = likelihood.shape
    whole = counts.sum() + classes * _BEFOREHAND
    for _ in range(_MOST_CYCLES):
        expected = np.full(classes, _BEFOREHAND)
        for e in range(number):
            if counts[e] == 0.0:
                continue
            total = 0.0
            for c in range(classes):
                total += shares[c] * likelihood[e, c]
            if total <= 0.0:
                total = 1e-300
            for c in range(classes):
                expected[c] += counts[e] * shares[c] * likelihood[e, c] / total
        change = 0.0
        for c in range(classes):
            new = expected[c] / whole
            change = max(change, abs(new - shares[c]))
            shares[c] = new
        if change < _TOLERANCE:
            break

"""How many of the events are of each class: the class mix of a measurement.

A classifier answers as if all classes were equally frequent. Those answers and the events
themselves tell how frequent they are, by maximum likelihood: the shares pi that maximise

    sum over events of log(sum over classes of pi_c l_c)

where l_c is the likelihood of what was seen of the event, if it is of class c, up to a factor
of the event's own. Expectation maximisation climbs to it (Saerens, Latinne and Decaestecker
2002) and its shares are never negative and sum to one. Two things can be "seen" of an event:

the balanced probabilities
    themselves, which are proportional to l_c. This is the answer: the shares belong to the
    ``p_*``, and how sure the network is of each event counts. What is hard to tell at low
    mass stays uncertain there, so the masses of the sample need not be those of the training.
the told class
    only, whose likelihoods are the columns of the confusion matrix. It does not need
    probabilities that are right, but it takes the mean confusion over the masses of the
    training for that of the sample. It stands beside the answer as a check.
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
        By expectation maximisation on the balanced probabilities: the answer.
    share_by_confusion : Estimate
        By the told classes and the confusion matrix: a check.
    told : int
        Landings for which the class is the most probable on a balanced mix.

    """

    name: str
    share: Estimate
    share_by_confusion: Estimate
    told: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers with their intervals."""
        return {
            "class": self.name,
            **self.share.named("share"),
            **self.share_by_confusion.named("share_by_confusion"),
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


def at_mix(probability: FloatArray, shares: FloatArray) -> FloatArray:
    """Return balanced probabilities (N, C) as they are where the classes have these shares."""
    weighted = probability * shares
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
    told = probability.argmax(axis=1)
    drawn = np.empty((0, 2, len(classes)))
    if rng is not None and resamples and len(told):
        even = np.full(len(told), 1.0 / len(told))
        drawn = np.array(
            [
                _both(probability, told, confusion, rng.multinomial(len(told), even))
                for _ in range(resamples)
            ]
        )
    value = _both(probability, told, confusion, np.ones(len(told), np.int64))
    ends = percentile_interval(drawn, confidence=confidence) if len(drawn) else None

    def estimate(way: int, k: int) -> Estimate:
        if ends is None:
            return Estimate(float(value[way, k]))
        return Estimate(float(value[way, k]), *(float(end[way, k]) for end in ends))

    return tuple(
        ClassShare(name, estimate(0, k), estimate(1, k), int((told == k).sum()))
        for k, name in enumerate(classes)
    )


def _both(
    probability: FloatArray,
    told: NDArray[np.int64],
    confusion: FloatArray,
    counts: NDArray[np.int64],
) -> FloatArray:
    """Shares (2, C) by probabilities and by told classes, of events seen `counts` times."""
    numbers = np.bincount(told, weights=counts, minlength=len(confusion)).astype(np.float64)
    return np.stack(
        [
            class_mix(probability, counts=counts.astype(np.float64)),
            class_mix(confusion.T, counts=numbers),
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

"""The class mix of a measurement, against draws from a known mix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, chi2

from perrin.landing.classifier.prevalence import (
    class_prevalence,
    class_prevalences,
    correct_prior_shift,
)

FloatArray = NDArray[np.float64]

CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.5, 2.5]])
MIX = np.array([0.55, 0.3, 0.15, 0.0])
LIMIT = chi2.ppf(0.9999, df=2) + 4  # the one event of each class beforehand moves it a little
CLASSES = ("binder", "unbinder", "neighbors", "buffer")


def draw(
    mix: FloatArray, count: int, *, spread: float, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Balanced probabilities of points around the center of their class; their classes."""
    true = rng.choice(len(mix), count, p=mix)
    seen = CENTRES[true] + rng.normal(0, spread, (count, 2))
    likelihood = np.exp(-((seen[:, None] - CENTRES) ** 2).sum(axis=2) / (2 * spread**2))
    return likelihood / likelihood.sum(axis=1, keepdims=True), true


def misfit(likelihood: FloatArray, found: FloatArray, mix: FloatArray, counts: FloatArray) -> float:
    """Chi-square of found against true fractions, by the Fisher information of those classes."""
    there = mix > 0
    inside = likelihood[:, there]
    slope = (inside[:, :-1] - inside[:, -1:]) / (inside @ mix[there])[:, None]
    information = (counts[:, None] * slope).T @ slope
    off = (found - mix)[there][:-1]
    return float(off @ information @ off)


def test_the_mix_is_recovered_within_its_sampling_error() -> None:
    for seed in range(3):
        probability, _ = draw(MIX, 4000, spread=1.0, rng=np.random.default_rng(seed))
        found = class_prevalence(probability)
        assert found.sum() == pytest.approx(1)
        assert found[3] < 0.01
        assert misfit(probability, found, MIX, np.ones(4000)) < LIMIT


def sharpened(probability: FloatArray) -> FloatArray:
    """The same from a network that is too sure, and too fond of binders."""
    logits = 2 * np.log(probability) + np.array([1.0, 0.0, 0.0, 0.0])
    likelihood = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: FloatArray = likelihood / likelihood.sum(axis=1, keepdims=True)
    return result


def confusion_at(spread: float, rng: np.random.Generator) -> FloatArray:
    """Confusion of that network, measured on a balanced set."""
    known, true = draw(np.full(4, 0.25), 200_000, spread=spread, rng=rng)
    confusion = np.zeros((4, 4))
    np.add.at(confusion, (true, sharpened(known).argmax(axis=1)), 1)
    normal: FloatArray = confusion / confusion.sum(axis=1, keepdims=True)
    return normal


def test_the_confusion_gives_the_mix_where_the_network_is_too_sure() -> None:
    """The reason why the predicted classes give the answer."""
    rng = np.random.default_rng(0)
    confusion = confusion_at(1.0, rng)
    probability = sharpened(draw(MIX, 4000, spread=1.0, rng=rng)[0])
    fractions = class_prevalences(probability, classes=CLASSES, confusion=confusion)
    found, check = (
        np.array([getattr(fraction, name).value for fraction in fractions])
        for name in ("fraction", "fraction_by_probability")
    )
    predicted = np.array([fraction.predicted for fraction in fractions], float)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert misfit(confusion.T, found, MIX, predicted) < LIMIT
    assert (
        misfit(confusion.T, predicted / predicted.sum(), MIX, predicted) > LIMIT
    )  # counting alone does not
    assert np.abs(check - MIX).max() > 2 * np.abs(found - MIX).max()


def test_the_check_shows_a_sample_that_the_confusion_does_not_fit() -> None:
    """A sample that is harder than that of the confusion; the probabilities are right."""
    rng = np.random.default_rng(1)
    probability, _ = draw(MIX, 4000, spread=1.4, rng=rng)
    confusion = confusion_at(0.6, rng)
    fractions = class_prevalences(
        probability, classes=CLASSES, confusion=confusion, resamples=50, rng=rng
    )
    assert (
        max(
            abs(fraction.fraction_by_probability.value - m)
            for fraction, m in zip(fractions, MIX, strict=True)
        )
        < 0.05
    )
    binder = fractions[0]
    assert binder.fraction.low is not None
    assert binder.fraction_by_probability.high is not None
    assert abs(binder.fraction.value - MIX[0]) > 0.1
    apart = binder.fraction.low > binder.fraction_by_probability.high
    assert apart or binder.fraction.high < binder.fraction_by_probability.low  # type: ignore[operator]


def test_probabilities_are_those_of_bayes_for_the_shares() -> None:
    """Where the network is right, and nothing is hedged: told as often as it happens."""
    probability, true = draw(MIX, 4000, spread=1.0, rng=np.random.default_rng(4))
    own = correct_prior_shift(probability, MIX)
    hedged = 0.9 * MIX + 0.1 / len(MIX)
    bayes = probability * hedged
    np.testing.assert_allclose(own, bayes / bayes.sum(axis=1, keepdims=True))
    sure = own[:, 0] > 0.9
    error = np.sqrt((own * (1 - own))[sure, 0].sum())
    assert (true[sure] == 0).sum() == pytest.approx(own[sure, 0].sum(), abs=4 * error)


def test_a_share_of_zero_does_not_forbid_a_clear_event() -> None:
    own = correct_prior_shift(np.array([[0.999, 0.001], [0.5, 0.5]]), np.array([0.0, 1.0]))
    assert own[0, 0] > 0.9
    assert own[1, 0] < 0.1


def test_intervals_hold_the_true_share_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held, repeats = 0, 40
    confusion = confusion_at(1.0, rng)
    for _ in range(repeats):
        probability = sharpened(draw(MIX, 300, spread=1.0, rng=rng)[0])
        first, *_ = class_prevalences(
            probability,
            classes=CLASSES,
            confusion=confusion,
            resamples=30,
            confidence=0.9,
            rng=rng,
        )
        assert first.fraction.low is not None
        assert first.fraction.high is not None
        held += first.fraction.low <= MIX[0] <= first.fraction.high
    low, high = binom.ppf((1e-4, 1 - 1e-4), repeats, 0.9)
    assert low <= held <= high


def test_a_handful_of_events_does_not_decide_it_all() -> None:
    certain = np.array([[1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(class_prevalence(certain), [0.4, 0.2, 0.2, 0.2], atol=1e-5)
    np.testing.assert_allclose(class_prevalence(np.empty((0, 4))), 0.25)
    fractions = class_prevalences(
        np.empty((0, 4)),
        classes=CLASSES,
        confusion=np.eye(4),
        resamples=5,
        rng=np.random.default_rng(0),
    )
    assert [(fraction.predicted, fraction.fraction.low) for fraction in fractions] == [
        (0, None)
    ] * 4


@given(
    rows=st.lists(st.lists(st.floats(1e-6, 1.0), min_size=3, max_size=3), min_size=1, max_size=20),
    scale=st.floats(1e-3, 1e3),
)
def test_the_scale_of_a_row_means_nothing(rows: list[list[float]], scale: float) -> None:
    likelihood = np.array(rows)
    fractions = class_prevalence(likelihood)
    np.testing.assert_allclose(class_prevalence(scale * likelihood), fractions, atol=1e-4)
    np.testing.assert_allclose(correct_prior_shift(likelihood, fractions).sum(axis=1), 1)

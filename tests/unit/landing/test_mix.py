"""The class mix of a measurement, against draws from a known mix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, chi2

from perrin.landing.mix import at_mix, class_mix, class_shares

FloatArray = NDArray[np.float64]

CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.5, 2.5]])
MIX = np.array([0.55, 0.3, 0.15, 0.0])
LIMIT = chi2.ppf(0.9999, df=2) + 4  # the one event of each class beforehand moves it a little
CLASSES = ("binder", "unbinder", "neighbors", "buffer")


def draw(
    mix: FloatArray, count: int, *, spread: float, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Balanced probabilities of points around the centre of their class; their classes."""
    true = rng.choice(len(mix), count, p=mix)
    seen = CENTRES[true] + rng.normal(0, spread, (count, 2))
    likelihood = np.exp(-((seen[:, None] - CENTRES) ** 2).sum(axis=2) / (2 * spread**2))
    return likelihood / likelihood.sum(axis=1, keepdims=True), true


def misfit(likelihood: FloatArray, found: FloatArray, mix: FloatArray, counts: FloatArray) -> float:
    """Chi-square of found against true shares, by the Fisher information of the classes there."""
    there = mix > 0
    inside = likelihood[:, there]
    slope = (inside[:, :-1] - inside[:, -1:]) / (inside @ mix[there])[:, None]
    information = (counts[:, None] * slope).T @ slope
    off = (found - mix)[there][:-1]
    return float(off @ information @ off)


def test_the_mix_is_recovered_within_its_sampling_error() -> None:
    for seed in range(5):
        probability, _ = draw(MIX, 4000, spread=1.0, rng=np.random.default_rng(seed))
        found = class_mix(probability)
        assert found.sum() == pytest.approx(1)
        assert found[3] < 0.01
        assert misfit(probability, found, MIX, np.ones(4000)) < LIMIT


def test_told_classes_and_their_confusion_give_the_mix_too() -> None:
    rng = np.random.default_rng(0)
    known, true = draw(np.full(4, 0.25), 200_000, spread=1.0, rng=rng)
    confusion = np.zeros((4, 4))
    np.add.at(confusion, (true, known.argmax(axis=1)), 1)
    confusion /= confusion.sum(axis=1, keepdims=True)
    probability, _ = draw(MIX, 4000, spread=1.0, rng=rng)
    shares = class_shares(probability, classes=CLASSES, confusion=confusion)
    found = np.array([share.share_by_confusion.value for share in shares])
    told = np.array([share.told for share in shares], float)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert misfit(confusion.T, found, MIX, told) < LIMIT
    assert misfit(confusion.T, told / told.sum(), MIX, told) > LIMIT  # counting alone does not


def test_probabilities_hold_where_the_confusion_of_the_training_does_not() -> None:
    """A sample that is harder than the training: the reason why the p_* give the answer."""
    rng = np.random.default_rng(1)
    known, true = draw(np.full(4, 0.25), 100_000, spread=0.6, rng=rng)
    easy = np.zeros((4, 4))
    np.add.at(easy, (true, known.argmax(axis=1)), 1)
    easy /= easy.sum(axis=1, keepdims=True)
    probability, _ = draw(MIX, 4000, spread=1.4, rng=rng)
    shares = class_shares(probability, classes=CLASSES, confusion=easy)
    by_probability, by_confusion = (
        np.array([getattr(share, name).value for share in shares])
        for name in ("share", "share_by_confusion")
    )
    assert np.abs(by_probability - MIX).max() < 0.05
    assert np.abs(by_confusion - MIX).max() > 0.1


def test_intervals_hold_the_true_share_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held, repeats = 0, 60
    for _ in range(repeats):
        probability, _ = draw(MIX, 500, spread=1.0, rng=rng)
        first, *_ = class_shares(
            probability,
            classes=CLASSES,
            confusion=np.eye(4),
            resamples=60,
            confidence=0.9,
            rng=rng,
        )
        assert first.share.low is not None
        assert first.share.high is not None
        held += first.share.low <= MIX[0] <= first.share.high
    low, high = binom.ppf((1e-4, 1 - 1e-4), repeats, 0.9)
    assert low <= held <= high


def test_a_handful_of_events_does_not_decide_it_all() -> None:
    certain = np.array([[1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(class_mix(certain), [0.4, 0.2, 0.2, 0.2], atol=1e-5)
    np.testing.assert_allclose(class_mix(np.empty((0, 4))), 0.25)
    shares = class_shares(
        np.empty((0, 4)),
        classes=CLASSES,
        confusion=np.eye(4),
        resamples=5,
        rng=np.random.default_rng(0),
    )
    assert [(share.told, share.share.low) for share in shares] == [(0, None)] * 4


@given(
    rows=st.lists(st.lists(st.floats(1e-6, 1.0), min_size=3, max_size=3), min_size=1, max_size=20),
    scale=st.floats(1e-3, 1e3),
)
def test_the_scale_of_a_row_means_nothing(rows: list[list[float]], scale: float) -> None:
    likelihood = np.array(rows)
    shares = class_mix(likelihood)
    np.testing.assert_allclose(class_mix(scale * likelihood), shares, atol=1e-4)
    np.testing.assert_allclose(at_mix(likelihood, shares).sum(axis=1), 1)
    balanced = at_mix(likelihood, np.full(3, 1 / 3))
    np.testing.assert_allclose(at_mix(balanced, shares), at_mix(likelihood, shares), rtol=1e-9)

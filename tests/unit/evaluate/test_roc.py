"""Ranking figures against counting by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score

from perrin.evaluate import roc

SOME = st.integers(0, 6)  # few different values: many ties
EVENTS = st.lists(
    st.tuples(SOME, st.booleans(), st.integers(0, 3)), min_size=2, max_size=40
).filter(lambda rows: {positive for _, positive, weight in rows if weight} == {True, False})


def columns(rows: list[tuple[int, bool, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score, positive, weight = (np.array(column) for column in zip(*rows, strict=True))
    return score.astype(float), positive, weight.astype(float)


@given(EVENTS)
def test_auc_counts_pairs_and_ties_half(rows) -> None:
    score, positive, _ = columns(rows)
    if positive.all() or not positive.any():
        assert np.isnan(roc.auc(score, positive))
        return
    above = score[positive][:, None] - score[~positive]
    assert roc.auc(score, positive) == pytest.approx(((np.sign(above) + 1) / 2).mean())


@given(EVENTS)
def test_weighted_auc_is_that_of_events_repeated_and_of_scikit_learn(rows) -> None:
    score, positive, weight = columns(rows)
    (found,) = roc.weighted_auc(score, positive, weight[None])
    times = weight.astype(int)
    repeated = roc.auc(np.repeat(score, times), np.repeat(positive, times))
    assert found == pytest.approx(repeated)
    assert found == pytest.approx(roc_auc_score(positive, score, sample_weight=weight))


@given(EVENTS, st.floats(0.01, 1.0))
def test_precision_at_recall_by_trying_all_thresholds(rows, recall: float) -> None:
    score, positive, weight = columns(rows)
    (found,) = roc.precision_at(score, positive, weight[None], recall=recall)
    for threshold in np.unique(score)[::-1]:
        kept = score >= threshold
        hits = weight[kept & positive].sum()
        if hits > 0 and hits >= recall * weight[positive].sum() - 1e-9:
            break
    assert found == pytest.approx(hits / weight[kept].sum())


@given(EVENTS)
def test_curve_and_best_threshold_agree_with_scikit_learn(rows) -> None:
    score, positive, _ = columns(rows)
    if positive.all() or not positive.any():
        return
    found = roc.curve(score, positive)
    precision, recall, threshold = precision_recall_curve(positive, score)
    np.testing.assert_allclose(found.threshold[::-1], threshold)
    np.testing.assert_allclose(found.precision[::-1], precision[:-1])
    np.testing.assert_allclose(found.recall[::-1], recall[:-1])
    np.testing.assert_allclose(found.false_rate, found.alarms / (~positive).sum())
    f1 = [f1_score(positive, score >= t) for t in found.threshold]
    np.testing.assert_allclose(found.f1, f1)
    best = roc.best_threshold(score, positive)
    kept = roc.at_threshold(score, positive, best)
    assert kept.f1 == pytest.approx(max(f1))
    if kept.precision + kept.recall:
        harmonic = 2 * kept.precision * kept.recall / (kept.precision + kept.recall)
        assert kept.f1 == pytest.approx(harmonic)


def test_nothing_kept_has_no_precision() -> None:
    assert np.isnan(roc.at_threshold(np.array([0.2]), np.array([True]), 0.9)).all()
    assert np.isnan(roc.auc([np.nan, 0.1], [True, False]))


def test_bootstrap_has_the_width_of_theory_and_pairs_models() -> None:
    rng = np.random.default_rng(3)
    wrong = rng.random((2, 4000)) < np.array([[0.1], [0.1]])
    wrong[1, 2000:] = wrong[0, 2000:]  # the models agree on half of the events
    strata = np.resize(["a", "b"], 4000)

    def errors(weights: np.ndarray) -> np.ndarray:
        np.testing.assert_allclose(weights[:, strata == "a"].sum(axis=1), 2000)
        return (weights @ wrong.T) / weights.sum(axis=1, keepdims=True)

    point, again = roc.bootstrap(errors, strata, resamples=1000, rng=rng)
    np.testing.assert_allclose(point, wrong.mean(axis=1))
    # a standard deviation of 1000 resamples is known to 2.2%
    expected = np.sqrt(0.1 * 0.9 / 4000)
    np.testing.assert_allclose(again.std(axis=0), expected, rtol=0.15)
    paired = (again[:, 0] - again[:, 1]).std()
    differing = (wrong[0] ^ wrong[1]).mean()
    assert paired == pytest.approx(np.sqrt(differing / 4000), rel=0.1)
    low, high = roc.interval(again[:, 0])
    assert high - low == pytest.approx(2 * 1.96 * again[:, 0].std(), rel=0.1)


def test_without_resamples_there_is_no_interval() -> None:
    point, again = roc.bootstrap(
        lambda weights: weights.sum(axis=1, keepdims=True),
        np.zeros(5),
        resamples=0,
        rng=np.random.default_rng(0),
    )
    assert point.tolist() == [5.0]
    assert again.shape == (0, 1)
    assert np.isnan(roc.interval(again[:, 0])).all()


def test_reliability_of_known_probabilities() -> None:
    predicted = np.repeat([0.1, 0.9, 1.0], [100, 100, 10])
    true = np.concatenate([np.arange(100) < 30, np.arange(100) < 90, np.ones(10, bool)])
    found = roc.reliability(predicted, true, bins=2)
    assert found.events.tolist() == [100, 110]
    np.testing.assert_allclose(found.predicted, [0.1, 100 / 110])
    np.testing.assert_allclose(found.true, [0.3, 100 / 110])
    assert found.error == pytest.approx(0.2 * 100 / 210)


def test_probabilities_that_are_right_have_no_calibration_error() -> None:
    rng = np.random.default_rng(1)
    predicted = rng.random(200_000)
    found = roc.reliability(predicted, rng.random(200_000) < predicted)
    # each of 15 bins is known to about sqrt(.17 / 13000) = .004
    assert found.error < 0.006
    assert found.events.sum() == 200_000


def test_confusion_counts_by_true_class() -> None:
    found = roc.confusion(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1]), classes=3)
    np.testing.assert_allclose(found, [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]])

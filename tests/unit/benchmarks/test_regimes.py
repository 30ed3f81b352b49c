"""What is counted where change points are compared, and what walks outside the model do."""

from __future__ import annotations

import numpy as np
import pytest

from perrin_benchmarks.misspecified_walks import (
    MISSPECIFIED_WALKS,
    confined,
    directed,
    mislinked,
    rotating,
)
from perrin_benchmarks.regimes import change_points, score_changes


def test_change_points_are_matched_one_to_one() -> None:
    mask = np.zeros((1, 300), dtype=bool)
    mask[0, 100:200] = True  # changes at 100 and 200
    found = [[(108, 95.0, 110.0), (112, 111.0, 115.0), (250, 240.0, 260.0)]]
    score = score_changes(found, mask)
    assert (score.found, score.true, score.matched) == (3, 2, 1)
    assert score.f1 == pytest.approx(2 / 5)
    assert score.covered == 1.0
    assert score_changes([[]], mask).f1 == 0
    exact = [[(100, 100.0, 100.0), (200, 200.0, 200.0)]]
    assert score_changes(exact, mask).f1 == 1


def test_change_points_come_with_their_intervals() -> None:
    p = np.concatenate([np.full(60, 0.01), np.full(4, 0.5), np.full(60, 0.99)])
    ((at, low, high),) = change_points(p)
    assert low <= at <= high
    assert (low, high) == (60, 64)


@pytest.mark.parametrize("walk", MISSPECIFIED_WALKS.values(), ids=MISSPECIFIED_WALKS)
def test_odd_walks_have_steps_of_about_one(walk) -> None:
    found = walk(30, length=120, rng=np.random.default_rng(1))
    assert found.shape == (30, 120, 2)
    step = np.sqrt((np.diff(found, axis=1) ** 2).mean())
    assert 0.4 < step < 2
    again = walk(30, length=120, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(found, again)


def test_odd_walks_are_what_they_say() -> None:
    rng = np.random.default_rng(2)
    inside = confined(20, length=200, rng=rng, radius=3.0)
    assert np.hypot(inside[..., 0], inside[..., 1]).max() <= 3
    along = directed(200, length=100, rng=rng, speed=1.0)
    assert np.linalg.norm(along[:, -1], axis=1).mean() == pytest.approx(99, rel=0.1)
    jumped = np.diff(mislinked(20, length=100, rng=rng, far=50.0, swaps=1), axis=1)
    assert ((np.linalg.norm(jumped, axis=2) > 25).sum(axis=1) == 1).all()
    rods = np.diff(rotating(5000, length=3, rng=rng, ratio=4.0, turn=1e-9), axis=1)
    # hardly turned, two steps of a rod have one axis: with squares of 1 along and 1/4 across,
    # x^2 - y^2 of both have covariance (3/4)^2 / 2 and variance (2.6875 + 1) / 2
    x, y = rods[..., 0] ** 2, rods[..., 1] ** 2
    found = np.corrcoef((x - y)[:, 0], (x - y)[:, 1])[0, 1]
    assert found == pytest.approx(0.5625 / 3.6875, abs=4 / np.sqrt(5000))

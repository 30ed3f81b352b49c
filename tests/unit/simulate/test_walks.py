"""Walks against theory: covariance, exponents, waiting times, ageing, seeds, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perrin.errors import PerrinError
from perrin.simulate.walks import (
    WALKS,
    attm,
    brownian,
    ctrw,
    fbm,
    jumping_ctrw,
    levy_walk,
    scaled_brownian,
)

COUNT = 20_000


def msd(walks: np.ndarray, frame: int) -> tuple[float, float]:
    """Mean squared displacement of one axis from frame 0, and its standard error."""
    square = (walks[:, frame] ** 2).mean(axis=1)
    return float(square.mean()), float(square.std() / np.sqrt(len(square)))


@settings(deadline=None, max_examples=12)
@given(alpha=st.floats(0.05, 1.95), length=st.integers(2, 70), dims=st.sampled_from((1, 2, 3)))
def test_fbm_has_the_msd_and_covariance_of_theory(alpha: float, length: int, dims: int) -> None:
    rng = np.random.default_rng(round(alpha * 1e6) + length)
    walks = fbm(np.full(4000, alpha), length=length, rng=rng, dims=dims)
    assert walks.shape == (4000, length, dims)
    assert not walks[:, 0].any()
    for frame in {1, length // 2, length - 1} - {0}:
        mean, error = msd(walks, frame)
        assert abs(mean - frame**alpha) < 5 * error
    if length > 3:
        product = (walks[:, 1] * (walks[:, 3] - walks[:, 2])).mean(axis=1)
        expected = 0.5 * (3**alpha - 2 * 2**alpha + 1)
        assert abs(product.mean() - expected) < 5 * product.std() / np.sqrt(len(product))


def test_axes_of_fbm_are_independent() -> None:
    walks = fbm(np.full(COUNT, 0.6), length=20, rng=np.random.default_rng(0), dims=3)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        product = walks[:, -1, a] * walks[:, -1, b]
        assert abs(product.mean()) < 5 * product.std() / np.sqrt(COUNT)


def test_each_fbm_has_its_own_exponent() -> None:
    alpha = np.repeat([0.3, 1.5], COUNT // 2)
    walks = fbm(alpha, length=11, rng=np.random.default_rng(1))
    for exponent in (0.3, 1.5):
        mean, error = msd(walks[alpha == exponent], 10)
        assert abs(mean - 10**exponent) < 5 * error


def test_brownian_and_scaled_brownian_have_the_msd_of_theory() -> None:
    rng = np.random.default_rng(2)
    mean, error = msd(brownian(COUNT, length=31, rng=rng), 30)
    assert abs(mean - 30) < 5 * error
    walks = scaled_brownian(np.full(COUNT, 0.5), length=31, rng=rng)
    for frame in (1, 30):
        mean, error = msd(walks, frame)
        assert abs(mean - frame**0.5) < 5 * error


def first_jumps(walks: np.ndarray) -> np.ndarray:
    """Frame of the first jump of each walk, the length for none."""
    moved = (walks != 0).any(axis=2)
    return np.where(moved.any(axis=1), moved.argmax(axis=1), walks.shape[1])


@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.0])
def test_waiting_times_of_a_ctrw_have_the_tail_of_theory(alpha: float) -> None:
    walks = ctrw(np.full(COUNT, alpha), length=60, rng=np.random.default_rng(3))
    first = first_jumps(walks)
    for frame in (2, 5, 20, 50):  # still at rest after frame: the wait is longer than frame
        expected = frame**-alpha
        error = np.sqrt(expected * (1 - expected) / COUNT)
        assert abs((first > frame).mean() - expected) < 5 * error


def test_jumps_of_a_ctrw_are_normal_with_unit_variance() -> None:
    steps = np.diff(ctrw(np.full(COUNT, 0.8), length=30, rng=np.random.default_rng(4)), axis=1)
    jumps = steps[steps != 0]
    assert abs(jumps.var() - 1) < 5 * np.sqrt(2 / len(jumps))
    assert abs((jumps**4).mean() - 3) < 5 * np.sqrt(96 / len(jumps))


def test_an_aged_ctrw_starts_later() -> None:
    rng = np.random.default_rng(5)
    young = first_jumps(ctrw(np.full(COUNT, 0.5), length=100, rng=rng))
    old = first_jumps(ctrw(np.full(COUNT, 0.5), length=100, rng=rng, start="aged"))
    assert (old == 1).mean() < (young == 2).mean()
    assert (old == 100).mean() > 1.5 * (young == 100).mean()
    assert (old == 1).any()  # a wait that began before frame 0 may end at once
    assert not (young == 1).any()  # the first wait is longer than one frame


def test_a_ctrw_that_must_jump_does() -> None:
    rng = np.random.default_rng(6)
    walks = jumping_ctrw(np.full(2000, 0.2), length=20, rng=rng, start="aged")
    assert (walks != 0).any(axis=(1, 2)).all()
    with pytest.raises(PerrinError, match="held no jump"):
        jumping_ctrw(np.full(5, 0.05), length=3, rng=rng, wait_unit=1e9)


def test_a_levy_walk_flies_at_unit_speed_and_is_superdiffusive() -> None:
    walks = levy_walk(np.full(5000, 1.5), length=400, rng=np.random.default_rng(7))
    speed = np.linalg.norm(np.diff(walks, axis=1), axis=2)
    assert speed.max() < 1 + 1e-9
    assert np.isclose(speed, 1).mean() > 0.5
    late, early = (walks[:, 399] ** 2).mean(), (walks[:, 50] ** 2).mean()
    slope = np.log(late / early) / np.log(399 / 50)
    assert abs(slope - 1.5) < 0.12  # corrections to the power law fall as t^(alpha - 2)


def test_attm_is_subdiffusive_with_its_exponent() -> None:
    walks = attm(np.full(COUNT, 0.6), length=400, rng=np.random.default_rng(8))
    slope = np.log((walks[:, 399] ** 2).mean() / (walks[:, 40] ** 2).mean()) / np.log(399 / 40)
    assert abs(slope - 0.6) < 0.1


@pytest.mark.parametrize("kind", sorted(WALKS))
def test_the_same_seed_gives_the_same_walk(kind: str) -> None:
    alpha = 1.5 if kind == "levy" else 0.6
    once, again, other = (
        WALKS[kind]([alpha] * 5, length=50, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


@pytest.mark.parametrize(
    ("kind", "alpha"),
    [("fbm", 2.0), ("fbm", 0.0), ("ctrw", 1.1), ("levy", 0.9), ("attm", 1.1), ("fbm", np.nan)],
)
def test_exponents_out_of_range_are_refused(kind: str, alpha: float) -> None:
    with pytest.raises(PerrinError, match="outside"):
        WALKS[kind]([alpha], length=10, rng=np.random.default_rng(0))


def test_walks_need_a_step_and_one_to_three_dimensions() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(PerrinError, match="no step"):
        fbm([0.5], length=1, rng=rng)
    with pytest.raises(PerrinError, match="dimensions"):
        brownian(1, length=5, rng=rng, dims=4)

"""Walks as in the AnDi challenge: labels, scaling, noise, both protocols."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.simulate.andi import EXPONENTS, MODELS, simulate_andi


def test_models_and_exponents_are_balanced_as_asked() -> None:
    rng = np.random.default_rng(0)
    walks = simulate_andi(5000, length=10, rng=rng)
    counts = np.bincount(walks.model, minlength=5)
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)
    for k, name in enumerate(MODELS):
        low, high = EXPONENTS[name]
        assert walks.alpha[walks.model == k].min() >= low
        assert walks.alpha[walks.model == k].max() <= high
    even = simulate_andi(4000, length=10, rng=rng, balance="exponents")
    counts, _ = np.histogram(even.alpha, bins=4, range=(0.05, 2.0))
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)
    below = even.alpha < 1
    assert not (even.model[below] == MODELS.index("levy")).any()


def test_steps_have_unit_spread_and_the_noise_that_is_said() -> None:
    walks = simulate_andi(400, length=300, dims=1, rng=np.random.default_rng(1))
    moving = np.diff(walks.positions, axis=1).var(axis=(1, 2))
    # noise adds twice its variance to a step; 300 frames: to a tenth
    np.testing.assert_allclose(np.median(moving / (1 + 2 * walks.noise**2)), 1, atol=0.02)


def test_a_cut_walk_is_scaled_over_the_whole() -> None:
    walks = simulate_andi(300, length=20, generated=999, rng=np.random.default_rng(2))
    assert walks.positions.shape == (300, 20, 2)
    sbm = (walks.model == MODELS.index("sbm")) & (walks.alpha < 0.5)
    clean = np.diff(walks.positions[sbm], axis=1).var(axis=(1, 2)) - 2 * walks.noise[sbm] ** 2
    assert np.median(clean) > 3  # ageing motion is fastest at its start
    with pytest.raises(PerrinError, match="cannot cut"):
        simulate_andi(3, length=20, generated=10, rng=np.random.default_rng(2))


def test_a_ctrw_may_jump_in_its_first_step() -> None:
    walks = simulate_andi(4000, length=10, generated=40, rng=np.random.default_rng(3))
    quiet = (walks.model == MODELS.index("ctrw")) & (walks.noise == 0.1) & (walks.alpha > 0.8)
    first = np.abs(np.diff(walks.positions[quiet], axis=1)[:, 0]).max(axis=1)
    # waits of less than two frames: 1 - 2^-alpha, about .46; small jumps drown in the noise
    assert 0.25 < (first > 0.4).mean() < 0.5


def test_a_flight_that_never_turns_is_not_scaled_by_its_rounding() -> None:
    """Its steps have no spread: scaled by what rounding leaves, it would reach 1e16."""
    walks = simulate_andi(300, length=12, rng=np.random.default_rng(3))
    quiet = walks.positions[(walks.model == MODELS.index("levy")) & (walks.noise == 0.1)]
    flown = np.linalg.norm(quiet[:, -1] - quiet[:, 0], axis=1)
    assert np.abs(walks.positions).max() < 1e6
    assert (np.abs(flown - 11) < 8 * 0.1).any()  # one flight: at unit speed, one step a frame

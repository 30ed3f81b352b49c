"""States of a track in a hundred, which is not among those that the states are learned from."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.andi2.prediction import predict
from perrin.diffusion.rare_states import with_rare
from perrin.diffusion.segmentation import grid, learn, segment
from perrin_benchmarks.piecewise import piecewise_fbm

NOISE, LENGTH, RARE = 0.12, 120, 100


def sample(k: float, seed: int) -> list[np.ndarray]:
    """150 tracks of K 1 or .3, and one of another K, beside those that are learned from."""
    rng = np.random.default_rng(seed)
    found = []
    for n in range(150):
        parts = [(LENGTH // 2, 1.0, 1.0), (LENGTH // 2, 0.7, 0.3)] if n % 3 == 0 else None
        path = piecewise_fbm(parts or [(LENGTH, 1.0, k if n == RARE else 1.0)], rng=rng)
        found.append(path + NOISE * rng.standard_normal(path.shape))
    return found


@pytest.mark.parametrize("k", [0.03, 5.0])
def test_a_rare_state_is_found(k: float) -> None:
    """Of the nearest common state K would be .1 or 1.6."""
    logs = []
    for seed in (1, 2, 3):
        own = predict(sample(k, seed)).tracks[RARE]
        logs.append(np.log(own.K[np.diff(own.stop, prepend=0).argmax()]))
    error = 0.25  # of ln K of 120 steps in 2D, exponent not known: .2, over sqrt(3); the grid: .15
    assert np.mean(logs) == pytest.approx(np.log(k), abs=error)


def test_the_rare_state_is_added_and_the_others_are_kept() -> None:
    steps = [np.diff(track, axis=0) for track in sample(0.03, 3)]
    every = grid(NOISE, ks=(0.01, 5.0))
    states = learn(steps, every)
    found = [segment(own, states, every=2) for own in steps]
    more, wide = with_rare(steps, found, states, every)
    old = len(states.K)
    assert len(more.K) > old
    np.testing.assert_array_equal(more.K[:old], states.K)
    assert more.weight.sum() == pytest.approx(1)
    assert 0.003 < more.weight[old:].sum() < 0.03  # one track of 150
    assert wide[0].posterior.shape == (len(found[0].starts), len(more.K))
    np.testing.assert_array_equal(wide[0].posterior[:, :old], found[0].posterior)
    low = more.K < 0.06
    assert (
        wide[RARE].posterior[:, low].sum() > 0.9 > found[RARE].posterior[:, states.K < 0.06].sum()
    )


def test_of_common_states_none_is_added() -> None:
    steps = [np.diff(track, axis=0) for track in sample(1.0, 4)]
    every = grid(NOISE, ks=(0.01, 5.0))
    states = learn(steps, every)
    found = [segment(own, states, every=2) for own in steps]
    assert with_rare(steps, found, states, every)[0] is states

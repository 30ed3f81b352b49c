"""Walls around segments: odds that free motion does not have, and that confined motion has."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.andi2.confined import part_of
from perrin.andi2.prediction import CONFINED, FREE, predict
from perrin.andi2.submission import model_of
from perrin.andi2.walls import wall_odds
from perrin.diffusion.segmentation import Segmented, states_of
from perrin.simulate.walks import fbm

NOISE, RADIUS = 0.12, 4.0
NOWHERE = np.zeros((0, 2))
RADII = np.geomspace(2, 16, 7)  # the third is the true one


def in_a_disk(steps: int, k: float, rng: np.random.Generator, start: np.ndarray) -> np.ndarray:
    """Brownian motion around the origin within reflecting walls, many small steps to a frame."""
    fine = 20
    at, found = start.copy(), [start.copy()]
    for step in np.sqrt(2 * k / fine) * rng.standard_normal((steps * fine, 2)):
        at = at + step
        away = np.hypot(*at)
        if away > RADIUS:
            at *= (2 * RADIUS - away) / away
        found.append(at)
    return np.array(found[::fine])


def noisy(path: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return path + NOISE * rng.standard_normal(path.shape)


@pytest.mark.parametrize(("alpha", "k", "length"), [(1.0, 0.2, 30), (0.5, 0.05, 60)])
def test_of_free_motion_the_ratio_is_one_on_average(alpha: float, k: float, length: int) -> None:
    rng = np.random.default_rng(1)
    walks = fbm(np.full(1500, alpha), length=length, rng=rng) * np.sqrt(2 * k)
    state = states_of(np.array([alpha]), np.array([k]), NOISE)
    odds = [wall_odds(noisy(w, rng), NOWHERE, state, RADII[2:], noise=NOISE)[0] for w in walks]
    ratio = np.exp(odds)
    error = ratio.std(axis=0) / np.sqrt(len(ratio))
    assert (np.abs(ratio.mean(axis=0) - 1) < 4 * error + 0.03).all()  # .03: curvature, quadrature


def test_the_odds_are_highest_at_the_true_radius() -> None:
    rng = np.random.default_rng(2)
    state = states_of(np.array([1.0]), np.array([0.3]), NOISE)
    total = np.zeros(len(RADII))
    for _ in range(20):
        start = rng.uniform(-2, 2, 2)
        track = noisy(in_a_disk(80, 0.3, rng, start), rng)
        total += wall_odds(track, NOWHERE, state, RADII, noise=NOISE)[0]
    assert RADII[total.argmax()] == pytest.approx(RADIUS)
    assert total.max() > 20


def test_where_a_particle_was_free_is_no_center() -> None:
    """A wall beside the first position is told by what lies on its other side."""
    rng = np.random.default_rng(3)
    state = states_of(np.array([1.0]), np.array([0.1]), NOISE)
    beyond = np.array([[RADIUS + 0.5, 0.0], [RADIUS + 1.5, 0.5], [RADIUS + 1.0, -1.0]])
    gain = []
    for _ in range(20):
        track = noisy(in_a_disk(40, 0.1, rng, np.array([RADIUS - 0.1, 0.0])), rng)
        some, none = (
            wall_odds(track, free, state, np.array([RADIUS]), noise=NOISE)[0, 0]
            for free in (beyond, NOWHERE)
        )
        gain.append(some - none)
    assert np.mean(gain) > 4 * np.std(gain) / np.sqrt(len(gain))


def test_a_part_is_seen_from_the_side_of_its_longer_free_motion() -> None:
    track = np.column_stack([np.arange(100.0), np.zeros(100)])
    found = Segmented(np.array([0, 10, 60]), np.ones((3, 1)))
    part = part_of(track, found, np.array([0, 1, 0]), 1)
    assert part.positions[[0, -1], 0].tolist() == [58, 12]  # backwards: the end is longer
    assert part.outside[-1, 0] == 63
    part = part_of(track, found, np.array([0, 1, 1]), 1)
    assert part.positions[[0, -1], 0].tolist() == [12, 58]
    assert part.outside[[0, -1], 0].tolist() == [0, 7]


def entering(rng: np.random.Generator, *, walls: bool) -> np.ndarray:
    """A fast walk, then a slow one; walls: within a disk that the fast one stayed out of."""
    start = np.array([RADIUS - 0.1, 0.0])
    slow = in_a_disk(80, 0.3, rng, start)
    if not walls:
        slow = start + np.cumsum(np.sqrt(0.6) * rng.standard_normal((81, 2)), axis=0)
    while True:
        back = start + np.cumsum(np.sqrt(4.0) * rng.standard_normal((40, 2)), axis=0)
        if not walls or (np.hypot(*back.T) > RADIUS).all():
            return noisy(np.concatenate([back[::-1], slow]), rng)


@pytest.mark.parametrize("walls", [True, False])
def test_slow_states_are_confined_where_walls_hold_them(walls: bool) -> None:
    rng = np.random.default_rng(4)
    found = predict([entering(rng, walls=walls) for _ in range(30)])
    assert model_of(found) == ("confinement" if walls else "multi_state")
    last = [int(own.state[-1]) for own in found.tracks]
    assert last.count(CONFINED if walls else FREE) >= 28  # of 30
    first = [int(own.state[0]) for own in found.tracks if len(own.K) > 1]
    assert first.count(FREE) == len(first)

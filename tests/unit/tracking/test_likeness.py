"""What tells particles apart besides where they are, and links by it."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.settings.tracking import LinkSettings
from perrin.tracking.likeness import Marks, marks_of, measure_likeness
from perrin.tracking.link import link

FRAMES, TURN, STEP = 200, 0.1, 2.0


def crossing_rods(
    pairs: int = 12, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of rods that stay within two steps of each other, at right angles: true rod, frame,
    x, y and direction, in order of frames."""
    rng = np.random.default_rng(seed)
    middle = 100.0 * np.indices((4, 3)).reshape(2, -1).T[:pairs] + 50
    rods = np.repeat(middle, 2, axis=0)[:, None] + STEP * rng.standard_normal(
        (2 * pairs, FRAMES, 2)
    )
    turns = np.cumsum(TURN * rng.standard_normal((pairs, FRAMES)), axis=1)
    angle = np.repeat(turns, 2, axis=0)
    angle[1::2] += np.pi / 2
    number, frame = np.indices((2 * pairs, FRAMES)).reshape(2, -1)
    order = np.argsort(frame, kind="stable")
    columns = (number, frame, rods[..., 0].ravel(), rods[..., 1].ravel(), angle.ravel() % np.pi)
    number, frame, x, y, angle = (column[order] for column in columns)
    return number, frame, x, y, angle


def exchanged(number: np.ndarray, frame: np.ndarray, particle: np.ndarray) -> float:
    """Fraction of the links that lead from one rod to another."""
    order = np.lexsort((frame, particle))
    linked = np.diff(particle[order]) == 0
    return float((np.diff(number[order])[linked] != 0).mean())


def test_rods_that_cross_keep_their_direction() -> None:
    number, frame, x, y, angle = crossing_rods()
    marks = marks_of(np.full(len(x), -0.3), angle, None, known=np.ones(len(x), bool))
    settings = LinkSettings(search_px=20)
    blind = link(frame, x, y, area_px=300 * 400, settings=settings)
    seeing = link(frame, x, y, area_px=300 * 400, settings=settings, marks=marks)
    assert exchanged(number, frame, blind.particle) > 0.2
    assert exchanged(number, frame, seeing.particle) < 0.002
    assert blind.wrong_fraction > 0.1
    assert seeing.wrong_fraction < 0.01


def test_equal_particles_are_linked_by_their_places_alone() -> None:
    number, frame, x, *_ = crossing_rods(seed=1)
    contrast = -0.3 + 0.01 * np.random.default_rng(2).standard_normal(len(x))
    marks = marks_of(contrast, np.full(len(x), np.nan), None, known=np.ones(len(x), bool))
    alike = measure_likeness(frame, number, marks, step_px=STEP)
    assert alike is not None
    one, other = np.arange(0, len(x), 2), np.arange(1, len(x), 2)
    assert alike.squares(one, other).mean() < 0.1 * STEP**2


def test_a_direction_is_the_same_after_half_a_turn() -> None:
    marks = Marks(np.array([[0.05], [np.pi - 0.05]]), np.array([np.pi]))
    assert marks.differences(np.array([0]), np.array([1])) == pytest.approx(-0.1)


def test_what_is_not_known_costs_nothing() -> None:
    number, frame, x, _, angle = crossing_rods()
    known = np.arange(len(x)) % 7 != 0
    marks = marks_of(np.full(len(x), -0.3), angle, None, known=known)
    alike = measure_likeness(frame, number, marks, step_px=STEP)
    assert alike is not None
    assert not alike.squares(np.zeros(20, np.int64), np.arange(1, 21))[:-1].any()

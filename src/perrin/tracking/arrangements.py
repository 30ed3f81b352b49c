"""Other ways in which two rods can lie across each other and look much the same.

Two that cross under a small angle look like two side by side, turned by half of it. A fit that
starts from one ends there; so the others are tried, and what is nearly as likely widens the errors.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from perrin.tracking.crossing_table import Found
from perrin.tracking.extent import extents, radii
from perrin.tracking.shape import ANGLE, X, Y
from perrin.types import FloatArray

_NARROW = 0.8  # radians: rods under a larger angle look like nothing else
_LEVER = 0.6  # of half the length: how far from the center a turn is seen as a shift
_LEAST_TURN = 0.1
_SAME_PX = 0.5
_SDS = 3.0


def others_of(particles: list[Found]) -> list[list[Found]]:
    """Return the same particles with each pair that nearly coincides arranged otherwise."""
    found = []
    for i, j in combinations(range(len(particles)), 2):
        for one, other in _ways(particles[i].values, particles[j].values):
            changed = list(particles)
            changed[i], changed[j] = (
                replace(particles[k], values=values) for k, values in ((i, one), (j, other))
            )
            found.append(changed)
    return found


def _ways(one: FloatArray, other: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Return pairs (8,) that cross, and that lie side by side, in both orders."""
    both = np.stack([one, other])
    turn = _turn(one, other)
    apart = other[[X, Y]] - one[[X, Y]]
    if abs(turn) > _NARROW or np.hypot(*apart) > 2 * float(radii(both).min()):
        return []
    middle, direction = 0.5 * (one + other), one[ANGLE] + turn / 2
    across = np.array([-np.sin(direction), np.cos(direction)])
    lever = _LEVER * float(extents(both).min())
    aside = max(abs(apart @ across) / 2, lever * abs(turn) / 2, lever * _LEAST_TURN)
    ways = []
    for sign in (1.0, -1.0):
        for turned, moved in ((aside / lever, 0.0), (0.0, aside)):
            pair = both.copy()
            pair[:, [X, Y]] = middle[[X, Y]] + moved * sign * np.outer([-1, 1], across)
            pair[:, ANGLE] = direction + turned * sign * np.array([-1, 1])
            ways.append((pair[0], pair[1]))
    return ways


def are_distinct(one: list[Found], other: list[Found]) -> bool:
    """Whether two fits of as many particles put one of them elsewhere, beyond its errors."""
    for found in one:
        assert found.errors is not None  # noqa: S101 - it was fitted
        sure = float(np.hypot(found.errors[X], found.errors[Y]))
        if _nearest(found, other)[1] > _SAME_PX + _SDS * sure:
            return True
    return False


def widened(particles: list[Found], others: list[Found], part: float) -> list[Found]:
    """Return particles with errors that hold `others`, the true ones with probability `part`."""
    found = []
    for one in particles:
        assert one.errors is not None  # noqa: S101 - it was fitted
        there = others[_nearest(one, others)[0]].values
        off = there - one.values
        off[ANGLE] = _turn(one.values, there)
        moved = np.zeros(8)
        moved[[X, Y, ANGLE]] = off[[X, Y, ANGLE]]
        found.append(replace(one, errors=np.hypot(one.errors, np.sqrt(part) * moved)))
    return found


def _nearest(one: Found, others: list[Found]) -> tuple[int, float]:
    """Return which of `others` is nearest, and how far its center or its end is, px."""
    lever = float(extents(one.values[None])[0])
    far = [
        float(
            np.hypot(
                np.hypot(*(other.values[[X, Y]] - one.values[[X, Y]])),
                lever * _turn(one.values, other.values),
            )
        )
        for other in others
    ]
    return int(np.argmin(far)), min(far)


def _turn(one: FloatArray, other: FloatArray) -> float:
    """Return how far `other` is turned against `one`: a rod is the same after half a turn."""
    return float((other[ANGLE] - one[ANGLE] + np.pi / 2) % np.pi - np.pi / 2)

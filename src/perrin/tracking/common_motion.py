"""Drift seen by the particles themselves: what they all do together.

The mean step of all particles in a stretch of frames is that of the sample against the camera,
or of the liquid. Its error follows from how much the particles differ (each counts once, however
its steps are correlated). As many stretches are used as clearly differ from each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perrin.tracking.drift import Drift
from perrin.types import FloatArray, IntArray

_STRETCHES = (1, 2, 4, 8)
_LEAST_PARTICLES = 6  # in each stretch
_BY_CHANCE = 1e-3  # that stretches are told apart


@dataclass(frozen=True)
class _Velocity:
    """Mean step a frame along x and y (K, 2) in K stretches between edges (K + 1,), its error."""

    edges: FloatArray
    mean: FloatArray
    error: FloatArray


def common_motion(
    frame: IntArray, x: FloatArray, y: FloatArray, particle: IntArray
) -> Drift | None:
    """Return what N positions of tracks do together; None where there are too few particles."""
    order = np.lexsort((frame, particle))
    frame, particle = frame[order], particle[order]
    place = np.stack([x[order], y[order]], axis=1)
    follows = (np.diff(particle) == 0) & (np.diff(frame) == 1)
    steps, at, owner = np.diff(place, axis=0)[follows], frame[:-1][follows], particle[1:][follows]
    if not len(steps):
        return None
    best: _Velocity | None = None
    for stretches in _STRETCHES:
        found = _velocities(steps, at, owner, np.linspace(at.min(), at.max() + 1, stretches + 1))
        if found is None or (best is not None and not _differ(best, found)):
            break
        best = found
    if best is None:
        return None
    length = np.diff(best.edges)[:, None]
    moved = np.concatenate([[[0.0, 0.0]], np.cumsum(best.mean * length, axis=0)])
    variance = np.concatenate([[[0.0, 0.0]], np.cumsum((best.error * length) ** 2, axis=0)])
    se = np.sqrt(variance.mean(axis=1))
    return Drift(best.edges, moved[:, 0], moved[:, 1], se, by="particles")


def _velocities(
    steps: FloatArray, at: IntArray, owner: IntArray, edges: FloatArray
) -> _Velocity | None:
    """Return the mean step of each stretch; None where one has too few particles."""
    mean, error = [], []
    for first, stop in pairwise(edges):
        inside = (at >= first) & (at < stop)
        own, number = np.unique(owner[inside], return_inverse=True)
        if len(own) < _LEAST_PARTICLES:
            return None
        middle = steps[inside].mean(axis=0)
        rest = np.stack([np.bincount(number, (steps[inside] - middle)[:, k]) for k in (0, 1)])
        more = len(own) / (len(own) - 1)
        mean.append(middle)
        error.append(np.sqrt(more * (rest**2).sum(axis=1)) / inside.sum())
    return _Velocity(edges, np.array(mean), np.maximum(np.array(error), 1e-12))


def _differ(coarse: _Velocity, fine: _Velocity) -> bool:
    """Whether the halves of stretches move differently, beyond chance."""
    from scipy.stats import chi2

    whole = np.repeat(coarse.mean, 2, axis=0)
    # the halves scatter about their own mean: half of the degrees of freedom
    square = float((((fine.mean - whole) / fine.error) ** 2).sum())
    return bool(chi2.sf(square, fine.mean.size // 2) < _BY_CHANCE)

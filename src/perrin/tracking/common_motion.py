"""Drift seen by the particles themselves: what they all do together.

The mean step of all particles in a stretch of frames is that of the sample against the camera,
or of the liquid. Its error follows from how much the particles differ (each counts once, however
its steps are correlated). As many stretches are used as clearly differ from each other.
What the support is said to do is checked against it: particles that stay, or that wander about
where they are, are on no stage that drifts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from perrin.tracking.drift import SIGNIFICANT, Drift
from perrin.types import FloatArray, IntArray

_STRETCHES = (1, 2, 4, 8)
_LEAST_PARTICLES = 6  # in each stretch
_BY_CHANCE = 1e-3  # that stretches are told apart
_STILL, _LONG = 2.0, 20  # errors and positions: a track that stays within them rests


@dataclass(frozen=True)
class _Velocity:
    """Mean step a frame along x and y (K, 2) in K stretches between edges (K + 1,), its error."""

    edges: FloatArray
    mean: FloatArray
    error: FloatArray


def checked(drift: Drift | None, tracks: pd.DataFrame) -> Drift | None:
    """Return a drift of the support, doubted if the particles are against it.

    tracks: frame, x, y, x_se, y_se, particle. Without a drift of the support: what the particles
    do together, unless some rest: then the support does not move.
    """
    resting = _resting(tracks)
    columns = (tracks[name].to_numpy() for name in ("frame", "x", "y", "particle"))
    together = common_motion(*columns) if len(tracks) else None
    if drift is None:
        return None if len(resting) else together
    if not drift.seen:
        return drift
    against = any(_moves(drift, part) for part in resting)
    if together is not None and not together.seen:
        x, y = drift.at(together.frame)
        far = np.hypot(x - x[0] - together.x, y - y[0] - together.y)
        error = np.hypot(together.se, drift.se.max())
        against |= bool((far > SIGNIFICANT * np.maximum(error, 1e-9)).any())
    return replace(drift, doubted=against)


def _resting(tracks: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the long tracks that stay where they are."""
    parts = [part for _, part in tracks.groupby("particle") if len(part) > _LONG]
    return [
        part
        for part in parts
        if all(part[name].std() < _STILL * part[f"{name}_se"].median() for name in "xy")
    ]


def _moves(drift: Drift, part: pd.DataFrame) -> bool:
    """Whether a track would have been moved clearly by a drift."""
    frame = np.array([part["frame"].min(), part["frame"].max()])
    x, y = drift.at(frame)
    error = np.hypot(drift.se.max(), _STILL * float(part["x_se"].median()))
    return bool(np.hypot(x[1] - x[0], y[1] - y[0]) > SIGNIFICANT * error)


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
        error.append(_of_few(len(own)) * np.sqrt(more * (rest**2).sum(axis=1)) / inside.sum())
    return _Velocity(edges, np.array(mean), np.maximum(np.array(error), 1e-12))


def _of_few(count: int) -> float:
    """Return by how much the error from `count` particles is widened.

    Few know their scatter badly: beyond 4 errors is then as rare as where it is known.
    """
    from scipy.stats import norm, t

    return float(t.isf(norm.sf(SIGNIFICANT), count - 1) / SIGNIFICANT)


def _differ(coarse: _Velocity, fine: _Velocity) -> bool:
    """Whether the halves of stretches move differently, beyond chance."""
    from scipy.stats import chi2

    whole = np.repeat(coarse.mean, 2, axis=0)
    # the halves scatter about their own mean: half of the degrees of freedom
    square = float((((fine.mean - whole) / fine.error) ** 2).sum())
    return bool(chi2.sf(square, fine.mean.size // 2) < _BY_CHANCE)

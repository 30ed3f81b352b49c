"""Which particles of one frame are near each other, or the same."""

from __future__ import annotations

import numpy as np

from perrin.tracking.shape import ANGLE, HALF, X, Y
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray


def inside(x: FloatArray, y: FloatArray, frames: Float32Array) -> BoolArray:
    """Whether the center lies in the field."""
    height, width = frames.shape[1:]
    found: BoolArray = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return found


def first_of_same(
    frame: IntArray, x: FloatArray, y: FloatArray, kept: BoolArray, *, within: float
) -> BoolArray:
    """Return whether no earlier fit (N,) has ended at the same place."""
    rows = np.flatnonzero(kept)
    near = pairs_within(frame[rows], x[rows], y[rows], within=within)
    alone = np.ones(len(frame), bool)
    alone[rows[near.max(axis=1)]] = False
    return alone


def pairs_within(frame: IntArray, x: FloatArray, y: FloatArray, *, within: float) -> IntArray:
    """Return the pairs (M, 2) of particles of one frame that are no farther apart."""
    from scipy.spatial import cKDTree

    places = np.stack([x, y, frame * (2 * within + 1.0)], axis=1)
    pairs: IntArray = cKDTree(places).query_pairs(within, output_type="ndarray")
    return pairs.astype(np.int64).reshape(-1, 2)


def neighbors(pairs: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return who has neighbors (N,), where their neighbors start (N + 1,), and these (M,)."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    near, first = np.unique(both[:, 0], return_index=True)
    return near, np.append(first, len(both)).astype(np.int64), both[:, 1]


def listed(rows: IntArray, pairs: IntArray) -> tuple[IntArray, IntArray]:
    """Return where the neighbors of each of `rows` (K,) start (K + 1,), and these (M,)."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    start, stop = (np.searchsorted(both[:, 0], rows, side=side) for side in ("left", "right"))
    first = np.concatenate([[0], np.cumsum(stop - start)])
    every = np.repeat(start - first[:-1], stop - start) + np.arange(first[-1])
    return first.astype(np.int64), both[every, 1]


def touching(values: FloatArray, pairs: IntArray, distance: float | FloatArray) -> BoolArray:
    """Return which pairs (M, 2) have outlines that come nearer than particles are wide."""
    one, other = values[pairs[:, 0]], values[pairs[:, 1]]
    apart = np.minimum(_from_axis(one, other), _from_axis(other, one))
    found: BoolArray = apart < distance
    return found


def _from_axis(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return how far the ends and the center of `one` are from the axis of `other`, the least."""
    least = np.full(len(one), np.inf)
    for end in (-1.0, 0.0, 1.0):
        dx = one[:, X] + end * one[:, HALF] * np.cos(one[:, ANGLE]) - other[:, X]
        dy = one[:, Y] + end * one[:, HALF] * np.sin(one[:, ANGLE]) - other[:, Y]
        cos, sin = np.cos(other[:, ANGLE]), np.sin(other[:, ANGLE])
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        beyond = np.maximum(np.abs(along) - other[:, HALF], 0.0)
        least = np.minimum(least, np.hypot(beyond, across))
    return least

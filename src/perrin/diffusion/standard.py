"""What goes into the mixture network and what comes out: one definition for use and training.

In: positions (N, T, d), moved to their mean and divided by the root mean square one-frame
step of one axis, so that neither place nor unit matters; frames without a position are zero
and unseen; T is rounded up to a multiple of 4 with unseen frames. Out: ten targets in 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError

FloatArray = NDArray[np.float64]

LAGS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Displacements that the network starts from, in frames."""
MULTIPLE = 4
TARGETS: tuple[tuple[str, float, float], ...] = (
    ("share_fbm", 0.0, 1.0),
    ("share_ctrw", 0.0, 1.0),
    ("share_brownian", 0.0, 1.0),
    ("share_noise", 0.0, 1.0),
    ("w", 0.0, 1.0),
    ("alpha_fbm", 0.0, 2.0),
    ("alpha_ctrw", 0.0, 1.0),
    ("frames_ctrw", 0.0, 1.0),
    ("log_step", -5.0, 1.0),  # ln of the FBM part's squared step over the observed one
    ("jump_rate", 0.0, 1.0),
)
"""Names of the ten outputs and the range that 0 to 1 stands for."""


@dataclass(frozen=True)
class Standard:
    """Input of the network: positions (N, T, d) and seen (N, T) float32, step (N,)."""

    positions: NDArray[np.float32]
    seen: NDArray[np.float32]
    step: FloatArray


def standardise(positions: FloatArray, seen: NDArray[np.bool_]) -> Standard:
    """Return `positions` (N, L, d), known where `seen` (N, L), as the network takes them.

    Raises `PerrinError` where a trajectory has no two neighboring frames or never moves.
    """
    known = np.where(seen[..., None], positions, 0.0)
    frames = seen.sum(axis=1)
    centred = known - (known.sum(axis=1) / np.maximum(frames, 1)[:, None])[:, None]
    centred *= seen[..., None]
    both = seen[:, 1:] & seen[:, :-1]
    pairs = both.sum(axis=1)
    squared = ((np.diff(centred, axis=1) * both[..., None]) ** 2).sum(axis=(1, 2))
    step = np.sqrt(squared / np.maximum(pairs * positions.shape[2], 1))
    bad = np.flatnonzero(~(step > 0))
    if bad.size:
        why = "has no two neighboring frames" if pairs[bad[0]] == 0 else "never moves"
        raise PerrinError(f"trajectory {bad[0]} {why}; leave it out.")
    length = -(-positions.shape[1] // MULTIPLE) * MULTIPLE
    shape = (len(positions), length, positions.shape[2])
    padded, mask = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32)
    padded[:, : positions.shape[1]] = centred / step[:, None, None]
    mask[:, : positions.shape[1]] = seen
    return Standard(padded, mask, step)


def to_unit(values: FloatArray, target: int) -> FloatArray:
    """Return values of one target as 0 to 1, cut at its range."""
    _, low, high = TARGETS[target]
    unit: FloatArray = np.clip((values - low) / (high - low), 0.0, 1.0)
    return unit


def from_unit(unit: FloatArray, target: int) -> FloatArray:
    """Return 0 to 1 as values of one target."""
    _, low, high = TARGETS[target]
    return low + unit * (high - low)

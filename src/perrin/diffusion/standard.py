"""What goes into the mixture network and what comes out: one definition for use and training.

In: positions (N, T, d), moved to their mean and divided by the root mean square one-frame
step of one axis, so that neither place nor unit matters; frames without a position are zero
and unseen; T is rounded up to a multiple of 4 with unseen frames. With them goes what is known
of the camera (N, 4): localization error and exposure, each with a flag, since a network that is
given the noise need not guess it. Out: ten targets in 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perrin.errors import PerrinError
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

LAGS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Displacements that the network starts from, in frames."""
MULTIPLE = 4
KNOWN = 4
"""Length of what is known of the camera: flag and noise, flag and exposure; zeros where not known.

Noise: localization error over the root mean square step, times sqrt(2), at most 1.5.
"""
CAMERAS = ("unknown", "sharp", "blurred", "unknown, gaps", "sharp, gaps", "blurred, gaps")
"""What a camera does to a track, as far as it is known: `Standard.camera`.

Unknown: the localization error is not known. Blurred: light for `BLURRED` of the frame interval or
longer. Gaps: more than `GAPPY` of the frames are missing.
"""
BLURRED, GAPPY = 0.25, 0.04
TARGETS: tuple[tuple[str, float, float], ...] = (
    ("fraction_fbm", 0.0, 1.0),
    ("fraction_ctrw", 0.0, 1.0),
    ("fraction_brownian", 0.0, 1.0),
    ("fraction_noise", 0.0, 1.0),
    ("w", 0.0, 1.0),
    ("alpha_fbm", 0.0, 2.0),
    ("alpha_ctrw", 0.0, 1.0),
    ("frames_ctrw", 0.0, 1.0),
    ("log_step", -5.0, 1.0),  # ln of the FBM part's squared step over the observed one
    ("jump_rate", 0.0, 1.0),
)
"""Names of the ten outputs and the range that 0 to 1 stands for."""


_LEAST_STEP = 1e-4
"""Of the largest distance from the mean: what only moves while nobody looks has hardly a step of
one frame, and would be out of the range of float32."""
_TOKENS = 4_096  # frames in one call: larger batches leave the cache


@dataclass(frozen=True)
class Standard:
    """Input of the network: positions (N, T, d), seen (N, T), known (N, 4) float32.

    step (N,): the root mean square step; camera (N,): which of `CAMERAS`.
    """

    positions: Float32Array
    seen: Float32Array
    known: Float32Array
    step: FloatArray
    camera: IntArray


@dataclass(frozen=True)
class Prediction:
    """What is in N tracks.

    quantiles (N, 10, 3): calibrated low, middle and high of each of `TARGETS`, in 0 to 1, the
    middle fractions with sum 1. steps, N of (L - 1, 2): probability that the step from a frame to
    the next holds a jump, and that it follows a CTRW if the track switches between both.
    """

    quantiles: FloatArray
    steps: list[FloatArray]


def standardize(
    positions: FloatArray,
    seen: BoolArray,
    *,
    noise: FloatArray | None = None,
    exposure: FloatArray | None = None,
) -> Standard:
    """Return `positions` (N, L, d), there where `seen` (N, L), as the network takes them.

    noise (N,): localization error of one axis, in the unit of the positions; exposure (N,):
    fraction of the frame interval in which light is collected. NaN, or no array: not known.

    Raises `PerrinError` where a trajectory has no two neighboring frames or never moves.
    """
    there = np.where(seen[..., None], positions, 0.0)
    frames = seen.sum(axis=1)
    centered = there - (there.sum(axis=1) / np.maximum(frames, 1)[:, None])[:, None]
    centered *= seen[..., None]
    both = seen[:, 1:] & seen[:, :-1]
    pairs = both.sum(axis=1)
    squared = ((np.diff(centered, axis=1) * both[..., None]) ** 2).sum(axis=(1, 2))
    step = np.sqrt(squared / np.maximum(pairs * positions.shape[2], 1))
    bad = np.flatnonzero(~(step > 0))
    if bad.size:
        why = "has no two neighboring frames" if pairs[bad[0]] == 0 else "never moves"
        raise PerrinError(f"trajectory {bad[0]} {why}; leave it out.")
    step = np.maximum(step, _LEAST_STEP * np.abs(centered).max(axis=(1, 2)))
    length = -(-positions.shape[1] // MULTIPLE) * MULTIPLE
    shape = (len(positions), length, positions.shape[2])
    padded, mask = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32)
    padded[:, : positions.shape[1]] = centered / step[:, None, None]
    mask[:, : positions.shape[1]] = seen
    known = _known(noise, exposure, step)
    return Standard(padded, mask, known, step, _camera(known, seen))


def joined(
    positions: Sequence[FloatArray],
    seen: Sequence[BoolArray],
    *,
    noise: FloatArray | None = None,
    exposure: FloatArray | None = None,
) -> Standard:
    """Return tracks of several lengths, (L, d) and (L,) each, standardized in one array."""
    length = max(len(track) for track in positions)
    together = np.zeros((len(positions), length, positions[0].shape[1]))
    mask = np.zeros((len(positions), length), dtype=bool)
    for i, (track, frames) in enumerate(zip(positions, seen, strict=True)):
        together[i, : len(track)] = track
        mask[i, : len(track)] = frames
    return standardize(together, mask, noise=noise, exposure=exposure)


def grouped(lengths: ArrayLike) -> list[IntArray]:
    """Return which tracks go through the network together: of equal padded length."""
    padded = -(-np.asarray(lengths) // MULTIPLE) * MULTIPLE
    parts: list[IntArray] = []
    for length in np.unique(padded):
        rows = np.flatnonzero(padded == length)
        size = max(1, _TOKENS // int(length))
        parts += [rows[first : first + size] for first in range(0, len(rows), size)]
    return parts


def _known(noise: FloatArray | None, exposure: FloatArray | None, step: FloatArray) -> Float32Array:
    known = np.zeros((len(step), KNOWN), np.float32)
    relative = None if noise is None else np.minimum(np.sqrt(2) * noise / step, 1.5)
    for column, values in ((0, relative), (2, exposure)):
        if values is not None:
            given = np.isfinite(values)
            known[:, column] = given
            known[:, column + 1] = np.where(given, values, 0.0)
    return known


def _camera(known: Float32Array, seen: BoolArray) -> IntArray:
    """Return which of `CAMERAS`, of what is known (N, 4) and which frames are seen (N, L)."""
    given = np.where(known[:, 0] > 0, 1 + (known[:, 3] >= BLURRED), 0)
    span = seen.shape[1] - seen.argmax(axis=1) - seen[:, ::-1].argmax(axis=1)
    gaps = seen.sum(axis=1) < (1 - GAPPY) * span
    camera: IntArray = given + len(CAMERAS) // 2 * gaps
    return camera


def to_unit(values: FloatArray, target: int) -> FloatArray:
    """Return values of one target as 0 to 1, cut at its range."""
    _, low, high = TARGETS[target]
    unit: FloatArray = np.clip((values - low) / (high - low), 0.0, 1.0)
    return unit


def from_unit(unit: FloatArray, target: int) -> FloatArray:
    """Return 0 to 1 as values of one target."""
    _, low, high = TARGETS[target]
    return low + unit * (high - low)

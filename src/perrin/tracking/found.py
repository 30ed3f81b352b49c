"""What was located in some frames: a table of particles with their errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.types import BoolArray, FloatArray, IntArray

LABELS = ("", "touching", "merged", "edge")
TOUCHING, MERGED, EDGE = 1, 2, 3  # places in it
SHAPE_COLUMNS = ("half_axis_px", "edge_px", "flatness")
"""Names of the columns of the shapes of gold in a table of positions."""


@dataclass(frozen=True)
class LocalizationResult:
    """N particles, in order of frames.

    Attributes
    ----------
    frame : (N,) int64
        Number of the frame.
    x, y, x_se, y_se : (N,)
        Place and standard errors, px.
    contrast, contrast_se : (N,)
        At the center: negative where darker (molecules: negative always, as a landing is).
    angle, angle_se : (N,)
        Rods: radians, from 0 to pi; else NaN.
    noise : (N,)
        Standard deviation of a pixel about the fit, in contrast.
    label : (N,) int64
        Place in `LABELS`.
    shape : (N, 3)
        Gold: half length of the axis, width (px) and flatness of its image; else NaN.

    """

    frame: IntArray
    x: FloatArray
    y: FloatArray
    x_se: FloatArray
    y_se: FloatArray
    contrast: FloatArray
    contrast_se: FloatArray
    angle: FloatArray
    angle_se: FloatArray
    noise: FloatArray
    label: IntArray
    shape: FloatArray

    @property
    def significance(self) -> FloatArray:
        """Contrast over its standard error, (N,)."""
        found: FloatArray = np.abs(self.contrast) / self.contrast_se
        return found

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: IntArray | BoolArray) -> LocalizationResult:
        return LocalizationResult(*(column[rows] for column in vars(self).values()))


def join(parts: list[LocalizationResult]) -> LocalizationResult:
    """Return several stretches as one."""
    parts = parts or [nothing()]
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return LocalizationResult(*(np.concatenate(column) for column in columns))


def nothing() -> LocalizationResult:
    """No particle."""
    none, empty = np.empty(0, np.int64), np.empty(0)
    return LocalizationResult(
        none,
        empty,
        empty,
        empty,
        empty,
        empty,
        empty,
        empty,
        empty,
        empty,
        none,
        np.empty((0, 3)),
    )

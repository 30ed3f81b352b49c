"""What is no particle but an edge of the support that has moved against the background.

A median over time takes an edge off only where it stays. One that drifts or shakes leaves a strip
beside where the median has it, and pieces of a strip look like weak particles. The background
says where that can be: where it changes by as much within the reach of a particle. There a spot
counts only if it has about the contrast of the particles of this movie, if there are many such.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perrin.tracking.appearance import Appearance
from perrin.tracking.found import EDGE, LocalizationResult
from perrin.types import Float32Array, FloatArray

_ENOUGH = 0.5  # of a spot's contrast: so much the support must change nearby to be its cause
_USUAL = (0.7, 1.4)  # of the particles' median contrast: no edge has that along all its length
_LEAST = 0.05  # of what was located: fewer are likelier particles that the background still shows
_DARKEST = 0.02  # of the light: what is darker is a dead pixel


def relief(background: Float32Array, seen: Appearance) -> FloatArray:
    """Return by how much a background (Y, X) changes within a particle's reach of each pixel.

    In units of contrast: of its logarithm, as smooth as the frames that particles are found in.
    """
    from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

    light = np.where(background > _DARKEST, background, np.float32(1.0))
    level = gaussian_filter(np.log(light, dtype=np.float64), seen.sigma_px, mode="nearest")
    size = 2 * int(np.ceil(seen.extent_px)) + 1
    return np.asarray(maximum_filter(level, size) - minimum_filter(level, size), np.float64)


def without_edges(
    located: LocalizationResult, change: FloatArray, seen: Appearance
) -> LocalizationResult:
    """Return what was located, with the label of an edge where the support may be the cause.

    change (Y, X): the largest `relief` of the backgrounds of the movie.
    """
    height, width = change.shape
    row = np.clip(np.rint(located.y).astype(np.int64), 0, height - 1)
    column = np.clip(np.rint(located.x).astype(np.int64), 0, width - 1)
    contrast = np.abs(located.contrast)
    part = contrast / seen.amplitude
    unusual = (part < _USUAL[0]) | (part > _USUAL[1])
    edge = unusual & (change[row, column] > _ENOUGH * contrast)
    if len(edge) == 0 or edge.mean() < _LEAST:
        return located
    return replace(located, label=np.where(edge, EDGE, located.label))

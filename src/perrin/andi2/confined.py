"""Which populations of segments are confined: walls hold them, as memory of steps would not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perrin.diffusion.populations import Populations, nearest
from perrin.diffusion.segmentation import Segmented, States
from perrin.types import FloatArray, IntArray

LEAST_STEPS = 20
"""Shorter segments say nothing of walls."""
LEAST_SEGMENTS = 15
SURE = 2.5
"""Standard errors by which the spread of a population's segments is below that of its FBM."""


def held_populations(
    tracks: Sequence[FloatArray],
    found: Sequence[Segmented],
    kinds: Populations,
    states: States,
    *,
    noise: float,
) -> tuple[list[bool], list[IntArray]]:
    """Return which populations are confined, and the population of each segment of each track.

    Confined: the segments spread less than FBM of the population's exponent and K does, which
    suits their steps. The fastest population is free: it is what is outside of the walls.
    """
    place = [nearest(part, kinds, states) for part in found]
    ratios: list[list[float]] = [[] for _ in kinds.K]
    for track, part, own in zip(tracks, found, place, strict=True):
        stops = np.append(part.starts[1:], len(track) - 1)
        for first, stop, which in zip(part.starts, stops, own, strict=True):
            if stop - first >= LEAST_STEPS and kinds.K[which] > 0:
                spread = fbm_spread(
                    kinds.alpha[which], kinds.K[which], length=stop - first + 1, noise=noise
                )
                inside = track[first : stop + 1].var(axis=0).mean()
                ratios[which].append(float(inside) / spread)
    held = [k > 0 and _narrow(np.array(own)) for k, own in enumerate(ratios)]
    return held, place


def fbm_spread(alpha: float, k: float, *, length: int, noise: float) -> float:
    """Return the expected variance of one axis over the `length` positions of an FBM."""
    lag = np.arange(1, length)
    return float((2 * k * lag**alpha * (length - lag)).sum() / length**2 + noise**2)


def _narrow(ratios: FloatArray) -> bool:
    if len(ratios) < LEAST_SEGMENTS:
        return False
    return bool(1 - ratios.mean() > SURE * ratios.std() / np.sqrt(len(ratios)))

"""Which tracks are none of the AnDi challenge's models: those of kinds that its walks are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perrin.diffusion.motion_kinds import KINDS
from perrin.settings.base import Settings
from perrin.types import FloatArray, IntArray

LIKE: Mapping[str, tuple[str, ...]] = {
    "attm": ("brownian", "fbm", "changing_diffusivity", "ctrw"),
    "ctrw": ("immobile", "ctrw"),
    "fbm": ("brownian", "fbm"),
    "levy": ("brownian", "fbm", "directed", "changing_diffusivity"),
    "sbm": ("brownian", "fbm", "changing_diffusivity"),
}
"""Kinds of motion that tracks of each model of the challenge are, in the words of `KINDS`."""


class OutsideLimits(Settings):
    """p_outside that 5% of a model's own tracks exceed: limits[length][model].

    kinds: sha256 of the network that tells kinds; lengths: frames of the tracks.
    """

    kinds: str
    lengths: tuple[int, ...]
    limits: tuple[tuple[float, ...], ...]

    def of(self, frames: IntArray, model: IntArray) -> FloatArray:
        """Return the limits (N,) of tracks of so many frames that are called these models."""
        far = np.abs(np.log(np.divide.outer(frames, np.array(self.lengths))))
        found: FloatArray = np.array(self.limits)[far.argmin(axis=1), model]
        return found


def outside(model: IntArray, p: FloatArray, *, names: Sequence[str]) -> FloatArray:
    """Return the probability (N,) of kinds that tracks of these models (N,) are not.

    p (N, K): probabilities of `KINDS`; names: of the models.
    """
    alien = np.array([[kind not in LIKE[name] for kind in KINDS] for name in names])
    found: FloatArray = (p * alien[model]).sum(axis=1)
    return found

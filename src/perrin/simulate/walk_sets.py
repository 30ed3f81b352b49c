"""Whole sets of trajectories with their truth, of a mixture or of one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.errors import PerrinError
from perrin.settings.base import settings_from
from perrin.settings.diffusion import MIXTURE_KINDS, MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_tables import single_walks, tracks_table, truth_table

if TYPE_CHECKING:
    import pandas as pd


def simulate_walks(
    kind: str = "superposition",
    *,
    count: int = 1000,
    length: int = 100,
    dims: int = 2,
    noise: tuple[float, float] = (0.0, 0.0),
    start: str = "ordinary",
    exposure: float = 0.0,
    missing: float = 0.0,
    segment_frames: int = 30,
    alpha: float = 0.7,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate trajectories, as `perrin simulate walks` does.

    kind: a mixture (``superposition``, ``increments``, ``interleaved``, ``subordination``) or one
    walk (``fbm``, ``ctrw``, ``brownian``, ``attm``, ``levy``, ``sbm``) of exponent `alpha`.
    noise: range of the localization error over the one-frame step; exposure, missing: fraction of
    the frame with light, and of frames that are missing (mixtures only). start: first wait of a
    CTRW, ``ordinary`` or ``aged``. Returns a row a position, and a row a trajectory (the truth).
    Raises `PerrinError` for settings out of bounds.
    """
    rng = np.random.default_rng(seed)
    if kind not in MIXTURE_KINDS:
        if tuple(noise) != (0.0, 0.0) or exposure or missing:
            raise PerrinError(
                "noise, exposure and missing frames belong to mixtures; a pure FBM or CTRW is "
                "simulated without them, or is analyzed as a mixture with w = 0 or 1."
            )
        return single_walks(
            kind, alpha=alpha, count=count, length=length, dims=dims, start=start, rng=rng
        )
    settings = settings_from(
        MixtureSettings,
        kind=kind,
        length=length,
        dims=dims,
        noise=noise,
        start=start,
        exposure=exposure,
        missing=missing,
        segment_frames=segment_frames,
    )
    mixture = simulate_mixture(settings, count=count, rng=rng)
    return tracks_table(mixture.positions, mixture.seen), truth_table(mixture.truth)

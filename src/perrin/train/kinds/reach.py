"""How far intervals of w have to reach, measured on fresh superpositions of each w."""

from __future__ import annotations

import numpy as np

from perrin.diffusion import classical
from perrin.diffusion.by_kind import reaches_ends
from perrin.diffusion.kinds import Model as Kinds
from perrin.diffusion.ratio_reach import LEAST_WIDTH, RatioReach
from perrin.diffusion.standard import TARGETS
from perrin.diffusion.windows import Track
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.types import FloatArray

LENGTHS = (25, 50, 100, 300)
RATIOS = (0.2, 0.35, 0.5, 0.65, 0.8)
_BEYOND = 0.05
_W = next(k for k, (name, *_) in enumerate(TARGETS) if name == "w")
_MOST = 5.0
_CAMERAS: tuple[dict[str, object], ...] = (
    {"noise": (0.2, 0.2)},
    {"noise": (0.2, 0.2), "start": "aged"},
    {"noise": (0.5, 0.5), "start": "aged"},
    {"start": "aged", "missing": 0.1},
)
"""What the tracks are like, noise told: where it is not, intervals are wider. The widest counts."""


def fit_reach(
    kinds: Kinds, mixture: MixtureModel, *, count: int, rng: np.random.Generator
) -> RatioReach:
    """Return how far intervals reach, of `count` tracks of each length, w and camera."""
    below = np.ones((len(LENGTHS), len(RATIOS)))
    above = np.ones_like(below)
    for k, length in enumerate(LENGTHS):
        for j, ratio in enumerate(RATIOS):
            for camera in _CAMERAS:
                tracks = _tracks(length, ratio, count, camera, rng)
                away = _distances(kinds, mixture, tracks, ratio)
                reached = np.quantile(away, 1 - _BEYOND, axis=0).clip(1.0, _MOST)
                below[k, j], above[k, j] = np.maximum(reached, (below[k, j], above[k, j]))
    return RatioReach(
        lengths=LENGTHS,
        w=RATIOS,
        below=tuple(map(tuple, np.round(below, 3).tolist())),
        above=tuple(map(tuple, np.round(above, 3).tolist())),
    )


def _distances(kinds: Kinds, mixture: MixtureModel, drawn: list[Track], ratio: float) -> FloatArray:
    """Return how far w is below and above the middle, (N, 2), in units of the interval.

    -1 on the other side, and where the kinds let the interval reach the end.
    """
    tracks = [
        track
        for track in drawn
        if mixture.refusal(track.seen, 2) is None
        and (classical.displacements(track.positions, track.seen, lag=1) != 0).any()
    ]
    prediction = mixture.predict_tracks(tracks)
    low, middle, high = prediction.quantiles[:, _W].T
    at_zero, at_one, given = reaches_ends(kinds.predict(tracks, prediction).p)
    below = (middle - ratio) / np.maximum(middle - low, LEAST_WIDTH)
    above = (ratio - middle) / np.maximum(high - middle, LEAST_WIDTH)
    away = np.stack([np.where(at_zero, -1.0, below), np.where(at_one, -1.0, above)], axis=1)
    return away[given]


def _tracks(
    length: int, ratio: float, count: int, camera: dict[str, object], rng: np.random.Generator
) -> list[Track]:
    about = {"length": length, "w": (ratio, ratio), **camera}
    drawn = simulate_mixture(MixtureSettings.model_validate(about), count=count, rng=rng)
    return [
        Track(
            k,
            0,
            np.where(seen[:, None], positions, 0.0),
            seen,
            noise=float(drawn.truth.noise_sigma[k]),
        )
        for k, (positions, seen) in enumerate(zip(drawn.positions, drawn.seen, strict=True))
    ]

"""Calibration of the network's intervals on trajectories that it has not learned from.

Split conformal, cell by cell (Romano, Patterson and Candes, NeurIPS 2019): the predicted
distances from the middle to both ends are scaled so that 5% of the truths lie beyond each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from math import ceil

import numpy as np
from numpy.typing import NDArray

from perrin.diffusion.standard import CAMERAS, TARGETS, Standard, standardize
from perrin.models.cards import Interval
from perrin.models.mixture import cells
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import Mixture, simulate_mixture
from perrin.train.mixture.data import targets
from perrin.types import FloatArray

Run = Callable[[Standard], NDArray[np.float32]]
"""From N standardized trajectories to low, middle and high of each target, (N, 10, 3)."""

LENGTHS = (10, 16, 25, 50, 100, 200, 300, 600, 1000)
NOISES = ((0.0, 0.0), (0.0, 0.0), (0.5, 0.5), (0.0, 1.0))
SEEN: tuple[tuple[int, dict[str, float]], ...] = (
    (4, {}),
    (2, {"exposure": 0.5}),
    (2, {"exposure": 1.0}),
    (2, {"missing": 0.1}),
    (2, {"missing": 0.25}),
    (2, {"missing": 0.15, "exposure": 1.0}),
)
"""What the camera does, and how often. Where nothing is known of it, there is no blur: it would
look like an exponent."""
_INTERLEAVED = 0.25  # as many trajectories: one target of the ten
NOISE_EDGES = (0.03, 0.15, 0.4)
MIDDLE_EDGES = (0.2, 0.4, 0.6, 0.8)
_FRAMES_CTRW = 7
_BEYOND = 0.05
_LEAST = 60  # truths that a cell needs, or it takes its length's and noise's
_BATCH = 256


@dataclass(frozen=True)
class Queried:
    """Raw answers (N, 10, 3), truths (N, 10) in 0 to 1, which of them count, and the camera."""

    raw: FloatArray
    truth: FloatArray
    counts: NDArray[np.bool_]
    camera: NDArray[np.int64]

    @classmethod
    def together(cls, parts: Sequence[Queried]) -> Queried:
        """Return several in one."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def fit_interval(run: Run, *, count: int, rng: np.random.Generator) -> Interval:
    """Return the factors for the network `run`.

    They are of `count` trajectories of each length and noise, times those of `SEEN`. The prior is
    that of `MixtureSettings`: superposition of positions, ordinary start; for the fraction of
    frames, interleaved trajectories.
    """
    empty = Interval(
        lengths=LENGTHS, noise_edges=NOISE_EDGES, middle_edges=MIDDLE_EDGES, factors=()
    )
    sides, noises, middles = 2, len(NOISE_EDGES) + 1, len(MIDDLE_EDGES) + 1
    factors = np.ones((len(TARGETS), sides, len(CAMERAS), len(LENGTHS), noises, middles))
    for k, length in enumerate(LENGTHS):
        for kind in ("superposition", "interleaved"):
            fraction = _INTERLEAVED if kind == "interleaved" else 1.0
            queried = query(run, kind=kind, length=length, count=ceil(fraction * count), rng=rng)
            _, noise, middle = cells(queried.raw, np.full(len(queried.raw), length), empty)
            chosen = [_FRAMES_CTRW] if kind == "interleaved" else _others()
            for camera in range(len(CAMERAS)):
                for target in chosen:
                    factors[target, :, camera, k] = _cell_factors(
                        queried.raw[:, target],
                        queried.truth[:, target],
                        queried.counts[:, target] & (queried.camera == camera),
                        noise,
                        middle[:, target],
                    )
    return Interval.model_validate(empty.model_dump() | {"factors": np.round(factors, 4).tolist()})


def _others() -> list[int]:
    return [target for target in range(len(TARGETS)) if target != _FRAMES_CTRW]


def query(run: Run, *, kind: str, length: int, count: int, rng: np.random.Generator) -> Queried:
    """Ask `count` moving trajectories for each of `NOISES`, times those of `SEEN`.

    Each with the camera known, and without blur once more with nothing known.
    """
    parts = []
    for times, seen in SEEN:
        for noise in NOISES:
            about = {"kind": kind, "length": length, "noise": noise, **seen}
            settings = MixtureSettings.model_validate(about)
            drawn = simulate_mixture(settings, count=times * count, rng=rng)
            parts.append(_predictions(run, drawn, exposure=settings.exposure))
            if settings.exposure == 0:
                parts.append(_predictions(run, drawn, exposure=None))
    return Queried.together(parts)


def _predictions(run: Run, drawn: Mixture, *, exposure: float | None) -> Queried:
    """Predict; None: the network knows neither the exposure nor the noise."""
    both = drawn.seen[:, 1:] & drawn.seen[:, :-1]
    moved = (np.diff(drawn.positions, axis=1) != 0).any(axis=2)
    moving = (moved & both).any(axis=1)
    sigma = drawn.truth.noise_sigma[moving]
    standard = standardize(
        drawn.positions[moving],
        drawn.seen[moving],
        noise=None if exposure is None else sigma,
        exposure=None if exposure is None else np.full(len(sigma), exposure),
    )
    target, weight = targets(drawn.truth, standard.step, moving)
    raw = []
    for first in range(0, len(target), _BATCH):
        part = slice(first, first + _BATCH)
        raw.append(run(Standard(*(getattr(standard, f.name)[part] for f in fields(Standard)))))
    # exponents count of parts that hold a twentieth or more
    predictions = np.concatenate(raw).astype(float)
    return Queried(predictions, target.astype(float), weight >= 0.5, standard.camera)


def _cell_factors(
    raw: FloatArray,
    truth: FloatArray,
    known: NDArray[np.bool_],
    noise: NDArray[np.int64],
    middle: NDArray[np.int64],
) -> FloatArray:
    """Return the factors of one target and length: raw (N, 3), ... -> (2, noise, middle)."""
    below, above = np.maximum(np.diff(raw, axis=1), 1e-6).T
    scores = np.stack([(raw[:, 1] - truth) / below, (truth - raw[:, 1]) / above])
    factors = np.ones((2, len(NOISE_EDGES) + 1, len(MIDDLE_EDGES) + 1))
    everything = _quantile(scores[:, known]) if known.sum() >= _LEAST else np.ones(2)
    for i in range(factors.shape[1]):
        at_noise = known & (noise == i)
        wide = _quantile(scores[:, at_noise]) if at_noise.sum() >= _LEAST else everything
        for j in range(factors.shape[2]):
            cell = at_noise & (middle == j)
            factors[:, i, j] = _quantile(scores[:, cell]) if cell.sum() >= _LEAST else wide
    return factors


def _quantile(scores: FloatArray) -> FloatArray:
    """Return the factor beyond which 5% of the truths lie, per side: (2, N) -> (2,)."""
    quantile: FloatArray = np.quantile(scores, 1 - _BEYOND, axis=1)
    return np.clip(quantile, 0.0, 20.0)

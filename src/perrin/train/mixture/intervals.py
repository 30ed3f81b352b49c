"""Calibration of the network's intervals on trajectories that it has not learned from.

Split conformal, cell by cell (Romano, Patterson and Candes, NeurIPS 2019): the predicted
distances from the middle to both ends are scaled so that 5% of the truths lie beyond each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from perrin.diffusion.standard import TARGETS, Standard, standardise
from perrin.models.cards import Interval
from perrin.models.mixture import cells
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import Mixture, simulate_mixture
from perrin.train.mixture.data import targets

FloatArray = NDArray[np.float64]
Run = Callable[[Standard], NDArray[np.float32]]
"""From N standardised trajectories to low, middle and high of each target, (N, 10, 3)."""

LENGTHS = (10, 16, 25, 50, 100, 200, 300, 600, 1000)
NOISES = ((0.0, 0.0), (0.0, 0.0), (0.5, 0.5), (0.0, 1.0))
NOISE_EDGES = (0.03, 0.15, 0.4)
MIDDLE_EDGES = (0.2, 0.4, 0.6, 0.8)
_FRAMES_CTRW = 7
_BEYOND = 0.05
_LEAST = 60  # truths that a cell needs, or it takes its length's and noise's
_BATCH = 256


def fit_interval(run: Run, *, count: int, rng: np.random.Generator) -> Interval:
    """Return the factors for the network `run`, from `count` trajectories of each length and noise.

    The prior is that of `MixtureSettings`: superposition of positions, ordinary start; for
    the share of frames, interleaved trajectories; each once with the camera known, once without.
    """
    empty = Interval(
        lengths=LENGTHS, noise_edges=NOISE_EDGES, middle_edges=MIDDLE_EDGES, factors=()
    )
    shape = (len(TARGETS), 2, 2, len(LENGTHS), len(NOISE_EDGES) + 1, len(MIDDLE_EDGES) + 1)
    factors = np.ones(shape)
    for k, length in enumerate(LENGTHS):
        for kind in ("superposition", "interleaved"):
            drawn = _drawn(kind=kind, length=length, count=count, rng=rng)
            chosen = [_FRAMES_CTRW] if kind == "interleaved" else _others()
            for told in (0, 1):
                raw, truth, counts = _answers(run, drawn, told=bool(told))
                _, noise, middle = cells(raw, np.full(len(raw), length), empty)
                for target in chosen:
                    factors[target, :, told, k] = _cell_factors(
                        raw[:, target],
                        truth[:, target],
                        counts[:, target],
                        noise,
                        middle[:, target],
                    )
    return Interval.model_validate(empty.model_dump() | {"factors": np.round(factors, 4).tolist()})


def _others() -> list[int]:
    return [target for target in range(len(TARGETS)) if target != _FRAMES_CTRW]


def _drawn(*, kind: str, length: int, count: int, rng: np.random.Generator) -> list[Mixture]:
    """Return `count` moving trajectories for each of `NOISES`."""
    drawn = []
    for noise in NOISES:
        settings = MixtureSettings.model_validate({"kind": kind, "length": length, "noise": noise})
        drawn.append(simulate_mixture(settings, count=count, rng=rng))
    return drawn


def _answers(
    run: Run, drawn: list[Mixture], *, told: bool
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return raw answers (N, 10, 3), truths (N, 10) in 0 to 1, and which truths count.

    told: whether the network is told the noise, and that there is no blur.
    """
    raw, truth, counts = [], [], []
    for mixture in drawn:
        moving = (np.diff(mixture.positions, axis=1) != 0).any(axis=(1, 2))
        sigma = mixture.truth.noise_sigma[moving]
        standard = standardise(
            mixture.positions[moving],
            mixture.seen[moving],
            noise=sigma if told else None,
            exposure=np.zeros(len(sigma)) if told else None,
        )
        target, weight = targets(mixture.truth, standard.step, moving)
        for first in range(0, len(target), _BATCH):
            part = slice(first, first + _BATCH)
            some = Standard(*(getattr(standard, field.name)[part] for field in fields(Standard)))
            raw.append(run(some))
        truth.append(target)
        counts.append(weight >= 0.5)  # exponents of parts that hold a twentieth or more
    return np.concatenate(raw).astype(float), np.concatenate(truth), np.concatenate(counts)


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

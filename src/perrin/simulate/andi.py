"""Trajectories as in the first AnDi challenge: five models, one exponent, noise (task 1 and 2).

Steps of every axis are scaled to unit standard deviation over the whole generated walk, then
localization noise is added with a standard deviation of .1, .5 or 1 (Munoz-Gil et al., Nat.
Commun. 12, 6253 (2021)). The ranges within the models are those of andi-datasets 2.1. Steps that
are all equal (a Levy walk of one flight) have no spread to be scaled by and stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.simulate.walks import attm, ctrw, fbm, levy_walk, scaled_brownian
from perrin.types import FloatArray

Balance = Literal["models", "exponents"]

MODELS = ("attm", "ctrw", "fbm", "levy", "sbm")
"""In the order of the challenge."""
EXPONENTS = {
    "attm": (0.05, 1.0),
    "ctrw": (0.05, 1.0),
    "fbm": (0.05, 1.95),
    "levy": (1.0, 2.0),
    "sbm": (0.05, 2.0),
}
NOISES = (0.1, 0.5, 1.0)
CUT_FROM = 999
_BALLISTIC = 1 / 21  # of the Levy walks: the challenge draws from a grid that ends at 2
_ATTM_QUANTILES = (0.01, 0.9)
_EVEN = 1e-9  # of the longest step: what is left of the spread of equal steps is rounding


@dataclass(frozen=True)
class AndiWalks:
    """positions (N, L, d), model (N,) as an index of `MODELS`, alpha (N,), noise (N,)."""

    positions: FloatArray
    model: NDArray[np.int64]
    alpha: FloatArray
    noise: FloatArray


def simulate_andi(
    count: int,
    *,
    length: int,
    rng: np.random.Generator,
    dims: int = 2,
    generated: int | None = None,
    balance: Balance = "models",
) -> AndiWalks:
    """Draw `count` trajectories of `length` frames.

    generated: frames of the walk that each is the start of, `length` if None (protocol "exact
    L"); the challenge cuts from 999. balance: equally many of each model with exponents uniform
    in the model's range (task 2), or exponents uniform in .05 to 2 and one of the models that
    have it (task 1). Raises `PerrinError` for `generated` below `length`.
    """
    whole = length if generated is None else generated
    if whole < length:
        raise PerrinError(f"cannot cut {length} frames from {whole}.")
    model, alpha = _labels(count, balance, rng)
    walks = np.zeros((count, whole, dims))
    for index, name in enumerate(MODELS):
        rows = np.flatnonzero(model == index)
        if rows.size:
            walks[rows] = _walk(name, alpha[rows], length=whole, dims=dims, rng=rng)
    steps = np.diff(walks, axis=1)
    spread = steps.std(axis=1)
    walks /= np.where(spread > _EVEN * np.abs(steps).max(axis=1), spread, 1.0)[:, None]
    noise = rng.choice(NOISES, size=count)
    cut = walks[:, :length]
    positions = cut + noise[:, None, None] * rng.standard_normal(cut.shape)
    return AndiWalks(positions, model, alpha, noise)


def _labels(
    count: int, balance: Balance, rng: np.random.Generator
) -> tuple[NDArray[np.int64], FloatArray]:
    low, high = np.array([EXPONENTS[name] for name in MODELS]).T
    if balance == "models":
        model = rng.integers(0, len(MODELS), size=count)
        alpha = rng.uniform(low[model], high[model])
        levy = (model == MODELS.index("levy")) & (rng.random(count) < _BALLISTIC)
        return model, np.where(levy, 2.0, alpha)
    alpha = rng.uniform(0.05, 2.0, size=count)
    chance = rng.random((count, len(MODELS)))
    chance[(alpha[:, None] < low) | (alpha[:, None] > high)] = -1
    return chance.argmax(axis=1), alpha


def _walk(
    name: str, alpha: FloatArray, *, length: int, dims: int, rng: np.random.Generator
) -> FloatArray:
    if name == "attm":
        return attm(alpha, length=length, dims=dims, rng=rng, quantiles=_ATTM_QUANTILES)
    if name == "levy":
        return levy_walk(alpha, length=length, dims=dims, rng=rng, whole_frames=True)
    if name == "ctrw":
        # andi-datasets shows a jump in the frame that its wait ends in, one earlier than `ctrw`
        walk = ctrw(alpha, length=length + 1, dims=dims, rng=rng)[:, 1:]
        return walk - walk[:, :1]
    return {"fbm": fbm, "sbm": scaled_brownian}[name](alpha, length=length, dims=dims, rng=rng)

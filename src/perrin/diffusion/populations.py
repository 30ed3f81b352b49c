"""How many states a sample has: populations of segments in exponent and diffusion coefficient.

What is known of each segment is its likelihood on the grid of `perrin.diffusion.segmentation`,
not a point, so that short segments blur no population. A population is normal in alpha and in
ln K; rest is one of its own. Their number has the best Bayesian information criterion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.diffusion.segmentation import Segmented, States
from perrin.types import BoolArray, FloatArray, IntArray

MOST = 4
_ROUNDS = 60
_LEAST_SD = np.array([0.05, 0.1])
_PARAMETERS = 5  # of a population: two means, two standard deviations, a fraction
_RESTS = 0.02  # a smaller fraction of segments at rest is none
_APART = 1.0  # penalty over that of the criterion: grids make populations look structured


@dataclass(frozen=True)
class Populations:
    """States of a sample, the fastest first: (m,) each; K = 0: at rest.

    fraction: of the segments; occupancy: of the time; alpha_sd, K_sd: spread over the particles.
    """

    alpha: FloatArray
    alpha_sd: FloatArray
    K: FloatArray
    K_sd: FloatArray
    fraction: FloatArray
    occupancy: FloatArray


@dataclass(frozen=True)
class _Fit:
    mean: FloatArray  # (m, 2) of alpha and ln K
    sd: FloatArray  # (m, 2)
    fraction: FloatArray  # (m,)
    on_grid: FloatArray  # (m, n)
    value: float


def populations(
    found: list[Segmented], lengths: list[FloatArray], states: States
) -> tuple[Populations, FloatArray]:
    """Return the populations and the weights of `states` (n,) that follow from them.

    lengths: steps of each segment of each track.
    """
    posterior = np.concatenate([part.posterior for part in found])
    likelihood = posterior / states.weight
    likelihood /= likelihood.max(axis=1, keepdims=True)
    steps = np.concatenate(lengths)
    resting = float(posterior[:, states.K == 0].sum() / len(posterior)) if len(posterior) else 0.0
    rests = resting > _RESTS
    moving = states.K > 0
    where = np.column_stack([states.alpha[moving], np.log(states.K[moving])])
    count = len(posterior)
    fits = [_fit(likelihood[:, moving], where, m) for m in range(1, MOST + 1)]
    penalty = 0.5 * _PARAMETERS * np.log(max(count, 2)) * _APART
    best = max(fits, key=lambda fit: fit.value - penalty * len(fit.fraction))
    weight = np.zeros(len(states.K))
    weight[moving] = (1 - resting * rests) * (best.fraction @ best.on_grid)
    if rests:
        weight[~moving] = resting
    return _described(best, likelihood, steps, resting if rests else 0.0, moving), weight


def nearest(found: Segmented, kinds: Populations, states: States) -> IntArray:
    """Return the likeliest population (s,) of each segment of a track."""
    moving = states.K > 0
    posterior = found.posterior[:, moving]
    where = np.column_stack([states.alpha[moving], np.log(states.K[moving])])
    middle = posterior @ where / np.maximum(posterior.sum(axis=1, keepdims=True), 1e-300)
    free = kinds.K > 0
    spread = np.column_stack(
        [np.maximum(kinds.alpha_sd, 0.1), np.maximum(kinds.K_sd / np.maximum(kinds.K, 1e-9), 0.2)]
    )
    center = np.column_stack([kinds.alpha, np.log(np.maximum(kinds.K, 1e-9))])
    away = (((middle[:, None] - center) / spread) ** 2).sum(axis=2)
    away += 2 * np.log(spread).sum(axis=1) - 2 * np.log(np.maximum(kinds.fraction, 1e-6))
    away[:, ~free] = np.inf
    place: IntArray = away.argmin(axis=1)
    if not free.all():
        rests = found.posterior[:, ~moving].sum(axis=1) > 0.5
        place = np.where(rests, int(np.flatnonzero(~free)[0]), place)
    return place


def _fit(likelihood: FloatArray, where: FloatArray, number: int) -> _Fit:
    """Return `number` populations by expectation and maximization on the grid."""
    start = likelihood / likelihood.sum(axis=1, keepdims=True) @ where
    order = np.argsort(start[:, 1])
    parts = np.array_split(order, number)
    mean = np.array(
        [start[part].mean(axis=0) if len(part) else start.mean(axis=0) for part in parts]
    )
    sd = np.full((number, 2), 0.3)
    fraction = np.full(number, 1 / number)
    value = -np.inf
    on_grid = _on_grid(where, mean, sd)
    for _ in range(_ROUNDS):
        inside = likelihood @ on_grid.T  # (s, m)
        of_each = inside * fraction
        total = of_each.sum(axis=1) + 1e-300
        ahead = float(np.log(total).sum())
        if ahead - value < 1e-4 * max(len(total), 1) and np.isfinite(value):
            value = ahead
            break
        value = ahead
        weight = of_each / total[:, None]
        share = (weight / (inside + 1e-300)).T @ likelihood  # (m, n)
        for m in range(number):
            mass = share[m] * on_grid[m]
            mean[m] = mass @ where / (mass.sum() + 1e-300)
            spread = np.sqrt(mass @ (where - mean[m]) ** 2 / (mass.sum() + 1e-300))
            sd[m] = np.maximum(spread, _LEAST_SD)
        fraction = weight.sum(axis=0) / len(weight)
        on_grid = _on_grid(where, mean, sd)
    return _Fit(mean, sd, fraction, on_grid, value)


def _on_grid(where: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
    away = (where[None] - mean[:, None]) / sd[:, None]
    density = np.exp(-0.5 * (away**2).sum(axis=2)) + 1e-12
    scaled: FloatArray = density / density.sum(axis=1, keepdims=True)
    return scaled


def _described(
    fit: _Fit, likelihood: FloatArray, steps: FloatArray, resting: float, moving: BoolArray
) -> Populations:
    """Return the populations in words of their numbers, the fastest first, rest last."""
    of_each = likelihood[:, moving] @ fit.on_grid.T * fit.fraction * (1 - resting)
    if resting:
        of_rest = likelihood[:, ~moving].max(axis=1, keepdims=True) * resting
        of_each = np.concatenate([of_each, of_rest], axis=1)
    each = of_each / (of_each.sum(axis=1, keepdims=True) + 1e-300)
    fraction, time = each.mean(axis=0), steps @ each / steps.sum()
    order = np.argsort(-fit.mean[:, 1])
    if resting:
        order = np.append(order, len(fit.fraction))
    k = np.append(np.exp(fit.mean[:, 1]), 0.0)
    alpha, sd = np.append(fit.mean[:, 0], 0.0), np.append(fit.sd, [[0.0, 0.0]], axis=0)
    return Populations(
        alpha[order], sd[order, 0], k[order], (k * sd[:, 1])[order], fraction[order], time[order]
    )

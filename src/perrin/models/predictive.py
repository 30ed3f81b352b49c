"""Is a track out of the model? A posterior predictive check, track by track.

Replicates are drawn from what the network answered, each from parameters within their intervals:
FBM and Brownian motion, jumps at the steps where it sees them, localization noise, the same
length, gaps and exposure; where the track switches, FBM moves it in its regimes only. Track and
replicates are compared in statistics that the network was not asked for: MSD at several lags,
kurtosis, velocity autocorrelation, anisotropy, and whether large steps lead back.

How odd the track is among its replicates is the mean of its three largest deviations; how often a
track of the model is as odd was measured on simulated ones, by length, for the network at hand, and
is on its card (`perrin.models.cards.Discrepancies`), because answers are uncertain in ways that
independent intervals do not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.diffusion.regimes import find_regimes
from perrin.diffusion.standard import TARGETS, from_unit
from perrin.simulate.walk_noise import SUBFRAMES, expose
from perrin.simulate.walks import brownian, fbm
from perrin.stats import normal_quantile
from perrin.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from perrin.diffusion.windows import Track
    from perrin.models.cards import Discrepancies

REPLICATES = 80
LAGS = (2, 4, 8, 16, 32, 64)
"""Frames at which the MSD is compared, over that of one frame; up to a quarter of the track."""
MEMORY = (1, 2, 3)
"""Frames at which the velocity autocorrelation is compared."""
LONG_MEMORY = tuple(range(8, 24))
"""Frames over which its mean is compared."""
WORST = 3
"""Deviations that count: the largest ones."""
REACH = 0.5
"""Fraction of the width of the intervals over which parameters are drawn. They are drawn one by
one, while their errors go together: with all of the width replicates differ by more
than they should."""
BLOCK = 16
"""Steps over which the direction of motion is taken."""
LEVELS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Fractions of the tracks of the model whose distances a card holds."""
LENGTHS = (30, 100, 300, 1000)
"""Frames of these tracks."""
SEED = 7
"""Of the replicates; each track has its own from it."""
_INDEX = {name: k for k, (name, _, _) in enumerate(TARGETS)}
_FRACTIONS = ("fraction_fbm", "fraction_brownian", "fraction_noise", "fraction_ctrw")
_NORMAL = normal_quantile(0.9)  # the intervals are 90%
_TINY = 1e-9
_NOTHING = 0.01  # a smaller fraction of the steps changes no statistic


def distance(track: Track, quantiles: FloatArray, steps: FloatArray) -> float:
    """Return how far a track is from its replicates: the mean of its `WORST` largest deviations.

    A deviation is that from the median of the replicates, 1.645 where it reaches their 5% or 95%
    quantile. quantiles (10, 3), steps (L - 1, 2): as in `perrin.diffusion.standard.Prediction`.
    """
    rng = np.random.default_rng([SEED, track.particle % 2**32, len(track.seen)])
    observed = statistics(track.positions[None], track.seen)[0]
    made = statistics(replicates(track, quantiles, steps, count=REPLICATES, rng=rng), track.seen)
    low, middle, high = np.quantile(made, (0.05, 0.5, 0.95), axis=0)
    away = observed - middle
    reach = np.maximum(np.where(away > 0, high - middle, middle - low), _TINY)
    return float(np.sort(_NORMAL * np.abs(away) / reach)[-WORST:].mean())


def p_values(distances: FloatArray, lengths: IntArray, table: Discrepancies) -> FloatArray:
    """Return the fraction (N,) of the model's tracks, about as long, that are more discrepant.

    Between the levels of the table ln p is a line of the distance; beyond the last, p is no
    surer than half of it.
    """
    nearest = np.abs(np.log(np.divide.outer(lengths, np.array(table.lengths)))).argmin(axis=1)
    log_levels = np.log([1.0, *table.levels, table.levels[-1] / 2])
    p = [
        np.exp(np.interp(far, [0.0, *edges, 2 * edges[-1]], log_levels))
        for far, edges in zip(distances, (table.distances[k] for k in nearest), strict=True)
    ]
    return np.array(p, dtype=np.float64)


def replicates(
    track: Track,
    quantiles: FloatArray,
    steps: FloatArray,
    *,
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return `count` tracks that the answer could have come from, (count, L, d), any unit."""
    length, dims = track.positions.shape
    drawn = _parameters(quantiles, count, rng, noise=_noise_fraction(track))
    fractions = {name: np.sqrt(drawn[name])[:, None, None] for name in _FRACTIONS}
    alpha = np.clip(from_unit(drawn["alpha_fbm"], _INDEX["alpha_fbm"]), 0.02, 1.98)
    blurred = track.exposure > 0
    fine = SUBFRAMES if blurred else 1
    walks = {"fraction_fbm": fbm(alpha, length=length * fine, rng=rng, dims=dims)}
    if drawn["fraction_brownian"].max() > _NOTHING:
        walks["fraction_brownian"] = brownian(count, length=length * fine, rng=rng, dims=dims)
    moved = np.zeros((count, length - 1, dims))
    where = _of_fbm(steps[:, 1], count, rng)[..., None]
    for name, walk in walks.items():
        seen = expose(walk, track.exposure) if blurred else walk
        moved += _unit(np.diff(seen, axis=1) * where) * fractions[name]
    jumping = rng.random((count, length - 1)) < steps[:, 0]
    rate = max(float(steps[:, 0].mean()), 1 / length)
    jumps = rng.standard_normal(moved.shape) * jumping[..., None] / np.sqrt(rate)
    moved += jumps * fractions["fraction_ctrw"]
    positions = np.zeros((count, length, dims))
    np.cumsum(moved, axis=1, out=positions[:, 1:])
    noise = rng.standard_normal(positions.shape) * fractions["fraction_noise"] / np.sqrt(2)
    made: FloatArray = positions + noise
    return made


def statistics(positions: FloatArray, seen: BoolArray) -> FloatArray:
    """Return the compared statistics of tracks (N, L, d) with the same frames `seen` (L,): (N, q).

    ln of the MSD at `LAGS` over that at one frame; ln of the kurtosis of the length of steps over 1
    and 4 frames; velocity autocorrelation at `MEMORY` and over `LONG_MEMORY`; ln of the anisotropy
    of steps in blocks; ln of the squared sum of s|s| over its sum of squares (small where large
    steps lead back). They do not change with rotation or unit; short tracks have fewer.
    """
    length, dims = positions.shape[1:]
    both = seen[1:] & seen[:-1]
    step = _moved(positions, seen, 1)
    square = np.einsum("nld,nld->nl", step, step)
    mean = np.maximum(square.sum(axis=1) / max(int(both.sum()), 1), _TINY)
    found = []
    for lag in LAGS:
        if lag > length // 4:
            continue
        far, pairs = _moved(positions, seen, lag), max(int((seen[lag:] & seen[:-lag]).sum()), 1)
        msd = np.einsum("nld,nld->n", far, far) / pairs
        found.append(np.log(np.maximum(msd, _TINY) / mean))
    for lag in (1, 4):
        far, pairs = _moved(positions, seen, lag), max(int((seen[lag:] & seen[:-lag]).sum()), 1)
        found.append(np.log(_kurtosis(far, pairs)))
    found += [_memory(step, both, lag) / mean for lag in MEMORY]
    if length > 4 * max(LONG_MEMORY):
        found.append(np.mean([_memory(step, both, lag) for lag in LONG_MEMORY], axis=0) / mean)
    if dims > 1:
        found.append(np.log(np.maximum(_anisotropy(step), _TINY)))
    weighted = step * np.sqrt(square)[..., None]
    total = (weighted.sum(axis=1) ** 2).sum(axis=1)
    found.append(np.log((total + _TINY) / ((square**2).sum(axis=1) + _TINY)))
    return np.stack(found, axis=1)


def _moved(positions: FloatArray, seen: BoolArray, lag: int) -> FloatArray:
    """Return the displacements over `lag` frames, (N, L - lag, d), zero where an end is unseen."""
    far: FloatArray = positions[:, lag:] - positions[:, :-lag]
    if not seen.all():
        far *= (seen[lag:] & seen[:-lag])[:, None]
    return far


def _memory(step: FloatArray, both: BoolArray, lag: int) -> FloatArray:
    """Return <s(t) s(t + lag)> of the steps (N, L - 1, d) that are there: (N,)."""
    pairs = max(int((both[lag:] & both[:-lag]).sum()), 1)
    product: FloatArray = np.einsum("nld,nld->n", step[:, lag:], step[:, :-lag]) / pairs
    return product


def _kurtosis(far: FloatArray, pairs: int) -> FloatArray:
    """Return <|s|^4> / <|s|^2>^2 of displacements (N, L - lag, d), `pairs` of which are there.

    Of the length, so that rotation changes nothing: 1 + 2 / d for a Gaussian.
    """
    square = np.einsum("nld,nld->nl", far, far)
    second = np.maximum(square.sum(axis=1) / pairs, _TINY)
    kurtosis: FloatArray = np.einsum("nl,nl->n", square, square) / pairs / second**2
    return np.maximum(kurtosis, _TINY)


def _anisotropy(step: FloatArray) -> FloatArray:
    """Return how far the steps of a block have one axis, mean over blocks: 0 to 1.

    From the traceless part of the sum of s s^T over the block, which no rotation changes.
    """
    count, steps, dims = step.shape
    block = min(BLOCK, steps)
    blocks = steps // block
    part = step[:, : blocks * block].reshape(count, blocks, block, dims)
    tensor = np.einsum("nbki,nbkj->nbij", part, part)
    size = np.trace(tensor, axis1=2, axis2=3)
    tensor -= size[..., None, None] * np.eye(dims) / dims
    length = np.sqrt((tensor**2).sum(axis=(2, 3)) * dims / (dims - 1))
    anisotropy: FloatArray = length.sum(axis=1) / np.maximum(size.sum(axis=1), _TINY)
    return anisotropy


def _noise_fraction(track: Track) -> float:
    """Return the fraction of the squared step that the known localization error makes, or NaN."""
    step = _moved(track.positions[None], track.seen, 1)
    pairs = int((track.seen[1:] & track.seen[:-1]).sum()) * track.positions.shape[1]
    square = float((step**2).sum()) / max(pairs, 1)
    return float(min(2 * track.noise**2 / max(square, _TINY), 1.0))


def _parameters(
    quantiles: FloatArray, count: int, rng: np.random.Generator, *, noise: float
) -> dict[str, FloatArray]:
    """Return draws (count,) of the fractions, which sum to 1, and of alpha_fbm in 0 to 1.

    noise: the fraction of localization noise where it is known, else NaN.
    """
    low, middle, high = quantiles.T[:, :, None]
    normal = rng.standard_normal((len(quantiles), count))
    reach = np.where(normal > 0, high - middle, middle - low) / _NORMAL
    values = np.clip(middle + REACH * normal * reach, 0.0, 1.0)
    drawn = {name: values[_INDEX[name]] for name in (*_FRACTIONS, "alpha_fbm")}
    moving = [name for name in _FRACTIONS if name != "fraction_noise"]
    if np.isfinite(noise):
        drawn["fraction_noise"] = np.full(count, noise)
        left = np.maximum(sum(drawn[name] for name in moving), _TINY) / max(1 - noise, _TINY)
        return drawn | {name: drawn[name] / left for name in moving}
    total = np.maximum(sum(drawn[name] for name in _FRACTIONS), _TINY)
    return drawn | {name: drawn[name] / total for name in _FRACTIONS}


def _of_fbm(p: FloatArray, count: int, rng: np.random.Generator) -> BoolArray:
    """Return which steps FBM moves, (count, L - 1): all, unless the track switches."""
    if not any(regime.changed for regime in find_regimes(p)):
        return np.ones((count, len(p)), dtype=bool)
    moved: BoolArray = p <= rng.random((count, 1))
    return moved


def _unit(step: FloatArray) -> FloatArray:
    """Return steps (N, L - 1, d) scaled to a mean square of 1 on each axis."""
    size = np.sqrt((step**2).mean(axis=(1, 2), keepdims=True))
    scaled: FloatArray = step / np.maximum(size, _TINY)
    return scaled

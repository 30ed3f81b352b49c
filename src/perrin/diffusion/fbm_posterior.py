"""What the steps of one track say of FBM: exponent and step, noise and motion blur integrated over.

Likelihoods on a grid of exponents, of how much of the mean squared step is noise, and of the
exposure where it is not known. Steps of all axes are independent; each has its exact density given
the `ORDER` before it (less after a gap), so that nothing is biased by what is forgotten. Priors are
flat in the exponent and in the logarithm of the step; noise that is not known makes a part p of the
squared step with a density of (1 - p)^2; an exposure that is not known is none with probability one
half, else anything up to all the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from perrin.diffusion.blur import blurred_msd
from perrin.diffusion.gaussian_evidence import memory
from perrin.diffusion.kind_evidence import remembered
from perrin.diffusion.windows import Track
from perrin.types import FloatArray, IntArray

ORDER = 24
ENDS = (0.05, 0.5, 0.95)
_ALPHA = (0.02, 1.98)
_ALPHAS, _PARTS = (21, 21), (9, 11)
"""Points of the first grid and of the second, which is where the first has its weight."""
_UNKNOWN = np.array([0.0, 1 / 3, 2 / 3, 1.0])
_NO_BLUR = 0.5
_MOST_NOISE = 0.97  # of the squared step, where it is not known
_LEAST_MOTION = 0.005  # of the squared step, where the noise is known
_TAIL = 1e-4
_REACH = 6.0  # errors of the squared step within which the motion's part is looked for


@dataclass(frozen=True)
class FbmPosterior:
    """alpha (3,): 5%, 50% and 95% quantile. steps: what gives the step for an exponent.

    Where the exposure is not known, the middle is that without blur; the ends hold any exposure.
    """

    alpha: FloatArray
    steps: _Steps

    def squared_step(self, alpha: float) -> FloatArray:
        """Return quantiles (3,) of the squared one-frame step of one axis, before blur, at `alpha`.

        In the unit of the positions.
        """
        log, step, parts, light = self.steps.surface(np.array([alpha]), self.steps.range)
        light = np.broadcast_to(light, log.shape).ravel()
        logs = np.log(step).ravel()
        spread = self.steps.spread(parts)
        found = _smooth_quantiles(logs, _weights(log).ravel(), spread)
        sharp = light == self.steps.light[0]
        found[1] = _smooth_quantiles(logs[sharp], _weights(log).ravel()[sharp], spread)[1]
        squared: FloatArray = np.exp(found) * self.steps.unit
        return squared


def fbm_posterior(track: Track) -> FbmPosterior:
    """Return what a track says if it is FBM; noise and exposure are those of the track.

    It has to have moved between neighboring frames.
    """
    own = _Steps.of(track)
    alpha = np.linspace(*_ALPHA, _ALPHAS[0])
    whole = own.whole_range(_PARTS[0])
    weight = _weights(own.extremes().surface(alpha, whole)[0])
    alpha = np.linspace(*_likely(alpha, weight.sum(axis=(1, 2))), _ALPHAS[1])
    parts = np.linspace(*_likely(whole, weight.sum(axis=(0, 2))), _PARTS[1])
    own = own.within(parts if len(whole) > 1 else whole)
    weight = _weights(own.surface(alpha, own.range)[0])
    found = _quantiles(alpha, weight.sum(axis=(1, 2)))
    found[1] = _quantiles(alpha, weight[:, :, 0].sum(axis=1))[1]
    found[0], found[2] = min(found[0], found[1]), max(found[2], found[1])
    return FbmPosterior(found, own)


@dataclass(frozen=True)
class _Steps:
    """Steps (n, d) over the root mean square, before (n,); squared step `unit`, noise in it.

    noise: squared error of one axis, -1 where not known. light (e,): exposures, chance (e,): of
    each. range (p,): parts of noise; where it is known, logarithms of the motion's part.
    """

    own: FloatArray
    before: IntArray
    unit: float
    noise: float
    light: FloatArray
    chance: FloatArray
    range: FloatArray

    @classmethod
    def of(cls, track: Track) -> _Steps:
        times = np.flatnonzero(track.seen)
        near = np.diff(times) == 1
        steps = np.diff(track.positions[track.seen], axis=0)[near]
        unit = float((steps**2).mean())
        known = np.isfinite(track.exposure)
        light = np.array([track.exposure]) if known else _UNKNOWN
        chance = np.array([1.0]) if known else _chances()
        noise = track.noise**2 / unit if np.isfinite(track.noise) else -1.0
        own = np.ascontiguousarray(steps / np.sqrt(unit))
        before = remembered(near, ORDER).astype(np.int64)
        return cls(own, before, unit, noise, light, chance, np.zeros(0))

    def within(self, parts: FloatArray) -> _Steps:
        """Return the same with these parts."""
        return replace(self, range=parts)

    def extremes(self) -> _Steps:
        """Return the same with the least and the most light alone."""
        ends = [0, -1] if len(self.light) > 1 else [0]
        return replace(self, light=self.light[ends], chance=self.chance[ends])

    def whole_range(self, count: int) -> FloatArray:
        """Return all parts that are possible."""
        if self.noise == 0:
            return np.zeros(1)
        if self.noise < 0:
            return np.linspace(0.0, _MOST_NOISE, count)
        error = _REACH * np.sqrt(3 / self.own.size)
        motion = 1 - 2 * self.noise
        low, high = max(motion - error, _LEAST_MOTION), max(motion + error, 2 * _LEAST_MOTION)
        return np.linspace(np.log(low), np.log(high), count)

    def surface(
        self, alpha: FloatArray, parts: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return log-posteriors and squared steps (alpha, parts, light), parts, and light."""
        log, step = _surface(self.own, self.before, alpha, parts, self.light, self.noise)
        if self.noise < 0:
            log += 2 * np.log(1 - parts)[:, None]
        return log + np.log(self.chance), step, parts, self.light

    def spread(self, parts: FloatArray) -> float:
        """Return the standard deviation of the logarithm of the step at a point of the grid."""
        own = np.sqrt(2 / self.own.size)
        if self.noise <= 0:
            return float(own)
        return float(max(parts[1] - parts[0], 1e-6) / 2)


def _chances() -> FloatArray:
    """Return the prior of the exposures that are looked at: none, or flat."""
    flat = np.ones(len(_UNKNOWN))
    flat[[0, -1]] = 0.5
    flat *= (1 - _NO_BLUR) / flat.sum()
    flat[0] += _NO_BLUR
    return flat


def _weights(log: FloatArray) -> FloatArray:
    weight = np.exp(log - log.max())
    whole: FloatArray = weight / weight.sum()
    return whole


def _likely(values: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Return the range of an even grid that holds nearly all weight, a grid point wider."""
    held = np.flatnonzero(weight > _TAIL * weight.max())
    first, last = max(held[0] - 1, 0), min(held[-1] + 1, len(values) - 1)
    return float(values[first]), float(values[last])


def _quantiles(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the 5%, 50% and 95% quantile of a density on an even grid, linear between points."""
    area = 0.5 * (weight[1:] + weight[:-1])
    total = np.concatenate([[0.0], np.cumsum(area)])
    found: FloatArray = np.interp(ENDS, total / total[-1], values)
    return found


def _smooth_quantiles(values: FloatArray, weight: FloatArray, spread: float) -> FloatArray:
    """Return quantiles of a sum of normal distributions of one `spread` around `values`."""
    from scipy.special import ndtr

    at = np.linspace(values.min() - 4 * spread, values.max() + 4 * spread, 400)
    below = ndtr((at[:, None] - values) / spread) @ (weight / weight.sum())
    found: FloatArray = np.interp(ENDS, below, at)
    return found


@njit(cache=True, nogil=True)
def _sums(own, before):  # type: ignore[no-untyped-def]
    """Return the sums of products of steps and those up to `ORDER` before, where all are there."""
    found = np.zeros((ORDER + 1, ORDER + 1))
    count = 0
    for t in range(len(own)):
        if before[t] < ORDER:
            continue
        count += 1
        for axis in range(own.shape[1]):
            for i in range(ORDER + 1):
                for j in range(i + 1):
                    found[i, j] += own[t - i, axis] * own[t - j, axis]
    return found, count


@njit(cache=True, nogil=True)
def _square(own, before, sums, past, variance):  # type: ignore[no-untyped-def]
    """Return the sum of squared innovations over their variance."""
    coefficient = np.empty(ORDER + 1)
    coefficient[0] = 1.0
    for j in range(ORDER):
        coefficient[j + 1] = -past[ORDER, j]
    whole = 0.0
    for i in range(ORDER + 1):
        line = 0.5 * coefficient[i] * sums[i, i]
        for j in range(i):
            line += coefficient[j] * sums[i, j]
        whole += 2.0 * coefficient[i] * line
    total = whole / variance[ORDER]
    for t in range(len(own)):
        k = before[t]
        if k >= ORDER:
            continue
        for axis in range(own.shape[1]):
            new = own[t, axis]
            for j in range(k):
                new -= past[k, j] * own[t - 1 - j, axis]
            total += new * new / variance[k]
    return total


@njit(cache=True, nogil=True)
def _surface(own, before, alphas, parts, light, noise):  # type: ignore[no-untyped-def]
    """Return log-likelihoods, the step integrated over, and the squared steps: see `_Steps`."""
    count, dims = own.shape
    sums, full = _sums(own, before)
    shape = (len(alphas), len(parts), len(light))
    log, step = np.empty(shape), np.empty(shape)
    msd, row = np.empty(ORDER + 2), np.empty(ORDER + 1)
    for a in range(len(alphas)):
        for e in range(len(light)):
            for k in range(ORDER + 2):
                msd[k] = blurred_msd(k, alphas[a], light[e])
            for p in range(len(parts)):
                if noise > 0:
                    squared = np.exp(parts[p]) / msd[1]
                    ratio = noise / squared
                else:
                    squared = 0.0
                    ratio = 0.5 * msd[1] * parts[p] / (1.0 - parts[p]) if noise < 0 else 0.0
                row[0] = msd[1] + 2 * ratio
                row[1] = 0.5 * msd[2] - msd[1] - ratio
                for k in range(2, ORDER + 1):
                    row[k] = 0.5 * (msd[k + 1] + msd[k - 1]) - msd[k]
                past, variance = memory(row, ORDER)
                square = _square(own, before, sums, past, variance)
                total = full * np.log(variance[ORDER])
                for t in range(count):
                    if before[t] < ORDER:
                        total += np.log(variance[before[t]])
                size = 0.5 * count * dims
                if noise > 0:
                    log[a, p, e] = -0.5 * square / squared - size * np.log(squared)
                else:
                    squared = square / (count * dims)
                    log[a, p, e] = -size * np.log(square)
                log[a, p, e] -= 0.5 * dims * total
                step[a, p, e] = squared
    return log, step

"""Unbinned Gaussian mixture: truncated at the detection limit, with a uniform background."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.special import ndtr, ndtri

from perrin.errors import PerrinError
from perrin.mass.modes import Gaussian
from perrin.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_CYCLES = 200
_TOLERANCE = 1e-4  # change of the log likelihood in one cycle; BIC weighs differences of 10
_PER_SD = 8  # bins in the narrowest width allowed: moments of a bin agree to (1/8)^4 / 180


@dataclass(frozen=True)
class Component(Gaussian):
    """One Gaussian of a mixture: its mean and width before truncation, its fraction of events."""

    fraction: float


@dataclass(frozen=True)
class Mixture:
    """A fitted mixture on [low, high].

    Fractions are of the events inside [low, high] and add to one with `background_fraction`,
    the part spread evenly over the range. `bic` is -2 log likelihood + 3 K log n.
    """

    components: tuple[Component, ...]
    background_fraction: float
    low: float
    high: float
    n_events: int
    log_likelihood: float

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz 1978) with three parameters a component."""
        return -2.0 * self.log_likelihood + 3.0 * len(self.components) * log(self.n_events)

    def density(self, values: FloatArray) -> FloatArray:
        """Probability per unit at `values`, any shape; 0 outside [low, high]."""
        total = np.full(np.shape(values), self.background_fraction / (self.high - self.low))
        for component in self.components:
            total += component.fraction * self.component_density(component, values)
        return np.where((values >= self.low) & (values <= self.high), total, 0.0)

    def component_density(self, component: Component, values: FloatArray | float) -> FloatArray:
        """Density of one component at `values`, cut at the limits, area 1 between them."""
        z = (values - component.mean) / component.sd
        inside = _inside(component.mean, component.sd, self.low, self.high)
        density: FloatArray = np.exp(-0.5 * z * z) / (component.sd * sqrt(2.0 * pi) * inside)
        return density

    def sample(self, n: int, *, rng: np.random.Generator) -> FloatArray:
        """`n` values drawn from the mixture, shape (n,), in no order of size."""
        fractions = [self.background_fraction, *(c.fraction for c in self.components)]
        numbers = rng.multinomial(n, np.array(fractions) / sum(fractions))
        parts = [rng.uniform(self.low, self.high, numbers[0])]
        parts += [
            _truncated_normal(c, self.low, self.high, int(k), rng)
            for c, k in zip(self.components, numbers[1:], strict=True)
        ]
        return np.concatenate(parts)


def fit_mixture(
    values: FloatArray, *, start: Sequence[Component], low: float, high: float, min_sd: float
) -> Mixture:
    """Maximum-likelihood mixture with as many components as `start`, by EM.

    `values` (n,) in [low, high]. A component is a Gaussian cut at `low` and `high` and
    scaled back to area 1, so that events lost below the detection limit do not pull it.
    Means stay in [low, high], standard deviations above `min_sd` (without a floor the
    likelihood is unbounded). Components keep the order of `start`. The M step for cut
    Gaussians adds the expected moments of what was cut off (Dempster, Laird & Rubin
    1977; McLachlan & Jones 1988). EM sees the events of each eighth of `min_sd` as two
    points with their number, mean and variance, so its cost does not grow with their
    number; the log likelihood is that of the events themselves.

    Raises `PerrinError` for values outside the limits, or none.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    first, last = (values.min(), values.max()) if values.size else (np.nan, np.nan)
    if not low <= first <= last <= high or not low < high:
        span = f"from {first:.6g} to {last:.6g}" if values.size else "none at all"
        raise PerrinError(
            f"the mixture needs events between its limits {low:.6g} and {high:.6g}; "
            f"it has {span}. Keep those inside the limits, or widen the limits."
        )
    table = maximize(values, start=start, low=low, high=high, min_sd=min_sd)
    once, sums = np.ones(len(values)), np.empty(table.shape)
    log_likelihood = _e_step(values, once, table, float(low), float(high), sums)
    return Mixture(
        components=tuple(Component(*row) for row in table.tolist()),
        background_fraction=max(0.0, 1.0 - float(table[:, 2].sum())),
        low=float(low),
        high=float(high),
        n_events=values.size,
        log_likelihood=float(log_likelihood),
    )


def maximize(
    values: FloatArray, *, start: Sequence[Component], low: float, high: float, min_sd: float
) -> FloatArray:
    """Mean, sd and fraction (K, 3) of `fit_mixture`, of values (n,) inside the limits."""
    table = np.array([(c.mean, c.sd, c.fraction) for c in start], dtype=np.float64).reshape(-1, 3)
    table[:, 0] = table[:, 0].clip(low, high)
    table[:, 1] = np.maximum(table[:, 1], min_sd)
    table[:, 2] /= max(1.0, table[:, 2].sum() / 0.98)  # EM cannot leave a fraction of 0
    # floats: numba compiles each combination of number types anew
    low, high, min_sd = float(low), float(high), float(min_sd)
    points, weights = _condensed(values, low, high, min_sd / _PER_SD)
    found: FloatArray = _em(points, weights, table, low, high, min_sd)[0]
    return found


def _truncated_normal(
    component: Component, low: float, high: float, n: int, rng: np.random.Generator
) -> FloatArray:
    """Draws from a Gaussian cut at the limits, by the inverse of its distribution function."""
    a, b = ndtr((np.array([low, high]) - component.mean) / component.sd)
    drawn = component.mean + component.sd * ndtri(rng.uniform(a, b, n))
    return np.clip(drawn, low, high)  # rounding of the inverse at the far ends


def _inside(mean: float, sd: float, low: float, high: float) -> float:
    """Probability that a Gaussian lies between the limits."""
    return 0.5 * (erf((high - mean) / (sd * sqrt(2.0))) - erf((low - mean) / (sd * sqrt(2.0))))


@njit(cache=True)
def _condensed(values, low, high, width):  # type: ignore[no-untyped-def]
    """Points and weights with the number, mean and variance of the values in every bin.

    Two points a bin, one where all of its values are equal.
    """
    bins = int((high - low) / width) + 1
    number, total, square = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    for value in values:
        k = min(int((value - low) / width), bins - 1)
        part = value - (low + k * width)
        number[k] += 1.0
        total[k] += part
        square[k] += part * part
    points, weights = np.empty(2 * bins), np.empty(2 * bins)
    count = 0
    for k in range(bins):
        if number[k] == 0.0:
            continue
        mean = total[k] / number[k]
        sd = sqrt(max(square[k] / number[k] - mean * mean, 0.0)) if number[k] > 1.0 else 0.0
        sides = 2 if sd > 0.0 else 1
        for side in range(sides):
            points[count] = low + k * width + mean + (2 * side - 1) * sd
            weights[count] = number[k] / sides
            count += 1
    return points[:count].copy(), weights[:count].copy()


@njit(cache=True)
def _e_step(values, weights, theta, low, high, sums):  # type: ignore[no-untyped-def]
    """Log likelihood; `sums` (K, 3) gets weighted responsibilities times z^0, z^1, z^2."""
    n_components = theta.shape[0]
    mean, sd, fraction = theta[:, 0].copy(), theta[:, 1].copy(), theta[:, 2].copy()
    scale = np.empty(n_components)
    for k in range(n_components):
        root = sd[k] * sqrt(2.0)
        inside = 0.5 * (erf((high - mean[k]) / root) - erf((low - mean[k]) / root))
        scale[k] = fraction[k] / (sd[k] * sqrt(2.0 * pi) * inside)
    background = max(1.0 - fraction.sum(), 1e-12) / (high - low)
    part, z = np.zeros(n_components), np.zeros(n_components)
    sums[:] = 0.0
    log_likelihood = 0.0
    for i in range(values.shape[0]):
        total = background
        for k in range(n_components):
            z[k] = (values[i] - mean[k]) / sd[k]
            part[k] = scale[k] * exp(-0.5 * z[k] * z[k]) if abs(z[k]) < 9.0 else 0.0
            total += part[k]
        log_likelihood += weights[i] * log(total)
        for k in range(n_components):
            if part[k] > 0.0:
                r = weights[i] * part[k] / total
                sums[k, 0] += r
                sums[k, 1] += r * z[k]
                sums[k, 2] += r * z[k] * z[k]
    return log_likelihood


@njit(cache=True)
def _em_step(values, weights, theta, low, high, min_sd, sums):  # type: ignore[no-untyped-def]
    """Log likelihood of theta (K, 3: mean, sd, fraction), and theta one EM step on."""
    log_likelihood = _e_step(values, weights, theta, low, high, sums)
    out = theta.copy()
    events = weights.sum()
    for k in range(theta.shape[0]):
        mean, sd = theta[k, 0], theta[k, 1]
        out[k, 2] = sums[k, 0] / events
        if sums[k, 0] < 1e-9:
            continue
        a, b = (low - mean) / sd, (high - mean) / sd
        inside = 0.5 * (erf(b / sqrt(2.0)) - erf(a / sqrt(2.0)))
        at_a, at_b = exp(-0.5 * a * a) / sqrt(2.0 * pi), exp(-0.5 * b * b) / sqrt(2.0 * pi)
        # moments about the old mean, in units of the old sd: seen and cut off together
        shift = inside * sums[k, 1] / sums[k, 0] - (at_a - at_b)
        spread = 1.0 + inside * (sums[k, 2] / sums[k, 0] - 1.0) - (a * at_a - b * at_b)
        out[k, 0] = min(max(mean + shift * sd, low), high)
        moved = (out[k, 0] - mean) / sd
        variance = spread - 2.0 * moved * shift + moved * moved
        out[k, 1] = max(sd * sqrt(max(variance, 0.0)), min_sd)
    return log_likelihood, out


@njit(cache=True)
def _em(values, weights, theta, low, high, min_sd):  # type: ignore[no-untyped-def]
    """EM with squared extrapolation (SQUAREM, Varadhan & Roland 2008) to convergence.

    theta (K, 3). Plain EM needs thousands of steps where components overlap or the
    background is nearly empty; two steps and their change predict where they lead.
    """
    n_components = theta.shape[0]
    sums, ahead = np.empty((n_components, 3)), np.empty((n_components, 3))
    last = -np.inf
    for _ in range(_MAX_CYCLES):
        start, one = _em_step(values, weights, theta, low, high, min_sd, sums)
        if start - last < _TOLERANCE:
            break
        last = start
        halfway, two = _em_step(values, weights, one, low, high, min_sd, sums)
        step, bend = 0.0, 0.0
        for k in range(n_components):
            for j in range(3):
                unit = theta[k, 1] if j < 2 else 1.0
                step += ((one[k, j] - theta[k, j]) / unit) ** 2
                bend += ((two[k, j] - 2.0 * one[k, j] + theta[k, j]) / unit) ** 2
        length = sqrt(step / bend) if bend > 0.0 else 1.0
        if length > 1.0:
            total = 0.0
            for k in range(n_components):
                for j in range(3):
                    first = one[k, j] - theta[k, j]
                    second = two[k, j] - 2.0 * one[k, j] + theta[k, j]
                    ahead[k, j] = theta[k, j] + 2.0 * length * first + length**2 * second
                ahead[k, 0] = min(max(ahead[k, 0], low), high)
                ahead[k, 1] = max(ahead[k, 1], min_sd)
                ahead[k, 2] = max(ahead[k, 2], 0.0)
                total += ahead[k, 2]
            for k in range(n_components):
                ahead[k, 2] /= max(1.0, total)
            reached, three = _em_step(values, weights, ahead, low, high, min_sd, sums)
            theta = three if reached > halfway else two
        else:
            theta = two
    return theta, start

"""How many components a spectrum holds, and how sure each of their numbers is."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from perrin.mass.mixture import Component, Mixture, fit_mixture, maximize
from perrin.mass.modes import density_grid, kernel_density, kernel_widths
from perrin.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCALES = (1.0, 2.0, 4.0)  # kernels that look for what the mixture misses: sharp to broad
_PLACES = 3  # at each scale: the largest excess may be the foot of a skewed peak


def select_mixture(
    values: FloatArray,
    *,
    start: Sequence[Component],
    low: float,
    high: float,
    min_sd: float,
    kernel: float,
    growth: float,
) -> Mixture:
    """Mixture with the number of components that the BIC prefers, in order of their means.

    Only mixtures whose components are at least one FWHM apart count: closer ones are
    merged and fitted again. From `start` (usually one component a mode) each round tries
    to leave out every component and to add one where the events most exceed the mixture,
    and keeps the change with the lowest BIC, until none lowers it. `kernel` and `growth`
    as in `kernel_widths`; the rest as in `fit_mixture`, and so the errors.
    """

    def fit(components: Sequence[Component]) -> Mixture:
        fitted = fit_mixture(values, start=components, low=low, high=high, min_sd=min_sd)
        while (merged := _merge_closest(fitted.components)) is not None:
            fitted = fit_mixture(values, start=merged, low=low, high=high, min_sd=min_sd)
        return fitted

    best = fit(start)
    while True:
        now = best.components
        fewer = [[c for c in now if c is not left_out] for left_out in now]
        more = [[*now, c] for c in _missing(values, best, kernel=kernel, growth=growth)]
        better = min(map(fit, fewer + more), key=lambda mixture: mixture.bic, default=best)
        if better.bic >= best.bic - 1e-3:  # EM stops a little short of the maximum
            break
        best = better
    return replace(best, components=tuple(sorted(best.components, key=lambda c: c.mean)))


def resample_mixture(
    mixture: Mixture, *, min_sd: float, resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Parametric bootstrap: (resamples, K + 1, 3) of mean, sd and fraction of each component.

    Each resample is drawn from `mixture` and fitted from its solution. The last row of
    the second axis is the background: mean and sd NaN, its fraction.
    """
    out = np.full((resamples, len(mixture.components) + 1, 3), np.nan)
    for drawn in out:
        sample = mixture.sample(mixture.n_events, rng=rng)
        drawn[:-1] = maximize(
            sample, start=mixture.components, low=mixture.low, high=mixture.high, min_sd=min_sd
        )
        drawn[-1, 2] = max(0.0, 1.0 - drawn[:-1, 2].sum())
    return out


def _merge_closest(components: Sequence[Component]) -> list[Component] | None:
    """The components with the closest two as one; None if all are an FWHM apart.

    Distance is counted in the mean of the two widths at half maximum.
    """

    def distance(pair: tuple[Component, Component]) -> float:
        return abs(pair[0].mean - pair[1].mean) / (0.5 * (pair[0].fwhm + pair[1].fwhm))

    closest = min(combinations(components, 2), key=distance, default=None)
    if closest is None or distance(closest) >= 1.0:
        return None
    a, b = closest
    fraction = a.fraction + b.fraction
    part = a.fraction / fraction if fraction > 0 else 0.5
    mean = part * a.mean + (1 - part) * b.mean
    variance = part * (a.sd**2 + (a.mean - mean) ** 2) + (1 - part) * (
        b.sd**2 + (b.mean - mean) ** 2
    )
    return [*(c for c in components if c not in closest), Component(mean, sqrt(variance), fraction)]


def _missing(
    values: FloatArray, mixture: Mixture, *, kernel: float, growth: float
) -> list[Component]:
    """Components where events most exceed the mixture: a few places at each of three scales."""
    n = len(values)
    found = []
    for scale in _SCALES:
        grid = density_grid(values, kernel=scale * kernel, growth=scale * growth)
        widths = kernel_widths(grid, kernel=scale * kernel, growth=scale * growth)
        density = kernel_density(values, grid, widths=widths)
        expected = np.full(len(grid), mixture.background_fraction / (mixture.high - mixture.low))
        for c in mixture.components:  # a Gaussian seen through the kernel is a wider one
            wide = np.hypot(c.sd, widths)
            z = (grid - c.mean) / wide
            expected += c.fraction / (wide * sqrt(2 * pi)) * np.exp(-0.5 * z * z)
        # at least one event within a kernel: a far event alone is no excess
        expected = np.maximum(n * expected, 1.0 / (2.0 * sqrt(pi) * widths))
        excess = (density - expected) * np.sqrt(widths / expected)
        inner = excess[1:-1]
        tops = np.flatnonzero((inner > excess[:-2]) & (inner >= excess[2:]) & (inner > 0)) + 1
        tops = tops[(grid[tops] >= mixture.low) & (grid[tops] <= mixture.high)]
        for top in tops[np.argsort(excess[tops])[-_PLACES:]]:
            sd = float(widths[top])
            events = float(density[top] - expected[top]) * sd * sqrt(2 * pi)
            found.append(Component(float(grid[top]), sd, events / n))
    return found

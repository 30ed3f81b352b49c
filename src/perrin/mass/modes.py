"""Kernel density of a spectrum, and its peaks as modes that stand out of counting noise."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.types import FloatArray, IntArray

if TYPE_CHECKING:
    from collections.abc import Sequence

FWHM_PER_SD = 2.0 * sqrt(2.0 * log(2.0))
"""Full width at half maximum of a Gaussian over its standard deviation, 2.3548."""

STEPS_PER_KERNEL = 20
"""Grid steps in one kernel width: with linear binning the density is right to 4e-4."""

_REACH = 5.0  # a kernel is cut off there, in its own standard deviations: 6e-7 is lost


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian: mean and standard deviation."""

    mean: float
    sd: float

    @property
    def fwhm(self) -> float:
        """Full width at half maximum, 2.3548 standard deviations."""
        return FWHM_PER_SD * self.sd


@dataclass(frozen=True)
class Mode:
    """One mode of a density: where it is, how high, how far it reaches, how sure it is.

    `low` and `high` are the valleys (or the ends of the grid) on both sides.
    `significance` is the rise above the higher valley in standard errors of the density.
    """

    position: float
    height: float
    low: float
    high: float
    significance: float


def kernel_widths(values: FloatArray, *, kernel: float, growth: float) -> FloatArray:
    """Kernel standard deviation at each value: sqrt(kernel^2 + (growth * value)^2).

    The two parts of a mass error: imaging noise, the same for all, and a part that grows
    with mass. `values` and `kernel` in the same unit.
    """
    widths: FloatArray = np.hypot(kernel, growth * values)
    return widths


def density_grid(values: FloatArray, *, kernel: float, growth: float) -> FloatArray:
    """Even grid, 20 steps a kernel, that holds the whole density of `values`.

    Grid points are multiples of the step, so the same event falls on the same point
    whatever the other events are. No events: a grid around 0.
    """
    step = kernel / STEPS_PER_KERNEL
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    reach_low, reach_high = _REACH * kernel_widths(
        np.array([low, high]), kernel=kernel, growth=growth
    )
    first = np.floor((low - reach_low) / step) - 1
    last = np.ceil((high + reach_high) / step) + 1
    return np.arange(first, last + 1) * step


def kernel_density(
    values: FloatArray, grid: FloatArray, *, widths: FloatArray, weights: FloatArray | None = None
) -> FloatArray:
    """Events per unit of `values` at each grid point, shape of `grid`.

    Each event is a Gaussian whose area is 1, or its weight, and whose standard deviation is
    `widths` at its own place on the grid (a sample-point density: Silverman 1986, section
    5.3). Events are first shared between their two nearest grid points, so cost does not grow
    with their number. Raises `PerrinError` where an event lies outside the grid.
    """
    if values.size and (values.min() < grid[0] or values.max() > grid[-1]):
        raise PerrinError(
            f"events from {values.min():.6g} to {values.max():.6g} leave the density's grid, "
            f"{grid[0]:.6g} to {grid[-1]:.6g}. Make the grid with density_grid."
        )
    left, right = grid_places(values, grid)
    each = np.ones(len(values)) if weights is None else weights
    counts = np.zeros(len(grid))
    counts += np.bincount(left, each * (1.0 - right), minlength=len(grid))
    counts[1:] += np.bincount(left, each * right, minlength=len(grid))[:-1]
    return spread(counts, grid, widths)


def grid_places(values: FloatArray, grid: FloatArray) -> tuple[IntArray, FloatArray]:
    """Grid point to the left of each value (n,) on an even grid; what part the next one gets."""
    place = (values - grid[0]) / _step(grid)
    left = np.minimum(place.astype(np.int64), len(grid) - 2)
    return left, place - left


def spread(counts: FloatArray, grid: FloatArray, widths: FloatArray) -> FloatArray:
    """`kernel_density` of events that have been shared between the grid's points, (G,)."""
    step = _step(grid)
    density: FloatArray = _spread(counts, widths / step) / step
    return density


def _step(grid: FloatArray) -> float:
    return float((grid[-1] - grid[0]) / (len(grid) - 1))


def find_modes(
    density: FloatArray,
    grid: FloatArray,
    *,
    widths: FloatArray,
    significance: float,
    known: Sequence[float] = (),
) -> list[Mode]:
    """Modes of `density` (events per unit) that rise `significance` errors out of their valleys.

    All local maxima are found; the least significant is joined with its neighbor across
    the shallower valley until each that is left is significant (persistence of the
    maxima). The highest mode always stays, and so do the maxima nearest to the positions
    `known` on other grounds. The variance of a density of Gaussian kernels
    of width h and counts per unit f is f / (2 sqrt(pi) h) (Poisson counts; Silverman
    1986, equation 3.9).
    """
    inner = density[1:-1]
    peaks = np.flatnonzero((inner > density[:-2]) & (inner >= density[2:])) + 1
    if peaks.size == 0:
        return []
    valley = np.minimum.reduceat(density, peaks)[:-1]
    variance = 1.0 / (2.0 * np.sqrt(np.pi) * widths[peaks])
    bonus = np.zeros(peaks.size)
    for position in known:
        bonus[np.argmin(np.abs(grid[peaks] - position))] = np.inf
    while True:
        left, right = np.r_[0.0, valley], np.r_[valley, 0.0]
        saddle = np.maximum(left, right)
        height = density[peaks]
        score = (height - saddle) / np.sqrt((height + saddle) * variance)
        weakest = int(np.argmin(score + bonus))
        if peaks.size == 1 or score[weakest] + bonus[weakest] >= significance:
            break
        shallow = weakest if right[weakest] > left[weakest] or weakest == 0 else weakest - 1
        valley = np.delete(valley, shallow)
        peaks, variance, bonus = (np.delete(x, weakest) for x in (peaks, variance, bonus))
    tops = [int(peak) for peak in peaks]
    valleys = [0, *(_lowest(density, a, b) for a, b in pairwise(tops)), len(grid) - 1]
    return [
        Mode(
            position=_vertex(density, grid, top),
            height=float(density[top]),
            low=float(grid[low]),
            high=float(grid[high]),
            significance=float(z),
        )
        for top, (low, high), z in zip(tops, pairwise(valleys), score, strict=True)
    ]


def highest_between(density: FloatArray, grid: FloatArray, *, low: float, high: float) -> float:
    """Position of the highest point of a density between two places on its grid."""
    first, last = np.searchsorted(grid, (low, high))
    top = int(first + np.argmax(density[first : last + 1]))
    return _vertex(density, grid, min(max(top, 1), len(grid) - 2))


def _lowest(density: FloatArray, start: int, stop: int) -> int:
    """Index of the lowest point between two, the middle one where several are as low."""
    between = density[start:stop]
    lowest = np.flatnonzero(between == between.min())
    return int(start + lowest[len(lowest) // 2])


def _vertex(density: FloatArray, grid: FloatArray, peak: int) -> float:
    """Summit of the parabola through a maximum and its two neighbors."""
    before, top, after = density[peak - 1 : peak + 2]
    curvature = before - 2.0 * top + after
    shift = 0.5 * (before - after) / curvature if curvature < 0 else 0.0
    return float(grid[peak] + shift * (grid[1] - grid[0]))


@njit(cache=True)
def _spread(counts, widths):  # type: ignore[no-untyped-def]
    """Sum of Gaussians of area `counts` and standard deviation `widths` (grid steps)."""
    n = counts.shape[0]
    out = np.zeros(n)
    for i in range(n):
        if counts[i] == 0.0:
            continue
        # exp(-(k+1)^2 c) from exp(-k^2 c) by two products: no exponential in the loop
        c = 0.5 / (widths[i] * widths[i])
        value = counts[i] / (widths[i] * np.sqrt(2.0 * np.pi))
        factor, change = np.exp(-c), np.exp(-2.0 * c)
        out[i] += value
        for k in range(1, int(_REACH * widths[i]) + 1):
            value *= factor
            factor *= change
            if i + k < n:
                out[i + k] += value
            if i - k >= 0:
                out[i - k] += value
    return out

"""How well peaks are resolved: width, resolving power, valley-to-peak ratio, their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.mass.modes import FWHM_PER_SD, Gaussian, density_grid, kernel_density, kernel_widths
from perrin.stats import robust_sd
from perrin.types import FloatArray, IntArray

VALLEY_CRITERIA = (0.1, 0.3, 0.5)
"""Two peaks are resolved by a criterion if their valley-to-peak ratio is at most this."""

PEAK_REACH = 1.5
"""A peak reaches this many FWHM to both sides of its mode, or to the next valley."""

_ROUNDS = 20
_STEPS = 200
_SETTLED = 1e-8  # last step, over height and width; or what it gained, over what is left


@dataclass(frozen=True)
class PeakFit(Gaussian):
    """Gaussian fitted to the histogram of one peak: mean, sd, events a bin at the top."""

    height: float


def fit_peak(
    values: FloatArray, *, mode: float, low: float, high: float, bin_width: float
) -> PeakFit | None:
    """Gaussian through the histogram within 1.5 FWHM of `mode`, no background.

    Least squares over bins whose edges are multiples of `bin_width`; the width that sets
    the window is found by repetition from the median absolute deviation. The window never
    crosses `low` and `high`: the valleys to the neighbors, or the detection limit. None
    where fewer than four bins are left to fit three numbers, or the fit does not settle
    on a peak inside its window.

    Iqbal et al., Methods: a Gaussian fitted to a clearly resolved peak.
    """
    near = values[(values >= low) & (values <= high)]
    if near.size == 0:
        return None
    first, last = bins_between(low, high, bin_width=bin_width)
    index = np.floor(near / bin_width).astype(np.int64) - first
    counts = np.bincount(index[(index >= 0) & (index < last - first)], minlength=last - first)
    sd = robust_sd(near, center=mode)
    return fit_histogram(counts, first=first, mode=mode, sd=sd, bin_width=bin_width)


def bins_between(low: float, high: float, *, bin_width: float) -> tuple[int, int]:
    """Return which bins lie between two places: the first, and the one after the last."""
    first, last = int(np.ceil(low / bin_width)), int(np.floor(high / bin_width))
    return first, max(first, last)


def fit_histogram(
    counts: IntArray, *, first: int, mode: float, sd: float, bin_width: float
) -> PeakFit | None:
    """`fit_peak` of events (n,) in bins from number `first` on; sd: a first guess of the width."""
    heights = counts.astype(np.float64)
    centers = np.arange(first + 0.5, first + len(counts)) * bin_width
    sd = max(sd, 0.5 * bin_width)
    fit, windows = PeakFit(mode, sd, float(heights.max(initial=0))), set[tuple[int, int]]()
    for _ in range(_ROUNDS):
        inside = np.flatnonzero(np.abs(centers - mode) <= PEAK_REACH * fit.fwhm)
        if inside.size < 4 or np.count_nonzero(heights[inside]) < 3:
            return None
        window = int(inside[0]), int(inside[-1])
        if window in windows:
            break
        windows.add(window)
        refit = _gaussian(centers[inside], heights[inside], start=fit)
        if refit is None or not centers[window[0]] <= refit.mean <= centers[window[1]]:
            return None
        fit = refit
    return fit


def resolving_power(mass: float, fwhm: float) -> float:
    """Mass over the full width at half maximum, m / dm; both in the same unit."""
    if not fwhm > 0:
        raise PerrinError(
            f"a peak's FWHM is {fwhm}; resolving power needs one above 0. "
            "A peak of a few events has no width: leave it out."
        )
    return mass / fwhm


def valley_resolving_power(left: float, right: float) -> float:
    """Mean mass of two peaks over their difference, the valley definition of m / dm.

    It holds at the criterion that their valley-to-peak ratio meets. The 6-mer and 8-mer
    of a protein give 7 / 2 = 3.5.
    """
    if not right > left:
        raise PerrinError(
            f"two peaks at {left} and {right}; the second must be heavier than the first."
        )
    return 0.5 * (left + right) / (right - left)


def valley_criterion(ratio: float) -> float | None:
    """Strictest of the 10, 30 and 50% criteria that a valley-to-peak ratio meets, or None."""
    return next((limit for limit in VALLEY_CRITERIA if ratio <= limit), None)


@dataclass(frozen=True)
class ValleyPoint:
    """The valley between two modes: where it is, and its height over the smaller mode's."""

    position: float
    ratio: float


def valley_to_peak(
    values: FloatArray, *, left: float, right: float, kernel: float
) -> ValleyPoint | None:
    """Minimum of the kernel density between two modes over the smaller mode.

    `kernel` is the same everywhere: 3 kDa by definition (the minimum of raw bins would
    fall as counts fall). Each mode is the highest point within one kernel FWHM of `left`
    and `right`. None where one of them holds no events.
    """
    near = values[(values > left - 8 * kernel) & (values < right + 8 * kernel)]
    if near.size == 0:
        return None
    reach = FWHM_PER_SD * kernel
    grid = density_grid(np.r_[near, left - reach, right + reach], kernel=kernel, growth=0.0)
    widths = kernel_widths(grid, kernel=kernel, growth=0.0)
    density = kernel_density(near, grid, widths=widths)
    return lowest_between(density, grid, left=left, right=right, kernel=kernel)


def lowest_between(
    density: FloatArray, grid: FloatArray, *, left: float, right: float, kernel: float
) -> ValleyPoint | None:
    """`valley_to_peak` of a density (G,) with that kernel on a grid (G,) around both modes."""
    reach = FWHM_PER_SD * kernel
    tops = []
    for mode in (left, right):
        first, last = np.searchsorted(grid, (mode - reach, mode + reach))
        tops.append(int(first + np.argmax(density[first:last])))
    smaller = min(density[tops])
    if smaller <= 0 or tops[0] >= tops[1]:
        return None
    valley = tops[0] + int(np.argmin(density[tops[0] : tops[1]]))
    return ValleyPoint(float(grid[valley]), float(density[valley] / smaller))


def _gaussian(x: FloatArray, counts: FloatArray, *, start: PeakFit) -> PeakFit | None:
    """Least-squares Gaussian through `counts` at `x`, both (n,); None if it diverges."""
    converged, height, mean, sd = _least_squares(x, counts, start.height, start.mean, start.sd)
    if not converged or height <= 0 or sd == 0:
        return None
    return PeakFit(mean, abs(sd), height)


@njit(cache=True)
def _normal_equations(x, counts, height, mean, sd):  # type: ignore[no-untyped-def]
    """Sums over the bins: the symmetric matrix of the step, row by row, and its right side."""
    a00, a01, a02, a11, a12, a22, b0, b1, b2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        z = (x[i] - mean) / sd
        g = exp(-0.5 * min(z * z, 1e3))
        left = counts[i] - height * g
        d1 = height * g * z / sd
        d2 = d1 * z
        a00 += g * g
        a01 += g * d1
        a02 += g * d2
        a11 += d1 * d1
        a12 += d1 * d2
        a22 += d2 * d2
        b0 += g * left
        b1 += d1 * left
        b2 += d2 * left
    return a00, a01, a02, a11, a12, a22, b0, b1, b2


@njit(cache=True)
def _least_squares(x, counts, height, mean, sd):  # type: ignore[no-untyped-def]
    """Whether it settles, and height, mean, sd: Levenberg-Marquardt (Marquardt 1963).

    By hand, as a call of a general solver takes longer than the fit of a few bins.
    """
    damping = 1e-3
    error = _squares(x, counts, height, mean, sd)
    for _ in range(_STEPS):
        a00, a01, a02, a11, a12, a22, b0, b1, b2 = _normal_equations(x, counts, height, mean, sd)
        while True:
            grown = 1.0 + damping
            m00, m11, m22 = a00 * grown, a11 * grown, a22 * grown
            c0, c1, c2 = m11 * m22 - a12 * a12, a02 * a12 - a01 * m22, a01 * a12 - a02 * m11
            determinant = m00 * c0 + a01 * c1 + a02 * c2
            if not determinant > 0.0:
                return False, height, mean, sd
            c11, c12, c22 = m00 * m22 - a02 * a02, a01 * a02 - m00 * a12, m00 * m11 - a01 * a01
            s0 = (c0 * b0 + c1 * b1 + c2 * b2) / determinant
            s1 = (c1 * b0 + c11 * b1 + c12 * b2) / determinant
            s2 = (c2 * b0 + c12 * b1 + c22 * b2) / determinant
            trial = np.inf
            if sd + s2 != 0.0:
                trial = _squares(x, counts, height + s0, mean + s1, sd + s2)
            small = abs(s0) < _SETTLED * abs(height)
            small = small and abs(s1) < _SETTLED * abs(sd) and abs(s2) < _SETTLED * abs(sd)
            if trial <= error:
                small = small or error - trial <= _SETTLED * error
                height, mean, sd, error = height + s0, mean + s1, sd + s2, trial
                damping = max(0.1 * damping, 1e-12)
                if small and damping < 1e-2:
                    return True, height, mean, sd
                break
            if small:
                return True, height, mean, sd
            damping *= 10.0
            if damping > 1e12:
                return False, height, mean, sd
    return False, height, mean, sd


@njit(cache=True)
def _squares(x, counts, height, mean, sd):  # type: ignore[no-untyped-def]
    """Sum of squares that a Gaussian leaves."""
    total = 0.0
    for i in range(len(x)):
        z = (x[i] - mean) / sd
        left = counts[i] - height * exp(-0.5 * min(z * z, 1e3))
        total += left * left
    return total

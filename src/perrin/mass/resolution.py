"""How well peaks are resolved: width, resolving power, valley-to-peak ratio, their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import leastsq

from perrin.errors import PerrinError
from perrin.mass.modes import FWHM_PER_SD, density_grid, kernel_density, kernel_widths
from perrin.stats import robust_sd
from perrin.types import FloatArray

VALLEY_CRITERIA = (0.1, 0.3, 0.5)
"""Two peaks are resolved by a criterion if their valley-to-peak ratio is at most this."""

PEAK_REACH = 1.5
"""A peak reaches this many FWHM to both sides of its mode, or to the next valley."""

_ROUNDS = 20


@dataclass(frozen=True)
class PeakFit:
    """Gaussian fitted to the histogram of one peak: events a bin at the top, mean, sd."""

    height: float
    mean: float
    sd: float

    @property
    def fwhm(self) -> float:
        """Full width at half maximum, 2.3548 standard deviations."""
        return FWHM_PER_SD * self.sd


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
    first, last = int(np.ceil(low / bin_width)), int(np.floor(high / bin_width))
    index = np.floor(near / bin_width).astype(np.int64) - first
    counts = np.bincount(index[(index >= 0) & (index < last - first)], minlength=last - first)
    centers = np.arange(first + 0.5, last) * bin_width
    sd = max(robust_sd(near, center=mode), 0.5 * bin_width)
    fit, windows = PeakFit(float(counts.max(initial=0)), mode, sd), set[tuple[int, int]]()
    for _ in range(_ROUNDS):
        inside = np.flatnonzero(np.abs(centers - mode) <= PEAK_REACH * fit.fwhm)
        if inside.size < 4 or np.count_nonzero(counts[inside]) < 3:
            return None
        window = int(inside[0]), int(inside[-1])
        if window in windows:
            break
        windows.add(window)
        refit = _gaussian(centers[inside], counts[inside].astype(np.float64), start=fit)
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
    reach = FWHM_PER_SD * kernel
    near = values[(values > left - 8 * kernel) & (values < right + 8 * kernel)]
    if near.size == 0:
        return None
    ends = np.r_[near, left - reach, right + reach]
    grid = density_grid(ends, kernel=kernel, growth=0.0)
    widths = kernel_widths(grid, kernel=kernel, growth=0.0)
    density = kernel_density(near, grid, widths=widths)
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

    def unit(p: FloatArray) -> tuple[FloatArray, FloatArray]:
        z = (x - p[1]) / p[2]
        return z, np.exp(-0.5 * np.minimum(z * z, 1e3))

    def residual(p: FloatArray) -> FloatArray:
        return np.asarray(p[0] * unit(p)[1] - counts)

    def slopes(p: FloatArray) -> FloatArray:
        z, g = unit(p)
        return np.stack((g, p[0] * g * z / p[2], p[0] * g * z * z / p[2]))

    first = (start.height, start.mean, start.sd)
    best, _, _, _, flag = leastsq(residual, first, Dfun=slopes, col_deriv=True, full_output=True)
    height, mean, sd = map(float, best)
    if flag not in (1, 2, 3, 4) or height <= 0 or sd == 0:
        return None
    return PeakFit(height, mean, abs(sd))

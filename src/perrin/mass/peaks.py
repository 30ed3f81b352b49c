"""The numbers of each peak and valley of a spectrum, read off its events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
from numba import njit

from perrin.mass.modes import (
    density_grid,
    grid_places,
    highest_between,
    kernel_widths,
    spread,
)
from perrin.mass.resolution import (
    PEAK_REACH,
    PeakFit,
    ValleyPoint,
    bins_between,
    fit_histogram,
    lowest_between,
    resolving_power,
    valley_criterion,
    valley_resolving_power,
)
from perrin.mass.results import Estimate, Peak, Valley
from perrin.stats import MAD_TO_SD, wilson_interval
from perrin.types import FloatArray, IntArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perrin.mass.mixture import Mixture
    from perrin.mass.modes import Mode


# columns of what is measured of each peak; the valley is the one to the next peak
_MODE, _MEAN, _FWHM, _POWER, _VALLEY, _RATIO = range(6)


@dataclass(frozen=True)
class Scales:
    """Lengths of the settings in the unit of the values, and the detection limit."""

    kernel: float
    growth: float
    bin_width: float
    min_sd: float
    limit: float


@dataclass(frozen=True)
class Sorted:
    """Landings (n,) in order, and where each is on the density's grid (G,) and the histogram.

    A resample of them differs in how often each counts: sorting, and finding places, is done once.
    """

    landings: FloatArray
    scales: Scales
    grid: FloatArray
    widths: FloatArray
    left: IntArray
    right: FloatArray
    bins: IntArray

    @classmethod
    def of(cls, landings: FloatArray, *, scales: Scales) -> Self:
        """Put landings (n,), one or more, in order."""
        landings = np.sort(landings)
        grid = density_grid(landings, kernel=scales.kernel, growth=scales.growth)
        left, right = grid_places(landings, grid)
        bins = np.floor(landings / scales.bin_width).astype(np.int64)
        widths = kernel_widths(grid, kernel=scales.kernel, growth=scales.growth)
        return cls(landings, scales, grid, widths, left, right, bins)

    def measure(self, modes: Sequence[Mode], drawn: IntArray) -> FloatArray:
        """What `measure_peaks` measures, of landings that count as often as `drawn` (n,) says."""
        shared = np.zeros(len(self.grid))
        first_bin = int(self.bins[0])
        histogram = np.zeros(int(self.bins[-1]) - first_bin + 1, np.int64)
        _count(drawn, self.left, self.right, self.bins - first_bin, shared, histogram)
        density = spread(shared, self.grid, self.widths)
        out = np.full((len(modes), 6), np.nan)
        for row, mode in zip(out, modes, strict=True):
            ends = (
                np.searchsorted(self.landings, mode.low),
                np.searchsorted(self.landings, mode.high, side="right"),
            )
            if not drawn[slice(*ends)].any():
                continue  # a resample may have lost a small peak
            position = highest_between(density, self.grid, low=mode.low, high=mode.high)
            row[_MODE] = position
            fit = self._fit(mode, position, drawn, histogram)
            if fit is not None:
                row[_MEAN : _POWER + 1] = fit.mean, fit.fwhm, resolving_power(position, fit.fwhm)
        for left, right in pairwise(out):
            if np.isnan(left[_MODE] + right[_MODE]):
                continue
            valley = self._valley(left[_MODE], right[_MODE], shared)
            if valley is not None:
                left[_VALLEY:] = valley.position, valley.ratio
        return out

    def _fit(
        self, mode: Mode, position: float, drawn: IntArray, histogram: IntArray
    ) -> PeakFit | None:
        """Return `fit_peak` between the valleys of a mode, above the detection limit."""
        low, width = max(mode.low, self.scales.limit), self.scales.bin_width
        start = np.searchsorted(self.landings, low)
        stop = np.searchsorted(self.landings, mode.high, side="right")
        if not drawn[start:stop].any():
            return None
        first, last = bins_between(low, mode.high, bin_width=width)
        places = np.arange(first, last) - self.bins[0]
        there = (places >= 0) & (places < len(histogram))
        counts = np.where(there, histogram[np.where(there, places, 0)], 0)
        deviation = _median_distance(self.landings[start:stop], drawn[start:stop], position)
        sd = MAD_TO_SD * deviation
        return fit_histogram(counts, first=first, mode=position, sd=sd, bin_width=width)

    def _valley(self, left: float, right: float, shared: FloatArray) -> ValleyPoint | None:
        """Return `valley_to_peak`: the kernel is that of the settings everywhere."""
        kernel = self.scales.kernel
        first, last = np.searchsorted(self.grid, (left - 8 * kernel, right + 8 * kernel))
        near = slice(int(first), int(last))
        grid = self.grid[near]
        density = spread(shared[near], grid, kernel_widths(grid, kernel=kernel, growth=0.0))
        return lowest_between(density, grid, left=left, right=right, kernel=kernel)


def measure_peaks(landings: FloatArray, modes: Sequence[Mode], *, scales: Scales) -> FloatArray:
    """Mode, fitted mean, FWHM, m / FWHM, valley and its ratio for each peak: (K, 6).

    `landings` (n,) may be a resample: each mode is looked for between the valleys that
    `modes` have in the events themselves. What cannot be had is NaN.
    """
    if landings.size == 0:
        return np.full((len(modes), 6), np.nan)
    once = np.ones(landings.size, np.int64)
    return Sorted.of(landings, scales=scales).measure(modes, once)


def resolving_power_of(landings: FloatArray, modes: Sequence[Mode], *, scales: Scales) -> float:
    """Mode over FWHM of the first of `modes` among `landings` (n,); NaN where it has none."""
    if not modes:
        return float("nan")
    return float(measure_peaks(landings, modes[:1], scales=scales)[0, _POWER])


def describe_peaks(
    landings: FloatArray,
    modes: Sequence[Mode],
    *,
    measured: FloatArray,
    ends: FloatArray,
    mixture: Mixture | None,
    confidence: float,
) -> tuple[tuple[Peak, ...], tuple[Valley, ...]]:
    """Peaks and valleys as results.

    `measured` (K, 6) as from `measure_peaks`, `ends` (2, K, 6) the low and high ends of
    its intervals, NaN for none.
    """

    def estimate(peak: int, column: int) -> Estimate | None:
        value, low, high = (float(x[peak, column]) for x in (measured, *ends))
        if np.isnan(value):
            return None
        return Estimate(value) if np.isnan(low) else Estimate(value, low, high)

    owners = {} if mixture is None else components_of(measured[:, _MODE].tolist(), mixture)
    peaks = []
    for k, mode in enumerate(modes):
        position, fwhm = estimate(k, _MODE), estimate(k, _FWHM)
        assert position is not None  # noqa: S101
        reach = np.inf if fwhm is None else PEAK_REACH * fwhm.value
        low, high = max(mode.low, position.value - reach), min(mode.high, position.value + reach)
        counts = int(np.count_nonzero((landings >= low) & (landings <= high)))
        peaks.append(
            Peak(
                mode=position,
                fit_mean=estimate(k, _MEAN),
                fwhm=fwhm,
                resolving_power=estimate(k, _POWER),
                low=low,
                high=high,
                counts=counts,
                fraction=fraction_of(counts, landings.size, confidence=confidence),
                significance=mode.significance,
                component=owners.get(k),
            )
        )
    ratios = [estimate(k, _RATIO) for k in range(len(modes))]
    return tuple(peaks), _valleys(measured, ratios)


def _valleys(measured: FloatArray, ratios: Sequence[Estimate | None]) -> tuple[Valley, ...]:
    """The valleys between peaks (K, 6) that have a ratio of valley to peak."""
    return tuple(
        Valley(
            left=k,
            position=float(measured[k, _VALLEY]),
            ratio=ratio,
            criterion=valley_criterion(ratio.value),
            resolving_power=valley_resolving_power(float(left), float(right)),
        )
        for k, (left, right) in enumerate(pairwise(measured[:, _MODE]))
        if (ratio := ratios[k]) is not None
    )


def fraction_of(part: int, whole: int, *, confidence: float) -> Estimate:
    """Binomial fraction with its interval."""
    return Estimate(part / whole, *wilson_interval(part, whole, confidence=confidence))


def components_of(positions: Sequence[float], mixture: Mixture) -> dict[int, int]:
    """The component that each mode belongs to, by their numbers; modes without one left out.

    It is the one that is densest there, if denser than the background and less than an
    FWHM away; of several modes in one component the nearest to its mean has it.
    """
    owned: dict[int, int] = {}
    background = mixture.background_fraction / (mixture.high - mixture.low)
    for mode, position in enumerate(positions):
        dense = [
            c.fraction * float(mixture.component_density(c, position)) for c in mixture.components
        ]
        best = int(np.argmax(dense)) if dense else -1
        if best < 0 or dense[best] <= background:
            continue
        component = mixture.components[best]
        distance = abs(component.mean - position)
        rival = owned.get(best)
        nearer = rival is None or distance < abs(component.mean - positions[rival])
        if distance < component.fwhm and nearer:
            owned[best] = mode
    return {mode: component for component, mode in owned.items()}


@njit(cache=True)
def _count(drawn, left, right, bins, shared, histogram):  # type: ignore[no-untyped-def]
    """Share each event between its two grid points, and add it to its bin."""
    for i in range(len(drawn)):
        if drawn[i]:
            shared[left[i]] += drawn[i] * (1.0 - right[i])
            shared[left[i] + 1] += drawn[i] * right[i]
            histogram[bins[i]] += drawn[i]


@njit(cache=True)
def _median_distance(values, drawn, center):  # type: ignore[no-untyped-def]
    """Median of |value - center| of sorted values that count as often as drawn says."""
    number, below, above = 0, -1, len(values)
    for i in range(len(drawn)):
        number += drawn[i]
    while above - below > 1:  # neighbors of the center
        middle = (below + above) // 2
        if values[middle] < center:
            below = middle
        else:
            above = middle
    seen, low = 0, -1.0
    while True:
        down = center - values[below] if below >= 0 else np.inf
        up = values[above] - center if above < len(values) else np.inf
        if down <= up:
            distance, seen, below = down, seen + drawn[below], below - 1
        else:
            distance, seen, above = up, seen + drawn[above], above + 1
        if low < 0.0 and 2 * seen >= number:
            low = distance
            if 2 * seen > number:
                return low
        elif 2 * seen > number:
            return 0.5 * (low + distance)

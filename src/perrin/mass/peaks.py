"""The numbers of each peak and valley of a spectrum, read off its events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from perrin.mass.modes import density_grid, highest_between, kernel_density, kernel_widths
from perrin.mass.resolution import (
    PEAK_REACH,
    fit_peak,
    resolving_power,
    valley_criterion,
    valley_resolving_power,
    valley_to_peak,
)
from perrin.mass.results import Estimate, Peak, Valley
from perrin.stats import wilson_interval
from perrin.types import FloatArray

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


def measure_peaks(landings: FloatArray, modes: Sequence[Mode], *, scales: Scales) -> FloatArray:
    """Mode, fitted mean, FWHM, m / FWHM, valley and its ratio for each peak: (K, 6).

    `landings` (n,) may be a resample: each mode is looked for between the valleys that
    `modes` have in the events themselves. What cannot be had is NaN.
    """
    out = np.full((len(modes), 6), np.nan)
    if landings.size == 0:
        return out
    grid = density_grid(landings, kernel=scales.kernel, growth=scales.growth)
    widths = kernel_widths(grid, kernel=scales.kernel, growth=scales.growth)
    density = kernel_density(landings, grid, widths=widths)
    for row, mode in zip(out, modes, strict=True):
        if not ((landings >= mode.low) & (landings <= mode.high)).any():
            continue  # a resample may have lost a small peak
        position = highest_between(density, grid, low=mode.low, high=mode.high)
        row[_MODE] = position
        low = max(mode.low, scales.limit)
        fit = fit_peak(landings, mode=position, low=low, high=mode.high, bin_width=scales.bin_width)
        if fit is not None:
            row[_MEAN : _POWER + 1] = fit.mean, fit.fwhm, resolving_power(position, fit.fwhm)
    for left, right in pairwise(out):
        if np.isnan(left[_MODE] + right[_MODE]):
            continue
        valley = valley_to_peak(
            landings, left=left[_MODE], right=right[_MODE], kernel=scales.kernel
        )
        if valley is not None:
            left[_VALLEY:] = valley.position, valley.ratio
    return out


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

"""Spectrum of events that each have an error of their own: nothing has to be thrown away.

Mixture: each species is a normal distribution of true masses, each event adds its own error, so
an event of low precision counts little and none is filtered: the fractions need no correction
for what a filter would have removed (extreme deconvolution: Bovy, Hogg and Roweis, Ann. Appl.
Stat. 5, 1657, 2011). A few errors are far larger than their events say (`ErrorShape`); taken as
normal they would make a broad species beside every sharp one.

Density: each event counts by its precision, so that peaks are as sharp as the sharp events make
them; its areas are not abundances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log, pi, sqrt
from typing import Any

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.mass.modes import (
    FWHM_PER_SD,
    Mode,
    density_grid,
    find_modes,
    kernel_density,
    kernel_widths,
)
from perrin.mass.results import ComponentEstimate, Estimate, Species, Unit
from perrin.mass.spectrum import CONFIRMED, CONTRAST_PER_KDA
from perrin.settings.spectrum import SpectrumSettings
from perrin.stats import bootstrap, percentile_interval, robust_sd
from perrin.types import FloatArray, IntArray

MIN_EVENTS = 20
_MAX_STEPS = 2000
_TOLERANCE = 1e-6  # change of the log likelihood an event and step, over which EM goes on
_DEFAULTS = SpectrumSettings()


@dataclass(frozen=True)
class ErrorShape:
    """How errors are distributed, in standard errors: normal, but for a few that are wider.

    That is the contaminated normal distribution (Tukey, in Contributions to Probability and
    Statistics, Stanford 1960, 448).
    """

    narrow: float = 1.0
    """Standard deviation of most errors."""
    wide: float = 1.0
    fraction: float = 0.0
    """wide, fraction: that of the few, and what fraction they are."""


NORMAL = ErrorShape()


@dataclass(frozen=True)
class ErrorSpectrum:
    """A spectrum of landings with errors."""

    unit: Unit
    """Of all positions; contrasts are counted positive for landings."""
    n_events: int
    """Landings used, whatever their class."""
    effective_events: float
    """As many events with equal errors say as much about the density: the squared sum of the
    weights over the sum of their squares (Kish)."""
    density_at: FloatArray
    density: FloatArray
    """density_at, density (G,): density, by precision: events per unit."""
    components: tuple[ComponentEstimate, ...]
    """Species: mean, FWHM of the true masses (errors taken out), fraction of the landings."""
    background_fraction: Estimate | None
    """Fraction that is spread evenly."""
    confidence: float | None
    """Of the intervals; None without."""

    @property
    def species(self) -> tuple[Species, ...]:
        """The components: mean, FWHM and fraction without the errors of the events."""
        return tuple(Species(one.mean, one.fwhm, one.fraction) for one in self.components)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON, `unit` in the names."""
        background = self.background_fraction
        return {
            "unit": self.unit,
            "landings": self.n_events,
            "effective_landings": self.effective_events,
            "confidence_of_intervals": self.confidence,
            "components": [component.to_dict(self.unit) for component in self.components],
            "background_fraction": None if background is None else background.value,
            f"density_at_{self.unit.lower()}": self.density_at[::_THIN].tolist(),
            "density": self.density[::_THIN].tolist(),
        }


_THIN = 10


def spectrum_with_errors(
    values: FloatArray,
    errors: FloatArray,
    *,
    shape: ErrorShape = NORMAL,
    settings: SpectrumSettings = _DEFAULTS,
    unit: Unit = "kDa",
    rng: np.random.Generator | None = None,
) -> ErrorSpectrum:
    """Return the spectrum of landings (N,) with standard errors (N,), both above 0.

    Species are those that the Bayesian information criterion asks for: it starts from the peaks
    of the density, leaves out what is not missed, and parts what is better as two. Kernel, range
    and significance of peaks (half of it is enough here) are those of
    `perrin.mass.spectrum.fit_spectrum`; intervals by bootstrap of the events where `rng` is
    given. Raises `PerrinError` where values and errors do not belong together.
    """
    scale = 1.0 if unit == "kDa" else CONTRAST_PER_KDA
    values, errors = _usable(values, errors, most=scale * settings.range_kda[1])
    kernel, growth = scale * settings.kernel_kda, settings.kernel_growth
    grid = density_grid(values, kernel=kernel, growth=growth)
    widths = kernel_widths(grid, kernel=kernel, growth=growth)
    weights = _precisions(errors, kernel_widths(values, kernel=kernel, growth=growth))
    density = kernel_density(values, grid, widths=widths, weights=weights)
    table, ends, even_ends = np.empty((0, 3)), None, None
    resamples = settings.resamples if rng is not None else 0
    if len(values) >= MIN_EVENTS:
        # half of the significance will do: the mixture has to confirm each of them
        modes = find_modes(
            density, grid, widths=widths, significance=CONFIRMED * settings.peak_significance
        )
        landings = _Landings(
            values, errors, shape, min_sd=scale * settings.min_fwhm_kda / FWHM_PER_SD
        )
        table = _choose(landings, _start(values, modes, kernel=kernel))
        if rng is not None and resamples:
            again = landings.fits_of_resamples(table, resamples=resamples, rng=rng)
            ends = percentile_interval(again, confidence=settings.confidence)
            even_ends = percentile_interval(_even(again), confidence=settings.confidence)
    return ErrorSpectrum(
        unit=unit,
        n_events=len(values),
        effective_events=float(weights.sum()),
        density_at=grid,
        density=density,
        components=_components(table, ends),
        background_fraction=_background(table, even_ends) if len(table) else None,
        confidence=settings.confidence if resamples else None,
    )


def _usable(
    values: FloatArray, errors: FloatArray, *, most: float
) -> tuple[FloatArray, FloatArray]:
    """The values with an error, both above 0, and none above `most`; their errors."""
    if values.shape != errors.shape or values.ndim != 1:
        raise PerrinError(
            f"values of shape {values.shape} and errors of shape {errors.shape}: one error for "
            "each value is needed."
        )
    good = np.isfinite(values) & np.isfinite(errors) & (values > 0) & (errors > 0)
    good &= values <= most
    return values[good], errors[good]


def _precisions(errors: FloatArray, kernels: FloatArray) -> FloatArray:
    """Weight of each event, (N,), by its error and the kernel's width; they count as events."""
    weights = kernels**2 / (kernels**2 + errors**2)
    if len(weights):
        weights *= weights.sum() / np.square(weights).sum()
    return weights


def _components(table: FloatArray, ends: FloatArray | None) -> tuple[ComponentEstimate, ...]:
    def estimate(k: int, column: int, factor: float = 1.0) -> Estimate:
        value = factor * float(table[k, column])
        if ends is None:
            return Estimate(value)
        low, high = (factor * float(end) for end in ends[:, k, column])
        return Estimate(value, low, high)

    return tuple(
        ComponentEstimate(
            mean=estimate(k, 0), fwhm=estimate(k, 1, FWHM_PER_SD), fraction=estimate(k, 2)
        )
        for k in range(len(table))
    )


def _background(table: FloatArray, ends: FloatArray | None) -> Estimate:
    value = float(_even(table))
    return Estimate(value) if ends is None else Estimate(value, *map(float, ends))


def _even(tables: FloatArray) -> FloatArray:
    """Fraction (...) of the even background beside the components (..., K, 3)."""
    return np.asarray(np.maximum(0.0, 1.0 - tables[..., 2].sum(axis=-1)))


def _start(values: FloatArray, modes: list[Mode], *, kernel: float) -> FloatArray:
    """One species a mode, as wide as the events around it: (K, 3: mean, sd, fraction)."""
    rows = []
    for mode in modes:
        near = values[(values >= mode.low) & (values <= mode.high)]
        sd = robust_sd(near, center=mode.position) if near.size else kernel
        rows.append((mode.position, max(sd, kernel), 0.95 * near.size / values.size))
    return np.array(rows)


@dataclass(frozen=True)
class _Landings:
    """What a mixture is fitted to."""

    values: FloatArray
    errors: FloatArray
    shape: ErrorShape
    min_sd: float

    def __getitem__(self, rows: IntArray) -> _Landings:
        return replace(self, values=self.values[rows], errors=self.errors[rows])

    def fit(self, start: FloatArray) -> tuple[FloatArray, float]:
        """Maximum likelihood from `start` (K, 3) by EM; components and log likelihood."""
        span = max(float(np.ptp(self.values)), self.min_sd)
        shape = self.shape
        table, reached = _em(
            self.values,
            self.errors,
            start.copy(),
            span,
            float(self.min_sd),
            np.array([shape.narrow, shape.wide]),
            np.array([1.0 - shape.fraction, shape.fraction]),
        )
        return table, float(reached)

    def fits_of_resamples(
        self, start: FloatArray, *, resamples: int, rng: np.random.Generator
    ) -> FloatArray:
        """Components that resamples of the events have, (resamples, K, 3)."""
        rows = np.arange(len(self.values))
        return bootstrap(rows, lambda some: self[some].fit(start)[0], resamples=resamples, rng=rng)


def _choose(landings: _Landings, start: FloatArray) -> FloatArray:
    """Components (K, 3: mean, sd, fraction) in order of mass: those that the BIC asks for."""
    table, best = landings.fit(start)
    penalty = 1.5 * log(len(landings.values))  # half of BIC's 3 parameters
    while len(table) > 1:
        fewer = (landings.fit(np.delete(table, k, 0)) for k in range(len(table)))
        kept = max(fewer, key=lambda fit: fit[1])
        if kept[1] < best - penalty:
            break
        table, best = kept
    while True:
        parted = max(
            (landings.fit(_parted(table, k)) for k in range(len(table))), key=lambda f: f[1]
        )
        if parted[1] < best + penalty:
            break
        table, best = parted
    return table[np.argsort(table[:, 0])]


def _parted(table: FloatArray, k: int) -> FloatArray:
    """Components (K, 3) with the one of number k as two (K + 1, 3), on both sides of its mean."""
    mean, sd, fraction = table[k]
    halves = [(mean - sd, sd / 2, fraction / 2), (mean + sd, sd / 2, fraction / 2)]
    return np.vstack([np.delete(table, k, 0), halves])


@njit(cache=True)
def _em(values, errors, table, span, min_sd, widths, parts):  # type: ignore[no-untyped-def]
    """EM for normal species (K, 3) blurred by the error of each event, on an even background.

    widths, parts (J,) are the standard deviations of errors in standard errors, and their
    fractions.
    """
    count, kinds, shapes = len(values), len(table), len(widths)
    part = np.empty((kinds, shapes))
    sums = np.empty((kinds, 3))
    last = -np.inf
    reached = last
    for _ in range(_MAX_STEPS):
        background = max(1.0 - table[:, 2].sum(), 1e-9) / span
        sums[:] = 0.0
        reached = 0.0
        for i in range(count):
            total = background
            for k in range(kinds):
                apart = values[i] - table[k, 0]
                for j in range(shapes):
                    part[k, j] = 0.0
                    if parts[j] > 0.0:
                        variance = table[k, 1] ** 2 + (widths[j] * errors[i]) ** 2
                        height = parts[j] * table[k, 2] / sqrt(2 * pi * variance)
                        part[k, j] = height * exp(-0.5 * apart**2 / variance)
                        total += part[k, j]
            reached += log(total)
            for k in range(kinds):
                own = table[k, 1] ** 2
                for j in range(shapes):
                    fraction = part[k, j] / total
                    pull = own / (own + (widths[j] * errors[i]) ** 2)
                    moved = pull * (values[i] - table[k, 0])  # expected true mass, from the mean
                    sums[k, 0] += fraction
                    sums[k, 1] += fraction * moved
                    sums[k, 2] += fraction * (moved**2 + own * (1.0 - pull))
        if reached - last < _TOLERANCE * count:
            break
        last = reached
        for k in range(kinds):
            if sums[k, 0] < 1e-9:
                table[k, 2] = 0.0
                continue
            shift = sums[k, 1] / sums[k, 0]
            table[k, 0] += shift
            spread = sums[k, 2] / sums[k, 0] - shift**2
            table[k, 1] = max(sqrt(max(spread, 0.0)), min_sd)
            table[k, 2] = sums[k, 0] / count
    return table, reached

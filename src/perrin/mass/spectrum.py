"""From masses to a spectrum: histogram, density, peaks, mixture, resolution, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from perrin.errors import PerrinError
from perrin.io.event_checks import LARGE_CONTRAST
from perrin.mass.mixture import Component
from perrin.mass.modes import (
    FWHM_PER_SD,
    density_grid,
    find_modes,
    kernel_density,
    kernel_widths,
)
from perrin.mass.peaks import (
    Scales,
    Sorted,
    components_of,
    describe_peaks,
    fraction_of,
    measure_peaks,
    resolving_power_of,
)
from perrin.mass.results import ComponentEstimate, Estimate, Spectrum
from perrin.mass.selection import resample_mixture, select_mixture
from perrin.settings.spectrum import SpectrumSettings
from perrin.stats import bootstrap_counts, percentile_interval, robust_sd
from perrin.types import FloatArray, IntArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from perrin.mass.mixture import Mixture
    from perrin.mass.modes import Mode
    from perrin.mass.results import Peak, Unit, Valley

CONTRAST_PER_KDA = 4e-5
"""Turns the widths of the settings into contrast where there is no calibration.

Typical of a TwoMP; real files lie between 2.55e-5 and 6.1e-5. It sets bins and kernels
only: no mass is made with it.
"""

MIN_EVENTS = 20
"""Fewer landings than this carry no mixture: it has three numbers a component."""

CONFIRMED = 0.5
"""Of the significance is enough for a mode that the mixture confirms."""
_DEFAULTS = SpectrumSettings()


@dataclass(frozen=True)
class _Density:
    """Kernel density of landings (n,), and the widths of the kernels, at places (G,)."""

    landings: FloatArray
    at: FloatArray
    widths: FloatArray
    values: FloatArray

    @classmethod
    def of(cls, landings: FloatArray, *, over: FloatArray, scales: Scales) -> Self:
        """Density of landings (n,), where any of `over` (m,) is."""
        at = density_grid(over, kernel=scales.kernel, growth=scales.growth)
        widths = kernel_widths(at, kernel=scales.kernel, growth=scales.growth)
        return cls(landings, at, widths, kernel_density(landings, at, widths=widths))

    def modes(self, *, significance: float, known: Sequence[float] = ()) -> list[Mode]:
        """What `perrin.mass.modes.find_modes` finds."""
        return find_modes(
            self.values, self.at, widths=self.widths, significance=significance, known=known
        )


def fit_spectrum(
    masses: ArrayLike,
    *,
    settings: SpectrumSettings = _DEFAULTS,
    unit: Unit = "kDa",
    rng: np.random.Generator | None = None,
) -> Spectrum:
    """Spectrum of `masses` (n,): landings positive, unbindings negative, NaN left out.

    Peaks are the modes of the landings' kernel density that stand out of counting noise by
    `settings.peak_significance`, or by half of it where the mixture has a component for
    them; they are measured as `perrin.mass.resolution` defines. The mixture is fitted to
    the landings above the detection limit, its number of components chosen by the BIC.
    With `rng` each number gets a bootstrap interval from `settings.resamples` resamples:
    of the events for what is read off histogram and density, drawn from the mixture for
    its components. With `unit="contrast"` the values are contrasts (fractions, landings
    negative); they are negated, and the settings' widths are turned into contrast by
    `CONTRAST_PER_KDA`.
    Zero events, or too few for a mixture, give a spectrum whose `notes` say so. Raises
    `PerrinError` for values that are not one row of numbers, or contrasts in percent.
    """
    values, n_without_mass, n_outside = _sort_out(masses, settings=settings, unit=unit)
    landings, unbindings = np.sort(values[values > 0]), values[values < 0]
    scales = _scales(landings, settings=settings, unit=unit)
    density = _Density.of(landings, over=values, scales=scales)
    modes, mixture, without = _modes_and_mixture(density, scales=scales, settings=settings)
    fitted = _Fitted(landings, modes, mixture, scales)
    peaks, valleys, components, background = _describe(fitted, settings=settings, rng=rng)
    edges, counts = _histogram(values, bin_width=scales.bin_width)
    return Spectrum(
        unit=unit,
        n_events=values.size,
        n_landing=landings.size,
        n_unbinding=unbindings.size,
        n_without_mass=n_without_mass,
        n_outside=n_outside,
        unbinding_fraction=_unbinding_fraction(values, confidence=settings.confidence),
        bin_edges=edges,
        bin_counts=counts,
        density_at=density.at,
        density=density.values + kernel_density(unbindings, density.at, widths=density.widths),
        peaks=peaks,
        valleys=valleys,
        components=components,
        background_fraction=background,
        mixture=mixture,
        confidence=settings.confidence if rng is not None and settings.resamples else None,
        notes=_notes(values, n_without_mass, n_outside, settings) + without,
    )


def _modes_and_mixture(
    density: _Density, *, scales: Scales, settings: SpectrumSettings
) -> tuple[list[Mode], Mixture | None, tuple[str, ...]]:
    """Modes that stand out or that the mixture confirms, the mixture, and why there is none."""
    modes = density.modes(significance=settings.peak_significance)
    mixture, without = _choose_mixture(density.landings, modes, scales=scales)
    if mixture is not None:
        faint = density.modes(significance=CONFIRMED * settings.peak_significance)
        maybe = [mode.position for mode in faint]
        known = [maybe[k] for k in components_of(maybe, mixture)]
        modes = density.modes(significance=settings.peak_significance, known=known)
    return modes, mixture, without


def _unbinding_fraction(values: FloatArray, *, confidence: float) -> Estimate | None:
    if not values.size:
        return None
    return fraction_of(int(np.count_nonzero(values < 0)), values.size, confidence=confidence)


@dataclass(frozen=True)
class _Fitted:
    """Landings (n,), sorted, their modes, and the mixture, if there is one."""

    landings: FloatArray
    modes: list[Mode]
    mixture: Mixture | None
    scales: Scales


def _describe(
    fitted: _Fitted, *, settings: SpectrumSettings, rng: np.random.Generator | None
) -> tuple[tuple[Peak, ...], tuple[Valley, ...], tuple[ComponentEstimate, ...], Estimate | None]:
    """Peaks, valleys, components and background, with intervals where `rng` is given."""
    ends, mixture_ends = _intervals(fitted, settings=settings, rng=rng)
    peaks, valleys = describe_peaks(
        fitted.landings,
        fitted.modes,
        measured=measure_peaks(fitted.landings, fitted.modes, scales=fitted.scales),
        ends=ends,
        mixture=fitted.mixture,
        confidence=settings.confidence,
    )
    return peaks, valleys, *_describe_mixture(fitted.mixture, mixture_ends)


def _intervals(
    fitted: _Fitted, *, settings: SpectrumSettings, rng: np.random.Generator | None
) -> tuple[FloatArray, FloatArray | None]:
    """Bootstrap ends of what is measured of K peaks (2, K, 6), NaN for none, and of the mixture."""
    modes, mixture, scales = fitted.modes, fitted.mixture, fitted.scales
    ends, mixture_ends = np.full((2, len(modes), 6), np.nan), None
    if rng is None or not settings.resamples:
        return ends, mixture_ends
    resamples, confidence = settings.resamples, settings.confidence
    if modes:
        events = Sorted.of(fitted.landings, scales=scales)
        drawn = bootstrap_counts(
            len(fitted.landings),
            lambda often: events.measure(modes, often),
            resamples=resamples,
            rng=rng,
        )
        ends = percentile_interval(drawn, confidence=confidence)
    if mixture is not None:
        drawn = resample_mixture(mixture, min_sd=scales.min_sd, resamples=resamples, rng=rng)
        mixture_ends = percentile_interval(drawn, confidence=confidence)
    return ends, mixture_ends


def resolving_power_near(
    masses: ArrayLike,
    peaks: Sequence[float],
    main: int,
    *,
    settings: SpectrumSettings = _DEFAULTS,
    unit: Unit = "kDa",
) -> float:
    """Resolving power that peak `main` of a known spectrum has among other `masses` (n,).

    `peaks` are the modes of that spectrum, of which none is joined with another, so that
    numbers of more and of fewer events compare. Settings and unit as in `fit_spectrum`. NaN
    where the peak is not there, or too small to have a width.
    """
    values, _, _ = _sort_out(masses, settings=settings, unit=unit)
    landings = np.sort(values[values > 0])
    if not landings.size:
        return float("nan")
    scales = _scales(landings, settings=settings, unit=unit)
    density = _Density.of(landings, over=landings, scales=scales)
    modes = density.modes(significance=settings.peak_significance, known=peaks)
    reached = [mode for mode in modes if mode.low <= peaks[main] <= mode.high]
    return resolving_power_of(landings, reached[:1], scales=scales)


def _sort_out(
    masses: ArrayLike, *, settings: SpectrumSettings, unit: Unit
) -> tuple[FloatArray, int, int]:
    """Finite values inside the range (landings positive); how many had none, were outside."""
    values = np.asarray(masses, dtype=np.float64)
    if values.ndim != 1:
        raise PerrinError(
            f"a spectrum needs one row of masses; got an array of shape {values.shape}. "
            "Pass one column, such as events['mass_kda']."
        )
    has_mass = np.isfinite(values) & (values != 0)  # zero has no sign: neither of the two
    n_without_mass = values.size - int(has_mass.sum())
    values = values[has_mass]
    scale = 1.0
    if unit == "contrast":
        if values.size and np.median(np.abs(values)) > LARGE_CONTRAST:
            raise PerrinError(
                f"half of the contrasts are above {np.median(np.abs(values)):.3g}; these look "
                "like percent. Divide them by 100: contrast is a fraction."
            )
        values, scale = -values, CONTRAST_PER_KDA
    low, high = (scale * end for end in settings.range_kda)
    inside = (values >= low) & (values <= high)
    return values[inside], n_without_mass, values.size - int(inside.sum())


def _scales(landings: FloatArray, *, settings: SpectrumSettings, unit: Unit) -> Scales:
    """The settings' lengths in the unit of the values; the limit is the smallest seen if unset."""
    scale = 1.0 if unit == "kDa" else CONTRAST_PER_KDA
    limit = settings.detection_limit_kda
    return Scales(
        kernel=scale * settings.kernel_kda,
        growth=settings.kernel_growth,
        bin_width=scale * settings.bin_width_kda,
        min_sd=scale * settings.min_fwhm_kda / FWHM_PER_SD,
        limit=float(landings.min(initial=np.inf)) if limit is None else scale * limit,
    )


def _choose_mixture(
    landings: FloatArray, modes: list[Mode], *, scales: Scales
) -> tuple[Mixture | None, tuple[str, ...]]:
    """The mixture that the BIC prefers, from one component a mode; or none and why."""
    seen = landings[landings >= scales.limit]
    if seen.size < MIN_EVENTS:
        return None, (
            f"{seen.size} landings above the detection limit: fewer than {MIN_EVENTS}, "
            "no mixture fitted",
        )
    if seen[0] == seen[-1]:
        return None, ("all landings have the same mass: no mixture fitted",)
    start = []
    for mode in modes:
        near = seen[(seen >= mode.low) & (seen <= mode.high)]
        if near.size:
            sd = robust_sd(near, center=mode.position)
            start.append(Component(mode.position, max(sd, scales.kernel), near.size / seen.size))
    mixture = select_mixture(
        seen,
        start=start,
        low=scales.limit,
        high=float(seen[-1]),
        min_sd=scales.min_sd,
        kernel=scales.kernel,
        growth=scales.growth,
    )
    return mixture, ()


def _describe_mixture(
    mixture: Mixture | None, ends: FloatArray | None
) -> tuple[tuple[ComponentEstimate, ...], Estimate | None]:
    """Components and background with their intervals; `ends` (2, K + 1, 3) as resampled."""
    if mixture is None:
        return (), None

    def estimate(value: float, k: int, column: int, factor: float = 1.0) -> Estimate:
        if ends is None:
            return Estimate(value)
        low, high = (factor * float(end) for end in ends[:, k, column])
        return Estimate(value, low, high)

    components = tuple(
        ComponentEstimate(
            mean=estimate(c.mean, k, 0),
            fwhm=estimate(c.fwhm, k, 1, FWHM_PER_SD),
            fraction=estimate(c.fraction, k, 2),
        )
        for k, c in enumerate(mixture.components)
    )
    return components, estimate(mixture.background_fraction, -1, 2)


def _histogram(values: FloatArray, *, bin_width: float) -> tuple[FloatArray, IntArray]:
    """Edges (n + 1,) at multiples of the bin width, from the first bin to the last, counts (n,)."""
    if values.size == 0:
        return np.zeros(1), np.zeros(0, dtype=np.int64)
    index = np.floor(values / bin_width).astype(np.int64)
    first, last = int(index.min()), int(index.max())
    counts = np.bincount(index - first, minlength=last - first + 1).astype(np.int64)
    return np.arange(first, last + 2, dtype=np.float64) * bin_width, counts


def _notes(
    values: FloatArray, n_without_mass: int, n_outside: int, settings: SpectrumSettings
) -> tuple[str, ...]:
    """What was left out, and what there is nothing of."""
    notes = []
    if n_without_mass:
        notes.append(f"{n_without_mass} events without a mass (NaN, infinite or 0) left out")
    if n_outside:
        low, high = settings.range_kda
        notes.append(f"{n_outside} events outside {low:g} to {high:g} kDa left out")
    if not values.size:
        notes.append("no events: nothing to fit")
    elif not (values > 0).any():
        notes.append("no landings, all events unbind: check the sign of the contrasts")
    return tuple(notes)

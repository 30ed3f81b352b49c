"""What a fitted spectrum holds: plain frozen data that turns into JSON, units in the names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from perrin.notebook import Shown, between
from perrin.types import FloatArray, IntArray

if TYPE_CHECKING:
    from perrin.mass.mixture import Mixture

Unit = Literal["kDa", "contrast"]


@dataclass(frozen=True)
class Estimate:
    """A number and its interval; both ends None where none was requested or none exists."""

    value: float
    low: float | None = None
    high: float | None = None

    def named(self, name: str) -> dict[str, float | None]:
        """The number as `name`, its interval as `name_low` and `name_high`."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


@dataclass(frozen=True)
class Species:
    """What a spectrum finds, by its peaks or its mixture: position, FWHM, fraction of landings."""

    position: Estimate
    fwhm: Estimate | None
    fraction: Estimate

    def to_dict(self, unit: Unit) -> dict[str, float | None]:
        """Plain numbers, `unit` in the names; the width of too few events is None."""
        u = unit.lower()
        width = dict.fromkeys((f"fwhm_{u}", f"fwhm_{u}_low", f"fwhm_{u}_high"))
        return {
            **self.position.named(f"position_{u}"),
            **(width if self.fwhm is None else self.fwhm.named(f"fwhm_{u}")),
            **self.fraction.named("fraction"),
        }


@dataclass(frozen=True)
class ComponentEstimate:
    """One Gaussian of the mixture: mean, FWHM, fraction of the landings above the limit."""

    mean: Estimate
    fwhm: Estimate
    fraction: Estimate

    def to_dict(self, unit: Unit) -> dict[str, Any]:
        """Plain numbers, `unit` in the names."""
        u = unit.lower()
        return {
            **self.mean.named(f"mean_{u}"),
            **self.fwhm.named(f"fwhm_{u}"),
            **self.fraction.named("fraction"),
        }


@dataclass(frozen=True)
class Peak:
    """One peak of the landings.

    `mode` is its position: the mode of the kernel density. `fwhm` and `fit_mean` are of
    the Gaussian fitted to the histogram, `resolving_power` is mode over FWHM; None where
    too few events have no width. `low` and `high` bound the peak: the valleys, at most
    1.5 FWHM from the mode. `counts` are the landings between them, `fraction` of all
    landings. `component` is the mixture component the peak belongs to, by its number.
    """

    mode: Estimate
    fit_mean: Estimate | None
    fwhm: Estimate | None
    resolving_power: Estimate | None
    low: float
    high: float
    counts: int
    fraction: Estimate
    significance: float
    component: int | None

    def to_dict(self, unit: Unit) -> dict[str, Any]:
        """Plain numbers, `unit` in the names; what the peak does not have is None."""
        u = unit.lower()
        fits = {f"fit_mean_{u}": self.fit_mean, f"fwhm_{u}": self.fwhm}
        fits["resolving_power"] = self.resolving_power
        plain: dict[str, Any] = self.mode.named(f"mode_{u}")
        for name, estimate in fits.items():
            plain |= {name: None} if estimate is None else estimate.named(name)
        return plain | {
            f"low_{u}": self.low,
            f"high_{u}": self.high,
            "counts": self.counts,
            **self.fraction.named("fraction"),
            "significance": self.significance,
            "component": self.component,
        }


@dataclass(frozen=True)
class Valley:
    """Between peak `left` and the next: where it is lowest, the valley-to-peak ratio.

    `criterion` is the strictest of .1, .3 and .5 that the ratio meets, or None;
    `resolving_power` (mean mass over difference) holds at that criterion.
    """

    left: int
    position: float
    ratio: Estimate
    criterion: float | None
    resolving_power: float

    def to_dict(self, unit: Unit) -> dict[str, Any]:
        """Plain numbers, `unit` in the names."""
        return {
            "left_peak": self.left,
            "right_peak": self.left + 1,
            f"position_{unit.lower()}": self.position,
            **self.ratio.named("valley_to_peak"),
            "criterion_met": self.criterion,
            "resolving_power_at_criterion": self.resolving_power,
        }


@dataclass(frozen=True, repr=False)
class Spectrum(Shown):
    """A mass spectrum: landings at positive, unbindings at negative values.

    `unit` is "kDa", or "contrast": then every position is minus the contrast, so that
    landings are positive too. `bin_edges` (n + 1,) and `bin_counts` (n,) are the histogram;
    `density` (events per unit) at `density_at` the kernel density, both signs. Fractions of
    components are of the `mixture.n_events` landings above the detection limit
    `mixture.low`. `notes` say what was left out and why.
    """

    unit: Unit
    n_events: int
    n_landing: int
    n_unbinding: int
    n_without_mass: int
    n_outside: int
    unbinding_fraction: Estimate | None
    bin_edges: FloatArray
    bin_counts: IntArray
    density_at: FloatArray
    density: FloatArray
    peaks: tuple[Peak, ...]
    valleys: tuple[Valley, ...]
    components: tuple[ComponentEstimate, ...]
    background_fraction: Estimate | None
    mixture: Mixture | None
    confidence: float | None
    notes: tuple[str, ...]

    def _facts(self) -> dict[str, str]:
        factor, unit = (1.0, "kDa") if self.unit == "kDa" else (1e3, "10⁻³")
        modes = (between(p.mode.value, p.mode.low, p.mode.high, factor) for p in self.peaks)
        peaks = (
            f"{mode} {unit}, {peak.fraction.value:.0%}"
            for mode, peak in zip(modes, self.peaks, strict=True)
        )
        return {
            "landings": str(self.n_landing),
            "unbindings": str(self.n_unbinding),
            "peaks": "; ".join(peaks) or "none",
        }

    @property
    def species(self) -> tuple[Species, ...]:
        """The peaks: mode, FWHM in the histogram, fraction that was counted."""
        return tuple(Species(peak.mode, peak.fwhm, peak.fraction) for peak in self.peaks)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists for JSON; the density, thousands of points, is left out."""
        u = self.unit.lower()
        plain: dict[str, Any] = {
            "unit": self.unit,
            "events": self.n_events,
            "landings": self.n_landing,
            "unbindings": self.n_unbinding,
            "events_without_mass": self.n_without_mass,
            "events_outside_range": self.n_outside,
            "confidence_of_intervals": self.confidence,
            f"bin_edges_{u}": self.bin_edges.tolist(),
            "bin_counts": self.bin_counts.tolist(),
            "peaks": [peak.to_dict(self.unit) for peak in self.peaks],
            "valleys": [valley.to_dict(self.unit) for valley in self.valleys],
            "components": [component.to_dict(self.unit) for component in self.components],
            "notes": list(self.notes),
        }
        for name in ("unbinding_fraction", "background_fraction"):
            estimate: Estimate | None = getattr(self, name)
            plain |= {name: None} if estimate is None else estimate.named(name)
        if self.mixture is not None:
            plain |= {
                f"detection_limit_{u}": self.mixture.low,
                f"mixture_high_{u}": self.mixture.high,
                "mixture_events": self.mixture.n_events,
                "mixture_log_likelihood": self.mixture.log_likelihood,
                "mixture_bic": self.mixture.bic,
            }
        return plain

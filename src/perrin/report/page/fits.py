"""Peaks at a grid of thresholds: Python fits beforehand, the page only counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.mass.mixture import Component, Mixture
from perrin.mass.modes import FWHM_PER_SD
from perrin.mass.spectrum import fit_spectrum
from perrin.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perrin.mass.results import Unit
    from perrin.settings.spectrum import SpectrumSettings

SCORE_GRID = (0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
RESIDUAL_FRACTIONS = (0.4, 0.6, 0.8, 0.9)
"""Fractions of the events that the residual filter keeps where its peaks are fitted."""

MOST_FITTED = 5000


@dataclass(frozen=True)
class Filterable:
    """Events (n,) and what they can be filtered by.

    `masses` are masses (kDa) or contrasts, as `unit` says; `base` those that were fitted;
    `score` of a binder, NaN for what no threshold keeps (unscored, a multiple detection), and
    `residual` of the fit, None where there is none.
    """

    masses: FloatArray
    base: BoolArray
    score: FloatArray | None
    residual: FloatArray | None

    def kept(self, name: str, at: float) -> BoolArray:
        """Which events (n,) the filter `name` ("none", "score", "residual") keeps at `at`."""
        if name == "score" and self.score is not None:
            return self.base & (self.score >= at)
        if name == "residual" and self.residual is not None:
            return self.base & (self.residual <= at)
        return self.base


def fits_on_grid(
    events: Filterable,
    *,
    unit: Unit,
    settings: SpectrumSettings,
    own_threshold: float | None,
    known: Mapping[tuple[str, float], Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Peaks, valleys and mixture of the events that each filter keeps, lightest filter first.

    `own_threshold` is the one of the analysis; it is on the grid too. `known`: the spectra of the
    analysis itself by filter and threshold, as a summary holds them; they are not fitted again. Of
    many events a fit sees at most 5,000, evenly taken from all in order of mass; its counts are
    scaled back.
    """
    known = known or {}
    grid: list[tuple[str, float]] = [("none", 0.0)]
    if events.score is not None and own_threshold is not None:
        grid += [("score", at) for at in sorted({*SCORE_GRID, own_threshold})]
    if events.residual is not None and events.base.any():
        cuts = np.nanquantile(events.residual[events.base], RESIDUAL_FRACTIONS)
        grid += [("residual", float(at)) for at in cuts if np.isfinite(at)]
    made = []
    fitted: dict[bytes, tuple[Mapping[str, Any], int]] = {}  # several thresholds keep the same
    for name, at in grid:
        kept = events.kept(name, at)
        if (name, at) in known:
            found, step = known[name, at], 1
        else:
            if (same := kept.tobytes()) not in fitted:
                fitted[same] = _fitted(events.masses[kept], unit=unit, settings=settings)
            found, step = fitted[same]
        made.append(
            {
                "filter": name,
                "at": at,
                "kept": int(kept.sum()),
                "spectrum": found,
                **drawn(found, scale=step),
            }
        )
    return made


def _fitted(
    masses: FloatArray, *, unit: Unit, settings: SpectrumSettings
) -> tuple[Mapping[str, Any], int]:
    """Return the spectrum of masses (n,), and how many events each that was fitted stands for."""
    masses = np.sort(masses)
    step = -(-len(masses) // MOST_FITTED) or 1
    return fit_spectrum(masses[step // 2 :: step], settings=settings, unit=unit).to_dict(), step


def drawn(spectrum: Mapping[str, Any], *, scale: int = 1) -> dict[str, Any]:
    """What the page draws of a spectrum, as `Spectrum.to_dict` gives it or a summary holds it.

    Positions in the page's unit; curves as Gaussians in events per unit, `scale` times those
    that were fitted. Fractions have their intervals only if all events were.
    """
    factor, unit = page_factor(spectrum["unit"]), spectrum["unit"].lower()
    peaks = plain_peaks(spectrum)
    if scale > 1:
        for peak in peaks:
            peak |= {"counts": scale * peak["counts"], "fraction_low": None, "fraction_high": None}
    curves, low, high = [], spectrum.get(f"detection_limit_{unit}"), None
    if low is not None:
        high = spectrum[f"mixture_high_{unit}"]
        components = tuple(
            Component(c[f"mean_{unit}"], c[f"fwhm_{unit}"] / FWHM_PER_SD, c["fraction"])
            for c in spectrum["components"]
        )
        number = scale * spectrum["mixture_events"]
        mixture = Mixture(
            components, spectrum["background_fraction"], low, high, number, log_likelihood=0.0
        )
        for c in components:
            top = float(mixture.component_density(c, c.mean))
            curves.append(
                {
                    "mean": factor * c.mean,
                    "sd": factor * c.sd,
                    "height": number * c.fraction * top / factor,
                }
            )
    return {
        "peaks": peaks,
        "valleys": plain_valleys(spectrum),
        "curves": curves,
        "from": None if low is None else factor * low,
        "to": None if high is None else factor * high,
    }


def plain_peaks(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Peaks of a spectrum's dictionary in the page's unit: kDa, or contrast in 1e-3."""
    unit = summary["unit"].lower()
    factor = page_factor(summary["unit"])
    lengths = ("mode", "fwhm", "low", "high")
    plain = []
    for peak in summary["peaks"]:
        row = {name: peak[name] for name in ("counts", "fraction", "fraction_low", "fraction_high")}
        row |= {
            f"resolving_power{end}": peak.get(f"resolving_power{end}")
            for end in ("", "_low", "_high")
        }
        for name in lengths:
            for end in ("", "_low", "_high"):
                value = peak.get(f"{name}_{unit}{end}")
                row[name + end] = None if value is None else factor * value
        plain.append(row)
    return plain


def plain_components(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Components of a spectrum's dictionary under the names of peaks, in the page's unit."""
    unit, factor = summary["unit"].lower(), page_factor(summary["unit"])
    lengths = {"mode": f"mean_{unit}", "fwhm": f"fwhm_{unit}"}
    plain = []
    for one in summary["components"]:
        row = {f"fraction{end}": one[f"fraction{end}"] for end in ("", "_low", "_high")}
        for name, stored in lengths.items():
            for end in ("", "_low", "_high"):
                value = one[stored + end]
                row[name + end] = None if value is None else factor * value
        plain.append(row)
    return plain


def plain_valleys(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Valleys of a spectrum's dictionary: the ratio with its interval, criterion, resolution."""
    names = ("left_peak", "valley_to_peak", "criterion_met", "resolving_power_at_criterion")
    ends = ("valley_to_peak_low", "valley_to_peak_high")
    return [{name: valley.get(name) for name in (*names, *ends)} for valley in summary["valleys"]]


def page_factor(unit: str) -> float:
    """What values are multiplied by in the page: contrast is shown in units of 1e-3."""
    return 1.0 if unit == "kDa" else 1e3

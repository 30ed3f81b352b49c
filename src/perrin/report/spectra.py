"""What a spectrum's figure is made of: bars, curves, labels, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.report.labels import TopLabel
from perrin.report.spectrum_parts import LEAST_FRACTION, LEAST_FRACTION_OVERLAID, PARTS
from perrin.report.style import CONTRAST_UNIT, SERIES
from perrin.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from perrin.mass.results import Peak, Spectrum


def draw_one(
    axes: Axes, spectrum: Spectrum, factor: float
) -> tuple[list[TopLabel], tuple[FloatArray, FloatArray]]:
    """Bars, density and components of one spectrum; its labels and its outline."""
    edges, counts = factor * spectrum.bin_edges, spectrum.bin_counts
    width = _bin_width(spectrum)
    middle = 0.5 * (edges[1:] + edges[:-1])
    colors = np.where(middle > 0, PARTS["landings"].paper, PARTS["unbindings"].paper)
    axes.bar(middle, counts, factor * width, color=colors, linewidth=0)
    at, density = spectrum.density_at, spectrum.density * width
    axes.plot(factor * at, density, color=PARTS["density"].paper, linewidth=0.8)
    x, y = [edges[:-1], edges[1:], factor * at], [counts, counts, density]
    if spectrum.mixture is not None:
        mixture = spectrum.mixture
        per_bin = mixture.n_events * width
        seen = at[(at >= mixture.low) & (at <= mixture.high)]
        for component in mixture.components:
            curve = per_bin * component.fraction * mixture.component_density(component, seen)
            drawn = curve > 1e-3 * curve.max(initial=0)
            axes.plot(
                factor * seen[drawn], curve[drawn], color=PARTS["mixture"].paper, linewidth=0.9
            )
            x, y = [*x, factor * seen], [*y, curve]
    axes.set_ylabel(f"Events per {_bin_name(spectrum)}")
    number = ", ".join(
        f"{count} {PARTS[name].label}"
        for name, count in (("landings", spectrum.n_landing), ("unbindings", spectrum.n_unbinding))
    )
    axes.set_title(number, loc="right", fontsize=7)
    labels = [
        TopLabel(
            factor * peak.mode.value,
            float(np.interp(peak.mode.value, at, density)),
            f"{position_label(peak.mode.value, factor)}\n{100 * peak.fraction.value:.0f}%",
            "black",
        )
        for peak in _large(spectrum, LEAST_FRACTION)
    ]
    return labels, (np.concatenate(x), np.concatenate(y))


def draw_several(
    axes: Axes, spectra: Mapping[str, Spectrum], factor: float
) -> tuple[list[TopLabel], tuple[FloatArray, FloatArray]]:
    """Histogram outlines of several spectra in percent of landings; labels, outline."""
    labels, x, y = [], [], []
    for k, (name, spectrum) in enumerate(spectra.items()):
        color = SERIES[k % len(SERIES)]
        edges, per = factor * spectrum.bin_edges, 100.0 / max(spectrum.n_landing, 1)
        counts = per * spectrum.bin_counts
        density = per * _bin_width(spectrum) * spectrum.density
        axes.stairs(counts, edges, color=color, fill=True, alpha=0.18, linewidth=0)
        axes.plot(
            factor * spectrum.density_at,
            density,
            color=color,
            label=f"{name} (n = {spectrum.n_landing})",
        )
        labels += [
            TopLabel(
                factor * peak.mode.value,
                float(np.interp(peak.mode.value, spectrum.density_at, density)),
                position_label(peak.mode.value, factor),
                color,
            )
            for peak in _large(spectrum, LEAST_FRACTION_OVERLAID)
        ]
        x += [edges[:-1], edges[1:], factor * spectrum.density_at]
        y += [counts, counts, density]
    first = next(iter(spectra.values()))
    axes.set_ylabel(f"Landings per {_bin_name(first)} (%)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
    return labels, (np.concatenate(x), np.concatenate(y))


def mass_limits(spectra: list[Spectrum]) -> tuple[float, float]:
    """Mass axis that shows all labeled peaks, and the unbindings but for one in a hundred."""
    least = LEAST_FRACTION if len(spectra) == 1 else LEAST_FRACTION_OVERLAID
    high = max((1.15 * p.high for s in spectra for p in _large(s, least)), default=np.nan)
    low = 0.0
    for spectrum in spectra:
        edges, counts = spectrum.bin_edges, spectrum.bin_counts
        if np.isnan(high) and counts.size:
            high = float(edges[-1])
        negative = np.where(edges[:-1] < 0, counts, 0)
        if negative.any():
            seen = np.cumsum(negative) > 0.01 * negative.sum()
            low = min(low, 1.1 * float(edges[int(np.argmax(seen))]))
    return low, float(high) if high > 0 else max(-0.1 * low, 1.0)


def _large(spectrum: Spectrum, least: float) -> list[Peak]:
    """Peaks that get a label."""
    return [peak for peak in spectrum.peaks if peak.fraction.value >= least]


def position_label(position: float, factor: float) -> str:
    """A position as it is written above a peak; `factor` is 1 for masses."""
    return f"{position:.0f} kDa" if factor == 1.0 else f"{factor * position:.2f}"


def _bin_width(spectrum: Spectrum) -> float:
    edges = spectrum.bin_edges
    return float(edges[-1] - edges[0]) / max(len(edges) - 1, 1)


def _bin_name(spectrum: Spectrum) -> str:
    width = _bin_width(spectrum)
    return f"{width:g} kDa" if spectrum.unit == "kDa" else f"{CONTRAST_UNIT * width:g} × 10⁻³"

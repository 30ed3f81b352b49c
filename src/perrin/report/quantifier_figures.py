"""Figures of predicted masses: spectrum of all of them, network against fit, the surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.events import LEAVERS, MOVERS
from perrin.landing.quantifier.agreement import Agreement
from perrin.report.spectra import mass_limits, position_label
from perrin.report.spectrum_parts import LEAST_FRACTION
from perrin.report.style import (
    BLACK,
    BLUE,
    CONTRAST_UNIT,
    GRAY,
    PAGE_MM,
    PALE_BLUE,
    VERMILLION,
    label_color,
    new_figure,
    style,
)
from perrin.stats import normal_quantile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from perrin.landing.quantifier.quantification import Quantification
    from perrin.mass.errors import ErrorSpectrum
    from perrin.mass.results import ComponentEstimate, Spectrum

_MANY = 2000  # more points than this are drawn as an image inside the SVG
_AXES = {
    "contrast_pred": "Contrast of the network (× 10⁻³)",
    "x_px": "x (px)",
    "y_px": "y (px)",
    "time_s": "Time (s)",
}
_REACH = 4.0  # standard errors of the bins that the difference's axis holds at least
_WITHIN = normal_quantile(0.95)
_BINS = 40  # at most


def all_figures(
    found: Quantification, events: pd.DataFrame, *, filtered: Spectrum
) -> dict[str, Figure]:
    """Every figure of the predicted masses of a measurement, by file name."""
    made = {"all_landings": all_landings_figure(found.spectrum, filtered)}
    if found.agreement is not None and found.agreement.bins:
        made["network_and_fit"] = agreement_figure(found.agreement)
    if found.surface is not None:
        made["surface"] = surface_figure(events)
    return made


def all_landings_figure(spectrum: ErrorSpectrum, filtered: Spectrum) -> Figure:
    """All landings, each by its precision, and the filtered landings as they were fitted."""
    factor = 1.0 if spectrum.unit == "kDa" else CONTRAST_UNIT
    width = float(np.ptp(filtered.bin_edges)) / max(len(filtered.bin_counts), 1) or 1.0
    with style():
        figure = new_figure(width_mm=130.0, height_mm=70.0)
        axes = figure.subplots()
        axes.stairs(
            filtered.bin_counts,
            factor * filtered.bin_edges,
            color=PALE_BLUE,
            fill=True,
            label=f"filtered, fitted: {filtered.n_landing} landings",
        )
        at, density = spectrum.density_at, width * spectrum.density
        axes.plot(
            factor * at,
            density,
            color=BLACK,
            label=f"all, network, by precision: {spectrum.n_events} landings "
            f"(effective sample size {spectrum.effective_events:.0f})",
        )
        high, edges = mass_limits([filtered])[1], filtered.bin_edges
        for one in spectrum.components:
            place = one.mean.value
            if one.fraction.value < LEAST_FRACTION or place > high:
                continue
            near = np.abs(at - place) < 3 * width
            bars = np.abs(0.5 * (edges[1:] + edges[:-1]) - place) < 3 * width
            top = max(density[near].max(initial=0), filtered.bin_counts[bars].max(initial=0))
            axes.annotate(
                _component_label(one, factor),
                (factor * place, top),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=6,
            )
        inside = (at >= 0) & (at <= high)
        tallest = max(density[inside].max(initial=0), filtered.bin_counts.max(initial=1))
        axes.set_xlim(0, factor * high)
        axes.set_ylim(0, 1.3 * tallest)
        axes.set_xlabel("Mass (kDa)" if factor == 1.0 else "Contrast (× 10⁻³)")
        unit = "kDa" if factor == 1.0 else "× 10⁻³"
        axes.set_ylabel(f"Landings per {factor * width:g} {unit}")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    return figure


def _component_label(one: ComponentEstimate, factor: float) -> str:
    """Position and fraction of a component, a line each."""
    fraction = f"{one.fraction.value:.1%}"
    if one.fraction.low is not None and one.fraction.high is not None:
        fraction += f" ({one.fraction.low:.1%}–{one.fraction.high:.1%})"
    return f"{position_label(one.mean.value, factor)}\n{fraction}"


def agreement_figure(found: Agreement) -> Figure:
    """Network over fit of high-confidence binders: events and medians by contrast, place, time."""
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=55.0)
        panels = figure.subplots(1, len(_AXES), sharey=True)
        for axes, (name, label) in zip(panels, _AXES.items(), strict=True):
            factor = -CONTRAST_UNIT if name == "contrast_pred" else 1.0
            own = [one for one in found.bins if one.by == name]
            for one in own:
                across = [factor * one.low, factor * one.high]
                allowed = 100 * one.tolerated
                axes.fill_between(
                    across, -allowed, allowed, color=PALE_BLUE, alpha=0.5, linewidth=0
                )
            axes.plot(
                factor * found.table[name],
                100 * found.table["difference"],
                ".",
                color=GRAY,
                markersize=2,
                markeredgewidth=0,
                alpha=0.5,
                rasterized=len(found.table) > _MANY,
            )
            middle = factor * np.array([0.5 * (one.low + one.high) for one in own])
            half = abs(factor) * np.array([0.5 * (one.high - one.low) for one in own])
            axes.errorbar(
                middle,
                [100 * one.difference for one in own],
                xerr=half,
                yerr=[100 * _WITHIN * one.se for one in own],
                fmt="o",
                markersize=3,
                color=VERMILLION if found.warnings else BLUE,
                linewidth=0.9,
            )
            axes.axhline(0, color=BLACK, linewidth=0.6)
            axes.set_xlabel(label)
        spread = float(np.nanpercentile(np.abs(100 * found.table["difference"]), 95))
        reach = max(spread, 150 * found.tolerated, _REACH * 100 * max(one.se for one in found.bins))
        panels[0].set_ylim(-reach, reach)
        panels[0].set_ylabel("Network over fit − 1 (%)")
        said = "NETWORK AND FIT DISAGREE" if found.warnings else "network and fit agree"
        figure.suptitle(
            f"{said}: {found.difference:+.1%} ± {_WITHIN * found.se:.1%} on {found.events} "
            "high-confidence binders (medians with 95% intervals; blue band: tolerated)",
            fontsize=8,
        )
    return figure


def surface_figure(events: pd.DataFrame) -> Figure:
    """How long the landings of each class stay, and how fast those that move are."""
    with style():
        figure = new_figure(width_mm=130.0, height_mm=55.0)
        residence_time, speed = figure.subplots(1, 2)
        for axes, column, label, names in (
            (
                residence_time,
                "residence_time_ms",
                "Time on the surface, of those that leave (ms)",
                LEAVERS,
            ),
            (speed, "speed_nm_per_ms", "Speed while moving (nm/ms)", MOVERS),
        ):
            values = events[column].to_numpy(float)
            finite = values[np.isfinite(values)]
            bins = int(np.clip(2 * np.sqrt(len(finite)), 5, _BINS))
            edges = np.linspace(0, float(finite.max(initial=1.0)), bins + 1)
            for name in names:
                own = values[(events["label"] == name).to_numpy() & np.isfinite(values)]
                counts, _ = np.histogram(own, edges)
                axes.stairs(counts, edges, color=label_color(name), label=f"{name} ({len(own)})")
            axes.set_xlabel(label)
            axes.set_ylim(0, None)
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), fontsize=6, borderpad=0
            )
        residence_time.set_ylabel("Landings")
    return figure

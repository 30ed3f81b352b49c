"""Figures of the experiments: spectra before and after, and filters compared with their bound."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from perrin.report.persistence_figures import draw_late_ratios
from perrin.report.style import (
    BLACK,
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PAGE_MM,
    PALE_RED,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    style,
)
from perrin.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


FILTER_COLORS = {
    "before": VERMILLION,
    "residual, classifier": ORANGE,
    "residual at its best": PURPLE,
    "classifier": BLUE,
    "classifier, auto": SKY,
    "perfect": GREEN,
}
"""Filters in the order in which they are drawn; those not named here are in the tables only."""

_NAMES = {
    "residual, classifier": "residual, as many kept",
    "classifier, auto": "classifier, auto threshold",
    "perfect": "perfect filter",
}
_FEW = 0.15  # of the highest bin: what is lower is drawn larger
_FACTORS = (1, 2, 5, 10, 20, 50)
_LEAST_FOUND = 20  # a fraction of fewer is not drawn
_DENSITY = "Landings per µm² and second"


def spectra_figure(
    masses: Mapping[str, FloatArray],
    comparison: pd.DataFrame,
    *,
    limits: tuple[float, float],
    bin_kda: float,
) -> Figure:
    """Histogram of all events and of those kept, both signs; beside it the filters compared.

    `masses` (n,) by filter (``before``, ``classifier``, ``perfect``), kDa; `comparison` as from
    `perrin.paper.compare.compare`, one panel a quantity.
    """
    quantities = list(dict.fromkeys(comparison["quantity"]))
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=62.0)
        panels = figure.subplots(1, 1 + len(quantities), width_ratios=[3] + [1] * len(quantities))
        _histograms(panels[0], masses, limits=limits, bin_kda=bin_kda)
        for k, quantity in enumerate(quantities):
            rows = comparison[comparison["quantity"] == quantity]
            _compared(panels[1 + k], rows, named=k == len(quantities) - 1)
            title = quantity[0].upper() + quantity[1:].replace(" at ", "\nat ")
            panels[1 + k].set_xlabel(title)
    return figure


def valleys_figure(
    masses: Mapping[str, FloatArray],
    comparison: pd.DataFrame,
    *,
    peaks: Sequence[float],
    limits: tuple[float, float],
) -> Figure:
    """Spectra of a mixture with overlapping peaks; below, each valley-to-peak ratio by filter."""
    pairs = [name for name in dict.fromkeys(comparison["quantity"]) if name.startswith("valley")]
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=110.0)
        above, below = figure.subplots(2, 1)
        _histograms(above, masses, limits=limits, bin_kda=3)
        _draw_valleys(below, comparison, pairs)
        named = [f"{left:.0f} | {right:.0f} kDa" for left, right in pairwise(peaks)]
        below.set_xticks(range(len(pairs)), named)
        below.set_ylim(0, None)
        below.set_ylabel("Valley-to-peak ratio")
        _legend_with_the_paper_last(below)
    return figure


def _draw_valleys(axes: Axes, comparison: pd.DataFrame, pairs: Sequence[str]) -> None:
    """Draw the ratios of the `pairs` by filter side by side, the paper's beside them."""
    shown = [name for name in FILTER_COLORS if (comparison["filter"] == name).any()]
    by_filter = {
        name: comparison[comparison["filter"] == name].set_index("quantity").loc[list(pairs)]
        for name in shown
    }
    for k, (name, rows) in enumerate(by_filter.items()):
        axes.errorbar(
            np.arange(len(pairs)) + 0.11 * (k - 0.5 * (len(shown) - 1)),
            rows["value"],
            yerr=_reach(rows),
            fmt="o",
            color=FILTER_COLORS[name],
            markersize=3.5,
            elinewidth=0.8,
            label=_NAMES.get(name, name),
        )
    if "paper" in comparison:
        for name, marker in (("before", "^"), ("classifier", "v")):
            axes.plot(
                np.arange(len(pairs)) + 0.42,
                by_filter[name]["paper"],
                marker,
                color=FILTER_COLORS[name],
                markerfacecolor="none",
                markersize=4,
                label=f"the paper, {'before' if name == 'before' else 'after'}",
            )
    for limit in (0.1, 0.3, 0.5):
        axes.axhline(limit, color=GRAY, linewidth=0.5, linestyle=":")


def _legend_with_the_paper_last(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    last = sorted(range(len(labels)), key=lambda k: labels[k].startswith("the paper"))
    axes.legend(
        [handles[k] for k in last],
        [labels[k] for k in last],
        loc="upper left",
        bbox_to_anchor=(1, 1),
        borderpad=0,
    )


def density_figure(comparison: pd.DataFrame, kept: pd.DataFrame) -> Figure:
    """Resolving power against landing density by filter; beside it the binders that are kept."""
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=70.0)
        left, right = figure.subplots(1, 2)
        left.set_xscale("log")
        _lines(left, comparison, "density")
        left.set_ylabel("Resolving power at 360 kDa")
        left.legend(loc="lower left", borderpad=0)
        colors = {"alone in the thumbnail": BLUE, "alone within 6 px": PURPLE}
        for name, line in (("classifier", "-"), ("classifier, auto", "--")):
            for kind, color in colors.items():
                rows = kept[
                    (kept["filter"] == name)
                    & (kept["binders"] == kind)
                    & (kept["found"] >= _LEAST_FOUND)
                ]
                threshold = "auto" if name.endswith("auto") else f"{rows['threshold'].iloc[0]:g}"
                right.plot(
                    rows["density"],
                    100 * rows["retention"],
                    marker="o",
                    markersize=3,
                    linestyle=line,
                    color=color,
                    label=f"{kind}, threshold {threshold}",
                )
                if name == "classifier":
                    right.fill_between(
                        rows["density"],
                        100 * rows["retention_low"],
                        100 * rows["retention_high"],
                        color=color,
                        alpha=0.15,
                        linewidth=0,
                    )
        right.set_ylabel("True binders kept (%)")
        right.set_ylim(0, 100)
        right.legend(loc="lower left", borderpad=0, handlelength=3.0)  # long enough for dashes
        for axes in (left, right):
            axes.set_xscale("log")
            ticks = sorted(set(comparison["density"]))
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
            axes.set_xlabel(_DENSITY)
    return figure


def integration_figure(comparison: pd.DataFrame) -> Figure:
    """Resolving power against the integration of the fit, classified at two integrations."""
    with style():
        figure = new_figure(width_mm=130.0, height_mm=75.0)
        axes = figure.subplots()
        for k, (classified, part) in enumerate(comparison.groupby("classified_ms")):
            _lines(axes, part, "fit_ms", named=k == 0)
            if k:
                start = float(part["fit_ms"].min())
                axes.axvline(start, color=GRAY, linewidth=0.5, linestyle=":")
                axes.annotate(
                    f"classified at {classified} ms",
                    (start, 1),
                    xycoords=("data", "axes fraction"),
                    xytext=(3, 2),
                    textcoords="offset points",
                    va="bottom",
                    color=GRAY,
                )
        axes.set_xlabel("Integration of the fit (ms)")
        axes.set_ylabel("Resolving power at 360 kDa")
        axes.set_xlim(0, None)
        axes.legend(loc="lower center", borderpad=0)
    return figure


def protein_a_figure(
    masses: Mapping[str, FloatArray],
    buffer: FloatArray,
    counts: pd.DataFrame,
    lines: pd.DataFrame,
    late: Mapping[str, FloatArray],
    *,
    mass_kda: float,
) -> Figure:
    """Spectra of all movies and of buffer; the titration; what is still there at 140 ms."""
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=62.0)
        spectrum, titration, again = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
        _histograms(spectrum, masses, limits=(-110, 130), bin_kda=3)
        spectrum.axvline(mass_kda, color=GRAY, linewidth=0.5, linestyle=":")
        edges = np.arange(-110, 133, 3.0)
        spectrum.stairs(
            np.histogram(buffer, edges)[0], edges, color=ORANGE, linewidth=0.8, label="buffer"
        )
        spectrum.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        for name in ("before", "perfect", "classifier"):
            part = counts[counts["filter"] == name]
            color = FILTER_COLORS[name]
            titration.plot(part["density"], part["landings"], ".", color=color, markersize=4)
            line = lines[lines["filter"] == name].iloc[0]
            x = np.array([0.0, counts["density"].max()])
            label = _NAMES.get(name, name)
            titration.plot(x, line["offset"] + line["slope"] * x, color=color, label=label)
        titration.set_xlabel(_DENSITY)
        titration.set_ylabel("Landings in a movie")
        titration.set_ylim(0, None)
        titration.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        draw_late_ratios(again, late)
        again.set_xlabel("Contrast beyond 40 ms\nover contrast at 40 ms")
    return figure


def _histograms(
    axes: Axes, masses: Mapping[str, FloatArray], *, limits: tuple[float, float], bin_kda: float
) -> None:
    """All events filled, kept ones and those of the perfect filter as outlines.

    Where these are few, both are drawn larger by a factor that the legend says.
    """
    edges = np.arange(limits[0], limits[1] + bin_kda, bin_kda)
    named = {"before": "before", "classifier": "classifier", "perfect": "perfect filter"}
    counted = {name: np.histogram(masses[name], edges)[0] for name in named}
    highest = {name: int(counts.max(initial=1)) for name, counts in counted.items()}
    top = max(highest.values())
    kept = max(highest[name] for name in named if name != "before")
    larger = max(factor for factor in _FACTORS if factor == 1 or factor * kept <= 0.7 * top)
    if kept > _FEW * top:
        larger = 1
    for name, label in named.items():
        fill = name == "before"
        factor = 1 if fill else larger
        axes.stairs(
            factor * counted[name],
            edges,
            color=PALE_RED if fill else BLACK if name == "classifier" else GREEN,
            fill=fill,
            linewidth=0.8,
            label=f"{label} ({len(masses[name])})" + (f", × {factor}" if factor > 1 else ""),
        )
    axes.axvline(0, color=GRAY, linewidth=0.5)
    axes.set_xlim(*limits)
    axes.set_ylim(0, 1.05 * top)
    axes.set_xlabel("Mass (kDa)")
    axes.set_ylabel(f"Events per {bin_kda:g} kDa")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderpad=0)


def _compared(axes: Axes, rows: pd.DataFrame, *, named: bool) -> None:
    """One quantity: a point with its interval for each filter, the best on top."""
    shown = [name for name in FILTER_COLORS if (rows["filter"] == name).any()]
    by_filter = rows.set_index("filter")
    for k, name in enumerate(shown):
        row = by_filter.loc[[name]]
        axes.errorbar(
            row["value"],
            [k],
            xerr=_reach(row),
            fmt="o",
            color=FILTER_COLORS[name],
            markersize=4,
            elinewidth=1,
        )
    axes.yaxis.tick_right()
    axes.spines["right"].set_visible(True)
    axes.spines["left"].set_visible(False)
    labels = [_NAMES.get(name, name) for name in shown] if named else []
    axes.set_yticks(range(len(shown)) if named else [], labels)
    axes.set_ylim(-0.6, len(shown) - 0.4)


def _lines(axes: Axes, comparison: pd.DataFrame, x: str, *, named: bool = True) -> None:
    """Value against a column, a line with intervals for each filter, beside each other."""
    log = axes.get_xscale() == "log"
    for k, (name, color) in enumerate(FILTER_COLORS.items()):
        rows = comparison[comparison["filter"] == name].sort_values(x)
        if not len(rows):
            continue
        place = rows[x]
        apart = 0.012 * place if log else 0.004 * float(comparison[x].max())
        axes.errorbar(
            place + apart * (k - 2),
            rows["value"],
            yerr=_reach(rows),
            marker="o",
            markersize=3,
            elinewidth=0.6,
            color=color,
            label=_NAMES.get(name, name) if named else None,
        )


def _reach(rows: pd.DataFrame) -> FloatArray:
    """Distances (2, n) from values to the ends of their intervals; 0 where there is none."""
    low = (rows["value"] - rows["value_low"]).clip(lower=0)
    high = (rows["value_high"] - rows["value"]).clip(lower=0)
    reach: FloatArray = np.nan_to_num(np.stack([low.to_numpy(float), high.to_numpy(float)]))
    return reach

"""Figure of the selection bias: what is kept of each mass, and fractions corrected for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.paper.figures import FILTER_COLORS
from perrin.report.style import (
    BLACK,
    BLUE,
    ORANGE,
    PAGE_MM,
    PALE_BLUE,
    VERMILLION,
    new_figure,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def selection_figure(curve: pd.DataFrame, repeats: pd.DataFrame, coverage: pd.DataFrame) -> Figure:
    """Retention against mass; and of the repeats, corrected fractions with those that miss."""
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=65.0)
        left, right = figure.subplots(1, 2)
        for name in ("classifier", "classifier, auto"):
            rows = curve[
                (curve["filter"] == name) & (curve["binders"] == "alone in the thumbnail")
            ].sort_values("mass_kda")
            low, high = rows["retention_low"], rows["retention_high"]
            fraction = rows["retention"]
            left.errorbar(
                rows["mass_kda"],
                100 * fraction,
                yerr=[100 * (fraction - low), 100 * (high - fraction)],
                marker="o",
                markersize=3,
                elinewidth=0.8,
                color=FILTER_COLORS[name],
                label=f"threshold {'auto' if name.endswith('auto') else '0.9'}",
            )
        left.set_xscale("log")
        left.set_xticks([30, 50, 100, 200, 480], ["30", "50", "100", "200", "480"])
        left.minorticks_off()
        left.set_xlabel("Mass (kDa)")
        left.set_ylabel("Binders kept, of those found (%)")
        left.set_ylim(0, 100)
        left.legend(loc="lower right", borderpad=0)
        _draw_repeats(right, repeats[repeats["filter"] == "classifier"], coverage)
    return figure


def _draw_repeats(axes: Axes, repeats: pd.DataFrame, coverage: pd.DataFrame) -> None:
    ticks = []
    for k, (species, part) in enumerate(repeats.groupby("species", sort=False)):
        value = part["corrected_fraction"].to_numpy(float)
        order = np.argsort(value)
        low = part["corrected_fraction_low"].to_numpy(float)[order]
        high = part["corrected_fraction_high"].to_numpy(float)[order]
        true = float(part["true_fraction"].iloc[0])
        at = k + np.linspace(0.1, 0.9, len(part))
        inside = (low <= true) & (true <= high)
        for which, color in ((inside, PALE_BLUE), (~inside, VERMILLION)):
            axes.vlines(at[which], 100 * low[which], 100 * high[which], color=color, linewidth=1)
        axes.plot(at, 100 * value[order], ".", color=BLUE, markersize=2)
        counted = 100 * float(part["fraction"].mean())
        axes.hlines(100 * true, k + 0.05, k + 0.95, color=BLACK, linewidth=1)
        axes.hlines(counted, k + 0.05, k + 0.95, color=ORANGE, linewidth=1)
        row = coverage[
            (coverage["species"] == species) & (coverage["filter"] == "classifier")
        ].iloc[0]
        ticks.append(f"{species}\ninside: {row['inside']} of {row['intervals']}")
    axes.set_xticks(np.arange(len(ticks)) + 0.5, ticks)
    axes.set_ylabel("Fraction of the landings (%)")
    axes.set_ylim(0, None)
    for color, name in (
        (BLACK, "true"),
        (ORANGE, "counted, mean"),
        (BLUE, "corrected"),
        (VERMILLION, "interval that misses"),
    ):
        axes.plot([], [], color=color, label=name)
    axes.legend(loc="upper right", borderpad=0)

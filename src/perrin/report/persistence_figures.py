"""Whether molecules that were kept, and those that were not, are still there a while later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.report.style import BLACK, GRAY, PALE_RED, new_figure, style
from perrin.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def persistence_figure(late: Mapping[str, FloatArray], *, persistence_ms: float) -> Figure:
    """Distribution of late contrast over contrast for retained and discarded landings (n,)."""
    with style():
        figure = new_figure(width_mm=85.0, height_mm=60.0)
        axes = figure.subplots()
        draw_late_ratios(axes, late)
        axes.set_xlabel(f"Late contrast, up to {persistence_ms:g} ms, over contrast")
    return figure


def draw_late_ratios(axes: Axes, late: Mapping[str, FloatArray]) -> None:
    """Draw how much of the contrast is there later: fractions of the landings of each group."""
    edges = np.linspace(-1.0, 2.0, 41)
    for name, color, fill in (("discarded", PALE_RED, True), ("retained", BLACK, False)):
        values = late[name]
        if not len(values):
            continue
        fraction = 100 * np.histogram(np.clip(values, -0.999, 1.999), edges)[0] / len(values)
        axes.stairs(
            fraction, edges, color=color, fill=fill, linewidth=0.8, label=f"{len(values)} {name}"
        )
    for place in (0.0, 1.0):
        axes.axvline(place, color=GRAY, linewidth=0.5, linestyle=":")
    axes.set_ylabel("Landings (%)")
    axes.set_ylim(0, None)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)

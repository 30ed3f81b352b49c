"""Many spectra on one mass axis: small multiples and a heatmap, as pictures for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perrin.batch.tables import Measured
from perrin.report.style import PAGE_MM, SERIES, new_figure, style
from perrin.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS = 96
OVERLAID = 6
"""Up to so many samples are overlaid; more are drawn beside each other."""
_ACROSS = 6


def figures_of(
    measured: Sequence[Measured], counts: FloatArray, *, bin_width: int, unit: str
) -> dict[str, Figure]:
    """Pictures by file name; counts (M, n) of the measurements that have landings, from 0 kDa."""
    if not len(counts):
        return {}
    edges = np.arange(counts.shape[1] + 1) * float(bin_width)
    names = [f"{one.row.sample} · {one.row.replicate}" for one in measured]
    samples = list(dict.fromkeys(one.row.sample for one in measured))
    colors = [
        one.row.color or SERIES[samples.index(one.row.sample) % len(SERIES)] for one in measured
    ]
    percent = 100 * counts / counts.sum(axis=1, keepdims=True)
    drawn = {"heatmap": heatmap_figure(names, edges, percent, unit=unit)}
    if OVERLAID < len(counts) <= MOST_PANELS:
        drawn["multiples"] = multiples_figure(names, colors, edges, percent, unit=unit)
    return drawn


def heatmap_figure(
    names: Sequence[str], edges: FloatArray, percent: FloatArray, *, unit: str
) -> Figure:
    """One line a measurement, darker where more of its landings are; each to its own maximum."""
    with style():
        height = float(np.clip(25 + 4.0 * len(names), 45, 240))
        figure = new_figure(width_mm=PAGE_MM, height_mm=height)
        axes = figure.subplots()
        own = np.sqrt(percent / np.maximum(percent.max(axis=1, keepdims=True), 1e-12))
        axes.pcolormesh(edges, np.arange(len(names) + 1), own, cmap="Blues", rasterized=True)
        axes.invert_yaxis()
        step = int(np.ceil(len(names) / 60))
        axes.set_yticks(np.arange(0, len(names), step) + 0.5, list(names[::step]))
        axes.set_xlabel(f"Mass ({unit})")
    return figure


def multiples_figure(
    names: Sequence[str],
    colors: Sequence[str],
    edges: FloatArray,
    percent: FloatArray,
    *,
    unit: str,
) -> Figure:
    """A panel a measurement, all on one mass axis."""
    with style():
        rows = int(np.ceil(len(names) / _ACROSS))
        figure = new_figure(width_mm=PAGE_MM, height_mm=12 + 20.0 * rows)
        panels = figure.subplots(rows, _ACROSS, sharex=True, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place >= len(names):
                axes.set_visible(False)
                continue
            axes.stairs(percent[place], edges, color=colors[place], fill=True, alpha=0.6)
            axes.set_title(names[place], fontsize=5)
            axes.set_yticks([])
        figure.supxlabel(f"Mass ({unit})", fontsize=7)
    return figure

"""Many spectra on one mass axis: small multiples and a heatmap, as pictures for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perrin.batch.tables import Measured
from perrin.report.style import PAGE_MM, SERIES, new_figure, style
from perrin.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 96
OVERLAID = 6
"""Up to so many samples are overlaid; more are drawn beside each other."""
_ACROSS = 6
_LETTERS = 28
_BETWEEN, _TALL, _TITLE, _TICK = 0.1, 0.7, 0.74, 0.03  # of the distance from panel to panel


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
    """A panel a measurement, all on one mass axis; each to its own maximum."""
    rows = int(np.ceil(len(names) / _ACROSS))
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=12 + 20.0 * rows)
        axes = figure.subplots()
        _draw_panels(axes, names, colors, edges, percent)
        axes.set_xlabel(f"Mass ({unit})")
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set(xlim=(0, _ACROSS - _BETWEEN), ylim=(-rows, 0))
    return figure


def _draw_panels(
    axes: Axes, names: Sequence[str], colors: Sequence[str], edges: FloatArray, percent: FloatArray
) -> None:
    """Draw all panels into one pair of axes, each one unit apart: far quicker than axes each."""
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.ticker import MaxNLocator

    wide = 1 - _BETWEEN
    ticks = [
        t for t in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(0, edges[-1]) if t < edges[-1]
    ]
    shapes, lines = [], []
    for place, shown in enumerate(percent):
        left, bottom = place % _ACROSS, -1.0 - place // _ACROSS
        heights = bottom + _TALL * np.repeat(shown, 2) / max(shown.max(), 1e-12)
        x = left + wide * np.repeat(edges, 2)[1:-1] / edges[-1]
        shapes.append(np.column_stack([[left, *x, left + wide], [bottom, *heights, bottom]]))
        lines.append([(left, bottom), (left + wide, bottom)])
        at = [left + wide * tick / edges[-1] for tick in ticks]
        lines += [[(x, bottom), (x, bottom - _TICK)] for x in at]
        axes.text(
            left, bottom + _TITLE, _short(names[place]), fontsize=5, va="bottom", clip_on=False
        )
    axes.add_collection(PolyCollection(shapes, facecolors=list(colors), alpha=0.6, linewidths=0))
    axes.add_collection(LineCollection(lines, colors="black", linewidths=0.5, clip_on=False))
    columns = range(min(_ACROSS, len(names)))
    axes.set_xticks(
        [c + wide * tick / edges[-1] for c in columns for tick in ticks],
        [f"{tick:g}" for _ in columns for tick in ticks],
        fontsize=5,
    )
    axes.tick_params(length=0)


def _short(name: str) -> str:
    """As much of a name as a panel has room for."""
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"

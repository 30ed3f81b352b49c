"""Figures of moving particles: the ensemble's map, MSD, ratio along tracks, tracks in color."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perrin.diffusion.classical import fit_tamsd
from perrin.report import style as look
from perrin.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS = (
    ("fraction_fbm", "FBM", look.BLUE),
    ("fraction_ctrw", "CTRW", look.VERMILLION),
    ("fraction_brownian", "Brownian", look.GREEN),
    ("fraction_noise", "noise", look.GRAY),
)
_MAP = "viridis"
_MOST_DRAWN = 100  # tracks or curves in one figure


def ensemble_figure(trajectories: pd.DataFrame) -> Figure:
    """Return ratio and exponents of all trajectories, and the fractions of their steps."""
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=60)
        left, middle, right = figure.subplots(1, 3)
        for axes, name, color in (
            (left, "alpha_fbm", look.BLUE),
            (middle, "alpha_ctrw", look.VERMILLION),
        ):
            axes.plot(*_bars(trajectories, "w", name), lw=0.2, color=look.GRAY)
            axes.plot(trajectories["w"], trajectories[name], "o", ms=2, color=color)
            predicted = int(trajectories[name].notna().sum())
            axes.set(
                xlim=(0, 1),
                xlabel="w (0: FBM, 1: CTRW)",
                ylabel=name.replace("alpha_fbm", "α of FBM").replace("alpha_ctrw", "α of CTRW"),
                title=f"exponent of {predicted} of {len(trajectories)}",
            )
        bins = np.linspace(0, 1, 26)
        for name, label, color in _PARTS:
            fraction = trajectories[name].dropna()
            label = f"{label}, median {fraction.median():.2f}" if len(fraction) else label
            right.hist(fraction, bins=bins, histtype="step", color=color, label=label)
        right.set(xlabel="fraction of the squared step", ylabel="trajectories", xlim=(0, 1))
        right.legend()
    return figure


def msd_figure(
    curves: dict[int, tuple[FloatArray, FloatArray]],
    *,
    dims: int,
    length_unit: str,
    time_unit: str,
) -> Figure:
    """Return time-averaged MSDs, their median, and the fit of 2 d D t^alpha + offset to it.

    curves: particle -> (time (K,), MSD (K,)), at the same times for all.
    """
    chosen = list(curves.values())
    time = chosen[0][0]
    median = np.nanmedian([msd for _, msd in chosen], axis=0)
    fit = fit_tamsd(median, np.ones(len(time)), lags=time, dims=dims)
    fitted = 2 * dims * fit.D * time**fit.alpha + fit.offset
    with look.style():
        figure = look.new_figure(width_mm=look.COLUMN_MM, height_mm=70)
        axes = figure.subplots()
        for _, msd in chosen[:: max(1, len(chosen) // _MOST_DRAWN)]:
            axes.loglog(time, msd, color=look.PALE_BLUE, lw=0.4)
        axes.loglog(time, median, color=look.BLUE, lw=1.8, label="median")
        label = f"its fit, α = {fit.alpha:.2f}, with offset"
        axes.loglog(time, fitted, color=look.VERMILLION, ls="--", label=label)
        axes.set(
            xlabel=f"lag ({time_unit})",
            ylabel=f"TAMSD ({length_unit}²)",
            title=f"{len(chosen)} trajectories",
        )
        axes.legend()
    return figure


def windows_figure(windows: pd.DataFrame) -> Figure:
    """Return w along the tracks: some of them, and the median with quartiles of all."""
    with look.style():
        figure = look.new_figure(width_mm=look.COLUMN_MM, height_mm=60)
        axes = figure.subplots()
        middle = (windows["frame_start"] + windows["frame_stop"]) / 2
        table = windows.assign(middle=middle).dropna(subset=["w"])
        particles = table["particle"].unique()
        shown = table[table["particle"].isin(particles[:: max(1, len(particles) // 30)])]
        for _, track in shown.groupby("particle"):
            axes.plot(track["middle"], track["w"], color=look.PALE_BLUE, lw=0.6)
        quartiles = table.groupby("middle")["w"].quantile(np.array([0.25, 0.5, 0.75]))
        low, median, high = (quartiles.xs(level, level=1) for level in (0.25, 0.5, 0.75))
        axes.fill_between(median.index, low, high, color=look.BLUE, alpha=0.25)
        axes.plot(median.index, median, color=look.BLUE, lw=1.8, label="median, quartiles")
        axes.set(xlabel="frame", ylabel="w in the window", ylim=(0, 1))
        axes.legend()
    return figure


def tracks_figure(tracks: pd.DataFrame, trajectories: pd.DataFrame) -> Figure:
    """Return some of the trajectories, moved side by side, in the color of their w."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    ratio = trajectories.set_index("particle")["w"].dropna()
    picked = ratio.sort_values().index[:: max(1, len(ratio) // 36)][:36]
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=75)
        axes = figure.subplots()
        colors = colormaps[_MAP]
        for number, particle in enumerate(picked):
            track = tracks[tracks["particle"] == particle]
            x = track["x"].to_numpy()
            y = track["y"].to_numpy() if "y" in track else track["frame"].to_numpy(dtype=float)
            x, y = _within_unit(x, y)
            axes.plot(
                x + 1.15 * (number % 9),
                y - 1.15 * (number // 9),
                lw=0.5,
                color=colors(ratio.loc[particle]),
            )
        _bare(axes)
        axes.set_title("Trajectories from small to large w, each scaled to its size")
        shown = ScalarMappable(Normalize(0, 1), colors)
        figure.colorbar(shown, ax=axes, label="w (0: FBM, 1: CTRW)", shrink=0.6)
    return figure


def _bars(table: pd.DataFrame, across: str, up: str) -> tuple[FloatArray, FloatArray]:
    """Return the intervals of both numbers as one line, broken between bars: one is drawn fast."""
    x, x_low, x_high = (table[across + end].to_numpy(float) for end in ("", "_low", "_high"))
    y, y_low, y_high = (table[up + end].to_numpy(float) for end in ("", "_low", "_high"))
    gap = np.full(len(table), np.nan)
    along = np.stack([np.minimum(x_low, x), np.maximum(x_high, x), gap, x, x, gap], axis=1)
    aside = np.stack([y, y, gap, np.minimum(y_low, y), np.maximum(y_high, y), gap], axis=1)
    return along.ravel(), aside.ravel()


def _within_unit(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    size = max(np.ptp(x), np.ptp(y), 1e-12)
    return (x - x.mean()) / size, (y - y.mean()) / size


def _bare(axes: Axes) -> None:
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)

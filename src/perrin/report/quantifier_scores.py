"""Figures of what a quantifier reaches: errors class by class beside fit and bound, and bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.events import LANDING_CLASSES
from perrin.report.style import (
    BLACK,
    BLUE,
    GRAY,
    PAGE_MM,
    PALE_BLUE,
    label_color,
    new_figure,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_REACH = 0.3  # relative error that is drawn
_BINS = 60
_CLOSE = 0.05
_AIM = 0.01


def accuracy_figure(events: pd.DataFrame, bound: pd.DataFrame) -> Figure:
    """Relative errors of one mass, class by class: fit, network, and the bound as a curve."""
    classes = [name for name in LANDING_CLASSES if (events["class"] == name).any()]
    sharpest = {
        str(row["class"]): float(row["bound_kda"] / row["mass_kda"])
        for _, row in bound.iterrows()
        if row["background"] == "full"
    }
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=52.0)
        panels = figure.subplots(1, len(classes), sharex=True)
        edges = np.linspace(-_REACH, _REACH, _BINS + 1)
        for axes, name in zip(panels, classes, strict=True):
            own = events[events["class"] == name]
            mass = own["mass_kda"].to_numpy(float)
            axes.axvspan(-100 * _CLOSE, 100 * _CLOSE, color=PALE_BLUE, alpha=0.5, linewidth=0)
            for column, color, label in (("fit", GRAY, "PSF fit"), ("predicted", BLUE, "network")):
                error = own[f"{column}_kda"].to_numpy(float) / mass - 1
                counts, _ = np.histogram(error[np.isfinite(error)], edges)
                axes.stairs(counts / len(own), 100 * edges, color=color, label=label)
            if name in sharpest:
                sd = sharpest[name]
                at = np.linspace(-_REACH, _REACH, 400)
                curve = np.exp(-0.5 * (at / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
                axes.plot(
                    100 * at,
                    curve * (edges[1] - edges[0]),
                    color=BLACK,
                    linewidth=0.7,
                    ls="--",
                    label="bound",
                )
            within = float(np.mean(np.abs(own["predicted_kda"] / own["mass_kda"] - 1) <= _CLOSE))
            axes.set_title(f"{name}\n{within:.0%} within 5%", fontsize=7)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.set_xlim(-100 * _REACH, 100 * _REACH)
        panels[len(panels) // 2].set_xlabel(
            f"Error of the mass at {events['cell_kda'].iloc[0]:g} kDa (%)"
        )
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=3, fontsize=6, borderpad=0)
    return figure


def bias_figure(accuracy: pd.DataFrame) -> Figure:
    """Bias of the network against mass, class by class, with and without background."""
    backgrounds = list(dict.fromkeys(accuracy["background"]))
    with style():
        figure = new_figure(width_mm=130.0, height_mm=58.0)
        panels = np.atleast_1d(figure.subplots(1, len(backgrounds), sharey=True))
        for axes, background in zip(panels, backgrounds, strict=True):
            axes.axhspan(-100 * _AIM, 100 * _AIM, color=PALE_BLUE, alpha=0.5, linewidth=0)
            axes.axhline(0, color=BLACK, linewidth=0.6)
            for name, own in accuracy[accuracy["background"] == background].groupby(
                "class", sort=False
            ):
                axes.errorbar(
                    own["mass_kda"],
                    100 * own["bias"],
                    yerr=196 * own["bias_se"],
                    fmt=".-",
                    color=label_color(str(name)),
                    linewidth=0.8,
                    markersize=4,
                    label=str(name),
                )
            axes.set_xscale("log")
            masses = sorted(set(accuracy["mass_kda"]))
            axes.set_xticks(masses, [f"{mass:g}" for mass in masses])
            axes.minorticks_off()
            axes.set_xlabel("Mass (kDa)")
            axes.set_title(f"{background} background", fontsize=7)
        panels[0].set_ylabel("Bias of the network (%)")
        panels[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), borderpad=0)
    return figure

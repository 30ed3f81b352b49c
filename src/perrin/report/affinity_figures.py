"""The fitted curve of a titration, with its residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perrin.mass.affinity import Likelihood
from perrin.report.style import COLUMN_MM, GRAY, SERIES, new_figure, style
from perrin.stats import wilson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perrin.mass.affinity_estimate import Affinity

_POINTS = 200


def titrant(found: Affinity) -> int:
    """Number of the component whose concentration was varied most."""
    totals = found.titration.totals
    spans = [
        column[column > 0].max() / column[column > 0].min() if (column > 0).any() else 0.0
        for column in totals.T
    ]
    return int(np.argmax(spans))


def curve_of(found: Affinity) -> pd.DataFrame | None:
    """Expected fractions along the titration; None where other components vary too."""
    data, column = found.titration, titrant(found)
    others = np.delete(data.totals, column, axis=1)
    if len(np.unique(others, axis=0)) > 1:
        return None
    along = data.totals[:, column]
    along = along[along > 0]
    at = np.geomspace(along.min() / 2, along.max() * 2, _POINTS)
    totals = np.repeat(data.totals[:1], _POINTS, axis=0)
    totals[:, column] = at
    fractions = Likelihood(data).fractions(found.values, totals)
    names = [f"{name}_share" for name in data.windows]
    return pd.DataFrame(
        {f"{data.model.components[column]}_nM": at} | dict(zip(names, fractions.T, strict=True))
    )


def affinity_figure(found: Affinity) -> Figure:
    """Fractions of the landings against the concentration that was varied, and residuals below."""
    with style():
        figure = new_figure(width_mm=COLUMN_MM, height_mm=85.0)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        _shares(upper, found)
        _residuals(lower, found)
        told = "\n".join(f"{one.reaction}: {str(one).partition(':')[0]}" for one in found.constants)
        upper.set_title(told, loc="left")
    return figure


def _shares(axes: Axes, found: Affinity) -> None:
    data, column = found.titration, titrant(found)
    at, of = data.totals[:, column], data.counts.sum(axis=1)
    curve = curve_of(found)
    for k, name in enumerate(data.windows):
        color, fraction = SERIES[k % len(SERIES)], data.counts[:, k] / of
        ends = np.array(
            [
                wilson_interval(int(n), int(m), confidence=0.95)
                for n, m in zip(data.counts[:, k], of, strict=True)
            ]
        )
        error = np.maximum(np.abs(ends.T - fraction), 0)
        axes.errorbar(at, fraction, error, fmt="o", ms=2.5, lw=0.7, color=color, label=name)
        if curve is None:
            axes.plot(at, found.expected[:, k], "_", ms=7, color=color)
        else:
            axes.plot(curve.iloc[:, 0], curve[f"{name}_share"], color=color)
    one = found.constants[0]
    if one.low_nM is not None and one.high_nM is not None:
        axes.axvspan(one.low_nM, one.high_nM, color=GRAY, alpha=0.15, lw=0)
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("Fraction of landings")
    axes.legend(ncols=2)


def _residuals(axes: Axes, found: Affinity) -> None:
    data, column = found.titration, titrant(found)
    for k in range(len(data.windows)):
        axes.plot(
            data.totals[:, column], found.residuals[:, k], "o", ms=2, color=SERIES[k % len(SERIES)]
        )
    for level in (-2, 0, 2):
        axes.axhline(level, color=GRAY, lw=0.5, ls="-" if level == 0 else ":")
    axes.set_ylabel("Residual (sd)")
    axes.set_xlabel(f"Total {data.model.components[column]} (nM)")

"""The tables of a quantifier's evaluation: what the answers to test events amount to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from perrin.events import LANDING_CLASSES
from perrin.settings.simulation import ThumbnailSettings
from perrin.stats import SE_OF_MEDIAN
from perrin.types import FloatArray

CLOSE = 0.05
"""Relative error within which a mass counts as right (paper 002)."""
FULL, WHITE = "full", "white"
"""Backgrounds: the simulator's own, and shot noise alone."""
_WIDTHS = 5  # groups of predicted width


def bound_rows(
    table: pd.DataFrame, background: str, simulated: ThumbnailSettings
) -> Iterator[dict[str, Any]]:
    """Rows of the table `bound`: all estimators on the events that the oracle has measured."""
    surface = simulated.background
    focus = np.hypot(surface.focus_contrast, surface.tilt_contrast) if background == FULL else 0.0
    for name in LANDING_CLASSES:
        own = table[(table["class"] == name) & table["oracle_kda"].notna()]
        mass = float(own["mass_kda"].median()) if len(own) else np.nan
        row: dict[str, Any] = {"background": background, "mass_kda": mass, "class": name}
        row |= {"events": len(own), "bound_kda": np.hypot(own["bound_kda"].mean(), focus * mass)}
        for column in ("oracle", "predicted", "path", "fit"):
            ratio = (own[f"{column}_kda"] / own["mass_kda"]).dropna().to_numpy(float)
            row |= {
                f"{column}_spread_kda": mass * _spread(ratio),
                f"{column}_bias": float(np.median(ratio)) - 1 if len(ratio) else np.nan,
                f"{column}_within": float(np.mean(np.abs(ratio - 1) <= CLOSE))
                if len(ratio)
                else np.nan,
            }
        yield row


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """One row a background, mass and class: network and fit against the truth."""
    rows = []
    for (background, cell, name), own in table.groupby(
        ["background", "cell_kda", "class"], sort=False
    ):
        mass = float(str(cell))
        network = (own["predicted_kda"] / own["mass_kda"]).to_numpy(float)
        fit = (own["fit_kda"] / own["mass_kda"]).to_numpy(float)
        fitted = np.isfinite(fit)
        rows.append(
            {
                "background": background,
                "mass_kda": mass,
                "class": name,
                "events": len(own),
                "within": float(np.mean(np.abs(network - 1) <= CLOSE)),
                "fit_within": float(np.mean(fitted & (np.abs(fit - 1) <= CLOSE))),
                "spread_kda": mass * _spread(network),
                "fit_spread_kda": mass * _spread(fit[fitted]),
                "bias": float(np.median(network)) - 1,
                "bias_se": SE_OF_MEDIAN * _spread(network) / np.sqrt(len(network)),
                "mean_bias": float(np.mean(network)) - 1,
                "fit_bias": float(np.median(fit[fitted])) - 1,
                "coverage": _covered(own, "predicted_low_kda", "mass_kda", "predicted_high_kda"),
                "out_of_distribution": float(own["out_of_distribution"].mean()),
            }
        )
    return pd.DataFrame(rows).sort_values(
        ["background", "mass_kda", "class"], ignore_index=True, kind="stable"
    )


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Bias (median) and coverage over the mass prior.

    By class, and by groups of equal numbers with rising predicted relative width.
    """
    width = (table["predicted_high_kda"] - table["predicted_low_kda"]) / table[
        "predicted_kda"
    ].clip(lower=1e-9)
    group = pd.qcut(width.rank(method="first"), _WIDTHS, labels=False)
    rows = []
    sets = [("class", name, table["class"] == name) for name in LANDING_CLASSES]
    sets += [("width", f"fifth {k + 1}", group == k) for k in range(_WIDTHS)]
    sets.append(("all", "all", table["class"].notna()))
    for by, name, chosen in sets:
        own = table[chosen]
        rows.append(
            {
                "by": by,
                "of": name,
                "events": len(own),
                "median_width": float(width[chosen].median()),
                "bias": float((own["predicted_kda"] / own["mass_kda"]).median()) - 1,
                "coverage": _covered(own, "predicted_low_kda", "mass_kda", "predicted_high_kda"),
            }
        )
    return pd.DataFrame(rows)


def motion(table: pd.DataFrame) -> pd.DataFrame:
    """Errors and coverage of residence time, path length, displacement and speed by class."""
    rows = []
    for target, unit in (
        ("residence_time", "frames"),
        ("path_length", "px"),
        ("displacement", "px"),
        ("speed", "px/frame"),
    ):
        for name in LANDING_CLASSES:
            own = table[(table["class"] == name) & table[f"{target}_true"].notna()]
            if not len(own):
                continue
            error = (own[target] - own[f"{target}_true"]).to_numpy(float)
            rows.append(
                {
                    "quantity": target,
                    "unit": unit,
                    "class": name,
                    "events": len(own),
                    "true_median": float(own[f"{target}_true"].median()),
                    "bias": float(np.median(error)),
                    "spread": _spread(error),
                    "coverage": _covered(own, f"{target}_low", f"{target}_true", f"{target}_high"),
                }
            )
    return pd.DataFrame(rows)


def _covered(table: pd.DataFrame, low: str, true: str, high: str) -> float:
    near = 1e-3  # a residence time beyond what is seen and a path of 0 lie on the ends of intervals
    inside = (table[low] <= table[true] + near) & (table[true] <= table[high] + near)
    return float(inside.mean())


def _spread(values: FloatArray) -> float:
    """Half of the central 68%: the standard deviation of a normal distribution."""
    if not len(values):
        return float("nan")
    low, high = np.percentile(values, (15.866, 84.134))
    return float(high - low) / 2

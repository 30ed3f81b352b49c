"""Landing density: dynamin that stays, ever more crowded; resolving power at 360 kDa."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perrin.paper.compare import (
    BEFORE,
    LEAST,
    PERFECT,
    compare,
    landings_kept,
    resolving_power_at,
)
from perrin.paper.core import (
    AUTO,
    CLASSIFIER,
    KEPT,
    Context,
    Findings,
    Goal,
    over_repeats,
    percent,
    planned,
    retention_table,
    standard_goals,
    thresholds,
    value_of,
)
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.simulation import BINDERS_ONLY
from perrin.simulate.presets import PRESETS, preset

REPEATS = 5
SECONDS = {0.3: 45.0, 1.0: 24.0, 3.0: 12.0, 10.0: 10.0, 20.0: 8.0, 34.6: 8.0}
"""Length of the movies at each density: the denser, the shorter, for similar counts."""

THRESHOLD = 0.8
PEAKS = tuple(s.mass_kda for s in PRESETS["dynamin"].species)
MAIN = 360.0
PAPER = {34.6: ("5.3 ± 0.3", "10.0 ± 1")}
_CROWDED, _CROWDED_GOAL, _CROWDED_KEPT = 34.6, 10.0, 0.3


def plan(settings: ExperimentSettings) -> tuple[PlannedMeasurement, ...]:
    """Plan five movies of each density, of molecules that all stay, the rate constant."""
    plans = []
    for density, seconds in SECONDS.items():
        assay = preset("dynamin", density=density)
        assay = assay.model_copy(update={"motions": BINDERS_ONLY, "decay_s": None})
        plans += [
            planned(f"density-{density:g}-{k}", assay, seconds=seconds, settings=settings)
            for k in range(REPEATS)
        ]
    return tuple(plans)


def analyze(measured: Sequence[Measured], context: Context) -> Findings:
    """Resolving power and retention at each density."""
    from perrin.paper.figures import density_figure

    quantity = resolving_power_at(MAIN, peaks=PEAKS)
    low, high = quantity.window
    comparisons, retention_tables = [], []
    for density in SECONDS:
        movies = [one for one in measured if one.name.startswith(f"density-{density:g}-")]
        at = thresholds(movies, context.model, least=THRESHOLD)
        alone = landings_kept(movies, at)[PERFECT]
        bound = "perfect" if ((alone >= low) & (alone <= high)).sum() >= LEAST else "isolated"
        sets = landings_kept(movies, at, perfect=bound)
        comparison = compare(sets, quantity, settings=context.settings, rng=context.rng)
        comparisons.append(
            comparison.merge(over_repeats(movies, at, quantity, context), on="filter").assign(
                density=density,
                perfect_is="alone in the thumbnail" if bound == "perfect" else "alone within 6 px",
                detected=sum(int(one.landing.sum()) for one in movies),
            )
        )
        retention_tables.append(
            retention_table(
                movies, at, confidence=context.settings.confidence, by_species=False
            ).assign(density=density)
        )
    comparison, kept = (
        pd.concat(comparisons, ignore_index=True),
        pd.concat(retention_tables, ignore_index=True),
    )
    return Findings(
        tables={"comparison": comparison, "kept": kept},
        figures={"density": density_figure(comparison, kept)},
        goals=tuple(_goals(comparison, kept)),
        comparable="As in the paper: simulated dynamin that stays, threshold 0.8, five repeats. "
        "The simulators differ. Where molecules are so dense that none has its thumbnail to "
        "itself, the perfect filter keeps those alone within 6 px.",
    )


def _goals(comparison: pd.DataFrame, kept: pd.DataFrame) -> list[Goal]:
    goals: list[Goal] = []
    for density, table in comparison.groupby("density"):
        of_density = kept[kept["density"] == density]
        goals += [
            g.of(f"density {density:g}")
            for g in standard_goals(table, of_density)
            if density != _CROWDED or g.what != KEPT  # it has a goal of its own
        ]
    table = comparison[comparison["density"] == _CROWDED]
    value = table.set_index("filter")["value"]
    goal = min(_CROWDED_GOAL, value[PERFECT]) if np.isfinite(value[PERFECT]) else _CROWDED_GOAL
    goals.append(
        Goal(
            f"dynamin at {_CROWDED:g} per um^2 and second, resolving power before and after",
            " to ".join(PAPER[_CROWDED]),
            "5.3 to 10 or more, or the perfect filter's",
            f"{value_of(table, BEFORE)} to {value_of(table, CLASSIFIER)}; "
            f"auto {value_of(table, AUTO)}",
            value_of(table, PERFECT),
            "yes" if value[CLASSIFIER] >= goal else "auto only" if value[AUTO] >= goal else "no",
        )
    )
    alone = kept[(kept["density"] == _CROWDED) & (kept["binders"] == "alone within 6 px")]
    fraction = alone.set_index("filter")["retention"]
    enough = fraction >= _CROWDED_KEPT
    goals.append(
        Goal(
            f"true isolated binders kept at {_CROWDED:g} per um^2 and second (alone within 6 px)",
            "-",
            "30% or more",
            f"{percent(fraction[CLASSIFIER])}; auto {percent(fraction[AUTO])}",
            "100%",
            "yes" if enough[CLASSIFIER] else "auto only" if enough[AUTO] else "no",
        )
    )
    return goals

"""Integration time: classified at 40 or 160 ms, fitted from 10 to 340 ms."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from perrin.paper.compare import (
    BEFORE,
    PERFECT,
    compare,
    landings_kept,
    resolving_power_at,
)
from perrin.paper.core import (
    CLASSIFIER,
    Context,
    Findings,
    Goal,
    number,
    over_repeats,
    planned,
    retention_table,
    standard_goals,
    thresholds,
    value_of,
)
from perrin.paper.measure import refitted
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured
from perrin.settings.landing import LandingSettings
from perrin.settings.planned import PlannedMeasurement
from perrin.simulate.presets import PRESETS, preset

REPEATS, SECONDS, DENSITY = 5, 60.0, 1.0
FITS = {10: (2, 5, 10, 17, 24, 29, 39), 40: (39, 48, 58, 70, 82)}
"""Frames averaged for the fit, for each integration of detection and classification."""

PEAKS = tuple(s.mass_kda for s in PRESETS["dynamin"].species)
MAIN = 360.0
PAPER_BEST_MS, PAPER_BEST = "80 to 120 ms", "19 ± 1"


def plan(settings: ExperimentSettings) -> tuple[PlannedMeasurement, ...]:
    """Plan the same five movies for both integrations of the classification."""
    assay = preset("dynamin", density=DENSITY)
    return tuple(
        planned(
            f"integration-{n_avg}-{k}",
            assay,
            seconds=SECONDS,
            settings=settings,
            movie=f"integration-{k}",
            landing=LandingSettings(n_avg=n_avg),
            refits=fits,
        )
        for k in range(REPEATS)
        for n_avg, fits in FITS.items()
    )


def analyze(measured: Sequence[Measured], context: Context) -> Findings:
    """Resolving power at each integration; the best one."""
    from perrin.paper.figures import integration_figure

    frame_ms = 1e3 * PRESETS["dynamin"].instrument.frame_interval_s
    quantity = resolving_power_at(MAIN, peaks=PEAKS)
    comparisons, retention_tables = [], []
    for n_avg, fits in FITS.items():
        for fit in fits:
            movies = [
                refitted(m, fit) for m in measured if m.name.startswith(f"integration-{n_avg}-")
            ]
            at = thresholds(movies, context.model)
            compared = compare(
                landings_kept(movies, at), quantity, settings=context.settings, rng=context.rng
            ).merge(over_repeats(movies, at, quantity, context), on="filter")
            where = {"classified_ms": round(n_avg * frame_ms), "fit_ms": round(fit * frame_ms)}
            comparisons.append(compared.assign(**where))
            kept = retention_table(
                movies, at, confidence=context.settings.confidence, by_species=False
            )
            retention_tables.append(kept.assign(**where))
    comparison = pd.concat(comparisons, ignore_index=True)
    kept = pd.concat(retention_tables, ignore_index=True)
    return Findings(
        tables={"comparison": comparison, "kept": kept},
        figures={"integration": integration_figure(comparison)},
        goals=tuple(_goals(comparison, kept)),
        comparable="The paper's movies are recorded ones. How the background grows with the "
        "integration is the simulator's: the best integration says as much of it as of the filter. "
        "The perfect filter is that of the classification's integration.",
    )


def _goals(comparison: pd.DataFrame, kept: pd.DataFrame) -> list[Goal]:
    after = comparison[comparison["filter"] == CLASSIFIER].sort_values("value")
    best = after.iloc[-1]
    same = (comparison["classified_ms"] == best["classified_ms"]) & (
        comparison["fit_ms"] == best["fit_ms"]
    )
    at_best = comparison[same]
    of_best = kept[
        (kept["classified_ms"] == best["classified_ms"]) & (kept["fit_ms"] == best["fit_ms"])
    ]
    as_good = after[after["value"] >= best["value_low"]]["fit_ms"]
    return [
        Goal(
            "best integration after filtering, and its resolving power at 360 kDa",
            f"{PAPER_BEST_MS}, {PAPER_BEST}",
            "-",
            f"{best['fit_ms']} ms ({as_good.min()} to {as_good.max()} ms are as good), "
            f"{number(best['value'], best['value_low'], best['value_high'])} "
            f"(before {value_of(at_best, BEFORE)})",
            value_of(at_best, PERFECT),
            "-",
        ),
        *(g.of(f"fit at {best['fit_ms']} ms") for g in standard_goals(at_best, of_best)),
    ]

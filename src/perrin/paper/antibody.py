"""Antibody: hardly any molecule stays; resolving power at 150 kDa over eight measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perrin.mass.modes import density_grid, find_modes, kernel_density, kernel_widths
from perrin.paper.bsa import artifacts_table, fractions_table
from perrin.paper.compare import (
    BEFORE,
    PERFECT,
    FloatArray,
    compare,
    landings_kept,
    resolving_power_at,
)
from perrin.paper.core import (
    AUTO,
    CLASSIFIER,
    Context,
    Findings,
    Goal,
    over_repeats,
    planned,
    retention_table,
    spectra_of,
    standard_goals,
    thresholds,
    value_of,
)
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.spectrum import SpectrumSettings
from perrin.simulate.presets import preset

MOVIES, SECONDS = 8, 60.0
PEAKS = (50.0, 75.0, 110.0, 150.0)
MAIN = 150.0
PAPER_BEFORE, PAPER_AFTER = 3.9, 7.6
PAPER_EVENTS = 29_447
FEWER = 2.1
"""Landings per um^2 and second for as many events a second as in the paper's movies."""

_CROWDED, _FEWER = "antibody", "fewer"


def plan(settings: ExperimentSettings) -> tuple[PlannedMeasurement, ...]:
    """Plan movies of the preset, and as many with the paper's number of events."""
    made = [(f"{_CROWDED}-{k}", preset("antibody")) for k in range(MOVIES)]
    fewer = preset("antibody", density=FEWER)
    made += [(f"{_FEWER}-{k}", fewer) for k in range(MOVIES)]
    return tuple(planned(name, assay, seconds=SECONDS, settings=settings) for name, assay in made)


def analyze(measured: Sequence[Measured], context: Context) -> Findings:
    """Resolving power before and after, at two densities; the peaks of the fragments."""
    from perrin.paper.figures import spectra_figure

    groups = {
        "preset": [one for one in measured if one.name.startswith(_CROWDED)],
        "the paper's number of events": [one for one in measured if one.name.startswith(_FEWER)],
    }
    quantity = resolving_power_at(MAIN, peaks=PEAKS)
    tables: dict[str, list[pd.DataFrame]] = {"comparison": [], "kept": [], "fragments": []}
    goals: list[Goal] = []
    notes: list[str] = []
    for name, movies in groups.items():
        at = thresholds(movies, context.model)
        sets = landings_kept(movies, at)
        comparison = compare(sets, quantity, settings=context.settings, rng=context.rng).merge(
            over_repeats(movies, at, quantity, context), on="filter"
        )
        kept = retention_table(movies, at, confidence=context.settings.confidence)
        for key, table in (
            ("comparison", comparison),
            ("kept", kept),
            ("fragments", _fragments(sets)),
        ):
            tables[key].append(table.assign(density=name))
        events = sum(len(one.events) for one in movies)
        notes.append(f"{name}: {events} events in {len(movies)} movies (paper: {PAPER_EVENTS})")
        goals += [
            Goal(f"{name}: {g.what}", g.paper, g.goal, g.ours, g.perfect, g.met)
            for g in (*standard_goals(comparison, kept), _power(comparison))
        ]
    first = groups["preset"]
    at = thresholds(first, context.model)
    joined = {key: pd.concat(parts, ignore_index=True) for key, parts in tables.items()}
    return Findings(
        tables=joined
        | {"class_prevalences": fractions_table(first), "artifacts": artifacts_table(first, at)},
        figures={
            f"antibody{'' if k == 0 else '_fewer'}": spectra_figure(
                spectra_of(movies, thresholds(movies, context.model)),
                tables["comparison"][k],
                limits=(-250, 300),
                bin_kda=5,
            )
            for k, movies in enumerate(groups.values())
        },
        goals=tuple(goals),
        comparable="The width of the antibody was set for the paper's resolving power after "
        "filtering, motions and density for that before. At the preset's density there are nearly "
        "three times as many events a second as in the paper; the second set has as many.",
        notes=tuple(notes),
    )


def _fragments(sets: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Whether the fragments stand out as peaks (4 standard errors), and the landings there."""
    settings = SpectrumSettings(resamples=0)
    rows = []
    for name, masses in sets.items():
        landings = np.sort(masses[masses > 0])
        grid = density_grid(landings, kernel=settings.kernel_kda, growth=settings.kernel_growth)
        widths = kernel_widths(grid, kernel=settings.kernel_kda, growth=settings.kernel_growth)
        density = kernel_density(landings, grid, widths=widths)
        modes = find_modes(density, grid, widths=widths, significance=settings.peak_significance)
        for mass in PEAKS[:-1]:
            near = [m.position for m in modes if abs(m.position - mass) <= 0.1 * mass]
            inside = np.abs(landings - mass) <= 0.1 * mass
            rows.append(
                {
                    "filter": name,
                    "fragment_kda": mass,
                    "peak_kda": min(near, key=lambda at: abs(at - mass)) if near else np.nan,
                    "landings": int(inside.sum()),
                    "fraction": float(inside.mean()),
                }
            )
    return pd.DataFrame(rows)


def _power(comparison: pd.DataFrame) -> Goal:
    value = comparison.set_index("filter")["value"]

    def reached(name: str) -> bool:
        return bool(value[name] >= PAPER_AFTER)

    met = "yes" if reached(CLASSIFIER) else "auto only" if reached(AUTO) else "no"
    return Goal(
        "antibody resolving power at 150 kDa, before and after",
        f"{PAPER_BEFORE} to {PAPER_AFTER}",
        f"{PAPER_BEFORE} to {PAPER_AFTER} or more",
        f"{value_of(comparison, BEFORE)} to {value_of(comparison, CLASSIFIER)}; "
        f"auto {value_of(comparison, AUTO)}",
        value_of(comparison, PERFECT),
        met,
    )

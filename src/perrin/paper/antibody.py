"""Antibody: hardly any molecule stays; resolving power at 150 kDa over eight measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perrin.mass.modes import density_grid, find_modes, kernel_density, kernel_widths
from perrin.paper.compare import BEFORE, PERFECT, landings_kept, resolving_power_at
from perrin.paper.core import (
    AUTO,
    CLASSIFIER,
    Context,
    Findings,
    Goal,
    over_repeats,
    planned,
    standard_goals,
    value_of,
)
from perrin.paper.sample import Sample
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.spectrum import SpectrumSettings
from perrin.simulate.presets import preset
from perrin.types import FloatArray

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
        "preset": Sample.of([m for m in measured if m.name.startswith(_CROWDED)], context),
        "the paper's number of events": Sample.of(
            [m for m in measured if m.name.startswith(_FEWER)], context
        ),
    }
    found = {name: _tables(sample) for name, sample in groups.items()}
    goals: list[Goal] = []
    notes: list[str] = []
    for name, sample in groups.items():
        events = sum(len(one.events) for one in sample.measured)
        movies = len(sample.measured)
        notes.append(f"{name}: {events} events in {movies} movies (paper: {PAPER_EVENTS})")
        comparison, kept = found[name]["comparison"], found[name]["kept"]
        goals += [g.of(name) for g in (*standard_goals(comparison, kept), _power(comparison))]
    joined = {
        key: pd.concat(
            [tables[key].assign(density=name) for name, tables in found.items()], ignore_index=True
        )
        for key in ("comparison", "kept", "fragments")
    }
    return Findings(
        tables=joined | groups["preset"].class_tables(),
        figures={
            f"antibody{'' if k == 0 else '_fewer'}": spectra_figure(
                sample.spectra(), found[name]["comparison"], limits=(-250, 300), bin_kda=5
            )
            for k, (name, sample) in enumerate(groups.items())
        },
        goals=tuple(goals),
        comparable="The width of the antibody was set for the paper's resolving power after "
        "filtering, motions and density for that before. At the preset's density there are nearly "
        "three times as many events a second as in the paper; the second set has as many.",
        notes=tuple(notes),
    )


def _tables(sample: Sample) -> dict[str, pd.DataFrame]:
    """Compare the filters, also movie by movie; what they keep, and of the fragments."""
    quantity = resolving_power_at(MAIN, peaks=PEAKS)
    comparison = sample.compared(quantity)
    repeats = over_repeats(sample.measured, sample.at, quantity, sample.context)
    return {
        "comparison": comparison.merge(repeats, on="filter"),
        "kept": sample.kept(),
        "fragments": _fragments(landings_kept(sample.measured, sample.at)),
    }


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

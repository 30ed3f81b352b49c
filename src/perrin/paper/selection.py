"""Selection bias: what is kept of each mass, and abundances corrected for it.

A hundred measurements of a mixture, half of whose molecules do not stay, are corrected with one
simulation of a sample like it: as it was detected and classified, the truth is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from perrin.mass.abundance import correct_fractions, uneven_note
from perrin.paper.core import (
    AUTO,
    CLASSIFIER,
    Context,
    Findings,
    Goal,
    masses_of,
    planned,
    planned_movies,
    retention_table,
    thresholds,
)
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.retention import kept_and_landed, sample_like
from perrin.pipeline.simulated import Measured
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.simulation import BINDERS_ONLY, LandingAssay, Species
from perrin.simulate.presets import PRESETS
from perrin.stats import wilson_interval
from perrin.types import IntArray

NAME = "selection"
MASSES = (42.0, 150.0, 480.0)
TRUE_FRACTIONS = (0.5, 0.3, 0.2)
REPEATS, REPEAT_S = 100, 10.0
POOL, POOL_S = 4, 60.0
CURVE = (30.0, 36.0, 42.0, 50.0, 60.0, 75.0, 100.0, 150.0, 250.0, 480.0)
CURVE_MOVIES = 1
DENSITY = 1.0
_NAMES = [f"{mass:g} kDa" for mass in MASSES]
_COVERAGE_GOAL = 0.95


def plan(settings: ExperimentSettings) -> tuple[PlannedMeasurement, ...]:
    """Plan movies of many masses for the curve, and the repeats of the mixture."""
    curve = _assay(CURVE, (1.0,) * len(CURVE))
    mixture = _assay(MASSES, TRUE_FRACTIONS).model_copy(update={"motions": PRESETS["bsa"].motions})
    made = [(f"curve-{k}", curve, POOL_S) for k in range(CURVE_MOVIES)]
    made += [(f"mixture-{k}", mixture, REPEAT_S) for k in range(REPEATS)]
    return tuple(
        planned(name, assay, seconds=seconds, settings=settings) for name, assay, seconds in made
    )


def then(measured: Sequence[Measured], context: Context) -> tuple[PlannedMeasurement, ...]:
    """Plan the simulation that corrects: a sample like the mixture, as it was measured."""
    mixture = [one for one in measured if one.name.startswith("mixture")]
    return pool_like(
        mixture, MASSES, _NAMES, movies=POOL, seconds=POOL_S, settings=context.settings
    )


def pool_like(
    measured: Sequence[Measured],
    masses: Sequence[float],
    names: Sequence[str],
    *,
    movies: int,
    seconds: float,
    settings: ExperimentSettings,
) -> tuple[PlannedMeasurement, ...]:
    """Plan movies of a sample like a measured one: species as detected, motions as predicted."""
    landings = [int(one.landing.sum()) for one in measured]
    mass = masses_of(measured, [one.landing for one in measured])
    fractions = {
        name: float(np.average([one.fractions[name] for one in measured], weights=landings))
        for name in measured[0].fractions
    }
    assay = sample_like(
        masses,
        names=names,
        counts=[int(((mass > low) & (mass <= high)).sum()) for low, high in windows(masses)],
        fractions=fractions,
        density=sum(landings) / sum(one.seconds * one.area_um2 for one in measured),
    )
    return planned_movies("pool", assay, movies, seconds=seconds, settings=settings)


def _assay(masses: Sequence[float], fractions: Sequence[float]) -> LandingAssay:
    species = tuple(
        Species(mass_kda=mass, abundance=fraction, name=f"{mass:g} kDa")
        for mass, fraction in zip(masses, fractions, strict=True)
    )
    return LandingAssay(species=species, density=DENSITY, motions=BINDERS_ONLY)


def analyze(measured: Sequence[Measured], context: Context) -> Findings:
    """Correct each repeat with the pool; how often the truth lies in the interval."""
    from perrin.paper.selection_figure import selection_figure

    groups = {
        kind: [one for one in measured if one.name.startswith(kind)]
        for kind in ("pool", "curve", "mixture")
    }
    confidence = context.settings.confidence
    curve = retention_table(
        groups["curve"], thresholds(groups["curve"], context.model), confidence=confidence
    )
    curve = curve[curve["species"] != "all"].assign(
        mass_kda=lambda t: t["species"].str.removesuffix(" kDa").astype(float)
    )
    coverage, repeats = [], []
    notes: list[str] = []
    for name in (CLASSIFIER, AUTO):
        tables, together = _corrected(groups["pool"], groups["mixture"], context, name)
        repeats += tables
        coverage.append(_coverage(pd.concat(tables), together, confidence).assign(filter=name))
        if (note := uneven_note(together)) is not None and name == CLASSIFIER:
            notes.append(note)
    found, each = pd.concat(coverage, ignore_index=True), pd.concat(repeats, ignore_index=True)
    return Findings(
        tables={"kept_by_mass": curve, "coverage": found, "repeats": each},
        figures={"selection": selection_figure(curve, each, found)},
        goals=tuple(_goal(found[found["filter"] == CLASSIFIER], len(groups["mixture"]))),
        comparable="The paper estimates the bias and gives no figures of it in the text (its "
        "Figure S4). The correction knows noise, detection and crowding; it cannot know a species "
        "that sticks to the glass in another way.",
        notes=tuple(notes),
    )


def _corrected(
    pool: Sequence[Measured], mixture: Sequence[Measured], context: Context, name: str
) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Correct what filter `name` keeps with the pool: each repeat, and all of them as one."""
    least = _threshold(pool, context, name)
    kept, landed = kept_and_landed(pool, least, windows=windows(MASSES), species=_NAMES)

    def corrected(count: IntArray) -> pd.DataFrame:
        return correct_fractions(
            count,
            kept=kept,
            landed=landed,
            names=_NAMES,
            rng=context.rng,
            confidence=context.settings.confidence,
        )

    counts = [_counts(one, _threshold([one], context, name)[0]) for one in mixture]
    each = [
        corrected(count).assign(filter=name, repeat=k, true_fraction=TRUE_FRACTIONS)
        for k, count in enumerate(counts)
    ]
    return each, corrected(np.sum(counts, axis=0)).assign(true_fraction=TRUE_FRACTIONS)


def _threshold(measured: Sequence[Measured], context: Context, name: str) -> list[float]:
    return thresholds(measured, context.model)[name]


def windows(masses: Sequence[float]) -> list[tuple[float, float]]:
    """Masses that count for each species: to the middle between neighbors, from 0 up."""
    middle = [0.0, *(0.5 * (a + b) for a, b in pairwise(masses)), np.inf]
    return list(pairwise(middle))


def _counts(one: Measured, threshold: float) -> IntArray:
    """Retained landings (S,) in the window of each species."""
    mass = one.events["mass_kda"].to_numpy(float)[one.kept(threshold) & one.landing]
    return np.array([((mass > low) & (mass <= high)).sum() for low, high in windows(MASSES)])


def _coverage(repeats: pd.DataFrame, together: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """How often the truth is inside, for each species and over all; and all repeats as one."""
    inside = (repeats["corrected_fraction_low"] <= repeats["true_fraction"]) & (
        repeats["true_fraction"] <= repeats["corrected_fraction_high"]
    )
    groups = {str(name): part for name, part in inside.groupby(repeats["species"], sort=False)} | {
        "all": inside
    }
    rows = []
    for name, part in groups.items():
        low, high = wilson_interval(int(part.sum()), len(part), confidence=confidence)
        rows.append(
            {
                "species": name,
                "intervals": len(part),
                "inside": int(part.sum()),
                "coverage": float(part.mean()),
                "coverage_low": low,
                "coverage_high": high,
            }
        )
    columns = ["species", "true_fraction", "fraction", "retention", "corrected_fraction"]
    columns += ["corrected_fraction_low", "corrected_fraction_high"]
    return pd.DataFrame(rows).merge(together[columns], on="species", how="left")


def _goal(coverage: pd.DataFrame, repeats: int) -> list[Goal]:
    each = coverage[coverage["species"] != "all"]
    said = ", ".join(f"{row.species} {row.inside} of {row.intervals}" for row in each.itertuples())
    enough = bool((each["coverage_high"] >= _COVERAGE_GOAL).all())
    return [
        Goal(
            f"corrected abundances inside the 95% interval, {repeats} measurements",
            "-",
            "95%, within what so many measurements can tell",
            said,
            "",
            "yes" if enough else "no",
        )
    ]

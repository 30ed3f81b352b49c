"""BSA: optimal and suboptimal landings mixed; artifacts go, the ratio of the oligomers stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perrin.mass.abundance import correct_fractions
from perrin.paper.compare import PERFECT, resolving_power_at
from perrin.paper.core import (
    AUTO,
    CLASSIFIER,
    Context,
    Findings,
    Goal,
    masses_of,
    number,
    plan_preset,
    standard_goals,
    thresholds,
)
from perrin.paper.sample import Sample
from perrin.paper.selection import pool_like, windows
from perrin.pipeline.retention import kept_and_landed
from perrin.pipeline.simulated import Measured
from perrin.settings.planned import PlannedMeasurement
from perrin.simulate.presets import PRESETS

POOL, SECONDS = 3, 60.0
MASSES = (66.4, 132.9, 199.3)
_POOL = "pool"
_NAMES = [f"{mass:g} kDa" for mass in MASSES]

plan = plan_preset("bsa", movies=6, seconds=SECONDS)


def then(measured: Sequence[Measured], context: Context) -> tuple[PlannedMeasurement, ...]:
    """Plan the simulation that corrects the abundances."""
    return pool_like(
        measured, MASSES, _NAMES, movies=POOL, seconds=SECONDS, settings=context.settings
    )


def analyze(measured: Sequence[Measured], context: Context) -> Findings:
    """Class fractions, spectra, artifacts, oligomers."""
    from perrin.paper.figures import spectra_figure

    movies = [one for one in measured if not one.name.startswith(_POOL)]
    pool = [one for one in measured if one.name.startswith(_POOL)]
    sample = Sample.of(movies, context)
    comparison = sample.compared(*(resolving_power_at(mass, peaks=MASSES) for mass in MASSES[:2]))
    kept = sample.kept()
    tables = sample.tables(comparison, kept)
    ratios = _oligomers(movies, pool, context)
    main = comparison[comparison["quantity"].str.contains(f"{MASSES[0]:g}")]
    return Findings(
        tables=tables | {"oligomers": ratios},
        figures={
            "bsa": spectra_figure(sample.spectra(), comparison, limits=(-250, 300), bin_kda=5)
        },
        goals=(*standard_goals(main, kept), _negative(tables["artifacts"]), _ratio(ratios)),
        comparable="Masses are those of the protein; fractions of the motions and the density are "
        "assumed. The paper gives no resolving power for BSA: it shows that artifacts go and that "
        "the ratio of the oligomers stays.",
    )


def _oligomers(
    movies: Sequence[Measured], pool: Sequence[Measured], context: Context
) -> pd.DataFrame:
    """Dimer and trimer over monomer: in the sample, before, after, corrected; with intervals."""
    at = thresholds(movies, context.model)
    of_pool = thresholds(pool, context.model)
    confidence = context.settings.confidence
    true = np.array([s.abundance for s in PRESETS["bsa"].species])
    rows = [_ratios("the sample", true)]
    fitted = {"before": [one.landing for one in movies]}
    for name, least in at.items():
        fitted[name] = [one.kept(t) & one.landing for one, t in zip(movies, least, strict=True)]
    fitted[PERFECT] = [one.landing & one.events["perfect"].to_numpy(bool) for one in movies]
    for name, masks in fitted.items():
        mass = masses_of(movies, masks)
        count = np.array([((mass > low) & (mass <= high)).sum() for low, high in windows(MASSES)])
        draws = context.rng.gamma(count + 0.5, size=(4000, len(count)))
        rows.append(_ratios(name, count, draws, confidence))
        if name in (CLASSIFIER, AUTO):
            kept, landed = kept_and_landed(
                pool, of_pool[name], windows=windows(MASSES), species=_NAMES
            )
            fractions = correct_fractions(
                count,
                kept=kept,
                landed=landed,
                names=_NAMES,
                rng=context.rng,
                confidence=confidence,
            )
            drawn = draws / context.rng.beta(
                kept + 0.5, landed - kept + 0.5, size=(4000, len(count))
            )
            corrected = fractions["corrected_fraction"].to_numpy(float)
            rows.append(_ratios(f"{name}, corrected", corrected, drawn, confidence))
    return pd.DataFrame(rows)


def _ratios(
    name: str,
    amount: np.ndarray[tuple[int, ...], np.dtype[np.float64 | np.int64]],
    draws: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None = None,
    confidence: float = 0.95,
) -> dict[str, object]:
    row: dict[str, object] = {"landings": name}
    tail = 50 * (1 - confidence)
    for k, what in ((1, "dimer"), (2, "trimer")):
        ends = (np.nan, np.nan)
        if draws is not None:
            ends = tuple(np.percentile(draws[:, k] / draws[:, 0], (tail, 100 - tail)))
        row |= {
            f"{what}_over_monomer": float(amount[k] / amount[0]),
            f"{what}_low": ends[0],
            f"{what}_high": ends[1],
        }
    return row


def _negative(artifacts: pd.DataFrame) -> Goal:
    count = artifacts.set_index("filter")["unbindings"]
    return Goal(
        "events at negative mass",
        "removed",
        "removed",
        f"{count['before']} to {count[CLASSIFIER]}; auto {count[AUTO]}",
        f"{count[PERFECT]}",
        "yes" if count[CLASSIFIER] <= 0.01 * count["before"] else "no",
    )


def _ratio(ratios: pd.DataFrame) -> Goal:
    at = {row["landings"]: row for row in ratios.to_dict("records")}

    def said(name: str) -> str:
        row = at[name]
        return number(row["dimer_over_monomer"], row["dimer_low"], row["dimer_high"], digits=3)

    true = at["the sample"]["dimer_over_monomer"]
    corrected = at[f"{CLASSIFIER}, corrected"]
    inside = corrected["dimer_low"] <= true <= corrected["dimer_high"]
    return Goal(
        f"dimer over monomer unchanged within its error (in the sample {true:.3f})",
        "essentially unaffected",
        "unchanged within its error",
        f"before {said('before')}, after {said(CLASSIFIER)}, corrected "
        f"{said(f'{CLASSIFIER}, corrected')}",
        said(PERFECT),
        "yes" if inside else "no",
    )

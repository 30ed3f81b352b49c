"""What replicates of a sample agree on, and which one does not fit the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from perrin.batch.sheet import Sheet
from perrin.batch.tables import CONFIDENCE, Measured, records_by
from perrin.stats import wilson_interval
from perrin.types import FloatArray

UNLIKE = 4.0
"""Standard errors from the others at which a replicate does not fit them."""


@dataclass(frozen=True)
class _Sample:
    name: str
    measured: list[Measured]
    columns: dict[str, Any]


def replicates_table(
    sheet: Sheet, measured: Sequence[Measured], species: pd.DataFrame
) -> pd.DataFrame:
    """``replicates.csv``: a row for each sample and species.

    Fraction and mass over the replicates: mean, standard deviation, 95% interval of the mean (by
    Student's t, and never narrower than what counting alone allows). ``outlier`` names the
    replicate whose fraction lies more than 4 standard errors from the others, ``why`` says what
    it has instead; of two that differ so much it cannot be said which one.
    """
    rows: list[dict[str, Any]] = []
    of_row = records_by("row", species)
    for sample in _samples(sheet, measured):
        status = [one.status for one in sample.measured]
        head = {
            "sample": sample.name,
            **sample.columns,
            "replicates": status.count("ok"),
            "no_events": status.count("no events"),
            "failed": status.count("failed"),
        }
        own: dict[str, list[dict[str, Any]]] = {}
        for one in sample.measured:
            for part in of_row.get(one.row.line, ()):
                own.setdefault(part["species"], []).append(part)
        rows += [head | {"species": name} | _over(parts) for name, parts in own.items()]
        if not own:
            rows.append(head)
    return pd.DataFrame(rows)


def _samples(sheet: Sheet, measured: Sequence[Measured]) -> list[_Sample]:
    """The samples in the order of the sheet, with those own columns that their rows share."""
    groups: dict[str, list[Measured]] = {}
    for one in measured:
        groups.setdefault(one.row.sample, []).append(one)
    return [
        _Sample(
            name,
            group,
            {
                column: group[0].row.others.get(column, "")
                for column in sheet.others
                if len({one.row.others.get(column, "") for one in group}) == 1
            },
        )
        for name, group in groups.items()
    ]


def _over(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One species over the replicates of a sample."""
    known = [row for row in rows if row["of"] > 0]
    fractions = np.array([row["fraction"] for row in known], np.float64)
    totals = np.array([row["of"] for row in known], np.float64)
    outlier, why = _outlier([row["replicate"] for row in known], fractions, totals)
    mass = np.array([row["mass_kda"] for row in rows], np.float64)
    mass = mass[~np.isnan(mass)]
    return {
        "fraction_mean": _mean(fractions),
        "fraction_sd": _sd(fractions),
        **_interval(fractions, sum(row["count"] for row in known), int(totals.sum())),
        "count_sum": sum(row["count"] for row in rows),
        "mass_kda_mean": _mean(mass),
        "mass_kda_sd": _sd(mass),
        "outlier": outlier,
        "why": why,
    }


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else float("nan")


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else float("nan")


def _interval(fractions: FloatArray, count: int, total: int) -> dict[str, float]:
    """Interval of the mean fraction: by its spread or by all counts, whichever is wider."""
    from scipy.special import stdtrit

    if not total:
        return {"fraction_low": 0.0, "fraction_high": 1.0}
    low, high = wilson_interval(count, total, confidence=CONFIDENCE)
    if fractions.size > 1:
        t = float(stdtrit(fractions.size - 1, 0.5 + CONFIDENCE / 2))
        half = t * _sd(fractions) / sqrt(fractions.size)
        low = max(min(low, _mean(fractions) - half), 0.0)
        high = min(max(high, _mean(fractions) + half), 1.0)
    return {"fraction_low": low, "fraction_high": high}


def _outlier(names: list[str], fractions: FloatArray, totals: FloatArray) -> tuple[str, str]:
    """The replicate that does not fit the others, and why; both empty where all fit."""
    n = fractions.size
    if n < 2:
        return "", ""
    distances = np.array([_distance(fractions, totals, place) for place in range(n)])
    worst = int(np.argmax(distances))
    if distances[worst] < UNLIKE:
        return "", ""
    others = np.delete(fractions, worst)
    if n == 2:
        return "", (
            f"the two differ: {fractions[0]:.3f} and {fractions[1]:.3f}, "
            f"{distances[worst]:.0f} standard errors apart; which one is right cannot be said"
        )
    return names[worst], (
        f"fraction {fractions[worst]:.3f}, the others {others.min():.3f} to {others.max():.3f}: "
        f"{distances[worst]:.0f} standard errors"
    )


def _distance(fractions: FloatArray, totals: FloatArray, place: int) -> float:
    """Standard errors of one replicate from the mean of the others, counting noise included."""
    others = np.delete(fractions, place)
    pooled = float((fractions * totals).sum() / totals.sum())
    counting = pooled * (1 - pooled) / totals
    own, theirs = counting[place], np.delete(counting, place)
    spread = 0.0 if others.size < 2 else max(float(others.var(ddof=1)) - theirs.mean(), 0.0)
    variance = own + theirs.sum() / others.size**2 + spread * (1 + 1 / others.size)
    return abs(fractions[place] - others.mean()) / sqrt(variance) if variance > 0 else 0.0

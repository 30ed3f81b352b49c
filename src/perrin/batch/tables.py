"""Tables over many measurements: a row each, a row each species."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perrin.batch.job import Outcome
from perrin.batch.sheet import Row, Sheet, concentration
from perrin.batch.species import Window, landings_of, match_species
from perrin.mass.modes import FWHM_PER_SD
from perrin.stats import median_error, poisson_interval, sd_of_quartiles, wilson_interval
from perrin.types import FloatArray, IntArray

CONFIDENCE = 0.95
NO_MASSES = "no calibration, so no masses: counted in no species"
_LEAST = 5  # landings that have a median with an interval
_SPECIES = (
    *("mass_kda", "mass_kda_low", "mass_kda_high", "fwhm_kda", "count", "count_low", "count_high"),
    *("fraction", "fraction_low", "fraction_high"),
)
_COUNTS = ("events", "landings", "unbindings", "retained")


@dataclass(frozen=True)
class Measured:
    """A row of the sheet with how it ended; None where it was not run."""

    row: Row
    outcome: Outcome | None

    @property
    def status(self) -> str:
        """``ok``, ``no events``, ``failed`` or ``not run``."""
        return "not run" if self.outcome is None else self.outcome.status

    @property
    def found(self) -> Mapping[str, Any]:
        """What was found, empty where nothing was."""
        return {} if self.outcome is None else self.outcome.found

    @property
    def counted(self) -> bool:
        """Whether its species can be counted: an empty well counts, with 0 of each."""
        return self.status in ("ok", "no events") and self.found.get("unit", "kDa") == "kDa"

    @property
    def massless(self) -> bool:
        """Whether it ended well, but has contrasts alone: neither it nor its row is calibrated."""
        return self.status == "ok" and self.found.get("unit") == "contrast"


def species_of(measured: Sequence[Measured], given: Sequence[Window]) -> tuple[Window, ...]:
    """The windows that were given, or those that all samples together show."""
    return tuple(given) or match_species([one.found for one in measured if one.counted])


def species_table(
    sheet: Sheet, measured: Sequence[Measured], species: Sequence[Window]
) -> pd.DataFrame:
    """``species.csv``: a row for each measurement and species, absent ones with 0 and a limit."""
    rows = []
    for one in measured:
        if one.counted:
            named = named_row(one.row, sheet) | {"status": one.status}
            edges, counts = landings_of(one.found)
            rows += [named | _species(one.found, window, edges, counts) for window in species]
    return pd.DataFrame(rows, columns=None if rows else ["row", "sample", "replicate", "species"])


def named_row(row: Row, sheet: Sheet) -> dict[str, Any]:
    """What says which measurement it is, with the sheet's own columns, numbers as numbers."""
    return {
        "row": row.line,
        "name": row.name,
        "sample": row.sample,
        "replicate": row.replicate,
    } | {column: _value(column, row.others.get(column, "")) for column in sheet.others}


def _value(column: str, cell: str) -> Any:
    if concentration(column, cell) is None:
        return cell
    return float(cell)


def records_by(column: str, table: pd.DataFrame) -> dict[Any, list[dict[str, Any]]]:
    """Return the rows of a table as plain values, by what they have in a column."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        groups.setdefault(row[column], []).append({str(name): row[name] for name in row})
    return groups


def _species(
    found: Mapping[str, Any], window: Window, edges: FloatArray, counts: IntArray
) -> dict[str, Any]:
    count, total = int(counts[window.bins(edges)].sum()), int(counts.sum())
    low, high = (float(end) for end in poisson_interval(count, confidence=CONFIDENCE))
    fraction: tuple[float, float, float] = (np.nan, 0.0, 1.0)
    if total:
        fraction = (count / total, *wilson_interval(count, total, confidence=CONFIDENCE))
    return {
        "species": window.name,
        "window_low_kda": window.low,
        "window_high_kda": window.high,
        "count": count,
        "count_low": low,
        "count_high": high,
        "of": total,
        "fraction": fraction[0],
        "fraction_low": fraction[1],
        "fraction_high": fraction[2],
        **_mass(found, window, edges, counts),
    }


def _mass(
    found: Mapping[str, Any], window: Window, edges: FloatArray, counts: IntArray
) -> dict[str, float]:
    """Position and width: of the highest peak in the window, else of the landings in it."""
    names = ("position_kda", "position_kda_low", "position_kda_high")
    widths = ("fwhm_kda", "fwhm_kda_low", "fwhm_kda_high")
    peaks = [p for p in found.get("peaks", ()) if window.low <= p["position_kda"] < window.high]
    if peaks:
        peak = max(peaks, key=lambda one: one["fraction"])
        told = [peak.get(name) for name in (*names, *widths)]
    else:
        told = _quartiles(window, edges, counts)
    columns = ("mass_kda", "mass_kda_low", "mass_kda_high", *widths)
    return {
        name: np.nan if value is None else float(value)
        for name, value in zip(columns, told, strict=True)
    }


def _quartiles(window: Window, edges: FloatArray, counts: IntArray) -> list[float | None]:
    """Median with its interval and width by the quartiles, of a histogram."""
    counts = np.where(window.bins(edges), counts, 0)
    total = int(counts.sum())
    if total < _LEAST:
        return [None] * 6
    grown = np.concatenate([[0], np.cumsum(counts)]) / total
    low, middle, high = np.interp((0.25, 0.5, 0.75), grown, edges)
    sd = sd_of_quartiles(low, high)
    half = median_error(sd, total, confidence=CONFIDENCE)
    return [middle, middle - half, middle + half, FWHM_PER_SD * sd, None, None]


def measurements_table(
    sheet: Sheet, measured: Sequence[Measured], species: pd.DataFrame
) -> pd.DataFrame:
    """``measurements.csv``: one row for each row of the sheet, whatever became of it."""
    of_row = records_by("row", species)
    return pd.DataFrame(
        [_measurement(sheet, one, of_row.get(one.row.line, ())) for one in measured]
    )


def _measurement(
    sheet: Sheet, one: Measured, species: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    row, found = one.row, one.found
    reason = "" if one.outcome is None else one.outcome.reason
    table = {
        **named_row(row, sheet),
        "file": row.path.name,
        "color": row.color,
        "status": one.status,
        "reason": reason,
        **{name: found.get(name, np.nan) for name in _COUNTS},
        "unit": found.get("unit", ""),
    }
    for name, fraction in found.get("classes", {}).items():
        table |= {
            f"class_{name}": fraction["fraction"],
            f"class_{name}_low": fraction["fraction_low"],
            f"class_{name}_high": fraction["fraction_high"],
        }
    for part in species:
        table |= {f"{part['species']}_{column}": part[column] for column in _SPECIES}
    table["notes"] = " | ".join([*found.get("notes", ()), *[NO_MASSES] * one.massless])
    table["report"] = f"rows/{row.name}/results/report.html" if one.status == "ok" else ""
    return table

"""Tables over many rows of motion: the rows themselves, conditions, differences, time courses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from perrin.batch.conditions import conditions_table, courses_table, differences_table
from perrin.batch.folder import ROWS
from perrin.batch.sheet import Sheet
from perrin.batch.tables import Measured, named_row
from perrin.diffusion.motion_kinds import KINDS, UNDETERMINED
from perrin.errors import PerrinError


@dataclass(frozen=True)
class MotionTables:
    """Tables over the rows; the samples of the sheet are the conditions, its rows their movies."""

    measurements: pd.DataFrame
    conditions: pd.DataFrame
    differences: pd.DataFrame
    time_courses: pd.DataFrame


def motion_tables(sheet: Sheet, measured: Sequence[Measured], folder: Path) -> MotionTables:
    """Return the tables; folder: of the batch, in which the rows' own results are read.

    Raises `PerrinError` for rows in different units, which cannot be compared.
    """
    _check_units(measured)
    return MotionTables(
        pd.DataFrame([_measurement(sheet, one) for one in measured]),
        conditions_table(_of_rows(measured, folder, "trajectories")),
        differences_table(_of_rows(measured, folder, "trajectories")),
        courses_table(_of_rows(measured, folder, "time_course")),
    )


def _of_rows(
    measured: Sequence[Measured], folder: Path, table: str
) -> dict[str, list[pd.DataFrame]]:
    """Return a table of each row that has results, by condition in the order of the sheet."""
    found: dict[str, list[pd.DataFrame]] = {}
    for one in measured:
        if one.status == "ok":
            path = folder / ROWS / one.row.name / "results" / f"{table}.csv"
            found.setdefault(one.row.sample, []).append(pd.read_csv(path))
    return found


def _check_units(measured: Sequence[Measured]) -> None:
    units: dict[tuple[str, str], str] = {}
    for one in measured:
        if one.status == "ok":
            units[one.found["length_unit"], one.found["time_unit"]] = str(one.row)
    if len(units) > 1:
        said = "; ".join(f"{row} in {length} and {time}" for (length, time), row in units.items())
        raise PerrinError(
            f"rows are in different units ({said}): D and speeds cannot be compared. Give "
            "pixel_nm and frame_interval_s to all rows, or units 'unknown'."
        )


def _measurement(sheet: Sheet, one: Measured) -> dict[str, Any]:
    row, found = one.row, one.found
    kinds = found.get("kinds", {})
    return {
        **named_row(row, sheet),
        "file": row.path.name,
        "color": row.color,
        "status": one.status,
        "reason": "" if one.outcome is None else one.outcome.reason,
        "tracks": found.get("tracks"),
        "characterized": found.get("characterized"),
        **{kind: kinds.get(kind, 0) if kinds else None for kind in (*KINDS, UNDETERMINED)},
        "length_unit": found.get("length_unit", ""),
        "time_unit": found.get("time_unit", ""),
        "notes": " | ".join(found.get("notes", ())),
        "report": f"rows/{row.name}/results/report.html" if one.status == "ok" else "",
    }

"""What was understood of a table of events, in the one line that every command prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from perrin.io.event_columns import Meaning
from perrin.io.read_as import compose_read_as, counted
from perrin.tables import EVENTS, landings_and_unbindings

_KNOWN = {column.name for column in EVENTS} | {"fit_error"}
_SAID = {"da": "Da", "kda": "kDa", "mda": "MDa"}


def compose_event_line(
    events: pd.DataFrame,
    attrs: Mapping[str, Any],
    *,
    meanings: Mapping[str, Meaning],
    left_out: Mapping[str, int],
    identity: tuple[str, ...] = (),
    remarks: tuple[str, ...] = (),
) -> str:
    """Return the line: count, sign, units, calibration, what is not used or left out.

    attrs: what `read_events` says of the table; meanings: by the schema's names, what each
    column of the file was; identity: the columns that tell measurements apart.
    """
    return compose_read_as(
        [
            _counts(events),
            attrs["format"] + (f" {attrs['version']}" if attrs["version"] else ""),
            _contrasts(events, attrs["landing_sign"], meanings.get("contrast")),
            _masses(events, meanings.get("mass_kda")),
            _calibration(attrs.get("calibration")),
        ],
        columns_not_used=[
            name for name in map(str, events.columns) if name not in _KNOWN and name not in identity
        ],
        left_out=left_out,
        remarks=[_deselected(events), *remarks],
    )


def _counts(events: pd.DataFrame) -> str:
    landings, unbindings = landings_and_unbindings(events)
    said = f"{counted(len(events), 'event')} ({counted(landings, 'landing')}, "
    said += f"{counted(unbindings, 'unbinding')})"
    number = events["measurement"].nunique()
    return said + (f" in {number} measurements" if number > 1 else "")


def _contrasts(events: pd.DataFrame, sign: str, meaning: Meaning | None) -> str:
    if not events["contrast"].notna().any():
        return "no contrasts"
    said = "contrasts as fractions"
    if meaning is not None and meaning.factor != 1:
        said = f"contrasts in {meaning.unit.replace('_', '-')}, turned into fractions"
    turned = ", turned to perrin's" if sign == "positive" else ""
    return f"{said}, landings {sign} in the file{turned}"


def _masses(events: pd.DataFrame, meaning: Meaning | None) -> str:
    if "mass_kda" not in events.columns:
        return "no masses"
    unit = "" if meaning is None else meaning.unit
    if meaning is not None and meaning.factor != 1:
        return f"masses in {_SAID.get(unit, unit)}, turned into kDa"
    return "masses in kDa" if unit == "kda" else "masses taken as kDa"


def _calibration(calibration: Mapping[str, Any] | None) -> str:
    if calibration is None:
        return "no calibration in the file"
    gradient = calibration.get("gradient_per_kda")
    name = calibration.get("source") or "without a name"
    if not isinstance(gradient, float):
        return f"calibration in the file ({name})"
    return f"calibration in the file ({name}, {gradient:.4g} per kDa)"


def _deselected(events: pd.DataFrame) -> str:
    if "retained" not in events.columns or events["retained"].all():
        return ""
    count = int((~events["retained"].astype(bool)).sum())
    return (
        f"{counted(count, 'event')} deselected in the file (selections, retained = 0): kept in "
        "the table, not in the spectrum"
    )

"""What event tables of other programs hold, in perrin's columns, sign and units.

The one last step that every event table goes through, whatever its format: names and units,
types, samples, sign, what no event can be, and the line that says what was understood.
Columns that the schema does not know stay in the table under their own names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.event_checks import (
    check_scale,
    say_missing,
    without_absurd_cells,
    without_copies,
)
from perrin.io.event_columns import Meaning, meaning_of
from perrin.io.event_line import compose_event_line
from perrin.io.event_relation import check_relation
from perrin.io.event_rows import (
    refuse_histogram,
    unit_of_masses,
    with_signs_by_contrast,
    with_signs_by_name,
    without_marks,
    without_sums,
)
from perrin.io.event_samples import told_apart
from perrin.io.numerals import MISSING, why_no_numbers
from perrin.io.read_as import listed
from perrin.tables import EVENTS, check_events, order_columns

NO_NEIGHBOR = float(np.finfo(np.float64).max)
"""How DiscoverMP writes that an event has no neighbor: the largest double, 1.797e308."""

_KINDS = {column.name: column.kind for column in EVENTS} | {"fit_error": "float"}
_LONG = 60  # letters of a name in a message
_WHOLE = 2.0**53  # up to here a float holds every whole number


@dataclass(frozen=True)
class RawTable:
    """The events of one measurement, with the names, signs and units of their file.

    units: of columns, where the file says them beside the names. own: perrin wrote it, so that
    rejected events stay in it. remarks: phrases for the line that says what was read.
    """

    columns: pd.DataFrame
    format: str
    measurement: str | None = None
    version: str | None = None
    calibration: dict[str, Any] | None = None
    binding_is_positive: bool = False
    notes: tuple[str, ...] = field(default=())
    remarks: tuple[str, ...] = field(default=())
    units: Mapping[str, str] = field(default_factory=dict)
    own: bool = False


_ANSWERS = {"yes": 1, "true": 1, "y": 1, "no": 0, "false": 0, "n": 0}


def to_events(raw: RawTable, *, measurement: str, landing_sign: int | None = None) -> pd.DataFrame:
    """Return the events of `raw` in the schema, named `measurement` unless they name it.

    Contrast is negative for a landing and a fraction; rows with neither a finite contrast
    nor a finite mass are left out. ``attrs`` says what was found and done: ``format``,
    ``version``, ``landing_sign`` of the file, ``rows_in_file``, ``notes`` (sentences),
    ``read_as`` (one line) and, where the file embeds one, ``calibration``.

    landing_sign: of the contrast of a landing in the file, -1 or +1, where the user says it.

    Raises `PerrinError` for a table without contrast and mass, columns that mean the same,
    text where a number belongs, contrasts or masses in another unit than they are said to be,
    a `landing_sign` that the masses contradict.
    """
    notes = list(raw.notes)
    table, meanings = _named(raw, notes)
    table, summed = without_sums(table)
    if summed:
        notes.append(summed)
        raw = replace(raw, remarks=(*raw.remarks, summed))
    events = _typed(table, notes)
    if "measurement" not in events.columns:
        events, identity = told_apart(events, notes)
    else:
        identity = ()
    if "measurement" not in events.columns:
        events["measurement"] = measurement
    numbered = "event" in events.columns
    if not numbered:
        events["event"] = events.groupby("measurement", sort=False).cumcount()
    return finished(
        order_columns(events),
        raw,
        notes,
        meanings,
        landing_sign=landing_sign,
        numbered=numbered,
        identity=identity,
    )


def finished(
    events: pd.DataFrame,
    raw: RawTable,
    notes: list[str],
    meanings: Mapping[str, Meaning],
    *,
    landing_sign: int | None = None,
    numbered: bool = True,
    identity: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Return `events`, named and typed already, with one sign and nothing that cannot be."""
    rows = len(events)
    if not raw.own:
        events, by_name = with_signs_by_name(without_marks(events, notes), notes)
        events = with_signs_by_contrast(events, notes)
        landing_sign = landing_sign or by_name
    events, positive = _one_sign(events, raw.binding_is_positive, landing_sign, notes)
    check_scale(events, notes)
    if not raw.own:
        check_relation(events, notes)
    events = without_absurd_cells(events, notes)
    events, without_values = _usable_rows(events, notes, keep=raw.own)
    if not raw.own:
        say_missing(events, notes)
    before = len(events)
    events = without_copies(events, notes, numbered=numbered)
    events = check_events(events)
    attrs: dict[Any, Any] = {
        "format": raw.format,
        "version": raw.version,
        "landing_sign": "positive" if positive else "negative",
        "rows_in_file": rows,
        "notes": notes,
    }
    if raw.calibration is not None:
        attrs["calibration"] = raw.calibration
    attrs["read_as"] = compose_event_line(
        events,
        attrs,
        meanings=meanings,
        identity=identity,
        left_out={
            "row without contrast and mass": without_values,
            "duplicate of an earlier row": before - len(events),
        },
        remarks=raw.remarks,
    )
    events.attrs = attrs
    return events


def _named(raw: RawTable, notes: list[str]) -> tuple[pd.DataFrame, dict[str, Meaning]]:
    """Return the table with schema names and units, and what each of its columns was."""
    columns = raw.columns
    refuse_histogram(columns)
    units = {**unit_of_masses(columns), **raw.units}
    found = [meaning_of(name, units.get(str(name), "")) for name in columns.columns]
    names = [
        str(name) if meaning is None else meaning.name
        for name, meaning in zip(columns.columns, found, strict=True)
    ]
    kept = _without_equal_columns(columns, names, notes)
    if not {"contrast", "mass_kda"} & set(names):
        seen = listed(str(name)[:_LONG] for name in columns.columns) or "none"
        raise PerrinError(
            f"the table has no contrast and no mass; its columns: {seen}. Name one of them "
            "'contrast' (a fraction, landing negative) or 'mass_kda'; 'contrasts', "
            "'masses_kDa', 'Mass (Da)', 'Contrast (%)' and the like are understood as well."
        )
    table = columns.iloc[:, kept].set_axis([names[k] for k in kept], axis="columns")
    meanings = {one.name: one for k in kept if (one := found[k]) is not None}
    for name, meaning in meanings.items():
        if meaning.factor != 1:
            table[name] = _numbers(table[name], name) * meaning.factor
    return table, meanings


def _without_equal_columns(columns: pd.DataFrame, names: list[str], notes: list[str]) -> list[int]:
    """Return the places of the columns to keep: the first of those that are equal.

    Raises `PerrinError` where columns that mean the same differ.
    """
    kept: list[int] = []
    for name, count in Counter(names).items():
        places = [k for k, other in enumerate(names) if other == name]
        kept.append(places[0])
        if count == 1:
            continue
        same = ", ".join(str(columns.columns[k]) for k in places)
        first = columns.iloc[:, places[0]]
        if not len(first) or not all(first.equals(columns.iloc[:, k]) for k in places[1:]):
            raise PerrinError(
                f"the columns {same} mean the same ({name}). "
                "Keep one of them and remove or rename the others."
            )
        notes.append(f"the columns {same} are equal: one is taken")
    return sorted(kept)


def _typed(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the schema's types, float64 for every float, NaN where DiscoverMP means none."""
    columns: dict[str, Any] = {}
    for name in table.columns:
        values = table[name].reset_index(drop=True)
        kind = _KINDS.get(name)
        if kind == "text":
            columns[name] = values.fillna("").astype(str)
        elif kind is None:
            columns[name] = values.astype(np.float64) if values.dtype.kind == "f" else values
        elif kind == "float":
            columns[name] = _numbers(values, name)
        elif kind == "bool":
            # a missing mark means that nothing was deselected
            columns[name] = _numbers(_with_answers(values), name) != 0
        elif values.dtype.kind in "iu":
            columns[name] = values.astype(np.int64)
        else:
            columns |= _whole_numbers(name, _numbers(values, name), notes)
    events = pd.DataFrame(columns, index=pd.RangeIndex(len(table)))
    if "neighbor_px" in events.columns:
        events["neighbor_px"] = events["neighbor_px"].where(events["neighbor_px"] < 1e300)
    if "contrast" not in events.columns:
        events["contrast"] = np.nan
        notes.append("the file holds masses only: contrast is NaN")
    if "mass_kda" in events.columns and len(events) and events["mass_kda"].isna().all():
        del events["mass_kda"]
        notes.append("the file's masses are all NaN: the table has none")
    return events


def _with_answers(values: pd.Series) -> pd.Series:
    """Return marks of retained events as numbers where they are words, as yes and no."""
    if values.dtype.kind in "iufb":
        return values
    words = values.astype(str).str.strip().str.lower()
    return values.where(~words.isin(list(_ANSWERS)), words.map(_ANSWERS))


def _numbers(values: pd.Series, name: str) -> npt.NDArray[np.float64]:
    """Return the values as float64; raises `PerrinError` with the first that is no number."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna() & values.notna()
    if values.dtype.kind not in "iufb":
        bad &= ~values.astype(str).str.strip().str.lower().isin(MISSING)
    if bad.any():
        raise PerrinError(
            f"column {name!r}: {why_no_numbers(values.astype(str).tolist())}. "
            "Correct the cell, or leave it empty where the value is unknown."
        )
    return numbers.to_numpy(dtype=np.float64)


def _whole_numbers(
    name: str, numbers: npt.NDArray[np.float64], notes: list[str]
) -> dict[str, npt.NDArray[Any]]:
    """Return an int column if every value is whole, else the same numbers beside the schema."""
    known = np.isfinite(numbers) & (np.abs(numbers) <= _WHOLE)
    if known.all() and (numbers == np.round(numbers)).all():
        return {name: numbers.astype(np.int64)}
    notes.append(f"{name} is not a whole number everywhere: kept as {name}_in_file")
    return {f"{name}_in_file": numbers}


def _one_sign(
    events: pd.DataFrame, binding_is_positive: bool, said: int | None, notes: list[str]
) -> tuple[pd.DataFrame, bool]:
    """Landing negative; also whether the file had it positive.

    Masses are positive for a landing in every program, so where there are masses they
    decide; a table of contrasts alone is taken in DiscoverMP's sign, landing negative, unless
    the user said which.
    """
    shown = _sign_by_masses(events)
    if said is not None and shown not in (None, said > 0):
        here = "positive" if shown else "negative"
        raise PerrinError(
            f"landing_sign is {said:+d}, but the masses say that landings have {here} contrasts "
            "in this file; leave --landing-sign away."
        )
    if shown is not None:
        binding_is_positive = shown
    elif said is not None:
        binding_is_positive = said > 0
    elif not binding_is_positive and (events["contrast"] > 0).sum() > len(events) / 2:
        notes.append(
            "most contrasts are positive, which here means unbinding events; if this file counts "
            "landings positive, give --landing-sign 1 (or change the sign of the column)"
        )
    if binding_is_positive:
        events = events.assign(contrast=-events["contrast"])
        notes.append("landings are positive in the file: the sign of the contrast was changed")
    return events, binding_is_positive


def _sign_by_masses(events: pd.DataFrame) -> bool | None:
    """Whether masses say that landings have positive contrasts, None where they do not tell."""
    if "mass_kda" not in events.columns:
        return None
    product = np.sign(events["contrast"]) * np.sign(events["mass_kda"])
    same, other = int((product > 0).sum()), int((product < 0).sum())
    return None if same == other else same > other


def _usable_rows(events: pd.DataFrame, notes: list[str], *, keep: bool) -> tuple[pd.DataFrame, int]:
    """Rows with a contrast or a mass, and how many others there were; `keep`: all rows."""
    usable = events["contrast"].notna().to_numpy()
    if "mass_kda" in events.columns:
        usable = usable | events["mass_kda"].notna().to_numpy()
    if len(events) and not usable.any():
        raise PerrinError(
            f"none of the {len(events)} rows has a usable contrast or mass (all are NaN or "
            "infinite). Export the table again with fitted events."
        )
    if not len(events):
        notes.append("the file holds no events")
    if keep or usable.all():
        return events, 0
    missing = int((~usable).sum())
    notes.append(
        f"{missing} of {len(events)} rows have neither a usable contrast nor a mass: left out"
    )
    kept: pd.DataFrame = events.loc[usable]
    return kept.reset_index(drop=True), missing

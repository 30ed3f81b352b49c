"""Rows of a table of events that are none: sums below the table, marks of missing values, bins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.event_columns import MASS_UNITS, key_of, meaning_of
from perrin.io.read_as import counted, listed
from perrin.tables import EVENTS

_KNOWN = frozenset(column.name for column in EVENTS)
_MISSING = (-999.0, -9999.0, -99999.0)
_COUNTS = frozenset(
    (
        "count",
        "counts",
        "frequency",
        "frequencies",
        "density",
        "probability",
        "n",
        "number",
        "n_events",
    )
)
_UNIT_COLUMNS = frozenset(("unit", "units", "mass_unit", "mass_units"))
_FEW, _EQUAL = 10, 1e-6
_ENOUGH = 10  # rows that show a line
_SAME, _ALIKE = 0.05, 0.3  # relative: gradients of events, with what an offset adds
_LANDINGS = frozenset(("landing", "landings", "binding", "bind", "bound", "binder", "attachment"))
_UNBINDINGS = frozenset(
    ("unbinding", "unbindings", "unbind", "unbound", "unbinder", "detachment", "desorption")
)


def refuse_histogram(table: pd.DataFrame) -> None:
    """Raise `PerrinError` for a table of bins and their counts."""
    counts = [name for name in table.columns if _counts(name)]
    if not counts or len(table) < 2:
        return
    for name in table.columns:
        if _counts(name) or len(table.columns) > 4:
            continue
        meaning = meaning_of(name)
        if meaning is None or meaning.name not in ("contrast", "mass_kda"):
            continue
        steps = np.diff(pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64))
        if (steps > 0).all() or (steps < 0).all():
            raise PerrinError(
                f"this is a histogram (bins in {str(name)!r}, their counts in {str(counts[0])!r}), "
                "no table of events: each bin would be read as one event. Export the events."
            )


def _counts(name: object) -> bool:
    """Whether a column is called as counts are: ``counts``, ``Normalized counts``."""
    words = key_of(name).split("_")
    return "_".join(words) in _COUNTS or words[-1] in _COUNTS - {"n", "number"}


def unit_of_masses(table: pd.DataFrame) -> Mapping[str, str]:
    """Return the unit of masses without one in their name, by a column that says it in each row.

    Raises `PerrinError` where that column holds several units, or one that is none of mass.
    """
    named = [name for name in table.columns if key_of(name) in _UNIT_COLUMNS]
    bare = [
        str(name)
        for name in table.columns
        if (meaning := meaning_of(name)) and meaning.name == "mass_kda" and not meaning.unit
    ]
    if not named or not bare:
        return {}
    found = sorted({str(one).strip() for one in table[named[0]].dropna()} - {""})
    factors = {MASS_UNITS.get(key_of(one)) for one in found}
    if not found:
        return {}
    if len(factors) > 1 or None in factors:
        raise PerrinError(
            f"column {str(named[0])!r} holds {listed(found[:4])}: one unit of mass (Da, kDa, MDa) "
            f"is needed for {listed(bare)}. Convert all rows to one unit, or rename the column."
        )
    return dict.fromkeys(bare, found[0])


def without_sums(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the table without a last row that is the sum or the mean of those above, and say so.

    By its contrasts and masses, which have the schema's names.
    """
    names = [name for name in ("contrast", "mass_kda") if name in table.columns]
    values = table[names].apply(pd.to_numeric, errors="coerce").astype(np.float64)
    values = values.dropna(axis=1, how="all")
    if len(values) < _FEW or values.empty:
        return table, ""
    above, last = values.iloc[:-1], values.iloc[-1]
    for what, value in (("sum", above.sum()), ("mean", above.mean())):
        if np.isfinite(last).all() and np.allclose(last, value, rtol=_EQUAL, atol=0):
            said = f"the last row is the {what} of all others: left out"
            return table.iloc[:-1].reset_index(drop=True), said
    return table, ""


def without_marks(events: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the table with NaN for masses of -999 and the like, which mark missing values."""
    if "mass_kda" not in events.columns:
        return events
    marks = events["mass_kda"].isin(_MISSING)
    if not marks.any():
        return events
    value = events.loc[marks, "mass_kda"].iloc[0]
    notes.append(
        f"{counted(int(marks.sum()), 'mass')} of {value:g} (a mark of missing values) left out"
    )
    return events.assign(mass_kda=events["mass_kda"].mask(marks))


def with_signs_by_name(events: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, int | None]:
    """Return the table with the signs that a column of words says, where its numbers have none.

    Some programs write sizes, and beside them "binding" or "unbinding": taken as they are, all of
    them would be landings. Also the sign of a landing's contrast, where words give it.
    """
    sign = None
    for name in events.columns:
        if name in _KNOWN or events[name].dtype.kind not in "OUT":
            continue
        words = events[name].astype(str).str.strip().str.lower()
        if not set(words) <= _LANDINGS | _UNBINDINGS or not set(words) & _UNBINDINGS:
            continue
        leaves = words.isin(_UNBINDINGS)
        found = {one: events[one].dropna() for one in ("contrast", "mass_kda") if one in events}
        bare = [one for one, size in found.items() if (size >= 0).all() or (size <= 0).all()]
        if not bare or leaves.all():
            continue
        notes.append(
            f"{listed(bare)} without signs: {int(leaves.sum())} events are unbindings by the "
            f"column {name}"
        )
        if "contrast" in bare:
            sign = 1 if (found["contrast"] >= 0).all() else -1
        events = events.assign(**{one: events[one].where(~leaves, -events[one]) for one in bare})
    return events, sign


def with_signs_by_contrast(events: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the table with the masses of unbindings negative, where masses are sizes.

    Those whose contrast has the other sign than most, where sizes lie on one line.
    """
    if "mass_kda" not in events.columns:
        return events
    contrast, mass = events["contrast"], events["mass_kda"]
    both = np.isfinite(contrast) & np.isfinite(mass) & (contrast != 0) & (mass != 0)
    if both.sum() < _ENOUGH or (mass[both] < 0).any():
        return events
    usual = 1 if (contrast[both] > 0).sum() > both.sum() / 2 else -1
    other = both & (np.sign(contrast) == -usual)
    ratio = (contrast / mass).abs()
    if not other.any() or not _one_line(ratio[both & ~other], ratio[other]):
        return events
    notes.append(
        f"masses without signs: {int(other.sum())} events whose contrast has the other sign are "
        "unbindings"
    )
    return events.assign(mass_kda=mass.where(~other, -mass))


def _one_line(these: pd.Series, those: pd.Series) -> bool:
    middle = float(these.median())
    return bool(
        (these / middle - 1).abs().median() < _SAME and (those / middle - 1).abs().max() < _ALIKE
    )

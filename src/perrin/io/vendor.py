"""What event tables of other programs hold, in perrin's columns, sign and units.

The names of other programs on the left, the schema's on the right; everything else a
file holds stays in the table under its own name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perrin.errors import PerrinError
from perrin.tables import EVENTS, check_events, order_columns

NO_NEIGHBOR = float(np.finfo(np.float64).max)
"""How DiscoverMP writes that an event has no neighbor: the largest double, 1.797e308."""

_ALIASES: dict[str, str] = {
    **{column.name: column.name for column in EVENTS},
    "contrasts": "contrast",
    "contrasts_se": "contrast_se",
    "masses_kda": "mass_kda",
    "mass": "mass_kda",
    "masses": "mass_kda",
    "calibrated_values": "mass_kda",
    "frames": "frame",
    "frame_indices": "frame",
    "x_coords": "x_px",
    "y_coords": "y_px",
    "fit_errors": "fit_error",
    "nearest_neighbor_distances": "neighbor_px",
    "neareast_neighbor_distances": "neighbor_px",  # spelt so in DiscoverMP's CSV
    "selections": "retained",
}
_KINDS = {column.name: column.kind for column in EVENTS} | {"fit_error": "float"}

# Proteins give 2e-5 to 8e-5 of contrast per kDa, so 100 times that is percent; and no
# molecule that is measured this way has a contrast above 0.3 (7 MDa at 4e-5 per kDa).
_PERCENT_PER_KDA = 1e-3
_PERCENT_MEDIAN = 0.3
_SUSPICIOUS_MEDIAN = 0.1


@dataclass(frozen=True)
class RawTable:
    """The events of one measurement, with the names, signs and units of their file."""

    columns: pd.DataFrame
    format: str
    measurement: str | None = None
    version: str | None = None
    calibration: dict[str, Any] | None = None
    binding_is_positive: bool = False
    notes: tuple[str, ...] = field(default=())


def to_events(raw: RawTable, *, measurement: str) -> pd.DataFrame:
    """Return the events of `raw` in the schema, named `measurement` unless they name it.

    Contrast is negative for a landing and a fraction; rows with neither a finite contrast
    nor a finite mass are left out. ``attrs`` says what was found and done: ``format``,
    ``version``, ``landing_sign`` of the file, ``rows_in_file``, ``notes`` (sentences) and,
    where the file embeds one, ``calibration``.

    Raises `PerrinError` for a table without contrast and mass, columns that mean the same,
    text where a number belongs, contrast in percent.
    """
    notes = list(raw.notes)
    events = _typed(_renamed(raw.columns), notes)
    events, positive = _one_sign(events, raw.binding_is_positive, notes)
    if "measurement" not in events.columns:
        events["measurement"] = measurement
    if "event" not in events.columns:
        events["event"] = events.groupby("measurement", sort=False).cumcount()
    events = _usable_rows(events, notes)
    _check_fraction(events, notes)
    events = check_events(order_columns(events))
    events.attrs = {
        "format": raw.format,
        "version": raw.version,
        "landing_sign": "positive" if positive else "negative",
        "rows_in_file": len(raw.columns),
        "notes": notes,
    }
    if raw.calibration is not None:
        events.attrs["calibration"] = raw.calibration
    return events


def _renamed(columns: pd.DataFrame) -> pd.DataFrame:
    """Return the table with schema names for the columns that have one."""
    names = [_ALIASES.get(_key(name), str(name)) for name in columns.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        same = [str(old) for old, new in zip(columns.columns, names, strict=True) if new in twice]
        raise PerrinError(
            f"the columns {', '.join(same)} mean the same ({', '.join(twice)}). "
            "Keep one of them and remove or rename the others."
        )
    if not {"contrast", "mass_kda"} & set(names):
        seen = ", ".join(str(name) for name in columns.columns[:20]) or "none"
        raise PerrinError(
            f"the table has no contrast and no mass; its columns: {seen}. Name one of them "
            "'contrast' (a fraction, landing negative) or 'mass_kda'; 'contrasts', "
            "'masses_kDa', 'calibrated_values' and 'mass' are understood as well."
        )
    return columns.set_axis(names, axis="columns")


def _key(name: object) -> str:
    """'Mass (kDa)' and 'mass_kDa' are one name."""
    return re.sub(r"[^0-9a-z]+", "_", str(name).strip().lower()).strip("_")


def _typed(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the schema's types, float64 for every float, NaN where DiscoverMP means none."""
    events = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for name in table.columns:
        values = table[name].reset_index(drop=True)
        kind = _KINDS.get(name)
        if kind == "text":
            events[name] = values.fillna("").astype(str)
        elif kind is None:
            events[name] = values.astype(np.float64) if values.dtype.kind == "f" else values
        elif kind == "float":
            events[name] = _numbers(values, name)
        elif kind == "bool":
            numbers = _numbers(values, name)
            events[name] = numbers != 0  # a missing mark means that nothing was deselected
        else:
            _add_whole_numbers(events, name, _numbers(values, name), notes)
    if "neighbor_px" in events.columns:
        events["neighbor_px"] = events["neighbor_px"].where(events["neighbor_px"] < 1e300)
    for name in ("contrast", "mass_kda"):
        if name in events.columns:
            events[name] = events[name].where(np.isfinite(events[name]))
    if "contrast" not in events.columns:
        events["contrast"] = np.nan
        notes.append("the file holds masses only: contrast is NaN")
    if "mass_kda" in events.columns and len(events) and events["mass_kda"].isna().all():
        del events["mass_kda"]
        notes.append("the file's masses are all NaN: the table has none")
    return events


def _numbers(values: pd.Series, name: str) -> npt.NDArray[np.float64]:
    """Return the values as float64; raises `PerrinError` with the first that is no number."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna() & values.notna()
    if values.dtype.kind not in "iufb":
        bad &= ~values.astype(str).str.strip().str.lower().isin(("", "nan", "na", "none"))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise PerrinError(
            f"column {name!r}, row {row + 1}: {values.iloc[row]!r} is not a number. "
            "Correct the cell, or leave it empty where the value is unknown."
        )
    return numbers.to_numpy(dtype=np.float64)


def _add_whole_numbers(
    events: pd.DataFrame, name: str, numbers: npt.NDArray[np.float64], notes: list[str]
) -> None:
    """Add an int column if every value is whole, else the same numbers beside the schema."""
    if np.isfinite(numbers).all() and (numbers == np.round(numbers)).all():
        events[name] = numbers.astype(np.int64)
        return
    events[f"{name}_in_file"] = numbers
    notes.append(f"{name} is not a whole number everywhere: kept as {name}_in_file")


def _one_sign(
    events: pd.DataFrame, binding_is_positive: bool, notes: list[str]
) -> tuple[pd.DataFrame, bool]:
    """Landing negative; also whether the file had it positive.

    Masses are positive for a landing in every program, so where there are masses they
    decide; a table of contrasts alone is taken in DiscoverMP's sign, landing negative.
    """
    if "mass_kda" in events.columns:
        product = (events["contrast"] * np.sign(events["mass_kda"])).dropna()
        binding_is_positive = (
            bool((product > 0).sum() > (product < 0).sum()) if len(product) else binding_is_positive
        )
    elif not binding_is_positive and (events["contrast"] > 0).sum() > len(events) / 2:
        notes.append(
            "most contrasts are positive, which here means unbinding events; if this file "
            "counts landings positive, change the sign of the column"
        )
    if binding_is_positive:
        events["contrast"] = -events["contrast"]
        notes.append("landings are positive in the file: the sign of the contrast was changed")
    return events, binding_is_positive


def _usable_rows(events: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows with a finite contrast or a finite mass."""
    usable = events["contrast"].notna().to_numpy()
    if "mass_kda" in events.columns:
        usable = usable | events["mass_kda"].notna().to_numpy()
    if len(events) and not usable.any():
        raise PerrinError(
            f"none of the {len(events)} rows has a usable contrast or mass (all are NaN or "
            "infinite). Export the table again with fitted events."
        )
    if not usable.all():
        notes.append(
            f"{int((~usable).sum())} of {len(events)} rows have neither a usable contrast nor "
            "a mass: left out"
        )
    if not len(events):
        notes.append("the file holds no events")
    kept: pd.DataFrame = events.loc[usable]
    return kept.reset_index(drop=True)


def _check_fraction(events: pd.DataFrame, notes: list[str]) -> None:
    """Raise `PerrinError` if the contrast is in percent, by its size or by that of the masses."""
    contrast = events["contrast"].abs()
    median = float(contrast.median()) if contrast.notna().any() else 0.0
    per_kda = 0.0
    if "mass_kda" in events.columns:
        heavy = (events["mass_kda"].abs() > 10) & contrast.notna()
        per_kda = float((contrast[heavy] / events["mass_kda"].abs()[heavy]).median())
    if median > _PERCENT_MEDIAN or per_kda > _PERCENT_PER_KDA:
        said = f", {per_kda:.2g} per kDa where proteins give 2e-5 to 8e-5" if per_kda > 0 else ""
        raise PerrinError(
            f"the contrast has a median size of {median:.3g}{said}: it seems to be in percent. "
            "perrin takes a fraction (0.003, not 0.3): divide the column by 100 and read it again."
        )
    if median > _SUSPICIOUS_MEDIAN and not per_kda > 0:
        notes.append(
            f"the contrast has a median size of {median:.3g}, very large for a fraction; "
            "if it is in percent, divide the column by 100"
        )

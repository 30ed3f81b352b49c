"""Tables whose columns say by their names what they are: CSV, parquet, HDF5, MATLAB structs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.read_as import listed
from perrin.io.row_checks import CHECK, ROWS, what_changed, written_rows
from perrin.io.track_formats import CHECKED_OF_TRACKS
from perrin.io.tracks.columns import Name, parse, roles
from perrin.io.tracks.raw import AXES, KEPT, RawTracks, numbers
from perrin.io.units import length_unit, time_unit

_UNIT_COLUMNS = ("unit", "units", "length_unit", "space_unit", "spatial_unit")
_SAME = ("pixel_nm", "frame_interval_s", "exposure")
_NAPARI = ("axis-0", "axis-1", "axis-2", "axis-3")
_OF_PICTURES = (("col", "row"), ("column", "row"), ("cols", "rows"), ("centroid-1", "centroid-0"))
"""x and y, as scikit-image and others count them in a picture."""
_FEW_VALUES = 50  # a column whose name says nothing tells no more movies apart
_TRACKPY = frozenset({"mass", "size", "ecc"})
_OTHER_TABLES = (
    ({"tamsd_d", "w"}, "perrin's own results (trajectories.csv or windows.csv); give tracks.csv"),
    ({"contrasts"}, "a table of landing events; `perrin spectrum` reads it"),
    ({"contrast", "mass_kda"}, "a table of landing events; `perrin spectrum` reads it"),
    ({"masses_kda"}, "a table of landing events; `perrin spectrum` reads it"),
    ({"parent", "begin", "end"}, "a list of tracks without positions"),
)


def from_columns(
    table: pd.DataFrame, kind: str, units: Mapping[str, str] | None = None
) -> RawTracks:
    """Return the tracks in a table by the names of its columns.

    units: of columns, where the file says them beside the names; a column ``unit`` with one value
    says that of all positions.

    Raises `PerrinError` where there is no particle, no frame or time, or no x, for perrin's own
    columns of numbers that are the same in all rows, if they are not, for a column of units with
    several values, and for units that contradict those in names.
    """
    table = _plain_index(table)
    if set(_NAPARI) <= set(map(str, table.columns)):
        table, kind = _of_napari(table), f"napari {kind}"
    table, dummies = _without_dummies(table)
    table, of_picture = _with_x_and_y(table)
    said = _unit_of_rows(table) | dict(units or {})
    names = [parse(name, said.get(name, "")) for name in table.columns]
    meant = _by_rows(roles(names), table)
    _check_there(meant, names)
    lower = {name.base: name for name in names}
    own = {"pixel_nm", "frame_interval_s"} <= set(lower)
    used = _used(meant) | _errors(meant)
    for name in KEPT if own else ():
        if name in lower:
            used.setdefault(name, lower[name])
    raw = RawTracks(
        table=pd.DataFrame({role: table[name.full] for role, name in used.items()}),
        format="perrin CSV" if own else kind,
        names={role: name.full for role, name in used.items()},
        units={axis: _unit(used[axis]) for axis in AXES if axis in used},
        time_unit=time_unit(used["time"].unit) or "" if "time" in used else "",
        remarks=of_picture,
        left_out={"row that btrack put in (dummy), no position": dummies},
    )
    _add_groups(raw, table, meant, used)
    for name in [one for one in _SAME if own and one in lower]:
        setattr(raw, name, _one(numbers(table[lower[name].full], name), name))
    if own:
        raw.units = dict.fromkeys(raw.units, "px")
    elif set(lower) >= _TRACKPY:
        raw.format = f"trackpy {kind}"
        raw.units = {axis: unit or "px" for axis, unit in raw.units.items()}
    taken = {name.full for name in used.values()} | set(raw.groups.columns) - raw.perhaps_groups
    taken |= {lower[name].full for name in _SAME if own and name in lower}
    taken |= {name for name in table.columns if name.lower() in _UNIT_COLUMNS and raw.units["x"]}
    raw.columns_not_used = [name.full for name in names if name.full not in taken]
    _check_own(raw, table)
    return raw


def _with_x_and_y(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with columns and rows of a picture called x and y, and say so."""
    names = {name.lower(): name for name in table.columns}
    if "x" in names or "y" in names:
        return table, []
    nodes = [name[:-2] for name in names if name.endswith(".x") and f"{name[:-2]}.y" in names]
    if len(nodes) > 1:
        raise PerrinError(
            f"the table has positions of several points of each animal ({listed(nodes)}), as "
            "SLEAP writes them: keep one, in columns x and y."
        )
    for x, y in (*_OF_PICTURES, *((f"{node}.x", f"{node}.y") for node in nodes)):
        if x in names and y in names:
            said = f"columns {names[x]} and {names[y]} are taken as x and y"
            return table.rename(columns={names[x]: "x", names[y]: "y"}), [said]
    return table, []


def _without_dummies(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the table without the rows that btrack put in where a track has no position."""
    name = next((name for name in table.columns if name.lower() == "dummy"), None)
    if name is None:
        return table, 0
    values = table[name].astype(str).str.strip().str.lower()
    if not set(values) <= {"true", "false", "0", "1", "0.0", "1.0"}:
        return table, 0
    dummy = values.isin(("true", "1", "1.0")).to_numpy()
    return table[~dummy].reset_index(drop=True), int(dummy.sum())


def _unit_of_rows(table: pd.DataFrame) -> dict[str, str]:
    """Return the unit of each axis without one in its name, by a column that says it in each row.

    Raises `PerrinError` where that column holds several units, or one that is none of length.
    """
    name = next((name for name in table.columns if name.lower() in _UNIT_COLUMNS), None)
    if name is None:
        return {}
    found = sorted({str(one).strip() for one in table[name].dropna()} - {""})
    names = [parse(one) for one in table.columns]
    bare = [one for one in names if not one.unit and set(roles([one])) & set(AXES)]
    if not found or not bare:
        return {}
    if len(found) > 1 or length_unit(found[0]) is None:
        raise PerrinError(
            f"column {name!r} holds {listed(found[:4])}: one unit of length is needed for "
            f"{listed(one.full for one in bare)}. Convert all rows to one unit, or rename it."
        )
    return {one.full: found[0] for one in bare}


def _check_own(raw: RawTracks, table: pd.DataFrame) -> None:
    """Say what has changed since perrin wrote the table, where it did."""
    if CHECK not in table.columns:
        if ROWS in table.columns:
            raw.remarks.append(
                f"the column {CHECK} is gone, so that changes since perrin wrote it are not seen"
            )
        return
    rows = written_rows(table[ROWS]) if ROWS in table.columns else None
    checked = {
        name: pd.to_numeric(table[name], errors="coerce")
        for name in CHECKED_OF_TRACKS
        if name in table.columns
    }
    raw.remarks += what_changed(checked, table[CHECK], rows)
    raw.columns_not_used = [name for name in raw.columns_not_used if name not in (CHECK, ROWS)]


def _plain_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the named levels of its index as columns, each once."""
    for level in [str(level) for level in table.index.names if level is not None]:
        values = table.index.get_level_values(level).to_series().reset_index(drop=True)
        if level not in table.columns:
            table = table.assign(**{level: values.to_numpy()})
        elif not (table[level].reset_index(drop=True) == values).all():
            raise PerrinError(
                f"{level!r} is the index and a column, with different values. Keep one of them."
            )
    table = table.reset_index(drop=True)
    table.columns = [str(name) for name in table.columns]
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice):
        raise PerrinError(f"the columns {listed(twice)} are there twice. Keep one of each.")
    return table


def _of_napari(table: pd.DataFrame) -> pd.DataFrame:
    """A layer saved by napari: track, time, (z), y, x; its index numbers the rows."""
    axes = [f"axis-{k}" for k in range(6) if f"axis-{k}" in table.columns]
    named = {2: ("y", "x"), 3: ("z", "y", "x")}.get(len(axes) - 2)
    if named is None:
        raise PerrinError(
            f"napari's columns {listed(axes)}: known are (track, time, y, x) and "
            "(track, time, z, y, x). Keep one channel."
        )
    return table.rename(columns=dict(zip(axes, ("track_id", "frame", *named), strict=True)))


def _check_there(meant: dict[str, list[Name]], names: list[Name]) -> None:
    for axis in AXES:
        odd = meant.get(f"odd unit of {axis}")
        if odd and axis not in meant:
            raise PerrinError(
                f"column {odd[0].full!r}: the unit {odd[0].unit!r} is not known. Known units are "
                "px, pm, angstrom, nm, um, mm, cm, m: rename the column."
            )
    lacking = [role for role in ("particle", "x") if role not in meant]
    if "x" in lacking and ("y" in meant or "z" in meant):
        meant["x"] = meant.pop("y" if "y" in meant else "z")
        lacking.remove("x")
    if "frame" not in meant and "time" not in meant:
        lacking.insert(len(lacking) - ("x" in lacking), "frame")
    if not lacking:
        return
    lower = {str(name.full).lower() for name in names}
    other = next((said for known, said in _OTHER_TABLES if known <= lower), None)
    if other is None and {"x1", "y1", "x2", "y2"} <= lower:
        other = (
            "a table with columns of its own for each track (x1, y1, x2, y2, ...): write one row a "
            "position, particle, frame, x, y"
        )
    hints = {
        "frame": " Times go into a column time_s, and are divided by the frame interval.",
        "x": " A unit may stand behind a name, as in x_nm or x [um].",
        "particle": " Positions of spots that are in no track yet are linked first (perrin track, "
        "trackpy.link)."
        if lacking == ["particle"]
        else "",
    }
    raise PerrinError(
        f"the columns {listed(name.full[:60] for name in names)} hold no {', '.join(lacking)}. "
        + (f"This looks like {other}." if other else "Rename them to particle, frame, x, y (")
        + (
            ""
            if other
            else "known too are track_id, trajectory, traj_idx, id, POSITION_X and more)."
            + "".join(hint for role, hint in hints.items() if role in lacking)
        )
    )


def _by_rows(meant: dict[str, list[Name]], table: pd.DataFrame) -> dict[str, list[Name]]:
    """Return the roles with columns that number the rows behind others that number tracks."""
    found = meant.get("particle", [])
    if len(found) > 1:
        found.sort(key=lambda name: table[name.full].nunique() == len(table))  # keeps their order
    return meant


def _used(meant: dict[str, list[Name]]) -> dict[str, Name]:
    """Return the column of each role: the likeliest that no other role has."""
    used: dict[str, Name] = {}
    for role in ("x", "y", "z", "frame", "time", "particle"):
        free = [name for name in meant.get(role, []) if name not in used.values()]
        if free:
            used[role] = free[0]
    return used


def _unit(name: Name) -> str:
    return length_unit(name.unit) or ""


def _errors(meant: dict[str, list[Name]]) -> dict[str, Name]:
    """Return the columns of standard errors, of each axis or of both."""
    found = {role: meant[role][0] for role in ("x_se", "y_se") if role in meant}
    if not found and "se" in meant:
        found = {"x_se": meant["se"][0], "y_se": meant["se"][0]}
    return {role: name for role, name in found.items() if role[0] in meant}


def _add_groups(
    raw: RawTracks, table: pd.DataFrame, meant: dict[str, list[Name]], used: dict[str, Name]
) -> None:
    """Put further columns that may tell movies apart beside the rows: text or whole numbers."""
    taken = {name.full for name in used.values()}
    named = {name.full for name in meant.get("group", [])}
    kept = {}
    for name in map(str, table.columns):
        values = table[name]
        if name in taken or _has_fractions(values):
            continue
        count = values.nunique()
        if count >= 2 and (name in named or count <= _FEW_VALUES):
            kept[name] = values
    raw.groups = pd.DataFrame(kept, index=table.index)
    raw.perhaps_groups = frozenset(kept) - named


def _has_fractions(values: pd.Series) -> bool:
    return pd.api.types.is_float_dtype(values.dtype) and bool((values.dropna() % 1 != 0).any())


def _one(values: pd.Series, name: str) -> float:
    """Return the one value of a column, which says something of the whole movie."""
    found: Any = values.unique()
    if len(found) != 1 or not (found[0] > 0 or (name == "exposure" and found[0] == 0)):
        said = ", ".join(f"{value:g}" for value in found[:4])
        raise PerrinError(
            f"column {name!r} holds {said or 'nothing'}; it is one positive number for all rows. "
            "Tables of several movies are analyzed one by one."
        )
    if not float("inf") > found[0] or (name == "exposure" and found[0] > 1):
        raise PerrinError(f"column {name!r} holds {found[0]:g}, which cannot be.")
    return float(found[0])

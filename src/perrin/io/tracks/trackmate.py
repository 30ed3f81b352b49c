"""TrackMate's files: the spots table (CSV) and the model (XML).

A CSV has four header lines (keys, names, short names, units); a spot outside any track has no
TRACK_ID. In the model, tracks are edges between spots; tracks that the user has hidden are not in
FilteredTracks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.etree.ElementTree import Element

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.numerals import decimal_mark, typed
from perrin.io.read_as import listed
from perrin.io.text import TextTable
from perrin.io.tracks.by_name import from_columns
from perrin.io.tracks.raw import RawTracks
from perrin.io.units import SECONDS, length_unit, nanometers, time_unit

_KEYS = ("TRACK_ID", "FRAME", "POSITION_X", "POSITION_Y")
_LABELS = ("Frame", "X", "(")  # what the label rows hold in these columns
_COLUMNS = {"frame": "FRAME", "time": "POSITION_T"}
_ENDS = ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")


def is_trackmate_csv(text: TextTable) -> bool:
    """Tell whether a text table has TrackMate's keys."""
    return set(_KEYS) <= set(text.cells)


def from_spots(text: TextTable) -> RawTracks:
    """Return the tracks of a TrackMate spots table; label rows give the units."""
    labels = _label_rows(text.cells["POSITION_X"])
    rows = {name: cells[labels:] for name, cells in text.cells.items()}
    decimal = decimal_mark(list(rows.values()))
    columns = {name: typed(cells, decimal=decimal) for name, cells in rows.items()}
    raw = from_columns(pd.DataFrame(columns), "TrackMate CSV")
    raw.may_branch = True
    for axis in ("x", "y", "z"):
        name = f"POSITION_{axis.upper()}"
        if name in text.cells and axis in raw.table:
            raw.units[axis] = known_length(raw, _unit_of(text.cells[name][:labels]))
    if "POSITION_T" in text.cells and "time" in raw.table:
        unit = time_unit(_unit_of(text.cells["POSITION_T"][:labels])) or ""
        raw.time_unit = unit if unit in SECONDS else ""
    return raw


def _label_rows(cells: Iterable[str]) -> int:
    count = 0
    for cell in cells:
        if cell.strip() not in ("X",) and not cell.strip().startswith("("):
            break
        count += 1
    return count


def _unit_of(labels: Iterable[str]) -> str:
    return next((cell.strip() for cell in labels if cell.strip().startswith("(")), "")


def known_length(raw: RawTracks, text: str) -> str:
    """Return the unit of length by its one name, "" for an unknown one, which is quoted."""
    unit = length_unit(text)
    if unit is None and text.strip("() "):
        raw.remarks.append(f"the unit of length {text!r} is not known")
    return unit or ""


def interval_of(raw: RawTracks, text: str | None, unit: str) -> float | None:
    """Return a frame interval in seconds; None for none, 0 (not known) or an unknown unit."""
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = 0.0
    known = time_unit(unit)
    if known == "frame":
        return None
    if known is None:
        if unit:
            raw.remarks.append(f"the unit of time {unit!r} is not known")
        return None
    if not 0 < value < float("inf"):
        raw.remarks.append(f"the frame interval in the file is {text!r}, which is none")
        return None
    return value * SECONDS[known]


def from_model(root: Element) -> RawTracks:
    """Return the shown tracks of a TrackMate model.

    Tracks that split or merge are left out and named. Raises `PerrinError` for a file without
    tracks, edges without spots, and edges to spots that are not there.
    """
    spots = {spot.get("ID", ""): spot for spot in root.iter("Spot")}
    tracks = list(root.iter("Track"))
    shown = root.find(".//FilteredTracks")
    if shown is not None:
        wanted = {one.get("TRACK_ID") for one in shown.iter("TrackID")}
        kept = [track for track in tracks if track.get("TRACK_ID") in wanted]
    else:
        kept = tracks
    if not kept:
        raise PerrinError(
            f"the file holds no track ({len(tracks)} hidden). Link the spots in TrackMate first."
        )
    rows, branched, lacking = [], [], []
    for track in kept:
        members, branches = _members(track, spots)
        if branches:
            branched.append(_name(track))
            continue
        rows += [_row(track, spots[member]) for member in members]
        edges = len({_ends(edge) for edge in track.iter("Edge")})
        if str(len(members)) != track.get("NUMBER_SPOTS", str(edges + 1)) or (
            edges != len(members) - 1
        ):
            lacking.append(_name(track))
    if not rows:
        raise PerrinError(
            f"all tracks split or merge ({listed(branched)}): forbid splitting and merging in "
            "TrackMate, or filter these tracks."
        )
    raw = RawTracks(pd.DataFrame(rows), "TrackMate XML", names=dict(_COLUMNS))
    raw.names |= {axis: f"POSITION_{axis.upper()}" for axis in "xyz"}
    raw.left_out = {
        "track hidden in TrackMate": len(tracks) - len(kept),
        f"track that splits or merges ({listed(branched)})": len(branched),
    }
    _describe(raw, root)
    if lacking:
        raw.remarks.append(f"incomplete: edges of {listed(lacking)} are missing")
    _check_counts(raw, root, spots)
    return raw


def _check_counts(raw: RawTracks, root: Element, spots: dict[str, Element]) -> None:
    """Say where the file has fewer spots than it says itself."""
    listed_spots = root.find(".//AllSpots")
    said = "" if listed_spots is None else listed_spots.get("nspots", "")
    if said.isdecimal() and int(said) != len(spots):
        raw.remarks.append(f"incomplete: the file says {said} spots and holds {len(spots)}")


def _name(track: Element) -> str:
    return track.get("name") or f"Track_{track.get('TRACK_ID')}"


def _ends(edge: Element) -> frozenset[str | None]:
    return frozenset(edge.get(end) for end in _ENDS)


def _members(track: Element, spots: dict[str, Element]) -> tuple[list[str], bool]:
    """Return the spots of a track, and whether it splits or merges."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    seen: set[frozenset[str | None]] = set()
    for edge in track.iter("Edge"):
        ends = [edge.get(end) for end in _ENDS]
        for end in ends:
            if not end:
                raise PerrinError(
                    f"{_name(track)} has an edge without both ends ({', '.join(_ENDS)}). "
                    "Save the TrackMate file again."
                )
            if end not in spots:
                raise PerrinError(
                    f"{_name(track)} has an edge to spot {end}, which is not in the file. "
                    "Save the TrackMate file again."
                )
        if _ends(edge) in seen:
            continue  # an edge that is there twice is no branch
        seen.add(_ends(edge))
        first, second = sorted(map(str, ends), key=lambda end: _frame(spots[end]))
        after[first] += 1
        before[second] += 1
    branches = any(count > 1 for count in (*before.values(), *after.values()))
    return list({**before, **after}), branches


def _frame(spot: Element) -> float:
    try:
        return float(spot.get("FRAME", ""))
    except ValueError as error:
        raise PerrinError(
            f"spot {spot.get('ID')} has the frame {spot.get('FRAME')!r}, which is no number. "
            "Save the TrackMate file again."
        ) from error


def _row(track: Element, spot: Element) -> dict[str, object]:
    row: dict[str, object] = {"particle": track.get("TRACK_ID"), "frame": _frame(spot)}
    for axis in "xyz":
        text = spot.get(f"POSITION_{axis.upper()}", "nan")
        try:
            row[axis] = float(text)
        except ValueError as error:
            raise PerrinError(
                f"spot {spot.get('ID')} has POSITION_{axis.upper()} = {text!r}, which is no "
                "number. Save the TrackMate file again."
            ) from error
    if spot.get("POSITION_T"):
        row["time"] = spot.get("POSITION_T")
    return row


def _describe(raw: RawTracks, root: Element) -> None:
    """Add units, frame interval, and the camera's pixel where positions are lengths."""
    model, image = root.find("Model"), root.find(".//ImageData")
    units = {} if model is None else model.attrib
    unit = known_length(raw, units.get("spatialunits", ""))
    raw.units = dict.fromkeys("xyz", unit)
    raw.time_unit = time_unit(units.get("timeunits", "")) or ""
    if "time" in raw.table and raw.time_unit not in SECONDS:
        raw.table = raw.table.drop(columns="time")
    if image is None:
        return
    raw.frame_interval_s = interval_of(raw, image.get("timeinterval"), units.get("timeunits", ""))
    try:
        width = float(image.get("pixelwidth", ""))
    except ValueError:
        return
    length = nanometers(unit) if unit else None
    if length is not None and width > 0:
        raw.camera_pixel_nm = width * length

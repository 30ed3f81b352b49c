"""TrackMate's files: the spots table (CSV), the model (XML) and the exported tracks (XML).

A CSV has four header lines (keys, names, short names, units); a spot outside any track has no
TRACK_ID and is left out. In the model, tracks are edges between spots. A z that is the same
everywhere is no axis.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from perrin.errors import PerrinError

_KEYS = ("TRACK_ID", "FRAME", "POSITION_X", "POSITION_Y")
_UNITS = {
    "pixel": "px",
    "pixels": "px",
    "px": "px",
    "micron": "um",
    "microns": "um",
    "µm": "um",
    "μm": "um",
    "um": "um",
    "\\u00b5m": "um",
    "nm": "nm",
}
_SECONDS = {"sec": 1.0, "s": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0}


def is_trackmate_csv(table: pd.DataFrame) -> bool:
    """Tell whether a table has TrackMate's keys."""
    return set(_KEYS) <= set(table.columns)


def read_trackmate_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return the spots of a TrackMate table that belong to a track."""
    unit = "unknown"
    frame = pd.to_numeric(table["FRAME"], errors="coerce")
    labels = table[frame.isna()]
    for text in labels["POSITION_X"].astype(str):
        named = _UNITS.get(text.strip().strip("()").lower())
        unit = named if named else unit
    names = {"TRACK_ID": "particle", "FRAME": "frame", "POSITION_X": "x", "POSITION_Y": "y"}
    if "POSITION_Z" in table:
        names["POSITION_Z"] = "z"
    spots = table.loc[frame.notna(), list(names)].rename(columns=names)
    spots = spots.apply(pd.to_numeric, errors="coerce")
    return _flat(spots[spots["particle"].notna()], "TrackMate CSV", unit, None)


def read_trackmate_xml(path: Path) -> pd.DataFrame:
    """Return the tracks of a TrackMate XML file, model or export.

    Raises `PerrinError` for other XML, entities, a damaged file, or tracks that split or merge
    (two spots of one track in one frame).
    """
    content = path.read_bytes()
    if re.search(rb"<!(DOCTYPE|ENTITY)", content):
        raise PerrinError(f"{path}: XML with entities is not read; TrackMate writes none.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - entities are refused above
    except ElementTree.ParseError as error:
        raise PerrinError(f"{path}: damaged XML ({error}). Export it again.") from error
    try:
        if root.tag == "Tracks":
            tracks = _export(root)
        elif root.tag == "TrackMate":
            tracks = _model(root)
        else:
            raise PerrinError(
                f"{path}: XML of <{root.tag}>; TrackMate's are <TrackMate>, <Tracks>."
            )
    except (KeyError, AttributeError) as error:
        raise PerrinError(f"{path}: TrackMate XML without {error}. Export it again.") from error
    if tracks.duplicated(["particle", "frame"]).any():
        raise PerrinError(
            f"{path}: a track has two spots in one frame: it splits or merges. "
            "Forbid splitting and merging in TrackMate, or filter these tracks."
        )
    return tracks


def _export(root: ElementTree.Element) -> pd.DataFrame:
    rows = [
        {"particle": number, "frame": int(spot.attrib["t"])}
        | {axis: float(spot.attrib[axis]) for axis in "xyz" if axis in spot.attrib}
        for number, track in enumerate(root.iter("particle"))
        for spot in track.iter("detection")
    ]
    unit = _UNITS.get(root.attrib.get("spaceUnits", "").lower(), "unknown")
    seconds = _SECONDS.get(root.attrib.get("timeUnits", ""))
    interval = root.attrib.get("frameInterval")
    known = float(interval) * seconds if interval and seconds else None
    return _flat(_rows(rows), "TrackMate XML export", unit, known)


def _model(root: ElementTree.Element) -> pd.DataFrame:
    spots = {spot.attrib["ID"]: spot.attrib for spot in root.iter("Spot")}
    rows = []
    for track in root.iter("Track"):
        ends = ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")
        members = {edge.attrib[end] for edge in track.iter("Edge") for end in ends}
        rows += [
            {
                "particle": int(track.attrib["TRACK_ID"]),
                "frame": int(float(spots[name]["FRAME"])),
                **{axis: float(spots[name][f"POSITION_{axis.upper()}"]) for axis in "xyz"},
            }
            for name in members
        ]
    model, image = root.find("Model"), root.find(".//ImageData")
    units = model.attrib if model is not None else {}
    seconds = _SECONDS.get(units.get("timeunits", ""))
    interval = image.attrib.get("timeinterval") if image is not None else None
    known = float(interval) * seconds if interval and seconds else None
    unit = _UNITS.get(units.get("spatialunits", "").lower(), "unknown")
    return _flat(_rows(rows), "TrackMate XML", unit, known)


def _rows(rows: list[dict[str, float]]) -> pd.DataFrame:
    if not rows:
        raise PerrinError("the file holds no track. Link the spots in TrackMate first.")
    return pd.DataFrame(rows)


def _flat(spots: pd.DataFrame, kind: str, unit: str, interval: float | None) -> pd.DataFrame:
    if "z" in spots and (spots["z"] == spots["z"].iloc[:1].max()).all():
        spots = spots.drop(columns="z")
    spots = spots.reset_index(drop=True)
    spots.attrs = {"format": kind, "length_unit": unit, "frame_interval_s": interval}
    return spots

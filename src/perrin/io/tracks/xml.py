"""XML with tracks: TrackMate's model and export, Icy's tracks, those of the ISBI challenge.

XML is untrusted: it is parsed by defusedxml, which refuses entities and document types however
the file is encoded.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.read_as import counted
from perrin.io.tracks.raw import RawTracks
from perrin.io.tracks.trackmate import from_model, interval_of, known_length
from perrin.io.units import time_unit


def read_xml(path: Path) -> RawTracks:
    """Return the tracks of an XML file.

    Raises `PerrinError` for other XML, entities, a damaged or cut file, and broken TrackMate
    files (`perrin.io.tracks.trackmate.from_model`).
    """
    from defusedxml import DefusedXmlException, ElementTree  # late: most files hold no XML

    try:
        root = ElementTree.fromstring(path.read_bytes(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise PerrinError(
            "XML with entities or a document type is not read: remove them."
        ) from error
    except (ParseError, LookupError, ValueError) as error:
        raise PerrinError(f"damaged XML, or cut off ({error}). Export it again.") from error
    if root.tag == "TrackMate":
        return from_model(root)
    if root.tag == "Tracks":
        return _export(root)
    if root.find(".//track/detection") is not None:
        return _detections(root, "track", "Icy XML")
    if root.find(".//particle/detection") is not None:
        return _detections(root, "particle", "XML of the ISBI challenge")
    raise PerrinError(
        f"XML of <{root.tag}>, which is none of TrackMate's (<TrackMate>, <Tracks>) and holds no "
        "detections of Icy's. Export the tracks from there as CSV."
    )


def _export(root: Element) -> RawTracks:
    """TrackMate's "Export tracks to XML file": detections with their frame, units at the root."""
    raw = _detections(root, "particle", "TrackMate XML export")
    raw.may_branch = True
    _check_counts(raw, root)
    unit = known_length(raw, root.get("spaceUnits", ""))
    raw.units = dict.fromkeys(("x", "y", "z"), unit)
    units = root.get("timeUnits", "")
    interval = root.get("frameInterval")
    if time_unit(units) != "frame":
        raw.frame_interval_s = interval_of(raw, interval, units)
    return raw


def _check_counts(raw: RawTracks, root: Element) -> None:
    """Say where the file has fewer tracks or detections than it says itself."""
    tracks = list(root.iter("particle"))
    said = root.get("nTracks", "")
    if said.isdecimal() and int(said) != len(tracks):
        raw.remarks.append(f"incomplete: the file says {said} tracks and holds {len(tracks)}")
    lacking = sum(
        one.get("nSpots", "").isdecimal() and int(one.get("nSpots", "")) != len(list(one))
        for one in tracks
    )
    if lacking:
        raw.remarks.append(
            f"incomplete: {counted(lacking, 'track')} with another number of detections than said"
        )


def _detections(root: Element, tag: str, kind: str) -> RawTracks:
    """``<track><detection t= x= y= z=/>``, whatever the track is called."""
    rows = [
        {"particle": number, "frame": spot.get("t")} | {axis: spot.get(axis) for axis in "xyz"}
        for number, track in enumerate(root.iter(tag))
        for spot in track.iter("detection")
    ]
    if not rows:
        raise PerrinError("the file holds no track. Link the spots first.")
    table = pd.DataFrame(rows)
    missing = [name for name in ("frame", "x") if table[name].isna().all()]
    if missing:
        raise PerrinError(
            f"the detections have no {', '.join(missing)} (t, x, y, z). Export again."
        )
    table = table.drop(columns=[axis for axis in "yz" if table[axis].isna().all()])
    return RawTracks(table, kind, names={"frame": "t"})

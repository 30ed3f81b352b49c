"""MTrackJ's own files (.mdf): lines of assemblies, clusters, tracks and points."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.decode import read_text
from perrin.io.tracks.raw import RawTracks

_HEAD = "MTrackJ"
_CELLS = 6  # Point, number, x, y, z, t; a channel may follow


def is_mtrackj(head: bytes) -> bool:
    """Tell whether a file begins as MTrackJ's do."""
    return head.startswith(_HEAD.encode())


def read_mtrackj(path: Path) -> RawTracks:
    """Return the tracks of an .mdf file; z is a slice and t a frame, both from 1.

    Raises `PerrinError` for a file without its end, and lines that are none.
    """
    text, _ = read_text(path)
    rows, track = [], -1
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        cells = line.split()
        if cells[:1] == ["Track"]:
            track += 1
        elif cells[:1] == ["Point"]:
            if len(cells) < _CELLS or track < 0:
                raise PerrinError(f"line {number} is no point of a track ({line[:40]!r}).")
            rows.append(
                {"particle": track, "frame": cells[5]} | dict(zip("xyz", cells[2:5], strict=True))
            )
    if not rows:
        raise PerrinError("the file of MTrackJ holds no track.")
    remarks = []
    if not any(line.startswith("End") for line in lines[-3:]):
        remarks.append("the file has no line End of MTrackJ: check that it is not cut off")
    return RawTracks(pd.DataFrame(rows), "MTrackJ mdf", remarks=remarks, names={"frame": "t"})

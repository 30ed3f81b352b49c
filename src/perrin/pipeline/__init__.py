"""The steps composed: what each command does is one function here, with the same defaults.

Nothing here opens or writes files, or prints: the functions take and give data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perrin._names import shown

if TYPE_CHECKING:
    from perrin.pipeline.calibrant import build_psf, calibrate
    from perrin.pipeline.events import find_events, recorded_settings
    from perrin.pipeline.landings import analyze_landings
    from perrin.pipeline.measurement import LandingsResult, Snapshot, told_apart
    from perrin.pipeline.tables import fit_spectrum
    from perrin.pipeline.tracks import (
        andi,
        characterize,
        edit_tracks,
        link,
        track,
        track_stack,
    )

__all__ = [
    "LandingsResult",
    "Snapshot",
    "analyze_landings",
    "andi",
    "build_psf",
    "calibrate",
    "characterize",
    "edit_tracks",
    "find_events",
    "fit_spectrum",
    "link",
    "recorded_settings",
    "told_apart",
    "track",
    "track_stack",
]

_HOME = {
    "LandingsResult": "measurement",
    "Snapshot": "measurement",
    "analyze_landings": "landings",
    "andi": "tracks",
    "build_psf": "calibrant",
    "calibrate": "calibrant",
    "characterize": "tracks",
    "edit_tracks": "tracks",
    "find_events": "events",
    "fit_spectrum": "tables",
    "link": "tracks",
    "recorded_settings": "events",
    "told_apart": "measurement",
    "track": "tracks",
    "track_stack": "tracks",
}

__getattr__, __dir__ = shown(__name__, _HOME)

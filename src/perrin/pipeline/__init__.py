"""The steps composed: from a movie, or a table of events, to a calibrated spectrum.

Nothing here opens or writes files: `perrin.results` does.
"""

from perrin.pipeline.landings import (
    analyze_landings,
    check_calibration,
    find_events,
    recorded_settings,
)
from perrin.pipeline.measurement import LandingsResult, Snapshot, told_apart
from perrin.pipeline.tables import analyze_events

__all__ = [
    "LandingsResult",
    "Snapshot",
    "analyze_events",
    "analyze_landings",
    "check_calibration",
    "find_events",
    "recorded_settings",
    "told_apart",
]

"""The steps composed: from a movie, or a table of events, to a calibrated spectrum.

Nothing here opens or writes files: `perrin.results` does.
"""

from perrin.pipeline.landings import (
    analyse_landings,
    check_calibration,
    find_events,
    recorded_settings,
)
from perrin.pipeline.measurement import Measurement, Snapshot
from perrin.pipeline.tables import analyse_events

__all__ = [
    "Measurement",
    "Snapshot",
    "analyse_events",
    "analyse_landings",
    "check_calibration",
    "find_events",
    "recorded_settings",
]

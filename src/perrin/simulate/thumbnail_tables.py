"""The truth of thumbnails as tables: of what lies in the middle, and of its neighbors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.settings.simulation import InstrumentSettings
from perrin.simulate.event_patches import EventPatches
from perrin.simulate.sample import truth_table


def tables_of(
    event_patches: EventPatches,
    rows: NDArray[np.int64],
    *,
    start: NDArray[np.int64],
    corner: NDArray[np.int64],
    instrument: InstrumentSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth of the central molecules and of their neighbors, in frames and pixels of a thumbnail.

    start (R,) and corner (R, 2) are the first frame (of the patch) and pixel (of the field) of
    the thumbnails of events `rows`.
    """
    first, count = event_patches.owned[rows], np.diff(event_patches.owned)[rows]
    event = np.repeat(np.arange(len(rows)), count)
    number = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    members = first[event] + number
    particles = event_patches.particles[members].shifted(
        frames=start[event], y_px=corner[event, 0], x_px=corner[event, 1]
    )
    table = truth_table(
        particles,
        event_patches.motions[members],
        mass_kda=event_patches.mass_kda[members],
        focus=event_patches.focus[members],
        instrument=instrument,
    ).drop(columns=["particle", "time_s"])
    truth = table[number == 0].reset_index(drop=True)
    truth.insert(0, "class", event_patches.labels[rows])
    truth["n_neighbors"] = count - 1
    truth[["row", "column"]] = corner
    neighbors = table[number > 0].reset_index(drop=True)
    neighbors.insert(0, "event", rows[event[number > 0]])
    return truth, neighbors


def detected_columns(seen: pd.DataFrame) -> pd.DataFrame:
    """What the detector said of each event, named so that it is not taken for the truth."""
    names = [name for name in ("contrast", "snr_spatial", "snr_temporal") if name in seen]
    return seen[names].add_prefix("detected_").reset_index(drop=True)

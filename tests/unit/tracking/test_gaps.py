"""Where particles are missing: the frames of gaps, and those around the ends of tracks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.tracking.gaps import missed_places
from perrin.tracking.link import MOST_MEMORY


def naive(table: pd.DataFrame, last: int) -> np.ndarray:
    """Track by track, frame by frame."""
    rows = []
    for _, part in table.groupby("particle"):
        part = part.sort_values("frame")
        frame = part["frame"].to_numpy()
        around = range(max(0, frame[0] - MOST_MEMORY), min(last, frame[-1] + MOST_MEMORY) + 1)
        rows += [
            [*(np.interp(at, frame, part[name]) for name in "xy"), at]
            for at in around
            if at not in frame
        ]
    return np.array(rows)


def test_missed_places_are_those_of_a_loop_over_tracks_and_frames() -> None:
    rng = np.random.default_rng(2)
    kept = rng.random((7, 30)) < 0.6
    kept[3] = False
    kept[3, 17] = True  # a track of one position
    particle, frame = np.nonzero(kept)
    table = pd.DataFrame({"particle": particle, "frame": frame})
    table[["x", "y"]] = rng.uniform(0, 50, (len(table), 2))
    found = missed_places(table.sample(frac=1, random_state=1), last=29)
    expected = naive(table, 29)
    order, other = (np.lexsort(rows.T) for rows in (found.round(9), expected.round(9)))
    np.testing.assert_allclose(found[order], expected[other], atol=1e-12)


def test_a_track_through_all_frames_misses_none() -> None:
    table = pd.DataFrame({"particle": 0, "frame": range(5), "x": 1.0, "y": 2.0})
    assert not len(missed_places(table, last=4))
    assert not len(missed_places(table[:0], last=4))

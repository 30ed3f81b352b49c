"""Where particles are missing: the frames of gaps, and those around the ends of tracks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.tracking.gaps import mark_neighbors_of_gaps, missed_places
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


@pytest.mark.parametrize(("contrast", "error"), [(0.4, np.hypot(0.1, 2.0)), (0.2, 0.1)])
def test_who_looks_like_two_beside_a_gap_is_off_by_half_a_radius(
    contrast: float, error: float
) -> None:
    """Eighty positions of two tracks far apart, one of which misses a frame; another beside it."""
    frame = np.array([k for k in range(40) if k != 20] + [20] + [*range(40)])
    table = pd.DataFrame({"frame": frame, "particle": [0] * 39 + [2] + [1] * 40})
    table["x"], table["y"] = np.where(table["particle"] == 1, 200.0, 20.0), 20.0
    table["contrast"] = np.random.default_rng(1).normal(0.2, 0.01, len(table))
    table["noise"] = np.random.default_rng(2).normal(0.02, 0.001, len(table))
    table = table.assign(x_se=0.1, y_se=0.1, label="")
    beside = int(np.flatnonzero(table["particle"] == 2)[0])
    table.loc[beside, ["x", "contrast", "noise"]] = [25.0, contrast, 0.02]
    table.loc[beside, "particle"] = -1
    seen: Any = SimpleNamespace(
        appearance=SimpleNamespace(kind="spheres", varied=False, extent_px=4.0)
    )
    mark_neighbors_of_gaps(table, seen)
    assert np.flatnonzero(table["label"] == "touching").tolist() == [beside]
    for name in ("x_se", "y_se"):
        assert table.loc[beside, name] == pytest.approx(error)
        assert (table[name].drop(index=beside) == 0.1).all()

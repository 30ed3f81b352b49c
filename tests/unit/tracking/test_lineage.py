"""Merges and splits of tracks."""

from __future__ import annotations

import pandas as pd

from perrin.tracking.lineage import COLUMNS, lineage


def positions(rows: list[tuple[int, int, float, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [(particle, frame, x, 5.0, label) for particle, frame, x, label in rows],
        columns=["particle", "frame", "x", "y", "label"],
    )


def test_two_that_meet_and_part_are_a_merge_and_a_split() -> None:
    """Track 0 goes through the position of both; track 1 ends there, track 2 begins behind it."""
    rows = [(0, t, 10.0 + t, "") for t in range(5)] + [(1, t, 20.0 - t, "") for t in range(5)]
    rows += [(0, t, 15.0, "merged") for t in (5, 6)]
    rows += [(0, t, 15.0 - t + 6, "") for t in range(7, 12)]
    rows += [(2, t, 15.0 + t - 6, "") for t in range(7, 12)]
    rows += [(3, t, 90.0, "") for t in range(3, 9)]  # comes and goes far away
    found = lineage(positions(rows), within_px=4.0)
    assert found[["kind", "frame", "particle", "other"]].to_numpy().tolist() == [
        ["merge", 5, 1, 0],
        ["split", 6, 2, 0],
    ]
    assert found["distance_px"].tolist() == [1.0, 1.0]


def test_ends_of_the_movie_are_no_merges() -> None:
    rows = [(0, t, 10.0, "") for t in range(4)] + [(1, t, 12.0, "merged") for t in range(4)]
    found = lineage(positions(rows), within_px=4.0)
    assert list(found.columns) == list(COLUMNS)
    assert not len(found)

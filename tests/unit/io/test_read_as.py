"""The line that says what was understood of a file."""

from __future__ import annotations

from perrin.io.read_as import compose_read_as, counted, listed


def test_the_line_holds_what_was_read_not_used_and_left_out() -> None:
    line = compose_read_as(
        ["6 tracks", "480 positions", "", "2D (x, y)"],
        columns_not_used=["movie"],
        left_out={"row without position": 4, "track hidden in TrackMate": 1, "mass": 0},
        remarks=["track 3 splits", ""],
    )
    assert line == (
        "read as 6 tracks, 480 positions, 2D (x, y); columns not used: movie; "
        "4 rows without position left out; 1 track hidden in TrackMate left out; track 3 splits"
    )


def test_counts_and_names() -> None:
    assert counted(1, "row") == "1 row"
    assert counted(2, "mass below 10 kDa") == "2 masses below 10 kDa"
    assert listed(f"c{i}" for i in range(14)).endswith("c11 and 2 more")
    assert listed(["a", "b"]) == "a, b"

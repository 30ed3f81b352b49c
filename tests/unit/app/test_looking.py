"""The app shows a file as what it is: tracks and perrin's own files are no movies."""

from __future__ import annotations

from pathlib import Path

from perrin.app.choices import Choices
from perrin.app.looking import look


def test_tracks_are_tracks_and_what_they_lack_is_asked_for(tmp_path: Path) -> None:
    table = tmp_path / "walks.csv"
    table.write_text(
        "particle,frame,x,y\n" + "".join(f"0,{k},{k % 7},{k % 5}\n" for k in range(40))
    )
    seen = look(table, Choices())
    assert seen.kind == "tracks"
    assert set(seen.missing) == {"pixel_nm", "frame_interval_s"}
    assert dict(seen.facts)["positions"] == "40"


def test_a_summary_of_results_is_no_input(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    summary.write_text('{"perrin_version": "0.1.0", "measurements": []}')
    seen = look(summary, Choices())
    assert seen.kind is None
    assert "summary" in seen.description

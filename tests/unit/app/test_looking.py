"""The app shows a file as what it is: tracks and perrin's own files are no movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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


def test_a_channel_and_axes_are_taken_by_the_app(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "movie.npy", rng.integers(900, 1100, (20, 2, 16, 24), dtype=np.uint16))
    seen = look(tmp_path / "movie.npy", Choices())
    assert any("--axes" in sentence for sentence in seen.sentences)
    chosen = Choices(axes="TCYX", channel=1, pixel_nm=80, frame_rate_hz=100)
    seen = look(tmp_path / "movie.npy", chosen)
    assert dict(seen.facts)["shape"].startswith("20 x 16 x 24")
    assert "channel 1 of 2 is used" in seen.sentences

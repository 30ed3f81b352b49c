"""The app shows a file as what it is: tracks and perrin's own files are no movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perrin.app.choices import Choices
from perrin.app.looking import Look, look, together
from perrin.app.tasks import BATCH, LANDINGS, SPECTRUM, TRACK
from perrin.settings.motion import MotionMovie
from perrin.simulate.moving import write_motion


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


def test_a_movie_of_rods_is_not_offered_as_mass_photometry(tmp_path: Path) -> None:
    size = {"count": 2, "frames": 20, "height_px": 192, "width_px": 192}
    rods = MotionMovie.of("rods").model_copy(update=size)
    write_motion(rods, seed=1, out=tmp_path / "rods.tif")
    seen = look(tmp_path / "rods.tif", Choices())
    assert seen.kind == "movie"
    assert seen.tasks == (TRACK,)


def test_what_a_movie_is_for_is_asked_where_the_file_does_not_say(
    movie_file: Path, tmp_path: Path
) -> None:
    assert look(movie_file, Choices()).certain
    rng = np.random.default_rng(0)
    np.save(tmp_path / "movie.npy", rng.integers(900, 1100, (60, 16, 24), dtype=np.uint16))
    seen = look(tmp_path / "movie.npy", Choices(pixel_nm=72, frame_rate_hz=240))
    assert {LANDINGS, TRACK} <= set(seen.tasks)
    assert not seen.certain


def test_a_sheet_is_a_batch(movie_file: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "plate.csv"
    sheet.write_text(f"file,sample\n{movie_file},a\n")
    seen = look(sheet, Choices())
    assert (seen.kind, seen.tasks) == ("sheet", (BATCH,))
    assert ("rows", "1") in seen.facts
    sheet.write_text("file,sample\nabsent.mp,a\n")
    assert "absent.mp" in look(sheet, Choices()).description


def test_several_files_go_together_without_those_that_cannot_be_read() -> None:
    bad, good = Look(None, "broken"), Look("events", "a table", tasks=(SPECTRUM,))
    both = together([good, bad, good])
    assert both is not None
    assert (both.kind, both.tasks, both.description[:7]) == ("events", (SPECTRUM,), "2 files")
    tracks = Look("tracks", "tracks")
    mixed = together([good, tracks])
    assert mixed is not None
    assert mixed.kind is None
    assert together([]) is None
    assert together([bad]) == bad

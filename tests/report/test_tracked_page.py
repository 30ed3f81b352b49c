"""The page of a tracked movie in a browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.pipeline import track
from perrin.report.page import write_report
from perrin.results import write_results
from perrin.settings.motion import MotionMovie
from perrin.simulate.moving import simulate_motion

Visit = Callable[..., Any]
A4_PX = 703  # 210 mm less two margins of 12 mm, at 96 px an inch


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three spheres in forty frames."""
    settings = MotionMovie.of("spheres", frames=40, count=3, height_px=96, width_px=128)
    movie, _, _ = simulate_motion(settings, seed=5)
    found = track(movie, "spheres")
    return write_results(tmp_path_factory.mktemp("tracked") / "results", found)


def until(page: Any, condition: str) -> None:
    """Wait for a condition; the page's own policy bars what Playwright would wait with."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def gray_at(page: Any, x: float, y: float) -> float:
    """Mean red, green and blue of the player's picture at a place in the movie, lines left out."""
    for name in ("tracks", "rings"):
        page.uncheck(f"#player-{name}")
    return float(
        page.evaluate(
            """([x, y]) => {
              const canvas = document.getElementById("player-canvas");
              const scale = canvas.width / player.movie.width;
              const at = [(x + 0.5) * scale, (y + 0.5) * scale].map(Math.round);
              const found = canvas.getContext("2d").getImageData(at[0], at[1], 1, 1).data;
              return (found[0] + found[1] + found[2]) / 3;
            }""",
            [x, y],
        )
    )


def test_the_movie_plays_with_its_tracks(visit: Visit, tracked: Path) -> None:
    page = visit(tracked / "report.html")
    until(page, "player.movie && player.movie.width === 128")
    assert page.inner_text("#player-said") == "all 40 frames"
    positions = pd.read_csv(tracked / "positions.csv")
    page.focus("#player-canvas")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.inner_text("#player-time").startswith("frame 3, 0.03 s")
    here = positions[(positions["frame"] == 3) & (positions["particle"] >= 0)].iloc[0]
    page.click("#player-canvas", position=page.evaluate(
        "([x, y]) => ({x: (x + 0.5) * player.view.scale, y: (y + 0.5) * player.view.scale})",
        [float(here["x"]), float(here["y"])],
    ))  # fmt: skip
    assert page.inner_text("#player-chosen").startswith(f"Particle {here['particle']:.0f}: frames")
    until(page, "pictureOf(player.movie, 3).complete")
    assert gray_at(page, here["x"], here["y"]) < 60  # the dark particle is where its circle was
    page.click("#player-play")
    until(page, "player.at > 5")
    page.click("#player-play")
    first = pd.read_csv(tracked / "particles.csv").iloc[-1]
    page.click("#particles tbody tr:last-child")
    assert page.evaluate("player.movie.frames[player.at]") == first["frame_start"]


def test_a_folder_without_pictures_has_no_player(visit: Visit, tmp_path: Path) -> None:
    settings = MotionMovie.of("spheres", frames=8, count=1, height_px=48, width_px=48)
    found = track(simulate_motion(settings, seed=5)[0], "spheres", overlay_frames=0)
    page = visit(write_results(tmp_path / "out", found) / "report.html")
    assert not page.is_visible("#player")


def test_made_again_it_is_the_same(tracked: Path, tmp_path: Path) -> None:
    page = (tracked / "report.html").read_text(encoding="utf-8")
    again = write_report([tracked], tmp_path / "again.html").read_text(encoding="utf-8")
    assert again == page
    assert re.findall(r'src="(?!data:)', page) == []


def test_the_table_is_the_table_and_pictures_are_seen(visit: Visit, tracked: Path) -> None:
    page = visit(tracked / "report.html")
    table = pd.read_csv(tracked / "particles.csv")
    assert page.locator("#particles tbody tr").count() == len(table) >= 3
    assert f"{len(table)} tracks of spheres" in page.inner_text("h1")
    heads = page.locator("#particles thead th").all_inner_texts()
    assert {"localization error (nm)", "D (µm²/s)", "D standard error (µm²/s)"} <= set(heads)
    assert not any("_" in head or head.endswith((" nm", " s", " px", " kda")) for head in heads)
    drawn = len(list((tracked / "figures").glob("*.png")))
    assert page.locator(".grid figure img").count() == drawn
    shown = page.evaluate("[...document.images].every((one) => one.naturalWidth > 100)")
    assert shown
    with page.expect_download() as waiting:
        page.click("#table-csv")
    with Path(waiting.value.path()).open(newline="") as file:
        again = list(csv.DictReader(file))
    np.testing.assert_array_equal(
        [float(row["D_um2_per_s"]) for row in again], table["D_um2_per_s"]
    )
    assert "perrin diffusion" in page.inner_text(".story .next")


def test_pictures_are_saved_and_drawings_are_no_white_sheets_in_the_dark(
    visit: Visit, tracked: Path
) -> None:
    page = visit(tracked / "report.html", color_scheme="dark")
    pictures = page.locator(".grid figure")
    assert pictures.count() == page.locator(".grid .tools button:text('PNG')").count() > 1
    with page.expect_download() as waiting:
        page.click("figure:has([data-name=msd]) .tools button:text('SVG')")
    drawn = (tracked / "figures" / "msd.svg").read_bytes()
    assert Path(waiting.value.path()).read_bytes() == drawn
    assert waiting.value.suggested_filename == "msd.svg"
    of = "[...document.images].filter((one) => {}).map((one) => one.dataset.name)"
    turned = page.evaluate(of.format("getComputedStyle(one).filter !== 'none'"))
    assert turned == page.evaluate(of.format("one.src.startsWith('data:image/svg')"))
    assert "msd" in turned
    assert "tracks" not in turned  # a photograph would be its negative


def test_on_paper_stands_nothing_that_one_can_only_click(visit: Visit, tracked: Path) -> None:
    page = visit(tracked / "report.html", width=A4_PX, media="print")
    shown = page.evaluate(
        "[...document.querySelectorAll('button, input, select')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.id || one.textContent)"
    )
    assert shown == []


def test_nothing_overlaps_is_cut_off_or_scrolls_sideways(faults: Any, tracked: Path) -> None:
    assert faults(tracked / "report.html") == {}

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


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three spheres in forty frames."""
    settings = MotionMovie.of("spheres", frames=40, count=3, height_px=96, width_px=128)
    movie, _, _ = simulate_motion(settings, seed=5)
    found = track(movie, "spheres", overlay_frames=0)
    return write_results(tmp_path_factory.mktemp("tracked") / "results", found)


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

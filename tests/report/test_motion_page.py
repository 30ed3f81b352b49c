"""The page of moving particles in a browser."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.io.tracks import read_tracks
from perrin.pipeline import characterize
from perrin.report.page import write_report
from perrin.report.page.motion_kinds import kinds_of
from perrin.results import write_results
from perrin.settings.diffusion import MixtureSettings, WindowSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_tables import tracks_table

Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of eight mixtures of 120 frames."""
    folder = tmp_path_factory.mktemp("moved")
    mixture = simulate_mixture(
        MixtureSettings(length=120, noise=(0.1, 0.3)), count=8, rng=np.random.default_rng(3)
    )
    tracks_table(mixture.positions, mixture.seen).to_csv(folder / "walks.csv", index=False)
    tracks = read_tracks(folder / "walks.csv")
    settings = WindowSettings(frames=60, stride=30)
    found = characterize(tracks, pixel_nm=100, frame_interval_s=0.01, settings=settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perrin.results.diffusion._figures", lambda *_: {})
        return write_results(folder / "results", found)


def test_the_table_is_the_table(visit: Visit, moved: Path) -> None:
    page = visit(moved / "report.html")
    rows = page.locator("#trajectories tbody tr")
    table = pd.read_csv(moved / "trajectories.csv")
    assert rows.count() == len(table)
    first = rows.first.inner_text()
    assert f"{table['w'][0]:.2f}" in first
    units = json.loads((moved / "summary.json").read_text("utf-8"))["units"]
    for row, line in zip(rows.all(), kinds_of(table, units), strict=True):
        assert line in row.inner_text()
    with page.expect_download() as waiting:
        page.click("#table-csv")
    with Path(waiting.value.path()).open(newline="") as file:
        again = list(csv.DictReader(file))
    for name in ("w", "alpha_fbm_low", "D"):
        values = [float(row[name] or "nan") for row in again]
        np.testing.assert_allclose(values, table[name], rtol=1e-6)


def test_a_trajectory_is_chosen_and_shown(visit: Visit, moved: Path) -> None:
    page = visit(moved / "report.html")
    page.locator("#trajectories tbody tr").nth(5).click()
    assert page.input_value("#particle") == "5"
    assert "Particle 5: 120 positions" in page.inner_text("#path .said")
    assert "3 windows" in page.inner_text("#ratio-time-course .said")
    regimes = pd.read_csv(moved / "regimes.csv").query("particle == 5")
    names = {"fbm": "FBM-like", "ctrw": "CTRW-like", "undecided": "undecided"}
    told = page.inner_text("#regimes .said")
    assert told.startswith(f"Particle 5: {names[regimes['label'].iloc[0]]}")
    assert told.count(" until ") == len(regimes) - 1
    page.focus("#following")
    page.keyboard.press("Enter")
    assert page.input_value("#particle") == "6"
    alpha = pd.read_csv(moved / "trajectories.csv")["tamsd_alpha"][6]
    said = re.search(r"α = ([\d.]+)", page.inner_text("#msd .said"))
    assert said is not None
    assert float(said[1]) == pytest.approx(alpha, abs=0.0051)
    units = page.locator("#msd svg text").all_text_contents()
    assert {"Lag (s)", "MSD (nm²)"} <= set(units)


def test_made_again_from_the_folder_alone(visit: Visit, moved: Path, tmp_path: Path) -> None:
    before = (moved / "report.html").read_text()
    assert write_report([moved], tmp_path / "again.html").read_text() == before
    summary = json.loads((moved / "summary.json").read_text())
    page = visit(tmp_path / "again.html")
    assert summary["inputs"][0]["sha256"] in page.inner_text(".about")


def test_its_words_are_explained_and_one_d_is_named(visit: Visit, moved: Path) -> None:
    page = visit(moved / "report.html")
    explained = page.locator(".words dt").all_inner_texts()
    assert {"FBM", "CTRW", "w", "α", "D", "MSD", "out of model"} <= set(explained)
    assert "The D of the trajectory, as in the table" in page.inner_text("#msd .said")


def test_nothing_overlaps_is_cut_off_or_scrolls_sideways(faults: Any, moved: Path) -> None:
    assert faults(moved / "report.html") == {}

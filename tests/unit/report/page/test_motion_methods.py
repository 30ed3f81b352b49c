"""The paragraphs of a tracked movie and of what moves tracks hold what their folders hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin import characterize
from perrin.pipeline import track
from perrin.report.page.folders import MotionFolder, TrackFolder, read_folder
from perrin.report.page.motion import motion_records
from perrin.report.page.tracked import track_records
from perrin.results import write_results
from perrin.settings.motion import MotionMovie
from perrin.simulate.moving import simulate_motion


def _walks() -> pd.DataFrame:
    steps = np.random.default_rng(5).normal(0, 0.5, (5, 80, 2))
    x, y = np.moveaxis(steps.cumsum(axis=1), 2, 0)
    at = {"particle": np.repeat(np.arange(5), 80), "frame": np.tile(np.arange(80), 5)}
    return pd.DataFrame(at | {"x": x.ravel(), "y": y.ravel()})


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What moves five Brownian walkers whose localization errors nobody gave."""
    found = characterize(_walks(), pixel_nm=100, frame_interval_s=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perrin.results.diffusion._figures", lambda *_: {})
        return write_results(tmp_path_factory.mktemp("moved") / "results", found)


def test_of_a_tracked_movie(tmp_path: Path) -> None:
    settings = MotionMovie.of("spheres", frames=40, count=3, height_px=96, width_px=96)
    found = track(simulate_motion(settings, seed=5)[0], "spheres", overlay_frames=0)
    read = read_folder(write_results(tmp_path / "results", found))
    assert isinstance(read, TrackFolder)
    (record,) = track_records([read])
    text, summary = record["methods"], read.summary
    assert "A movie of spheres (perrin simulation) of 40 frames of 10 ms and 1 nm a pixel" in text
    assert "the median of 31 frames in a window of 40" in text
    assert "exceeded 5 times its noise" in text
    assert f"steps of up to {summary['linking']['search_px']:.3g} pixels" in text
    assert f"{summary['tracks']} tracks with {summary['tracked_positions']} positions" in text
    moving = read.particles[~read.particles["immobile"].astype(bool)]
    assert f"{moving['D_um2_per_s'].median():.3g} µm²/s (median;" in text
    assert "Squares of" not in text  # nothing was binned
    assert not re.search(r"nan|None|\{", text)


def test_of_what_moves_tracks(moved: Path) -> None:
    read = read_folder(moved)
    assert isinstance(read, MotionFolder)
    (record,) = motion_records([read])
    text, table = record["methods"], read.trajectories
    summary = json.loads((moved / "summary.json").read_text("utf-8"))
    assert "5 trajectories of 80 positions (median), one every 0.01 s" in text
    for network in summary["networks"]:
        assert f"{network['name']!r} (SHA-256 {network['sha256'][:12]})" in text
    assert f"windows of {summary['settings']['frames']} frames" in text
    assert "Localization errors were not known." in text
    assert f"exponent of the FBM {table['alpha_fbm'].median():.2f} (median;" in text
    for kind, count in table["kind"].value_counts().items():
        assert kind not in {"brownian", "undetermined"} or f"{count} {kind}".lower() in text.lower()
    assert not re.search(r"nan|None|\{", text)


def test_fbm_of_exponent_one_is_called_brownian_motion(moved: Path) -> None:
    read = read_folder(moved)
    assert isinstance(read, MotionFolder)
    said = "FBM with an exponent of 1, which that of most may be, is Brownian motion."

    def shares(one: MotionFolder) -> str:
        (text,) = [
            s for s in motion_records([one])[0]["story"]["stands_out"] if "squared step" in s
        ]
        return str(text)

    assert said in shares(read)
    read.trajectories["alpha_fbm_high"] = 0.8
    assert said not in shares(read)

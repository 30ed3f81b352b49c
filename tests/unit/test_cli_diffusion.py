"""The commands for moving particles, as a user types them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from perrin.errors import PerrinError


@pytest.fixture
def run(typed):
    """Run a command line that works; gives what it prints."""
    return typed


def test_from_simulation_to_results(run, tmp_path: Path) -> None:
    walks = tmp_path / "walks.csv"
    run("simulate", "walks", "--count", 12, "--length", 120, "--noise", "0,0.5", "--out", walks)
    truth = pd.read_csv(tmp_path / "walks.truth.csv")
    assert len(truth) == 12
    out = tmp_path / "results"
    command = ("diffusion", walks, "--out", out, "--window", 60, "--stride", 30)
    with pytest.raises(PerrinError, match="--pixel-nm and --frame-interval-s"):
        run(*command)
    assert "12 of 12" in run(*command, "--pixel-nm", 100, "--frame-interval-s", 0.01)
    found = pd.read_csv(out / "trajectories.csv")
    assert found["w"].notna().all()
    assert len(pd.read_csv(out / "windows.csv")) == 36
    for name in ("time_course", "regimes", "transitions", "survival"):
        assert (out / f"{name}.csv").is_file()
    assert len(pd.read_csv(out / "time_course.csv")) == 12 * 120
    assert pd.read_csv(out / "regimes.csv")["particle"].nunique() == 12
    assert pd.read_csv(out / "segments.csv")["particle"].nunique() == 12
    told = json.loads((out / "summary.json").read_text())
    assert told["segments"]["number_of_states"] == len(pd.read_csv(out / "states.csv"))
    assert (out / "state_transitions.csv").is_file()
    assert told["regimes"]["tracks"] == told["out_of_model"]["checked"] == 12
    assert told["units"] == {"length_unit": "nm", "time_unit": "s"}
    assert told["scale"] == {"length": 100, "frame_interval": 0.01}
    assert told["settings"] == {"frames": 60, "stride": 30}
    assert told["inputs"][0]["sha256"] == hashlib.sha256(walks.read_bytes()).hexdigest()
    assert len(pd.read_csv(out / "tracks.csv")) == 12 * 120
    assert "Particle" in (out / "report.html").read_text(encoding="utf-8")
    drawn = {path.name for path in (out / "figures").iterdir()}
    assert {"ensemble.png", "msd.svg", "tracks.png", "windows.png"} <= drawn
    assert {"time_course.png", "regimes.svg", "transitions.png"} <= drawn
    with pytest.raises(PerrinError, match="already holds results"):
        run(*command, "--units", "unknown")
    run(*command, "--units", "unknown", "--overwrite")
    assert json.loads((out / "summary.json").read_text())["units"]["time_unit"] == "frame"


def test_single_walks_and_bad_options(run, tmp_path: Path) -> None:
    out = tmp_path / "walks.csv"
    run("simulate", "walks", "--kind", "ctrw", "--alpha", 0.5, "--count", 3, "--out", out)
    assert pd.read_csv(out)["particle"].nunique() == 3
    for options, message in (
        (("--noise", "much"), "give one number"),
        (("--noise", "1,2,3"), "give one number"),
        (("--kind", "fbm", "--missing", 0.1), "belong to mixtures"),
        (("--length", 2), "length"),
    ):
        with pytest.raises(PerrinError, match=message):
            run("simulate", "walks", "--out", tmp_path / "new.csv", *options)


def test_models_can_be_listed_shown_and_tested(run) -> None:
    assert "mixture: mixture, 10 to 1000 frames" in run("model", "list")
    card = json.loads(run("model", "show", "mixture"))
    assert card["license"] == "MIT"
    assert "as recorded" in run("model", "test", "mixture")

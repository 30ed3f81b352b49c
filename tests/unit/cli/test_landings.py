"""From two movies to a calibrated report with one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.cli.options import several
from perrin.errors import PerrinError
from perrin.io import write_events
from perrin.mass.calibration import Calibration


def test_a_calibrant_does_what_two_commands_do(
    run: Any, movie_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("landings", movie_file, "-c", movie_file, "-l", "150,300", "--resamples", 0)
    status, out, _ = run(*words)
    assert status == 0
    assert "read as  peak 1 = 150 kDa" in out
    once = tmp_path / f"{movie_file.stem}-results"
    assert f"results in {once.name}" in out
    assert run("calibrate", movie_file, "-l", "150,300")[0] == 0
    line = f"{movie_file.stem}-calibration.json"
    assert run("landings", movie_file, "--calibration", line, "--resamples", 0, "-o", "b")[0] == 0
    assert (once / "events.csv").read_bytes() == Path("b", "events.csv").read_bytes()
    kept = Calibration.load(once / "calibration.json")
    made = Calibration.load(line)
    assert kept.model_copy(update={"created": made.created}) == made
    summary = json.loads((once / "summary.json").read_text())
    assert summary["calibrations"][0]["sha256"] == kept.sha256
    status, _, err = run(*words)
    assert status == 1
    assert "already holds results" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ladder", "150,300"], "give --calibrant too"),
        (["--calibrant", "c.mp"], "Give --ladder"),
        (["--calibrant", "c.mp", "-l", "150", "--calibration", "c.json"], "or --calibration"),
        (["--pixel-nm", "0.072"], "In micrometers? Then it is 72 nm"),
        (["--calibration", "absent.json"], "absent.json: no readable calibration file: there is"),
        (["--psf", "absent.npz"], "absent.npz: no readable PSF file: there is no such file"),
        (["--reported-spectrum", "both"], "--reported-spectrum both: must be filtered or all"),
    ],
)
def test_errors_name_what_was_typed(
    run: Any, movie_file: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    status, _, err = run("landings", movie_file, *words, "-o", tmp_path / "out")
    assert status == 1
    assert said in err
    assert "Errno" not in err
    assert not list(tmp_path.iterdir())


def test_a_quoted_pattern_is_all_that_it_fits(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mass = np.random.default_rng(0).normal(150, 8, 60)
    table = pd.DataFrame({"contrast": -3.8e-5 * mass, "mass_kda": mass, "event": range(60)})
    for name in ("b", "a"):
        write_events(table.assign(measurement=name), tmp_path / f"{name}.csv")
    status, out, _ = run("spectrum", "*.csv", "--resamples", 0)
    assert status == 0
    assert out.index("a: 60 landings") < out.index("b: 60 landings")
    assert Path("a-results", "summary.json").is_file()
    status, _, err = run("spectrum", "*.cvs")
    assert status == 1
    assert "*.cvs: no file fits this pattern" in err


def test_a_file_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    with pytest.raises(PerrinError, match=r"a\.csv is given twice"):
        several([path, tmp_path / "*.csv"])


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "a[1].csv"
    path.touch()
    (tmp_path / "a1.csv").touch()
    assert several([path]) == [path]
    assert several([tmp_path / "absent.csv"]) == [tmp_path / "absent.csv"]
    with pytest.raises(PerrinError, match="no file fits"):
        several([tmp_path / "b*"])

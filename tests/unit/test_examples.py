"""The scripts in examples/ run, find the truth, and write what docs/results.md says."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import perrin
from perrin.mass.modes import FWHM_PER_SD
from perrin.simulate.movie import simulate_landings
from perrin.simulate.presets import preset

ROOT = Path(__file__).resolve().parents[2]
SHARED_LINE = 0.02  # relative: how well a few hundred landings fix the calibration line


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which movie_to_masses has run."""
    folder = tmp_path_factory.mktemp("movies")
    for name, sample, seed in (("calibrant", "dynamin", 1), ("sample", "bsa", 2)):
        assay = preset(sample, density=1.0)
        simulate_landings(assay, seconds=8, seed=seed, out=folder / f"{name}.mp")
    example("movie_to_masses").main(folder)
    return folder


def summary(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return loaded


def test_movie_to_masses_finds_the_monomer(analyzed: Path) -> None:
    (measurement,) = summary(analyzed / "results")["measurements"]
    peak = max(measurement["spectrum"]["peaks"], key=lambda peak: peak["counts"])
    se = peak["fwhm_kda"] / FWHM_PER_SD / np.sqrt(peak["counts"])
    assert abs(peak["mode_kda"] - 66.4) < 3 * np.hypot(se, SHARED_LINE * 66.4)


def keys(value: Any, *, leave_out: frozenset[str]) -> Iterator[str]:
    """Every key of nested JSON, not looking into those left out."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key not in leave_out:
                yield from keys(item, leave_out=leave_out)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item, leave_out=leave_out)


def test_every_key_of_the_summary_is_documented(analyzed: Path) -> None:
    # settings and a PSF's card are documented with their models, rows of removed.csv with it
    models = frozenset({"spectrum_settings", "psf", "psf_measured", "calibration", "removed"})
    written = set(keys(summary(analyzed / "results"), leave_out=models))
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    ends = {key for key in written if re.sub("_(low|high)$", "", key) in named}
    assert written - named - ends == set()


def test_every_key_of_a_calibration_is_documented(analyzed: Path) -> None:
    written = set(
        keys(json.loads((analyzed / "calibration.json").read_text()), leave_out=frozenset())
    )
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    assert written - set(re.findall(r"`(\w+)`", page)) == set()


def test_tables_to_spectrum_gives_the_peaks_of_the_movie(
    analyzed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(analyzed / "results" / "events.csv", tmp_path / "sample.csv")
    example("tables_to_spectrum").main(tmp_path)
    assert capsys.readouterr().out.startswith("sample.csv: perrin CSV, ")
    (again,) = summary(tmp_path / "spectra")["measurements"]
    (first,) = summary(analyzed / "results")["measurements"]
    modes = [
        [peak["mode_kda"] for peak in measurement["spectrum"]["peaks"]]
        for measurement in (first, again)
    ]
    assert modes[1] == pytest.approx(modes[0])


def test_simulate_and_check_finds_what_landed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = example("simulate_and_check")
    monkeypatch.setattr(script, "SECONDS", 5)
    script.main(tmp_path)
    said = capsys.readouterr().out
    numbers = re.search(r"found (\d+) of (\d+)[\s\S]*median (\S+) kDa, spread (\S+) kDa", said)
    assert numbers is not None
    found, fair, median, spread = map(float, numbers.groups())
    assert fair > 20
    assert found == fair
    # the median of n errors has 1.25 times the standard error of their mean
    assert abs(median) < 4 * 1.25 * spread / np.sqrt(found)
    with perrin.open_movie(tmp_path / "simulated.mp") as movie:
        assert movie.duration_s == pytest.approx(5, rel=1e-3)


def test_a_titration_from_its_files_to_the_constant(tmp_path: Path) -> None:
    example("titration").main(tmp_path)
    found = perrin.run_batch(
        tmp_path / "plate.csv", tmp_path / "plate", species="A:66,B:150,AB:216", resamples=0
    )
    assert found.counts == {"ok": 23, "no events": 1}
    constant = perrin.fit_affinity(tmp_path / "plate", "A+B=AB").constants[0]
    assert constant.low_nM is not None
    assert constant.high_nM is not None
    assert constant.low_nM < 12 < constant.high_nM

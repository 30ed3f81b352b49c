"""The paragraph for a paper says what was done, with numbers and intervals, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from perrin.pipeline import analyze_landings
from perrin.report.page.folders import LandingFolder, read_folder
from perrin.report.page.landings import landing_records
from perrin.results import write_results
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short movie, classified, without a calibration."""
    movie, _ = simulate_movie(preset("bsa"), seconds=8, seed=2)
    found = analyze_landings(movie, quantifier=None, resamples=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perrin.results.landings._write_figures", lambda *_: None)
        return write_results(tmp_path_factory.mktemp("methods") / "results", found)


def test_it_names_settings_version_network_threshold_and_numbers(folder: Path) -> None:
    read = read_folder(folder)
    assert isinstance(read, LandingFolder)
    (record,) = landing_records([read])
    text = record["methods"]
    summary = json.loads((folder / "summary.json").read_text())
    (measured,) = summary["measurements"]
    (network,) = summary["networks"]
    assert f"perrin {summary['perrin_version']}" in text
    assert f"SHA-256 {network['sha256'][:12]}" in text
    assert f"binder score of at least {measured['classification']['threshold']:g}" in text
    assert f"means of the {measured['settings']['n_avg']} frames (41.3 ms)" in text
    assert "5.2 times its noise" in text
    assert "No mass calibration was applied." in text
    assert "20 bootstrap resamples" in text
    assert f"Of {measured['events']:,} events" in text
    for species in measured["species"]:
        low, high = (-1e3 * species[f"position_contrast_{end}"] for end in ("low", "high"))
        assert any(f"({a:.2f} to {b:.2f})" in text for a, b in ((low, high), (-low, -high)))
    assert "predicted" not in text  # no quantifier was used
    assert not re.search(r"nan|None|\{", text)

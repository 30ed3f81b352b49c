"""The evaluation of the shipped quantifier, small: whole, written, and of the right size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perrin.cli.main import app
from perrin.evaluate.quantifier import _Work, evaluate_quantifier
from perrin.models.quantifier import QuantifierModel
from perrin.settings.evaluation import QuantifierEvaluation

runner = pytest.importorskip("typer.testing").CliRunner()


def test_an_evaluation_writes_its_tables_and_figures(tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    words = ["evaluate", "quantifier", "--count", "50", "--masses", "180", "--bound-count", "0"]
    told = runner.invoke(app, [*words, "--seed", "3", "--out", str(out)])
    assert told.exit_code == 0, told.output
    accuracy = pd.read_csv(out / "accuracy.csv")
    assert len(accuracy) == 2 * 5  # backgrounds, classes
    assert (accuracy["events"] == 50).all()
    moving = accuracy[accuracy["class"].isin(["unbinder", "roller", "wobbler"])]
    assert (moving["within"] > moving["fit_within"] + 0.1).all()
    isolated = accuracy[accuracy["class"] != "neighbors"]
    assert (isolated["bias"].abs() < 0.01 + 4 * isolated["bias_se"]).all()
    coverage = pd.read_csv(out / "coverage.csv")
    assert coverage["events"].iloc[-1] == 250
    out_of_distribution = pd.read_csv(out / "out_of_distribution.csv").set_index("kind")["flagged"]
    assert out_of_distribution["brightens instead of darkens"] > 0.7
    assert out_of_distribution["typical"] < 0.15
    assert {path.name for path in (out / "figures").glob("*.png")} == {"accuracy.png", "bias.png"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["count"] == 50
    assert "with the classifier" in summary["events_per_s"]


def test_a_stopped_evaluation_goes_on_and_ends_as_the_function_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "evaluation"
    words = ["evaluate", "quantifier", "--count", "50", "--masses", "180", "--bound-count", "0"]
    words += ["--seed", "3", "--out", str(out)]
    drawn, made = _Work._drawn, 0
    most = 1

    def counted(work: _Work, *args: Any) -> pd.DataFrame:
        nonlocal made
        if made == most:
            raise KeyboardInterrupt
        made += 1
        return drawn(work, *args)

    monkeypatch.setattr(_Work, "_drawn", counted)
    stopped = runner.invoke(app, words)
    assert "the same command goes on after it" in str(stopped.exception)
    assert not out.exists()
    other = runner.invoke(app, [*words, "--count", "60"])
    assert "started with other settings" in str(other.exception)
    most = 10
    assert runner.invoke(app, words).exit_code == 0
    assert made == 3  # tables of events: two backgrounds and the prior, none drawn twice
    assert not (tmp_path / "evaluation-run").exists()
    settings = QuantifierEvaluation(count=50, masses_kda=(180.0,), bound_count=0, seed=3)
    whole = evaluate_quantifier(QuantifierModel.load("default"), settings=settings)
    for name in ("accuracy", "coverage", "motion", "out_of_distribution"):
        getattr(whole, name).to_csv(tmp_path / "whole.csv", index=False)
        assert (out / f"{name}.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_masses_that_are_none_are_refused(tmp_path: Path) -> None:
    words = ["evaluate", "quantifier", "--masses", "heavy", "--out", str(tmp_path / "o")]
    told = runner.invoke(app, words)
    assert told.exit_code != 0
    assert "give numbers with commas" in str(told.exception)

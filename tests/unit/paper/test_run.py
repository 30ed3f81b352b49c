from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from perrin.cli.main import app
from perrin.errors import PerrinError
from perrin.models.classifier import ClassifierModel
from perrin.paper import run as module
from perrin.paper.run import EXPERIMENTS, run_experiments
from perrin.paper.settings import ExperimentSettings

SETTINGS = ExperimentSettings(resamples=20, thinnings=1)
NAME = "dynamin"


@pytest.fixture
def asked(make_up: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace measuring by making up; gives the names of what was measured."""
    names: list[str] = []

    def measure(planned: Any, *, model: Any, folder: Path) -> Any:
        names.append(planned.name)
        return replace(make_up(planned, count=120), cpu_s=2.0)

    monkeypatch.setattr(module, "measure", measure)
    return names


def go(out: Path, model: ClassifierModel, **how: Any) -> Any:
    return run_experiments(
        how.pop("names", [NAME]),
        out=out,
        settings=how.pop("settings", SETTINGS),
        model=model,
        **how,
    )


def test_a_folder_of_results(asked: list[str], model: ClassifierModel, tmp_path: Path) -> None:
    out, seen = tmp_path / "results", []
    (ran,) = go(out, model, progress=seen.append, command=["perrin"])
    assert asked == [planned.name for planned in EXPERIMENTS[NAME].plan(SETTINGS)]
    assert seen[-1] == pytest.approx(1)
    assert seen == sorted(seen)
    assert ran.measuring_s == 2.0 * len(asked)
    folder = out / NAME
    assert {"comparison.csv", "kept.csv", "goals.csv", "dynamin.svg", "dynamin.png"} <= {
        path.name for path in folder.iterdir()
    }
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["run"] == {"command": ["perrin"], "seed": SETTINGS.seed}
    assert summary["networks"][0]["sha256"] == model.bundle.card.sha256
    assert len(summary["measurements"]) == len(asked)
    assert summary["goals"][0]["what"] == ran.findings.goals[0].what
    goals = pd.read_csv(out / "goals.csv")
    assert set(goals["experiment"]) == {NAME}
    assert ExperimentSettings.model_validate_json((out / "settings.json").read_text()) == SETTINGS


def test_the_command_does_what_the_function_does(
    asked: list[str], model: ClassifierModel, tmp_path: Path
) -> None:
    words = ["reproduce", NAME, "--resamples", "20", "--seed", "4", "--out", str(tmp_path / "a")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    go(tmp_path / "b", model, settings=ExperimentSettings(resamples=20, seed=4))
    for name in ("goals.csv", f"{NAME}/comparison.csv", f"{NAME}/kept.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_results_are_gathered_and_made_again(
    asked: list[str], model: ClassifierModel, tmp_path: Path
) -> None:
    go(tmp_path / "r", model, names=["bsa"])
    go(tmp_path / "r", model)
    go(tmp_path / "r", model)
    assert set(pd.read_csv(tmp_path / "r" / "goals.csv")["experiment"]) == {"bsa", NAME}


def test_other_settings_do_not_mix(
    asked: list[str], model: ClassifierModel, tmp_path: Path
) -> None:
    out, other = tmp_path / "results", SETTINGS.model_copy(update={"seed": 9})
    go(out, model)
    kept = out / "measurements" / "mine.npz"
    kept.touch()
    with pytest.raises(PerrinError, match="other settings"):
        go(out, model, settings=other)
    assert kept.exists()
    go(out, model, settings=other, overwrite=True)
    assert kept.exists()  # not of perrin: it stays
    assert json.loads((out / "settings.json").read_text())["seed"] == 9


def test_other_peoples_folders_are_left_alone(
    asked: list[str], model: ClassifierModel, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(PerrinError, match="not of perrin's experiments"):
        go(tmp_path, model)
    with pytest.raises(PerrinError, match="is a file"):
        go(tmp_path / "thesis.txt", model)
    with pytest.raises(PerrinError, match="no experiment 'bovine'"):
        go(tmp_path / "new", model, names=["bovine"])
    assert asked == []


def test_a_stop_leaves_what_was_there(
    asked: list[str],
    model: ClassifierModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "results"
    go(out, model)
    before = (out / NAME / "goals.csv").read_bytes()
    stop: Callable[..., Any] = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)  # noqa: E731
    monkeypatch.setattr(module, "save_figure", stop)
    with pytest.raises(KeyboardInterrupt):
        go(out, model)
    assert (out / NAME / "goals.csv").read_bytes() == before
    left = {path.name for path in out.iterdir()}
    assert left == {NAME, "goals.csv", "settings.json", "measurements", "manifest.json"}


def test_a_table_of_goals_that_somebody_changed_is_kept(
    asked: list[str], model: ClassifierModel, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    go(out, model)
    done = len(asked)
    (out / "goals.csv").write_text("my own notes")
    with pytest.raises(PerrinError, match=r"goals\.csv was changed since perrin wrote it"):
        go(out, model, overwrite=True)
    assert (out / "goals.csv").read_text() == "my own notes"
    assert len(asked) == done


@pytest.mark.parametrize("mine", ["bsa/notes.txt", "settings.json"])
def test_what_would_be_refused_at_the_end_is_refused_before_the_work(
    asked: list[str], model: ClassifierModel, tmp_path: Path, mine: str
) -> None:
    out = tmp_path / "results"
    if mine == "settings.json":
        (out / "measurements").mkdir(parents=True)
    else:
        go(out, model)
        asked.clear()
    (out / mine).parent.mkdir(exist_ok=True)
    (out / mine).write_text("{}")
    with pytest.raises(PerrinError, match=r"not perrin's|not of perrin's"):
        go(out, model, names=["bsa"], overwrite=True)
    assert (out / mine).read_text() == "{}"
    assert asked == []


def test_goals_of_other_settings_are_not_gathered(
    asked: list[str], model: ClassifierModel, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    go(out, model, names=["bsa"])
    go(out, model, settings=SETTINGS.model_copy(update={"seed": 9}), overwrite=True)
    assert set(pd.read_csv(out / "goals.csv")["experiment"]) == {NAME}
    assert (out / "bsa" / "goals.csv").is_file()  # until it is measured again

"""`perrin train ...`, from the options to a model that loads; needs torch."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perrin.cli.main import app
from perrin.cli.train.run import TrackRun
from perrin.errors import PerrinError
from perrin.models.andi import AndiModel
from perrin.models.bundle import bundle_folder
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel

pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("onnxscript", reason="exporting needs onnxscript")

SHORT: dict[str, dict[str, Any]] = {
    "perrin.evaluate.andi": {"LENGTHS": (30,)},
    "perrin.evaluate.kinds": {"LENGTHS": (30,)},
    "perrin.evaluate.mixture": {
        "CELLS": (("one", {"length": 30}),),
        "_FBM_LENGTHS": (30,),
        "speed": lambda *_, **__: 1.0,
    },
    "perrin.train.andi.recipe": {"_CASES": ((1, 12), (2, 12))},
    "perrin.train.kinds.recipe": {"LENGTHS": (12, 16), "_FIRST": 2},
    "perrin.train.mixture.validation": {"CASES": {"clean_100": {"length": 30}}},
}
WRITES = {
    "andi": ("perrin.train.andi.export", "write_andi_bundle"),
    "kinds": ("perrin.train.kinds.export", "write_kinds_bundle"),
    "mixture": ("perrin.train.mixture.export", "write_bundle"),
}
"""What writes a network: up to 20 s of tracing by torch, which the tests of the trainings run."""


def run(*words: object) -> str:
    """Run a command in this process; return what it printed, without line breaks."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return "".join(done.output.split("\n"))


def write_shipped(
    name: str, real: Callable[..., object], network: object, folder: Path, **given: Any
) -> None:
    """Write the shipped network of that name in place of `network`, if `real` could be called."""
    inspect.signature(real).bind(network, folder, **given)
    assert given["settings"].steps == 1
    shutil.copytree(bundle_folder(name), folder)


@pytest.mark.parametrize(
    ("name", "kind"), [("andi", AndiModel), ("kinds", KindsModel), ("mixture", MixtureModel)]
)
def test_a_network_of_tracks_is_trained_and_measured(
    name: str, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = TrackRun.settings
    monkeypatch.setattr(
        TrackRun, "settings", lambda *given: usual(*given).model_copy(update={"tokens": 1024})
    )
    for place, constants in SHORT.items():
        for constant, value in constants.items():
            monkeypatch.setattr(import_module(place), constant, value)
    place, writes = WRITES[name]
    real = getattr(import_module(place), writes)
    monkeypatch.setattr(import_module(place), writes, partial(write_shipped, name, real))
    words = ("train", name, "--steps", 1, "--measure", 50, "--seed", 3, "--threads", 1)
    printed = run(*words, "--out", tmp_path / "mine")
    assert f"model in {tmp_path / 'mine'}" in printed
    figures = kind.load(str(tmp_path / "mine")).bundle.card.figures
    assert figures["seed"] == 4  # of tracks that the training has not seen
    assert figures["training_curve"][0]["step"] == 1
    started = json.loads((tmp_path / "mine-run" / "settings.json").read_text())
    assert (started["settings"]["steps"], started["settings"]["seed"]) == (1, 3)
    with pytest.raises(PerrinError, match="already there"):
        run(*words, "--out", tmp_path / "mine")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recipe", "paper", "--steps", 1], "--steps: the paper's recipe is fixed"),
        (["--recipe", "paper", "--from", "classifier"], "--from: the paper's recipe is fixed"),
        (["--recipe", "own"], "there are perrin and paper"),
        (["--epochs", 1], "--epochs belongs to --recipe paper"),
        (["--from", "classifier", "--width", 8], "--width: it is that of --from"),
    ],
)
def test_options_of_a_classifier_that_do_not_go_together_are_refused(
    words: list[object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(PerrinError, match=message):
        run("train", "classifier", *words, "--out", tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []

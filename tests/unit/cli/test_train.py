"""`perrin train ...`, from the options to a model that loads; needs torch."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import perrin
from perrin.cli.main import app
from perrin.cli.train.run import TrackRun
from perrin.errors import PerrinError
from perrin.evaluate.classifier import evaluate_classifier
from perrin.evaluate.predictions import ALL_MASSES, RANGES
from perrin.evaluate.quantifier import evaluate_quantifier
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration
from perrin.models.andi import AndiModel
from perrin.models.bundle import bundle_folder, read_card
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.settings.classifier import ClassifierTraining
from perrin.settings.quantifier import QuantifierTraining

pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("onnxscript", reason="exporting needs onnxscript")

from perrin.train.classifier.validation import validator as classifier_validator
from perrin.train.quantifier.validation import validator as quantifier_validator

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
    "classifier": ("perrin.train.classifier.export", "write_our_bundle"),
    "kinds": ("perrin.train.kinds.export", "write_kinds_bundle"),
    "mixture": ("perrin.train.mixture.export", "write_bundle"),
    "quantifier": ("perrin.train.quantifier.export", "write_bundle"),
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


def write_nothing_new(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, writes = WRITES[name]
    real = getattr(import_module(place), writes)
    monkeypatch.setattr(import_module(place), writes, partial(write_shipped, name, real))


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
    write_nothing_new(name, monkeypatch)
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


Measurement = tuple[Movie, pd.DataFrame]
FEW: dict[str, Any] = {"steps": 1, "batch": 8, "warmup": 1, "validate_every": 1}
QUICK: dict[str, dict[str, Any]] = {
    "perrin.settings.classifier": {
        "ClassifierTraining.tuning": partial(ClassifierTraining, **FEW, n_avgs=(10,), blanks=5)
    },
    "perrin.settings.quantifier": {"QuantifierTraining.tuning": partial(QuantifierTraining, **FEW)},
    "perrin.evaluate.card": {"RANGES": {ALL_MASSES: RANGES[ALL_MASSES]}},
    "perrin.train.classifier.data": {"BLOCK_STEPS": 1},
    "perrin.train.classifier.ours": {"BLOCK_STEPS": 1},
    "perrin.train.classifier.validation": {"validator": partial(classifier_validator, count=10)},
    "perrin.train.events.blocks": {"stream": lambda draw, first, **_: map(draw, count(first))},
    "perrin.train.quantifier.data": {"BLOCK_STEPS": 1},
    "perrin.train.quantifier.ours": {"BLOCK_STEPS": 1},
    "perrin.train.quantifier.validation": {"validator": partial(quantifier_validator, count=40)},
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make training and evaluation of networks of events as short as they can be."""
    for place, changes in QUICK.items():
        for name, value in changes.items():
            *holder, last = name.split(".")
            owner = import_module(place)
            monkeypatch.setattr(getattr(owner, *holder) if holder else owner, last, value)


def figures_of_nothing(real: Callable[..., object], *given: Any, **named: Any) -> Any:
    """Stand for the figures of a network, a minute of work with tests of its own."""
    inspect.signature(real).bind(*given, **named)
    settings = named["settings"].model_dump(mode="json")
    return SimpleNamespace(for_card=lambda *_: {"settings": settings})


@pytest.fixture
def trained(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Tune the shipped network of a kind by one step; return the card that is written."""
    folder = tmp_path / "mine"

    def train(kind: str, evaluate: Callable[..., object], *words: object) -> Any:
        write_nothing_new(kind, monkeypatch)
        place = f"{evaluate.__module__}.{evaluate.__name__}"
        monkeypatch.setattr(place, partial(figures_of_nothing, evaluate))
        printed = run("train", kind, "--from", kind, "--seed", 3, *words, "--out", folder)
        assert f"model in {folder}" in printed
        started = json.loads((tmp_path / "mine-run" / "settings.json").read_text())
        assert (started["settings"]["steps"], started["settings"]["seed"]) == (1, 3)
        assert started["start"] == kind
        card = read_card(folder)
        assert card.figures["settings"]["seed"] > 3  # events that the training has not seen
        return card

    return train


def test_a_classifier_is_trained_measured_and_filters_a_movie(
    trained: Callable[..., Any], tmp_path: Path, measurement: Measurement, calibration: Calibration
) -> None:
    card = trained("classifier", evaluate_classifier, "--measure", 100)
    np.testing.assert_allclose(np.sum(card.confusion, axis=1), [1] * 6)
    assert list(card.thresholds) == [ALL_MASSES]
    assert card.figures["settings"]["count"] == 100
    shipped = read_card(bundle_folder("classifier"))
    assert card.confusion != shipped.confusion  # of its own events
    own = str(tmp_path / "mine")
    result = perrin.analyze_landings(
        measurement[0], calibration, classifier=own, quantifier=None, resamples=0
    )
    assert result.classification is not None
    assert 0 < result.events["retained"].sum() < len(result.events)


def test_a_quantifier_is_trained_measured_and_predicts_masses_of_a_movie(
    trained: Callable[..., Any], tmp_path: Path, measurement: Measurement, calibration: Calibration
) -> None:
    card = trained("quantifier", evaluate_quantifier, "--calibrate", 200, "--measure", 50)
    assert card.figures["settings"]["count"] == 50
    own = str(tmp_path / "mine")
    result = perrin.analyze_landings(measurement[0], calibration, quantifier=own, resamples=0)
    mass = result.events.loc[result.events["retained"], "mass_pred_kda"]
    assert np.isclose(mass.to_numpy()[:, None], [150, 300], rtol=0.15).any(axis=1).mean() > 0.9


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

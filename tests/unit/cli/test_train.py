"""`perrin train ...`, from the options to a model that loads; needs torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from pydantic import field_validator
from typer.testing import CliRunner

import perrin
from perrin.cli.main import app
from perrin.cli.train.run import TrackRun
from perrin.errors import PerrinError
from perrin.evaluate.mixture import speed
from perrin.evaluate.predictions import ALL_MASSES, RANGES
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration
from perrin.models.andi import AndiModel
from perrin.models.bundle import bundle_folder, read_card
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.settings.base import Settings
from perrin.settings.classifier import ClassifierTraining
from perrin.settings.evaluation import ClassifierEvaluation, QuantifierEvaluation
from perrin.settings.quantifier import QuantifierTraining

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("onnxscript", reason="exporting needs onnxscript")

from perrin.train.classifier.export import load_weights as classifier_weights  # noqa: E402
from perrin.train.classifier.validation import validator as classifier_validator  # noqa: E402
from perrin.train.quantifier.export import load_weights as quantifier_weights  # noqa: E402
from perrin.train.quantifier.validation import validator as quantifier_validator  # noqa: E402

SHORT: dict[str, dict[str, Any]] = {
    "perrin.evaluate.andi": {"LENGTHS": (30,)},
    "perrin.evaluate.kinds": {"LENGTHS": (30, 100)},
    "perrin.evaluate.mixture": {
        "CELLS": (("one", {"length": 30}),),
        "_FBM_LENGTHS": (30,),
        "speed": partial(speed, count=20),
    },
    "perrin.train.andi.outside": {"LENGTHS": (20, 30)},
    "perrin.train.andi.recipe": {"_CASES": ((1, 12), (2, 12))},
    "perrin.train.kinds.reach": {"LENGTHS": (25,), "RATIOS": (0.5,)},
    "perrin.train.kinds.recipe": {"LENGTHS": (12, 16), "_FIRST": 2},
    "perrin.train.mixture.discrepancies": {"LENGTHS": (20, 30)},
    "perrin.train.mixture.intervals": {"LENGTHS": (20, 30)},
    "perrin.train.mixture.validation": {"CASES": {"clean_100": {"length": 30}}},
}
"""Fewer and shorter tracks: whatever the network, each step of a training runs as it is."""


def run(*words: object) -> str:
    """Run a command in this process; return what it printed, without line breaks."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return "".join(done.output.split("\n"))


def untrained(figures: Any) -> bool:
    """Whether each figure of a card that is a fraction is one; a network of one batch has any."""
    named = [cell for cell in figures["cells"] if isinstance(cell, dict)]
    fractions = [
        value
        for cell in named
        for name, value in cell.items()
        if value is not None and name.startswith(("cover", "micro_f1", "right", "recall", "w_"))
    ]
    return bool(fractions) and all(0 <= value <= 1 for value in fractions)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("andi", AndiModel, []),
        ("kinds", KindsModel, []),
        ("mixture", MixtureModel, ["--calibrate", 1]),
    ],
)
def test_a_network_of_tracks_is_trained_written_and_measured(
    name: str, kind: Any, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = TrackRun.settings
    monkeypatch.setattr(
        TrackRun, "settings", lambda *given: usual(*given).model_copy(update={"tokens": 1024})
    )
    for place, constants in SHORT.items():
        for constant, value in constants.items():
            monkeypatch.setattr(import_module(place), constant, value)
    words = ["train", name, "--steps", 1, "--measure", 50, "--seed", 3, "--threads", 1, *words]
    own = tmp_path / "mine"
    printed = run(*words, "--out", own)
    assert f"model in {own}" in printed
    card = kind.load(str(own)).bundle.card  # its test vector holds
    assert card.sha256 != read_card(bundle_folder(name)).sha256
    assert card.training["settings"]["steps"] == 1
    assert card.figures["seed"] == 4  # of tracks that the training has not seen
    assert card.figures["training_curve"][0]["step"] == 1
    assert untrained(card.figures)
    started = json.loads((tmp_path / "mine-run" / "settings.json").read_text())
    assert (started["settings"]["steps"], started["settings"]["seed"]) == (1, 3)
    with pytest.raises(PerrinError, match="already there"):
        run(*words, "--out", own)


Measurement = tuple[Movie, pd.DataFrame]


class Short(Settings):
    """What learns in seconds."""

    steps: int = 32
    warmup: int = 4
    average: float = 0.8
    validate_every: int = 8


class ShortClassifier(Short, ClassifierTraining):
    """A small network that learns from a thousand events."""

    batch: int = 32
    width: int = 8
    learning_rate: float = 5e-3
    n_avgs: tuple[int, ...] = (10,)
    blanks: int = 20

    @classmethod
    def tuning(cls) -> Self:
        return cls(steps=8)


class ShortQuantifier(Short, QuantifierTraining):
    """The same for a quantifier, on five hundred events."""

    batch: int = 16
    learning_rate: float = 3e-3


class ShortClassifierEvaluation(ClassifierEvaluation):
    """One integration, a movie of seconds."""

    n_avgs: tuple[int, ...] = (10,)
    use_count: int = 120
    movie_s: float = 4.0
    resamples: int = 20


class ShortQuantifierEvaluation(QuantifierEvaluation):
    """One mass, few events that the oracle measures."""

    masses_kda: tuple[float, ...] = (180.0,)
    fitted_count: int = 1

    @field_validator("bound_count")
    @classmethod
    def _few(cls, count: int) -> int:
        return min(count, 6)


QUICK: dict[str, dict[str, Any]] = {
    "perrin.settings.classifier": {"ClassifierTraining": ShortClassifier},
    "perrin.settings.quantifier": {"QuantifierTraining": ShortQuantifier},
    "perrin.settings.evaluation": {
        "ClassifierEvaluation": ShortClassifierEvaluation,
        "QuantifierEvaluation": ShortQuantifierEvaluation,
    },
    "perrin.evaluate.card": {"RANGES": {ALL_MASSES: RANGES[ALL_MASSES]}},
    "perrin.evaluate.classifier": {
        "RANGES": {ALL_MASSES: RANGES[ALL_MASSES]},
        "_SPEED_EVENTS": 500,
    },
    "perrin.evaluate.quantifier": {"_NOISE_COUNT": 400, "_SPEED_EVENTS": 500},
    "perrin.train.classifier.validation": {"validator": partial(classifier_validator, count=10)},
    "perrin.train.events.blocks": {"stream": lambda draw, first, **_: map(draw, count(first))},
    "perrin.train.quantifier.export": {"_BLOCKS": 1},
    "perrin.train.quantifier.validation": {"validator": partial(quantifier_validator, count=40)},
}


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Make training of networks of events, and measuring them, as short as it can be."""
    with pytest.MonkeyPatch.context() as patch:
        for place, changes in QUICK.items():
            for name, value in changes.items():
                patch.setattr(import_module(place), name, value)
        yield


def assert_learned_and_written(folder: Path, weights: Callable[[Path], Any]) -> None:
    """The loss of a run fell, and what it ended with is what the bundle in `folder` holds."""
    run = folder.with_name(folder.name + "-run")
    losses = pd.read_csv(run / "metrics.csv")["loss"]
    assert losses.iloc[-1] < 0.8 * losses.iloc[0]
    saved = torch.load(run / "checkpoint.pt", weights_only=True)["averaged"]
    for name, value in weights(folder).state_dict().items():
        if value.ndim:  # how many batches a norm has seen does not matter
            end = saved[f"module.{name}"]
            torch.testing.assert_close(value, end, rtol=1e-3, atol=1e-6)  # half precision


@pytest.fixture(scope="module")
def own_classifier(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that a command has trained, from nothing to its card."""
    folder = tmp_path_factory.mktemp("trained") / "mine"
    printed = run("train", "classifier", "--seed", 3, "--measure", 100, "--out", folder)
    assert f"model in {folder}" in printed
    return folder


def test_a_classifier_is_trained_measured_and_looks_at_a_movie(
    own_classifier: Path, measurement: Measurement, calibration: Calibration
) -> None:
    assert_learned_and_written(own_classifier, classifier_weights)
    card = read_card(own_classifier)
    assert card.training["settings"]["seed"] == 3
    assert [row["step"] for row in card.training["curve"]] == [8, 16, 24, 32]
    assert card.figures["settings"]["count"] == 100
    assert card.figures["settings"]["seed"] > 3  # events that the training has not seen
    np.testing.assert_allclose(np.sum(card.confusion, axis=1), [1] * 6)
    assert list(card.thresholds) == [ALL_MASSES]
    areas = [row["value"] for row in card.figures["figures"] if row["quantity"] == "AUC"]
    assert np.median(areas) > 0.6
    assert card.figures["protein_a"]["binders"] > 0
    result = perrin.analyze_landings(
        measurement[0], calibration, classifier=str(own_classifier), quantifier=None, resamples=0
    )
    assert result.classification is not None
    scored = result.events["score_binder"].notna()
    assert scored.mean() > 0.9
    assert (result.events.loc[scored, "label"] == "binder").mean() > 0.5


def test_a_trained_classifier_is_trained_on(own_classifier: Path, quick: None) -> None:
    folder = own_classifier.with_name("tuned")
    run("train", "classifier", "--from", own_classifier, "--measure", 100, "--out", folder)
    card = read_card(folder)
    assert card.training["settings"]["steps"] == 8
    assert card.training["start"]["sha256"] == read_card(own_classifier).sha256
    (before, after) = (pd.read_csv(f"{one}-run/metrics.csv") for one in (own_classifier, folder))
    assert after["loss"].iloc[0] < 0.8 * before["loss"].iloc[0]  # it goes on from there
    begun, ended = (classifier_weights(one).state_dict() for one in (own_classifier, folder))
    assert any(not torch.equal(begun[name], ended[name]) for name in begun)


def test_a_quantifier_is_trained_measured_and_predicts_masses_of_a_movie(
    own_classifier: Path, tmp_path: Path, measurement: Measurement, calibration: Calibration
) -> None:
    own = tmp_path / "mine"
    words = ("--trunk", own_classifier, "--seed", 3, "--calibrate", 200, "--measure", 50)
    printed = run("train", "quantifier", *words, "--out", own)
    assert f"model in {own}" in printed
    assert_learned_and_written(own, quantifier_weights)
    card = read_card(own)
    assert card.figures["settings"]["count"] == 50
    binders = [row for row in card.figures["accuracy"] if row["class"] == "binder"]
    assert [row["events"] for row in binders] == [
        50
    ] * 2  # with the whole background, and white noise
    assert card.training["settings"]["seed"] == 3
    result = perrin.analyze_landings(
        measurement[0],
        calibration,
        classifier=str(own_classifier),
        quantifier=str(own),
        resamples=0,
    )
    predicted = result.events.dropna(subset=["mass_pred_kda"])
    assert len(predicted) > 100
    off = predicted["mass_pred_kda"] / predicted["mass_kda"]
    assert np.median(off) == pytest.approx(1, abs=0.2)


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

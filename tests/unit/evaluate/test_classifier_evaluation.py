"""The evaluation of linear networks, from simulated events to the results folder."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from perrin.cli.main import app
from perrin.errors import PerrinError
from perrin.evaluate import roc
from perrin.evaluate.card import best_thresholds, confusion_use
from perrin.evaluate.classifier import Evaluation, evaluate_classifier
from perrin.evaluate.embedding import show
from perrin.evaluate.predictions import RANGES, predict_on
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.models.classifier import ClassifierModel
from perrin.settings.evaluation import ClassifierEvaluation
from perrin.settings.simulation import ThumbnailSettings

SMALL = ClassifierEvaluation(
    count=200, use_count=60, movies=1, movie_s=4, shown=0, resamples=100, n_avgs=(5, 10, 80)
)


@pytest.fixture(scope="module")
def models(linear) -> list[ClassifierModel]:
    """Like ours, of six classes, and like the paper's: five classes and one integration."""
    paper = linear("paper", view="thumbnail", classes=PAPER_CLASSES, n_avg=(10, 10))
    return [linear("ours"), paper]


@pytest.fixture(scope="module")
def found(models) -> Evaluation:
    done: list[float] = []
    result = evaluate_classifier(models, settings=SMALL, progress=done.append)
    assert np.all(np.diff(done) > 0)
    assert done[-1] == pytest.approx(1.0)
    return result


def one(table: pd.DataFrame, **wanted: object) -> pd.Series:
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_answers_belong_to_their_labels(linear) -> None:
    seed = np.random.SeedSequence(1)
    heavy = ThumbnailSettings(masses=RANGES["100 to 800 kDa"])
    model = linear(classes=PAPER_CLASSES)
    predictions = predict_on([model], simulated=heavy, count=300, seed=seed)
    assert np.unique(predictions.labels, return_counts=True)[1].tolist() == [60] * 5
    assert ((predictions.mass_kda >= 100) & (predictions.mass_kda <= 800)).all()
    right = predictions.among(PAPER_CLASSES)[0].argmax(axis=1) == predictions.true
    assert right.mean() > 0.6  # mixed up it would be .2
    assert np.isnan(predictions.score[0, :, 5]).all()
    np.testing.assert_allclose(predictions.among(PAPER_CLASSES).sum(axis=2), 1)
    again = predict_on([model], simulated=heavy, count=300, seed=np.random.SeedSequence(1))
    np.testing.assert_array_equal(again.score, predictions.score)


def test_another_instrument_is_simulated_or_refused(linear) -> None:
    plain = ThumbnailSettings()

    def predictions(pixel_nm: float):
        instrument = plain.instrument.model_copy(update={"pixel_nm": pixel_nm})
        simulated = plain.model_copy(update={"instrument": instrument})
        seed = np.random.SeedSequence(1)
        return predict_on([linear()], simulated=simulated, count=50, seed=seed)

    assert not np.array_equal(predictions(72.0).score, predictions(80.0).score)
    with pytest.raises(PerrinError, match="pixel size is 95 nm"):
        predictions(95.0)


def test_figures_are_those_of_the_events(found) -> None:
    auc = found.figures[found.figures["quantity"] == "AUC"]
    paper = auc[(auc["protocol"] == "paper") & (auc["n_avg"] == 10)]
    assert set(paper["range"]) == set(RANGES)
    assert set(paper["class"]) == set(PAPER_CLASSES)
    assert ((auc["low"] <= auc["value"]) & (auc["value"] <= auc["high"]))[
        auc["value"].notna()
    ].all()
    heavy = paper[(paper["range"] == "100 to 800 kDa") & (paper["class"] == "binder")]
    assert (heavy["value"] > 0.9).all()
    assert (heavy["paper"] == 0.998).all()
    predicted = one(paper, range="30 to 55 kDa", model="ours", by="score", **{"class": "wobbler"})
    assert predicted["paper"] == 0.868


def test_a_model_is_left_out_where_its_card_does_not_go(found) -> None:
    paper = found.figures[found.figures["protocol"] == "paper"]
    asked = paper.groupby("n_avg")["model"].unique().map(list).to_dict()
    assert asked == {5: ["ours"], 10: ["ours", "paper"]}  # and no one covers 80


def test_differences_are_paired(found) -> None:
    row = one(found.differences, protocol="paper", range="30 to 800 kDa", quantity="errors")
    errors = found.figures[found.figures["quantity"] == "errors"]
    wanted = {"protocol": "paper", "range": "30 to 800 kDa", "n_avg": 10}
    ours, paper = (one(errors, model=name, **wanted)["value"] for name in ("ours", "paper"))
    assert row["difference"] == pytest.approx(ours - paper)
    assert row["relative"] == pytest.approx(ours / paper - 1)
    assert row["low"] <= row["difference"] <= row["high"]


def test_a_class_that_a_model_lacks_has_no_auc_and_is_never_told(found) -> None:
    auc = found.figures[(found.figures["protocol"] == "use") & (found.figures["by"] == "score")]
    auc = auc[auc["quantity"] == "AUC"]
    assert np.isnan(one(auc, model="paper", **{"class": "buffer"})["value"])
    assert np.isfinite(auc[auc["class"] != "buffer"]["value"]).all()
    predicted = found.confusion[found.confusion["predicted"] == "buffer"]
    assert (predicted[predicted["model"] == "paper"]["fraction"] == 0).all()
    sums = found.confusion.groupby(["protocol", "n_avg", "range", "model", "true"])[
        "fraction"
    ].sum()
    np.testing.assert_allclose(sums, 1)


def test_thresholds_of_cards_are_judged_too(found) -> None:
    rows = found.thresholds[found.thresholds["model"] == "ours"]
    chosen = rows[rows["range"] == "30 to 55 kDa"].set_index("chosen")["threshold"]
    assert set(chosen.index) == {"best F1", "recommended", "card"}
    assert chosen["recommended"] == 0.9
    assert chosen["card"] == 0.5


def test_protein_a_movies_have_detected_binders(found) -> None:
    (counts,) = found.protein_a.to_dict("records")
    assert 0 < counts["binders_detected"] <= counts["binders"]
    assert counts["binders_detected"] < counts["detections_scored"] <= counts["detections"]
    row = one(
        found.figures,
        protocol="protein A movies",
        model="ours",
        by="score",
        quantity="precision at 23% recall",
    )
    assert 0 < row["value"] <= 1


def test_a_card_can_hold_the_figures(found) -> None:
    held = json.loads(json.dumps(found.for_card("paper"), allow_nan=False))
    assert len(held["figures"]) == (found.figures["model"] == "paper").sum()
    assert held["events_per_s"] > 0


def test_what_training_writes_on_a_card(linear) -> None:
    model = linear()
    rows = np.array(confusion_use(model, count=60, seed=1))
    assert rows.shape == (6, 6)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-4)
    best = best_thresholds(model, count=100, seed=1)
    assert list(best) == list(RANGES)
    assert all(0 < threshold < 1 for threshold in best.values())


def test_models_that_cannot_be_compared_are_refused(linear) -> None:
    model = linear()
    with pytest.raises(PerrinError, match="no model to evaluate"):
        evaluate_classifier([], settings=SMALL)
    with pytest.raises(PerrinError, match="two models have the name linear"):
        evaluate_classifier([model, model], settings=SMALL)
    with pytest.raises(PerrinError, match="trained for 5 to 40 frames"):
        evaluate_classifier([model], settings=SMALL.model_copy(update={"n_avg": 41}))
    with pytest.raises(PerrinError, match="an evaluation needs binder"):
        evaluate_classifier([linear(classes=CLASSES[:3])], settings=SMALL)


def test_maps_hold_every_event_and_can_be_left_out(models, monkeypatch) -> None:
    seed = np.random.SeedSequence(2)
    shown = show(models, simulated=ThumbnailSettings(), count=60, seed=seed)
    assert shown.tsne.groupby(["model", "space"]).size().tolist() == [60] * 4
    assert [example.label for example in shown.examples] == list(PAPER_CLASSES)
    for example in shown.examples:
        assert example.frames.shape == (5, 17, 17)
        assert all(map_.shape == (17, 17) for map_ in example.activations.values())
    binder = shown.examples[0].frames[2]
    assert binder[7:10, 7:10].mean() < -2e-3  # a landing at the middle, about 150 kDa
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    without = show(models, simulated=ThumbnailSettings(), count=60, seed=np.random.SeedSequence(2))
    assert "pip install 'perrin[evaluate]'" in without.note
    assert without.tsne.empty


def test_the_command_writes_figures_and_the_tables_of_the_function(
    models, monkeypatch, tmp_path, capsys
) -> None:
    by_name = {"some/folder": models[0]}
    monkeypatch.setattr(ClassifierModel, "load", by_name.__getitem__)
    out = tmp_path / "evaluation"
    words = f"--model some/folder --count 100 --use-count 0 --movies 1 --movie-s 4 \
        --shown 50 --resamples 20 --n-avgs 10,20 --seed 3 --out {out}"
    run(words.split())
    said = capsys.readouterr().out
    assert "AUC, protocol paper, n_avg 10" in said
    assert "events a second" in said
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["count"] == 100
    assert summary["run"]["seed"] == 3
    assert set(summary["scores"]) == set(summary["events_per_s"]) == {"ours"}
    assert [network["name"] for network in summary["networks"]] == ["ours"]
    assert not (out / "differences.csv").exists()  # of one model
    for name in ("figures", "confusion", "thresholds", "trade_off", "roc", "tsne"):
        assert len(pd.read_csv(out / f"{name}.csv"))
    drawn = {path.stem for path in (out / "figures").glob("*.png")}
    each = ("roc", "confusion", "thresholds", "reliability", "activations", "tsne")
    assert drawn == {f"{kind}_ours" for kind in each} | {"auc", "integration", "protein_a"}
    assert all(imread(path).std() > 0.01 for path in (out / "figures").glob("*.png"))
    settings = ClassifierEvaluation.model_validate(summary["settings"])
    found = evaluate_classifier([models[0]], settings=settings)
    written = ("figures", "confusion", "thresholds", "trade_off", "reliability", "roc", "protein_a")
    for name in written:
        getattr(found, name).to_csv(tmp_path / "own.csv", index=False)
        assert (out / f"{name}.csv").read_bytes() == (tmp_path / "own.csv").read_bytes()
    with pytest.raises(PerrinError, match="already holds results"):
        run(words.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "nothing"], "no model of that name"),
        (["--model", "mixture"], "a classifier network is needed"),
        (["--count", "10"], "--count 10: must be"),
        (["--shown", "7"], "50 events or more"),
        (["--n-avgs", "5,many"], "whole numbers"),
    ],
)
def test_bad_input_is_one_error_and_writes_nothing(words, message, tmp_path) -> None:
    with pytest.raises(PerrinError, match=message):
        run([*words, "--out", str(tmp_path / "out")])
    assert list(tmp_path.iterdir()) == []


def run(words: list[str]) -> None:
    app(["evaluate", "classifier", *words], standalone_mode=False)


def test_roc_ends_in_both_corners(found) -> None:
    for _, line in found.roc.groupby(["protocol", "n_avg", "range", "model", "by", "class"]):
        assert line["recall"].iloc[-1] == line["false_rate"].iloc[-1] == 1
        assert (np.diff(line["recall"]) >= 0).all()
        area = np.trapezoid(np.append(0, line["recall"]), np.append(0, line["false_rate"]))
        about = one(
            found.figures,
            quantity="AUC",
            **line[["protocol", "n_avg", "range", "model", "by", "class"]].iloc[0],
        )
        assert area == pytest.approx(about["value"], abs=1 / 400)


def test_the_best_threshold_is_judged_on_the_other_half() -> None:
    from perrin.evaluate.predictions import Predictions
    from perrin.evaluate.tables import EventSet, threshold_rows

    labels = np.resize(["binder", "binder", "unbinder", "unbinder"], 400)
    score = np.zeros((1, 400, 6))
    score[0, :, 0] = np.where(labels == "binder", 0.8, 0.2)
    score[0, 1::2, 0] = 0.5  # the second half says nothing
    test = EventSet(
        "paper", 10, "all", ("m",), PAPER_CLASSES, Predictions(labels, np.ones(400), score, score)
    )
    best = next(iter(threshold_rows(test, {"m": {}})))
    assert best["threshold"] == 0.8
    assert np.isnan(best["f1"])
    assert roc.auc(score[0, ::2, 0], labels[::2] == "binder") == 1

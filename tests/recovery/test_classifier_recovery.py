"""The shipped classifier on events and movies that no training has seen."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from perrin.evaluate import roc
from perrin.evaluate.predictions import RANGES, fresh_seed, predict_on
from perrin.evaluate.tables import PAPER_AUC
from perrin.models.classifier import ClassifierModel
from perrin.pipeline import LandingsResult, analyze_landings
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.matching import is_accepted, is_isolated, match_landings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

analyze = partial(analyze_landings, classifier=None, quantifier=None, resamples=0)

COUNT = 1500
SECONDS = 15.0
PATCH_PX = 12.0  # from the middle of a thumbnail to its corner: nearer ones are neighbors


@pytest.fixture(scope="module")
def model() -> ClassifierModel:
    return ClassifierModel.load("default")


def standard_error(auc: float, count: int) -> float:
    """Of an AUC of one class in five (Hanley and McNeil, Radiology 1982)."""
    few, many = count / 5, 4 * count / 5
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (few - 1) * (q1 - auc**2) + (many - 1) * (q2 - auc**2)
    return float(np.sqrt(variance / (few * many)))


@pytest.mark.parametrize("masses", list(RANGES))
def test_binders_are_told_from_the_rest_as_well_as_in_the_paper(
    model: ClassifierModel, masses: str
) -> None:
    predictions = predict_on(
        [model],
        simulated=ThumbnailSettings(masses=RANGES[masses]),
        count=COUNT,
        seed=fresh_seed(20_264, 1),
    )
    paper = PAPER_AUC[masses][0]
    auc = roc.auc(predictions.score[0, :, 0], predictions.true == 0)
    assert auc > paper - 3 * standard_error(paper, COUNT)


@pytest.mark.parametrize("n_avg", [5, 40])
def test_one_network_serves_short_and_long_integrations(model: ClassifierModel, n_avg: int) -> None:
    predictions = predict_on(
        [model],
        simulated=ThumbnailSettings(n_avg=n_avg),
        count=600,
        seed=fresh_seed(20_264, 2),
    )
    auc = roc.auc(predictions.score[0, :, 0], predictions.true == 0)
    assert auc > 0.99 - 3 * standard_error(0.99, 600)


@pytest.fixture(scope="module")
def measured(model: ClassifierModel):
    movie, truth = simulate_movie(preset("bsa"), seconds=SECONDS, seed=20_265)
    return movie, truth, analyze(movie, classifier=model)


def test_what_is_retained_are_binders_and_most_of_them(measured) -> None:
    movie, truth, found = measured
    events = found.events
    stays = (truth["motion"] == "binder").to_numpy() & is_accepted(truth, movie, n_avg=10)
    alone = stays & is_isolated(truth, n_avg=10, within_px=PATCH_PX)
    matched = match_landings(truth, events)
    binders = np.zeros(len(events), bool)
    binders[matched[stays & (matched >= 0)]] = True
    landing = (events["contrast"] < 0).to_numpy()
    retained = events["retained"].to_numpy()
    assert binders[landing & retained].mean() > 0.9 > binders[landing].mean() + 0.1
    kept = retained[matched[alone & (matched >= 0)]]
    assert kept.mean() > 0.7
    assert not (retained & ~landing).sum() > 0.02 * (~landing).sum()


def test_the_class_mix_is_near_the_truth(measured) -> None:
    """Crowded events are ambiguous, so only the fraction of what stays is compared."""
    _, truth, found = measured
    assert isinstance(found, LandingsResult)
    assert found.classification is not None
    fractions = {
        fraction.name: fraction.fraction.value for fraction in found.classification.fractions
    }
    seen = truth[match_landings(truth, found.events) >= 0]
    stays = (seen["motion"] == "binder").mean()
    assert fractions["binder"] + fractions["neighbors"] == pytest.approx(stays, abs=0.12)
    assert sum(fractions.values()) == pytest.approx(1)

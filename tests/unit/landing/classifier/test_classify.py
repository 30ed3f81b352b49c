"""Scores, probabilities and labels, from classifiers that know the truth more or less well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from perrin.errors import PerrinError
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.landing.classifier.classify import ClassificationResult, classify
from perrin.landing.thumbnails import frames_around
from perrin.optics.psf import Psf
from perrin.pipeline import find_events
from perrin.settings.landing import LandingSettings


@pytest.fixture(scope="module")
def found(loose: Any) -> pd.DataFrame:
    psf = Psf.analytic(pixel_nm=loose.movie.pixel_nm)
    return find_events(loose.movie, settings=LandingSettings(), psf=psf)


def scored_by(loose: Any, found: pd.DataFrame, model: Any) -> ClassificationResult:
    return classify(loose.movie, found, model=model, n_avg=10)


def test_perfect_knowledge_labels_every_event_right(
    loose: Any, found: pd.DataFrame, fake_model: Any
) -> None:
    events = scored_by(loose, found, fake_model(loose.classes)).events
    before, after = frames_around(10)
    complete = (events["frame"] >= before) & (events["frame"] + after < loose.movie.n_frames)
    assert 0 < (~complete).sum() < len(events) / 4
    fitted = found["label"] == ""
    assert (events["label"][~complete & fitted] == "unscored").all()
    assert (events["label"][~fitted] == "not fitted").all()
    columns = [f"{kind}_{name}" for kind in ("score", "p") for name in CLASSES]
    assert events[columns][complete].notna().all(axis=None)
    assert events[columns][~complete].isna().all(axis=None)
    in_time = events[complete].sort_values("frame", kind="stable")
    shown = in_time["label"] != "not fitted"
    expected = np.array(CLASSES)[loose.classes]
    assert in_time["label"][shown].tolist() == expected[shown.to_numpy()].tolist()


def test_the_own_mix_of_the_movie_is_recovered(
    loose: Any, found: pd.DataFrame, fake_model: Any
) -> None:
    """A fake that is right 80% of the time: counting is off by far, the mix is not."""
    right = 0.8
    model = fake_model(loose.classes, right=right)
    events = scored_by(loose, found, model).events
    scored = events["score_binder"].notna()
    in_time = events[scored].sort_values("frame", kind="stable")
    landing = (in_time["contrast"] < 0).to_numpy()
    true = (loose.classes[landing] == 0).mean()
    told = (model.told[landing] == 0).mean()
    number = landing.sum()
    # Telling apart with probability `right` against 1 - right in 5 blows up the binomial error.
    error = np.sqrt(told * (1 - told) / number) / (right - (1 - right) / 5)
    slack = 6 / number  # one event of each class beforehand
    mean_p = in_time["p_binder"][landing].mean()  # equals the fraction where the mix has settled
    assert mean_p == pytest.approx(true, abs=norm.ppf(0.9999) * error + slack)
    assert events.loc[scored, [f"p_{name}" for name in CLASSES]].sum(axis=1).to_numpy() == (
        pytest.approx(1)
    )
    assert in_time["p_binder"][~landing].mean() < 0.05


def test_five_classes_have_no_buffer_columns(
    loose: Any, found: pd.DataFrame, fake_model: Any
) -> None:
    truth = np.minimum(loose.classes, 4)
    events = scored_by(loose, found, fake_model(truth, classes=PAPER_CLASSES)).events
    assert "score_wobbler" in events
    assert "score_buffer" not in events
    assert "p_buffer" not in events


def test_no_events_and_none_with_a_thumbnail(
    loose: Any, found: pd.DataFrame, fake_model: Any
) -> None:
    empty = scored_by(loose, found.iloc[:0], fake_model(loose.classes))
    assert len(empty.events) == len(empty.balanced) == 0
    assert {"score_binder", "p_buffer"} <= set(empty.events)
    early = found[found["frame"] < frames_around(10)[0]]
    assert len(early)
    none = scored_by(loose, early, fake_model(loose.classes))
    assert none.events["p_binder"].isna().all()
    assert set(none.events["label"]) <= {"unscored", "not fitted"}
    assert len(none.balanced) == 0


def test_events_come_in_batches_of_bounded_size(loose: Any, fake_model: Any) -> None:
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"frame": rng.integers(100, 1500, 3000), "contrast": -0.005, "label": ""})
    many["y_px"], many["x_px"] = rng.uniform(6, 30, (2, 3000))
    model = fake_model(rng.integers(0, 6, 3000))
    seen: list[float] = []
    done = classify(loose.movie, many, model=model, n_avg=10, progress=seen.append)
    assert len(done.balanced) == 3000
    before, after = frames_around(10)
    assert model.largest_batch * (before + 1 + after) * 17 * 17 * 4 <= 64 << 20
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_movie_or_a_model_that_does_not_fit_is_refused(
    loose: Any, found: pd.DataFrame, fake_model: Any
) -> None:
    with pytest.raises(PerrinError, match="not trained for this"):
        classify(loose.movie, found, model=fake_model(loose.classes), n_avg=50)
    model = fake_model(loose.classes, classes=("good", "bad"))
    with pytest.raises(PerrinError, match="without a class 'binder'"):
        scored_by(loose, found, model)

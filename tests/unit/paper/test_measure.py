from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.models.classifier import ClassifierModel
from perrin.paper import measure as module
from perrin.paper.measure import measure
from perrin.pipeline.simulated import Measured, alone_in_thumbnail
from perrin.settings.landing import LandingSettings
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

ASSAY = LandingAssay(
    species=(Species(mass_kda=200, abundance=1.0, name="one"),),
    density=2.0,
    motions={"binder": 0.6, "unbinder": 0.2, "roller": 0.1, "wobbler": 0.1},
)
PLAN = PlannedMeasurement(
    name="a-1", assay=ASSAY, seconds=5, seed=3, landing=LandingSettings(persistence_ms=140)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("measurements")


@pytest.fixture(scope="module")
def measured(folder: Path, model: ClassifierModel) -> Measured:
    return measure(PLAN, model=model, folder=folder)


def test_the_truth_of_every_event(measured: Measured) -> None:
    events, molecules = measured.events, measured.molecules
    perfect = events[events["perfect"]]
    assert len(perfect) > 30
    assert (perfect["motion"] == "binder").all()
    assert events.loc[events["perfect"], "isolated"].all()
    # masses of the perfect ones scatter by the noise of the simulator, 6 to 8 kDa
    assert perfect["mass_kda"].std() < 12
    found = molecules[molecules["event"] >= 0]
    assert len(found) > 0.85 * len(molecules)
    wanted = found[found["perfect"]]
    assert events["perfect"].to_numpy()[wanted["event"]].all()
    leaving = events["mass_kda"] < 0
    assert not events.loc[leaving, "perfect"].any()


def test_the_classifier_keeps_mostly_perfect_ones(measured: Measured) -> None:
    kept = measured.events[measured.kept(0.9)]
    assert kept["perfect"].mean() > 0.85
    assert measured.kept(1.1).sum() == 0
    assert measured.kept(0.5).sum() >= len(kept)


def test_a_finished_measurement_is_not_made_again(
    measured: Measured, folder: Path, model: ClassifierModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr(module, "_simulated", never)
    again = measure(PLAN, model=model, folder=folder)
    pd.testing.assert_frame_equal(again.events, measured.events, check_dtype=False)
    pd.testing.assert_frame_equal(again.molecules, measured.molecules, check_dtype=False)
    assert again.fractions == measured.fractions
    with pytest.raises(AssertionError, match="again"):
        measure(PLAN.model_copy(update={"seed": 4}), model=model, folder=folder)
    (folder / "a-1.npz").write_bytes((folder / "a-1.npz").read_bytes()[:1000])
    with pytest.raises(AssertionError, match="again"):
        measure(PLAN, model=model, folder=folder)


def test_alone_is_what_the_simulator_calls_a_binder() -> None:
    _, truth = simulate_movie(ASSAY.model_copy(update={"density": 4.0}), seconds=4, seed=1)
    alone = alone_in_thumbnail(truth, n_avg=10) & (truth["motion"] == "binder").to_numpy()
    np.testing.assert_array_equal(alone, (truth["class"] == "binder").to_numpy())
    longer = alone_in_thumbnail(truth, n_avg=40) & (truth["motion"] == "binder").to_numpy()
    assert longer.sum() < alone.sum()
    assert not (longer & ~alone).any()


def test_buffer_has_no_truth(model: ClassifierModel, tmp_path: Path) -> None:
    plan = PlannedMeasurement(name="buffer", assay=preset("buffer"), seconds=3, seed=1)
    blank = measure(plan, model=model, folder=tmp_path / "blank")
    assert len(blank.molecules) == 0
    assert not blank.events["perfect"].any()
    again = measure(plan, model=model, folder=tmp_path / "blank")
    assert len(again.events) == len(blank.events)

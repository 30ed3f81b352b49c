from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from perrin.errors import PerrinError
from perrin.mass.calibration import Calibration
from perrin.models.classifier import ClassifierModel
from perrin.pipeline import LandingsResult, analyze_landings
from perrin.pipeline.retention import MEANING, correct_abundances
from perrin.settings.simulation import CameraSettings, LandingAssay, Species
from perrin.simulate.movie import simulate_movie

analyze = partial(analyze_landings, classifier=None, quantifier=None, resamples=0)

PER_KDA = -3.8e-5


@pytest.fixture(scope="module")
def model() -> ClassifierModel:
    return ClassifierModel.load("default")


@pytest.fixture(scope="module")
def measured(model: ClassifierModel) -> LandingsResult:
    """A dim movie of light and heavy molecules in equal numbers."""
    assay = LandingAssay(
        species=(Species(mass_kda=60, abundance=1.0), Species(mass_kda=300, abundance=1.0)),
        density=2.0,
        camera=CameraSettings(electrons=5e5),
    )
    movie, _ = simulate_movie(assay, seconds=10, seed=4)
    return analyze(
        movie,
        calibration=Calibration(gradient_per_kda=PER_KDA, offset=0.0),
        classifier=model,
        resamples=0,
    )


def test_shares_are_corrected_at_the_noise_of_the_movie(
    measured: LandingsResult, model: ClassifierModel
) -> None:
    seen: list[float] = []
    found = correct_abundances(measured, model=model, seed=1, seconds=10, progress=seen.append)
    fractions = found.abundances
    assert fractions is not None
    main = fractions.nlargest(2, "counts").sort_index()
    light, heavy = main.iloc[0], main.iloc[1]
    assert light["retention"] < heavy["retention"]  # noise takes the light ones
    assert light["corrected_fraction"] > light["fraction"]
    assert light["corrected_fraction_low"] < 0.5 < light["corrected_fraction_high"] + 0.1
    assert MEANING in found.notes
    assert not any("rough one" in note for note in found.notes)  # its noise was met within 10%
    assert seen[-1] == 1.0
    assert found.events is measured.events


def test_what_cannot_be_corrected(measured: LandingsResult, model: ClassifierModel) -> None:
    with pytest.raises(PerrinError, match="with a classifier"):
        correct_abundances(replace(measured, classification=None), model=model, seed=1)
    with pytest.raises(PerrinError, match="give --calibration"):
        correct_abundances(replace(measured, calibration=None), model=model, seed=1)

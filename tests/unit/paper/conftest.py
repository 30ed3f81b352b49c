"""Measurements made up without a movie, so that what an analysis must find is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from perrin.events import CLASSES
from perrin.models.classifier import ClassifierModel
from perrin.paper.core import Context
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured, refit_column
from perrin.settings.planned import PlannedMeasurement

MakeUp = Callable[..., Measured]
NOISE_KDA, ARTEFACT_KDA = 7.0, 18.0


@pytest.fixture(scope="session")
def model() -> ClassifierModel:
    return ClassifierModel.load("default")


@pytest.fixture
def context(model: ClassifierModel) -> Context:
    settings = ExperimentSettings(resamples=20, thinnings=2)
    return Context(settings, model, np.random.default_rng(2))


@pytest.fixture(scope="session")
def make_up() -> MakeUp:
    return made_up


def made_up(planned: PlannedMeasurement, *, count: int = 240, knows: bool = True) -> Measured:
    """What a planned movie might give: half of the events are artifacts, far broader in mass.

    The classifier that `knows` scores every true binder 0.99 and everything else 0; one that
    does not scores at random.
    """
    rng = np.random.default_rng(planned.seed)
    species = planned.assay.species
    if not species:
        count = 40
    good = rng.random(count) < 0.5 if species else np.zeros(count, bool)
    fraction = np.array([s.abundance for s in species] or [1.0])
    kind = rng.choice(len(fraction), size=count, p=fraction / fraction.sum())
    mass = np.array([s.mass_kda for s in species] or [30.0])[kind]
    names = np.array([s.label for s in species] or [""], object)[kind]
    fitted = mass + NOISE_KDA * rng.standard_normal(count)
    broad = 0.97 * mass + ARTEFACT_KDA * rng.standard_normal(count)
    fitted = np.where(good, fitted, broad)
    leaves = ~good & (rng.random(count) < 0.3)
    score = np.where(good, 0.99, 0.0) if knows else rng.random(count)
    events = pd.DataFrame(
        {
            "frame": np.sort(rng.integers(50, 5000, count)),
            "x_px": rng.uniform(10, 100, count),
            "y_px": rng.uniform(10, 30, count),
            "contrast": -3.8e-5 * np.where(leaves, -fitted, fitted),
            "contrast_noise": 1.9e-4,
            "snr_spatial": 8.0,
            "snr_temporal": 8.0,
            "mass_kda": np.where(leaves, -fitted, fitted),
            "fit_residual": rng.uniform(3e-4, 5e-4, count),
            "label": np.where(good, "binder", "wobbler"),
            "score_binder": score,
            "p_binder": score,
            "persistence_contrast": -3.8e-5 * fitted,
            "late_contrast": -3.8e-5 * np.where(good, fitted, 0.0),
            "late_contrast_se": 1e-4,
            "still_there": good.astype(np.int64),
            "fitted": True,
            "single": True,
            "perfect": good,
            "isolated": good,
            "motion": np.where(good, "binder", "wobbler"),
            "species": names,
        }
    )
    for n in planned.refits:
        events[refit_column(n)] = events["mass_kda"]
    molecules = pd.DataFrame(
        {
            "species": names,
            "mass_kda": mass,
            "motion": events["motion"],
            "perfect": good,
            "isolated": good,
            "event": np.arange(count),
        }
    )
    fractions = dict.fromkeys(CLASSES, 0.0) | {"binder": 0.5, "wobbler": 0.5}
    return Measured(planned.name, events, molecules, fractions, planned.seconds, 20.0)

"""Motion blur that nobody told of is mentioned where the steps show it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.characterize import DiffusionResult, Scale
from perrin.diffusion.segments import Segments
from perrin.diffusion.summary import characterized
from perrin.diffusion.tables import TRAJECTORIES
from perrin.settings.diffusion import WindowSettings


def result(correlations: np.ndarray, exposure: float = np.nan) -> DiffusionResult:
    table = pd.DataFrame(np.nan, range(len(correlations)), [one.name for one in TRAJECTORIES])
    table = table.assign(vacf_1=correlations, suspect_steps=0, exponents_disagree=False)
    empty = pd.DataFrame()
    return DiffusionResult(
        trajectories=table.assign(exposure=exposure),
        windows=empty,
        time_course=None,  # type: ignore[arg-type]  # no note looks at it
        segments=Segments(pd.DataFrame({"left_censored": []}), empty, empty, 0.0, told=True),
        suspect_steps=empty,
        scale=Scale.unknown(),
        tracks=empty,
        settings=WindowSettings(),
        model="none",
    )


@pytest.mark.parametrize(("mean", "said"), [(0.17, True), (0.0, False), (-0.2, False)])
def test_a_positive_correlation_of_steps_asks_for_the_exposure(mean: float, said: bool) -> None:
    values = mean + np.random.default_rng(0).normal(0, 0.05, 40)
    assert any("exposure is not known" in note for note in result(values).notes) == said
    assert not any("is not known" in note for note in result(values, 0.5).notes)


def test_steps_that_lead_back_ask_for_the_localization_error() -> None:
    rng = np.random.default_rng(0)
    for mean, said in ((-0.47, True), (-0.3, False), (0.1, False)):
        found = result(mean + rng.normal(0, 0.02, 40))
        assert any("stay where they are" in note for note in found.notes) == said
    told = result(np.full(40, -0.47))
    known = replace(told, trajectories=told.trajectories.assign(localisation_se=0.1))
    assert not any("stay where they are" in note for note in known.notes)
    half = np.where(np.arange(40) < 20, -0.47, 0.0)
    assert not any("stay where they are" in note for note in result(half).notes)


def test_the_commonest_reason_of_no_answer_is_said() -> None:
    reasons = ["", "5 frames, too few", "7 frames, too few", "immobile"]
    table = pd.DataFrame({"fraction_noise": [0.1, np.nan, np.nan, np.nan], "reason": reasons})
    assert characterized(table) == (
        "1 of 4 trajectories characterized; of the others 2: 5 frames, too few"
    )
    assert characterized(table.iloc[:1]) == "1 of 1 trajectories characterized"

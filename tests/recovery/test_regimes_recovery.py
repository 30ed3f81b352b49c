"""Regimes and the out-of-model flag with the shipped network: the truth of simulated tracks."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin_benchmarks import regimes as measure
from perrin_benchmarks.misspecified_walks import MISSPECIFIED_WALKS

COUNT = 40


@pytest.fixture(scope="module")
def model() -> MixtureModel:
    return MixtureModel.load("mixture")


def interleaved(model: MixtureModel, segment: int, noise: float = 0.0) -> measure.Drawn:
    settings = MixtureSettings(
        kind="interleaved",
        length=300,
        segment_frames=segment,
        start="aged",
        noise=(noise, noise),
    )
    return measure.draw(model, settings, count=COUNT, rng=np.random.default_rng(5))


@pytest.mark.parametrize(("segment", "goal"), [(30, 0.15), (100, 0.08)])
def test_the_share_of_ctrw_is_told_frame_by_frame(
    model: MixtureModel, segment: int, goal: float
) -> None:
    error, covered = measure.frame_errors(interleaved(model, segment))
    assert error < goal
    assert covered > 0.9  # 90% intervals, one-sided: fractions are discrete and cover more


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_change_points_are_found(model: MixtureModel, noise: float) -> None:
    drawn = interleaved(model, 60, noise)
    found = [measure.change_points(steps[:, 1]) for steps in drawn.prediction.steps]
    score = measure.score_changes(found, drawn.masks)
    assert score.f1 > 0.8
    assert score.covered > 0.9 - 3 * np.sqrt(0.9 * 0.1 / score.matched)


@pytest.mark.parametrize("kind", [{"w": (0.0, 0.0)}, {"w": (1.0, 1.0), "start": "aged"}, {}])
def test_what_does_not_change_is_not_cut(model: MixtureModel, kind: dict[str, object]) -> None:
    settings = MixtureSettings.model_validate({"length": 300, **kind})
    drawn = measure.draw(model, settings, count=COUNT, rng=np.random.default_rng(6))
    number = [len(measure.change_points(steps[:, 1])) for steps in drawn.prediction.steps]
    assert np.mean(number) < 0.2


def test_tracks_of_the_model_are_rarely_flagged_and_levy_walks_mostly(model: MixtureModel) -> None:
    drawn = measure.in_model(model, length=100, count=200, rng=np.random.default_rng(7))
    p = np.concatenate(
        [model.posterior_predictive_p(part.tracks, part.prediction) for _, part in drawn]
    )
    flagged = float((p < 0.05).mean())
    # 5% with its standard error, and that of the calibration on 1,000
    assert abs(flagged - 0.05) < 3 * np.sqrt(0.05 * 0.95 * (1 / len(p) + 1 / 1000))
    levy = measure.flagged(
        model, MISSPECIFIED_WALKS["Levy walk"], count=20, length=300, rng=np.random.default_rng(8)
    )
    assert (levy < 0.05).mean() > 0.7

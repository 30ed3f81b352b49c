"""The shipped mixture network recovers the truth of fresh trajectories."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.diffusion.likelihood import alpha_bound
from perrin.evaluate.mixture import coverage_by_ratio, draw, evaluate_mixture, figures
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture

COUNT = 600


@pytest.fixture(scope="module")
def model() -> MixtureModel:
    return MixtureModel.load("mixture")


def cell(model: MixtureModel, **changes: object) -> dict[str, float]:
    settings = MixtureSettings.model_validate(changes)
    return figures(draw(model, settings, count=COUNT, rng=np.random.default_rng(11)))


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_ratio_and_exponents_beat_a_constant_by_far(model: MixtureModel, noise: float) -> None:
    row = cell(model, length=100, noise=(noise, noise))
    # always answering the middle of the prior: .25 for w, .225 and .195 for the exponents
    assert row["w_mae"] < 0.5 * 0.25
    assert row["alpha_fbm_mae"] < 0.6 * 0.225
    assert row["alpha_ctrw_mae"] < 0.85 * 0.195


@pytest.mark.parametrize("length", [25, 100, 300])
def test_intervals_cover_what_they_say(model: MixtureModel, length: int) -> None:
    row = cell(model, length=length)
    error = np.sqrt(0.9 * 0.1 / COUNT)
    for name in ("w", "alpha_fbm", "alpha_ctrw"):
        assert abs(row[f"{name}_cover"] - 0.9) < 0.02 + 4 * error, name


def test_interleaved_tracks_tell_their_share_of_frames(model: MixtureModel) -> None:
    row = cell(model, kind="interleaved", length=300)
    assert row["frames_ctrw_mae"] < 0.118 / 2  # half of what a constant misses


def test_pure_fbm_comes_near_the_cramer_rao_bound(model: MixtureModel) -> None:
    settings = MixtureSettings(w=(0.0, 0.0), alpha_fbm=(0.7, 0.7))
    told = draw(model, settings, count=COUNT, rng=np.random.default_rng(1)).prediction[:, 5, 1]
    bound = alpha_bound(0.7, length=100, dims=2) * np.sqrt(2 / np.pi)
    assert np.abs(told - 0.7).mean() < 1.3 * bound


def test_noise_alone_is_not_taken_for_a_mixture(model: MixtureModel) -> None:
    settings = MixtureSettings(length=300, w=(1.0, 1.0), alpha_ctrw=(0.7, 0.9), noise=(0.5, 0.5))
    drawn = draw(model, settings, count=200, rng=np.random.default_rng(2))
    fractions = np.median(drawn.prediction[:, :4, 1], axis=0)
    truth = np.median(drawn.truth.fractions, axis=0)
    np.testing.assert_allclose(fractions, truth, atol=0.1)


def test_coverage_by_ratio_counts_everything(model: MixtureModel) -> None:
    drawn = draw(model, MixtureSettings(), count=200, rng=np.random.default_rng(3))
    assert sum(row["n"] for row in coverage_by_ratio(drawn)) == 200


def test_the_whole_evaluation_runs(model: MixtureModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from perrin.evaluate import mixture as evaluation

    monkeypatch.setattr(evaluation, "CELLS", evaluation.CELLS[:2])
    found = evaluate_mixture(model, count=60, seed=1)
    assert found.cells["w_mae"].between(0, 0.25).all()
    assert found.fbm["ratio"].between(0.5, 3).all()
    assert found.trajectories_per_s > 0


def test_gappy_tracks_get_finite_answers() -> None:
    model = MixtureModel.load("mixture")
    rng = np.random.default_rng(5)
    drawn = simulate_mixture(MixtureSettings(length=50, missing=0.25), count=2000, rng=rng)
    rows = [i for i, seen in enumerate(drawn.seen) if model.refusal(seen, 2) is None]
    found = model.predict([drawn.positions[i] for i in rows], [drawn.seen[i] for i in rows])
    assert np.isfinite(found.quantiles).all()
    # all of the motion happens while nobody looks
    still = 1e-13 * rng.standard_normal((60, 2)).cumsum(axis=0)
    still[33:] += 1.0
    seen = np.ones(60, dtype=bool)
    seen[30:33] = False
    assert np.isfinite(model.predict([still], [seen]).quantiles).all()

"""The oracle reaches its own bound: unbiased, with the error that it says."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.evaluate.bound import Fitter, Noise, seen_of
from perrin.settings.simulation import BackgroundSettings, MassPrior, ThumbnailSettings
from perrin.simulate.quantities import around, central
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator
from perrin.simulate.thumbnails import threads

COUNT = 60
MASS = MassPrior(low_kda=180, middle_kda=180, high_kda=180)
SETTINGS = ThumbnailSettings(masses=MASS, background=BackgroundSettings.none())


@pytest.fixture(scope="module")
def fitter() -> Fitter:
    noise = Noise.measured(SETTINGS, count=400, seed=4)
    seed = np.random.SeedSequence(5)
    simulator = ThumbnailSimulator.of(
        SETTINGS, centering="truth", background=None, psf=None, seed=seed
    )
    return Fitter(simulator, noise)


@pytest.mark.parametrize("kind", ["binder", "wobbler", "neighbors"])
def test_the_oracle_is_unbiased_and_as_sharp_as_it_says(fitter: Fitter, kind: str) -> None:
    with threads(1) as pool:
        (part,) = fitter.simulator.events(
            np.full(COUNT, kind), seed=np.random.SeedSequence(6), pool=pool
        )
    seen = seen_of(part.stacks, part.inside)
    middle, others = central(part), around(part)
    score = []
    for k in np.flatnonzero(part.inside.all(axis=(1, 2))):
        found = fitter.oracle(seen[k], middle.iloc[k], others[others["row_of"] == k])
        score.append((found.contrast + middle["contrast"].iloc[k]) / found.se)
    assert len(score) > COUNT / 2
    assert abs(np.mean(score)) < 4 / np.sqrt(len(score))
    # the covariance is measured, and molecules darken the noise below them: 10% and chance
    assert np.std(score) == pytest.approx(1.0, abs=0.1 + 3 / np.sqrt(2 * len(score)))


def test_the_fitted_path_starts_from_the_truth_and_stays_near(fitter: Fitter) -> None:
    with threads(1) as pool:
        (part,) = fitter.simulator.events(
            np.full(12, "roller"), seed=np.random.SeedSequence(7), pool=pool
        )
    seen = seen_of(part.stacks, part.inside)
    for k in np.flatnonzero(part.inside.all(axis=(1, 2)))[:4]:
        truth = part.truth.iloc[k]
        oracle = fitter.oracle(seen[k], truth, part.neighbors)
        fitted = fitter.path_fit(seen[k], truth)
        assert abs(fitted - oracle.contrast) < 6 * oracle.se

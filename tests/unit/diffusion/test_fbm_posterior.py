"""What the steps of a track say of FBM: against quadrature, coverage, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from perrin.diffusion.blur import blurred_msd
from perrin.diffusion.fbm_posterior import fbm_posterior
from perrin.diffusion.likelihood import fit_fbm
from perrin.diffusion.windows import Track
from perrin.simulate.walk_noise import expose, lose_frames
from perrin.simulate.walks import brownian, fbm

COUNT, LENGTH = 60, 100


def tracks(walks, *, seen=None, noise=np.nan, exposure=np.nan) -> list[Track]:
    there = np.ones(walks.shape[:2], dtype=bool) if seen is None else seen
    return [
        Track(k, 0, own, frames, noise=noise, exposure=exposure)
        for k, (own, frames) in enumerate(zip(walks, there, strict=True))
    ]


def holds(low, true, high) -> float:
    return float(np.mean((low <= true) & (true <= high)))


@pytest.mark.parametrize("exposure", [0.3, 1.0])
@pytest.mark.parametrize("alpha", [0.4, 1.0, 1.6])
@pytest.mark.parametrize("lag", [1, 3, 8, 40])
def test_the_blurred_msd_is_the_integral_over_both_exposures(
    exposure: float, alpha: float, lag: int
) -> None:
    """Means over u and v differ by lag + u - v, whose density is a triangle."""

    def of(shift: float) -> float:
        # |t|^alpha is not smooth where the difference passes 0
        return quad(
            lambda t: abs(shift + t) ** alpha * (exposure - abs(t)) / exposure**2,
            -exposure,
            exposure,
            points=[0.0, -shift] if shift <= exposure else [0.0],
        )[0]

    assert blurred_msd(lag, alpha, exposure) == pytest.approx(of(lag) - of(0.0), rel=1e-6)
    assert blurred_msd(lag, alpha, 0.0) == pytest.approx(lag**alpha)


@pytest.mark.parametrize(
    ("alpha", "exposure", "missing"), [(0.4, 0.0, 0.0), (1.0, 1.0, 0.0), (1.4, 0.5, 0.15)]
)
def test_intervals_of_exponent_and_step_hold_the_truth(
    alpha: float, exposure: float, missing: float
) -> None:
    rng = np.random.default_rng([3, round(10 * alpha)])
    fine = 8 if exposure else 1
    walks = fbm(np.full(COUNT, alpha), length=LENGTH * fine, rng=rng) * fine ** (-alpha / 2)
    walks = expose(walks, exposure) if exposure else walks
    walks = walks + 0.2 * rng.standard_normal(walks.shape)
    seen = lose_frames(COUNT, LENGTH, expected=missing, rng=rng)
    walks = np.where(seen[..., None], walks, 0.0)
    found = [fbm_posterior(t) for t in tracks(walks, seen=seen, noise=0.2, exposure=exposure)]
    exponents = np.array([one.alpha for one in found])
    squared = np.array([one.squared_step(alpha) for one in found])
    error = 4 * np.sqrt(0.9 * 0.1 / COUNT)  # four standard errors of a coverage of 90%
    assert holds(exponents[:, 0], alpha, exponents[:, 2]) > 0.9 - error
    assert holds(squared[:, 0], 1.0, squared[:, 2]) > 0.9 - error
    reach = (exponents[:, 2] - exponents[:, 0]).mean() / 3.29
    assert abs(exponents[:, 1].mean() - alpha) < 4 * reach / np.sqrt(COUNT) + 0.02
    assert squared[:, 1].mean() == pytest.approx(1.0, abs=0.1)


def test_an_exposure_that_is_not_known_makes_it_wide_and_not_wrong() -> None:
    rng = np.random.default_rng(5)
    walks = brownian(COUNT, length=8 * LENGTH, rng=rng) / np.sqrt(8)
    exposures = rng.uniform(0.1, 1.0, COUNT)
    seen = np.concatenate([expose(w[None], e) for w, e in zip(walks, exposures, strict=True)])
    guessed = np.array([fbm_posterior(t).alpha for t in tracks(seen, noise=0.0)])
    sharp = np.array([fbm_posterior(t).alpha for t in tracks(seen, noise=0.0, exposure=0.0)])
    error = 4 * np.sqrt(0.9 * 0.1 / COUNT)
    assert holds(guessed[:, 0], 1.0, guessed[:, 2]) > 0.9 - error
    assert (guessed[:, 2] - guessed[:, 0]).mean() > 1.15 * (sharp[:, 2] - sharp[:, 0]).mean()
    np.testing.assert_allclose(guessed[:, 1], sharp[:, 1], atol=0.02)  # grids differ


def test_maximum_likelihood_takes_the_blur_off() -> None:
    rng = np.random.default_rng(6)
    walks = expose(brownian(COUNT, length=8 * LENGTH, rng=rng) / np.sqrt(8), 1.0)
    there = np.ones(LENGTH, dtype=bool)
    blurred = [fit_fbm(w, there, noisy=False).alpha for w in walks]
    fits = [fit_fbm(w, there, noisy=False, exposure=1.0) for w in walks]
    error = 4 * np.mean([fit.alpha_se for fit in fits]) / np.sqrt(COUNT)
    assert np.mean([fit.alpha for fit in fits]) == pytest.approx(1.0, abs=error + 0.01)
    assert np.mean([fit.step for fit in fits]) == pytest.approx(1.0, abs=0.03)
    assert np.mean(blurred) > 1.1
    gap = np.delete(np.arange(LENGTH), [30, 31, 60])
    seen = np.isin(np.arange(LENGTH), gap)
    gappy = [fit_fbm(w, seen, noisy=False, exposure=1.0).alpha for w in walks]
    assert np.mean(gappy) == pytest.approx(np.mean([fit.alpha for fit in fits]), abs=0.03)

"""Classical estimates: right on known walks, with gaps and noise."""

from __future__ import annotations

from math import gamma

import numpy as np
import pytest

from perrin.diffusion import classical
from perrin.diffusion.likelihood import alpha_bound, fit_fbm
from perrin.errors import PerrinError
from perrin.simulate.walk_noise import lose_frames
from perrin.simulate.walks import brownian, ctrw, fbm

LAGS = np.arange(1, 11)


def everything(walks: np.ndarray) -> np.ndarray:
    return np.ones(walks.shape[:2], dtype=bool)


def test_the_msd_is_the_plain_average_of_the_pairs_that_are_there() -> None:
    positions = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0], [1.0, 3.0], [2.0, 3.0]])
    seen = np.array([True, True, False, True, True])
    msd, pairs = classical.tamsd(positions, seen, lags=[1, 2, 3, 4, 5])
    np.testing.assert_allclose(msd[:4], [1.0, 9.0, (10 + 10) / 2, 13.0])
    np.testing.assert_array_equal(pairs, [2, 1, 2, 1, 0])
    assert np.isnan(msd[4])


def test_gaps_do_not_bias_the_msd() -> None:
    rng = np.random.default_rng(0)
    walks = brownian(400, length=100, rng=rng)
    seen = lose_frames(400, 100, expected=0.3, rng=rng)
    found = np.array(
        [classical.tamsd(p, s, lags=[1, 5])[0] for p, s in zip(walks, seen, strict=True)]
    )
    error = found.std(axis=0) / 20
    assert (np.abs(found.mean(axis=0) - [2, 10]) < 5 * error).all()


@pytest.mark.parametrize(("alpha", "offset"), [(0.5, 0.0), (1.0, 0.7), (1.6, 0.2)])
def test_the_fit_gives_back_an_exact_curve(alpha: float, offset: float) -> None:
    fit = classical.fit_tamsd(4 * 0.3 * LAGS**alpha + offset, np.full(10, 50), lags=LAGS, dims=2)
    assert fit.alpha == pytest.approx(alpha, abs=0.003)  # half a step of the grid
    assert abs(fit.D / 0.3 - 1) < 0.02
    assert fit.offset == pytest.approx(offset, abs=0.02)


def test_too_few_lags_have_no_fit() -> None:
    fit = classical.fit_tamsd([1.0, 2.0], [5, 5], lags=[1, 2], dims=2)
    assert np.isnan([fit.alpha, fit.D, fit.offset]).all()


@pytest.mark.parametrize("alpha", [0.4, 1.5])
def test_velocity_autocorrelation_of_fbm(alpha: float) -> None:
    rng = np.random.default_rng(1)
    walks = fbm(np.full(300, alpha), length=200, rng=rng)
    seen = lose_frames(300, 200, expected=0.1, rng=rng)
    found = np.array(
        [
            classical.velocity_autocorrelation(p, s, lags=[0, 1, 3])
            for p, s in zip(walks, seen, strict=True)
        ]
    )
    expected = [1.0, 2 ** (alpha - 1) - 1, 0.5 * (4**alpha - 2 * 3**alpha + 2**alpha)]
    error = found.std(axis=0) / np.sqrt(300)
    # the ratio of two means of one short track is a little off: 1% of the square
    assert (np.abs(found.mean(axis=0) - expected) < 5 * error + 0.01).all()


def test_kurtosis_tells_jumps_from_gaussian_steps() -> None:
    rng = np.random.default_rng(2)
    gaussian = brownian(1, length=20_000, rng=rng)[0]
    seen = np.ones(20_000, dtype=bool)
    assert classical.step_kurtosis(gaussian, seen) == pytest.approx(3, abs=0.15)
    jumping = ctrw([0.7], length=20_000, rng=rng)[0]
    rate = (np.diff(jumping, axis=0) != 0).any(axis=1).mean()
    assert classical.step_kurtosis(jumping, seen) == pytest.approx(3 / rate, rel=0.25)


def test_the_ergodicity_breaking_of_a_ctrw_is_that_of_theory() -> None:
    alpha = 0.6
    walks = ctrw(np.full(4000, alpha), length=2000, rng=np.random.default_rng(3))
    values = (np.diff(walks, axis=1) ** 2).sum(axis=2).mean(axis=1)
    theory = 2 * gamma(1 + alpha) ** 2 / gamma(1 + 2 * alpha) - 1
    # a walk of 2000 frames holds about 50 jumps in 2D, each of random size: 1/50 more
    assert classical.ergodicity_breaking(values) == pytest.approx(theory + 0.02, abs=0.05)
    still = brownian(4000, length=500, rng=np.random.default_rng(4))
    ergodic = (np.diff(still, axis=1) ** 2).sum(axis=2).mean(axis=1)
    assert classical.ergodicity_breaking(ergodic) < 0.01


def test_p_variation_scales_as_the_hurst_exponent() -> None:
    walk = fbm([0.8], length=20_000, rng=np.random.default_rng(5))[0]
    seen = np.ones(20_000, dtype=bool)
    short, long = (classical.p_variation(walk, seen, p=2.5, lag=lag) for lag in (1, 8))
    assert np.log(short / long) == pytest.approx((1 - 2.5 * 0.4) * np.log(8), abs=0.1)
    with pytest.raises(PerrinError, match="above 0"):
        classical.p_variation(walk, seen, p=0, lag=1)


def test_the_cramer_rao_bound_is_that_of_the_literature() -> None:
    # mean absolute errors for alpha = .7 in 2D (facts of the field, two digits)
    for length, expected in ((20, 0.17), (50, 0.10), (100, 0.067), (300, 0.038)):
        bound = alpha_bound(0.7, length=length, dims=2) * np.sqrt(2 / np.pi)
        assert bound == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_maximum_likelihood_reaches_the_bound(missing: float) -> None:
    rng = np.random.default_rng(6)
    walks = fbm(np.full(60, 0.7), length=100, rng=rng)
    seen = lose_frames(60, 100, expected=missing, rng=rng)
    found = np.array([fit_fbm(p, s, noisy=False).alpha for p, s in zip(walks, seen, strict=True)])
    bound = alpha_bound(0.7, length=100, dims=2)
    assert abs(found.mean() - 0.7) < 5 * bound / np.sqrt(60)
    # the standard deviation of 60 is itself known to 9%; a fifth less data costs at most 12%
    assert found.std() < bound * (1 + missing / 2) * 1.3


def test_maximum_likelihood_sees_through_noise() -> None:
    rng = np.random.default_rng(7)
    walks = fbm(np.full(12, 1.0), length=400, rng=rng) + 0.8 * rng.standard_normal((12, 400, 2))
    fits = [fit_fbm(p, np.ones(400, dtype=bool)) for p in walks]
    assert np.mean([fit.alpha for fit in fits]) == pytest.approx(1.0, abs=0.12)
    assert np.mean([fit.noise_sigma for fit in fits]) == pytest.approx(0.8, abs=0.12)
    assert np.mean([fit.step for fit in fits]) == pytest.approx(1.0, abs=0.15)


def test_the_error_of_the_exponent_is_the_bound_and_grows_with_what_is_not_known() -> None:
    rng = np.random.default_rng(9)
    walks = fbm(np.full(80, 0.7), length=100, rng=rng)
    seen = np.ones(100, dtype=bool)
    plain = [fit_fbm(walk, seen, noisy=False) for walk in walks]
    bound = alpha_bound(0.7, length=100, dims=2)
    assert np.median([fit.alpha_se for fit in plain]) == pytest.approx(bound, rel=0.1)
    noisy = walks + 0.4 * rng.standard_normal(walks.shape)
    known = [fit_fbm(walk, seen, noise_sigma=0.4) for walk in noisy]
    z = np.array([(fit.alpha - 0.7) / fit.alpha_se for fit in known])
    assert z.std() == pytest.approx(1, abs=4 / np.sqrt(2 * 80))  # four standard errors of it
    guessed = [fit_fbm(walk, seen).alpha_se for walk in noisy]
    assert np.nanmedian(guessed) > 1.3 * np.median([fit.alpha_se for fit in known])
    straight = fit_fbm(np.arange(50.0)[:, None] * [1.0, 2.0], np.ones(50, dtype=bool))
    assert np.isnan(straight.alpha_se)  # at the end of the range


def test_scaling_a_track_scales_its_fit() -> None:
    walk = fbm([0.6], length=80, rng=np.random.default_rng(8))[0]
    seen = np.ones(80, dtype=bool)
    small, large = fit_fbm(walk, seen), fit_fbm(1000 * walk + 5, seen)
    assert large.alpha == pytest.approx(small.alpha, abs=1e-3)
    assert large.step == pytest.approx(1000 * small.step, rel=1e-2)


def test_tracks_that_tell_nothing_are_refused() -> None:
    with pytest.raises(PerrinError, match="4 or more"):
        fit_fbm(np.zeros((3, 2)), np.ones(3, dtype=bool))
    with pytest.raises(PerrinError, match="never moves"):
        fit_fbm(np.ones((9, 2)), np.ones(9, dtype=bool))
    with pytest.raises(PerrinError, match="no time"):
        classical.displacements(np.ones((9, 2)), np.ones(9, dtype=bool), lag=0)

"""The compiled estimators against plain ones: slow, short, and written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from perrin.diffusion import classical
from perrin.diffusion.likelihood import fit_fbm
from perrin.simulate.walk_noise import lose_frames
from perrin.simulate.walks import fbm


def a_track(seed: int, *, length: int, missing: float, dims: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    walk = fbm([rng.uniform(0.2, 1.8)], length=length, rng=rng, dims=dims)[0]
    seen = lose_frames(1, length, expected=missing, rng=rng)[0]
    seen[[0, -1]] = True
    return walk + 0.3 * rng.standard_normal(walk.shape), seen


@given(
    seed=st.integers(0, 10**6),
    length=st.integers(8, 60),
    missing=st.sampled_from([0.0, 0.3]),
    dims=st.sampled_from([1, 2, 3]),
)
def test_the_msd_is_that_of_the_definition(
    seed: int, length: int, missing: float, dims: int
) -> None:
    positions, seen = a_track(seed, length=length, missing=missing, dims=dims)
    lags = np.arange(1, length + 2)
    msd, pairs = classical.tamsd(positions, seen, lags=lags)
    for lag, found, number in zip(lags, msd, pairs, strict=True):
        squares = [
            ((positions[t + lag] - positions[t]) ** 2).sum()
            for t in range(length - lag)
            if seen[t] and seen[t + lag]
        ]
        assert number == len(squares)
        assert found == pytest.approx(np.mean(squares) if squares else np.nan, nan_ok=True)


@given(seed=st.integers(0, 10**6), points=st.integers(3, 12))
def test_no_exponent_of_the_grid_fits_better(seed: int, points: int) -> None:
    rng = np.random.default_rng(seed)
    lags = np.arange(1, points + 1)
    msd = lags ** rng.uniform(0, 2) * rng.uniform(0.5, 2) + rng.uniform(0, 2)
    msd *= rng.uniform(0.6, 1.4, points)
    pairs = rng.integers(1, 50, points)
    fit = classical.fit_tamsd(msd, pairs, lags=lags, dims=1)
    weight = pairs / lags / msd**2

    def cost(alpha: float, slope: float, offset: float) -> float:
        return float((weight * (msd - slope * lags**alpha - offset) ** 2).sum())

    reached = cost(fit.alpha, 2 * fit.D, fit.offset)
    assert fit.D >= 0
    assert fit.offset >= 0
    for alpha in np.linspace(0.005, 2, 400)[::20]:
        x = np.stack([lags**alpha, np.ones(points)], axis=1) * np.sqrt(weight)[:, None]
        y = msd * np.sqrt(weight)
        free = np.linalg.lstsq(x, y, rcond=None)[0]
        ends = [free] if (free >= 0).all() else []
        ends += [np.array([x[:, 0] @ y / (x[:, 0] @ x[:, 0]), 0.0])]
        assert all(reached <= cost(alpha, *one) * (1 + 1e-9) for one in ends)


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("known", [None, 0.3])
def test_no_fbm_is_likelier_than_the_one_found(missing: float, known: float | None) -> None:
    for seed in range(4):
        positions, seen = a_track(seed, length=40, missing=missing, dims=2)
        times = np.flatnonzero(seen).astype(float)
        steps = np.diff(positions[seen], axis=0)

        def log_likelihood(
            alpha: float,
            log_step: float,
            sigma: float,
            times: np.ndarray = times,
            steps: np.ndarray = steps,
        ) -> float:
            power = np.abs(np.subtract.outer(times, times)) ** alpha * np.exp(2 * log_step)
            of_positions = 0.5 * (power[:1] + power[:, :1] - power) + sigma**2 * np.eye(len(times))
            change = np.diff(np.eye(len(times)), axis=0)
            law = multivariate_normal(cov=change @ of_positions @ change.T, allow_singular=True)
            return float(law.logpdf(steps.T).sum())

        fit = fit_fbm(positions, seen, noise_sigma=known)
        found = log_likelihood(fit.alpha, float(np.log(fit.step)), fit.noise_sigma)
        assert fit.log_likelihood == pytest.approx(found, abs=1e-6)
        if known is not None:
            assert fit.noise_sigma == pytest.approx(known)
        best = minimize(
            lambda at: -log_likelihood(at[0], at[1], known if known is not None else at[2]),
            (fit.alpha, np.log(fit.step), fit.noise_sigma),
            method="L-BFGS-B",
            bounds=[(0.02, 1.98), (-6, 4), (0.0, 3.0)],
        )
        assert fit.log_likelihood > -best.fun - 1e-4

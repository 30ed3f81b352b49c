"""The mixture against a general optimizer and scipy's truncated normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import gaussian_kde, truncnorm

from perrin.mass.mixture import Component, fit_mixture
from perrin.mass.modes import density_grid, kernel_density, kernel_widths

LOW, HIGH = 40.0, 600.0


def negative_log_likelihood(theta, values):
    """theta: for each component mean, log sd, log of fraction over background's fraction."""
    mean, log_sd, odds = theta.reshape(-1, 3).T
    sd = np.exp(log_sd)
    weights = np.exp(np.r_[0.0, odds])
    weights /= weights.sum()
    total = np.full(values.shape, weights[0] / (HIGH - LOW))
    for m, s, w in zip(mean, sd, weights[1:], strict=True):
        total += w * truncnorm.pdf(values, (LOW - m) / s, (HIGH - m) / s, m, s)
    return -np.log(total).sum()


@pytest.mark.parametrize("second", [85.0, 140.0])  # overlapping, and apart
def test_em_reaches_the_optimizer_s_maximum(second):
    rng = np.random.default_rng(1)
    values = np.r_[rng.normal(55, 10, 500), rng.normal(second, 12, 300), rng.uniform(40, 600, 60)]
    values = values[values > LOW]
    start = np.array([[60, np.log(10), 2.0], [second, np.log(10), 1.0]])
    best = minimize(
        negative_log_likelihood,
        start.ravel(),
        args=(values,),
        method="Nelder-Mead",
        options={"maxiter": 20000, "maxfev": 20000, "xatol": 1e-5, "fatol": 1e-8, "adaptive": True},
    )
    fitted = fit_mixture(
        values,
        start=[Component(60, 10, 0.6), Component(second, 10, 0.3)],
        low=LOW,
        high=HIGH,
        min_sd=2,
    )
    # a log likelihood 1e-2 below its maximum is 0.15 standard errors away from it
    assert fitted.log_likelihood == pytest.approx(-best.fun, abs=1e-2)
    mean, log_sd, _ = best.x.reshape(-1, 3).T
    for k, component in enumerate(fitted.components):
        error = component.sd / np.sqrt(component.fraction * len(values))
        assert component.mean == pytest.approx(mean[k], abs=0.3 * error)
        assert component.sd == pytest.approx(np.exp(log_sd[k]), abs=0.3 * error)


def test_the_mixture_s_density_is_scipy_s():
    mixture = fit_mixture(
        np.array([45.0, 50, 52, 60, 300]), start=[Component(50, 5, 0.8)], low=40, high=600, min_sd=2
    )
    c = mixture.components[0]
    at = np.linspace(41, 599, 500)
    expected = mixture.background_fraction / 560 + c.fraction * truncnorm.pdf(
        at, (40 - c.mean) / c.sd, (600 - c.mean) / c.sd, c.mean, c.sd
    )
    np.testing.assert_allclose(mixture.density(at), expected, rtol=1e-10)


def test_a_constant_kernel_is_scipy_s_density():
    values = np.random.default_rng(2).normal(100, 20, 500)
    grid = density_grid(values, kernel=3.0, growth=0.0)
    widths = kernel_widths(grid, kernel=3.0, growth=0.0)
    ours = kernel_density(values, grid, widths=widths)
    theirs = 500 * gaussian_kde(values, 3.0 / values.std(ddof=1))(grid)
    assert np.abs(ours - theirs).max() < 1e-3 * theirs.max()

"""The exact posterior of a mixture: its intervals hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin_benchmarks.mixture_posterior import Posterior, draw_posterior

COUNT, BINS = 120, 4
LEAST_P = 1e-3


def ranks(sigma: float | None) -> dict[str, np.ndarray]:
    """Fraction of the posterior below the truth, of walks of 16 frames.

    sigma: 0, or None for localization errors of .1 to 1 step of the FBM, uniform in logarithm.
    """
    rng = np.random.default_rng(31)
    drawn = simulate_mixture(MixtureSettings(length=16), count=COUNT, rng=rng)
    sizes = drawn.truth.fbm_step * np.exp(rng.uniform(np.log(0.1), 0.0, size=COUNT))
    sizes = sizes if sigma is None else np.full(COUNT, sigma)
    noisy = drawn.positions + sizes[:, None, None] * rng.standard_normal(drawn.positions.shape)
    chains = [
        draw_posterior(x, sweeps=500, seed=k, sigma=float(sizes[k])) for k, x in enumerate(noisy)
    ]
    return {
        name: np.array(
            [
                chain.weight[getattr(chain, name) < true].sum() / chain.weight.sum()
                for chain, true in zip(chains, getattr(drawn.truth, name), strict=True)
            ]
        )
        for name in ("w", "alpha_fbm", "alpha_ctrw")
    }


@pytest.mark.parametrize("sigma", [0.0, None], ids=["no noise", "noise"])
def test_the_truth_has_every_rank_equally_often(sigma: float | None) -> None:
    # simulation-based calibration: Talts et al., arXiv:1804.06788
    for name, found in ranks(sigma).items():
        counts, _ = np.histogram(found, bins=BINS, range=(0, 1))
        assert chisquare(counts).pvalue > LEAST_P, name


def test_scale_says_nothing_and_a_seed_says_all() -> None:
    drawn = simulate_mixture(MixtureSettings(length=20), count=1, rng=np.random.default_rng(5))
    small = draw_posterior(drawn.positions[0], sweeps=50, seed=3)
    again = draw_posterior(drawn.positions[0], sweeps=50, seed=3)
    large = draw_posterior(64 * drawn.positions[0], sweeps=50, seed=3)
    np.testing.assert_array_equal(small.w, again.w)
    np.testing.assert_allclose(small.w, large.w, rtol=1e-6)


def test_weighted_quantiles() -> None:
    values = np.array([0.3, 0.1, 0.2])
    chain = Posterior(values, values, values, weight=np.array([1.0, 1.0, 8.0]))
    assert chain.median("w") == 0.2
    assert chain.quantile("w", 0.05) == 0.1
    assert chain.quantile("w", 0.95) == 0.3

"""Whose alpha_fbm and D a track has: the likelihood's, the network's, or both pooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.fbm_posterior import fbm_posterior
from perrin.diffusion.fbm_prediction import exponent_of_d, with_likelihood
from perrin.diffusion.summary import normal_diffusion_in_words
from perrin.diffusion.windows import Track
from perrin.simulate.walks import brownian, fbm

UNITS = {"length": 100.0, "frame_interval": 0.02}
NETWORK = {"alpha_fbm_low": 0.6, "alpha_fbm": 0.7, "alpha_fbm_high": 0.8}
NETWORK |= {"D_low": 1e4, "D": 2e4, "D_high": 4e4, "D_exponent": 0.7}


def answered(walks: np.ndarray, **p: float) -> tuple[pd.DataFrame, list[Track]]:
    seen = np.ones(walks.shape[1], dtype=bool)
    own = [Track(k, 0, walk, seen, noise=0.0, exposure=0.0) for k, walk in enumerate(walks)]
    kinds = {"p_brownian": 0.0, "p_fbm": 0.0, "p_mixture": 0.0} | p
    table = pd.DataFrame([NETWORK | kinds] * len(own))
    table.attrs = {"length_unit": "nm", "time_unit": "s"}
    return with_likelihood(table, own, **UNITS), own


def test_a_short_brownian_track_has_the_d_of_normal_diffusion() -> None:
    """12,500 nm^2 / s, 40 frames of 20 ms: an exponent below 1 would make it half of that."""
    step = np.sqrt(2 * 12_500 * UNITS["frame_interval"]) / UNITS["length"]
    walks = step * brownian(60, length=40, rng=np.random.default_rng(1))
    found, _ = answered(walks, p_brownian=0.7)
    normal = found[found["D_exponent"] == 1.0]
    assert len(normal) > 45
    # of 78 squared steps each is known to 16%, the median of n to 1.25 times that over sqrt(n)
    error = 4 * 1.25 * 0.16 / np.sqrt(len(normal))
    assert normal["D"].median() == pytest.approx(12_500, rel=error + 0.02)
    assert ((found["alpha_fbm_low"] <= 1) & (found["alpha_fbm_high"] >= 1)).mean() > 0.78
    said = normal_diffusion_in_words(found)
    assert said.startswith("D 1.")
    assert f"nm^2 / s: median of {len(normal)} tracks" in said


def test_where_the_track_is_mixed_the_network_has_the_word() -> None:
    found, _ = answered(fbm([1.5], length=200, rng=np.random.default_rng(2)), p_mixture=0.97)
    assert found.iloc[0][list(NETWORK)].to_dict() == NETWORK
    silent, _ = answered(
        fbm([1.5], length=200, rng=np.random.default_rng(2)), p_brownian=np.nan, p_mixture=np.nan
    )
    assert silent.iloc[0][list(NETWORK)].to_dict() == NETWORK


def test_two_answers_are_pooled_by_the_probability_of_their_kinds() -> None:
    walks = fbm([1.5], length=200, rng=np.random.default_rng(2))
    alone, tracks = answered(walks, p_fbm=1.0)
    told = fbm_posterior(tracks[0])
    ends = ["alpha_fbm_low", "alpha_fbm", "alpha_fbm_high"]
    np.testing.assert_allclose(alone[ends].to_numpy()[0], told.alpha)
    assert alone["D_exponent"][0] == alone["alpha_fbm"][0]
    expected = told.squared_step(told.alpha[1])[1] * 100**2 / 2 / 0.02 ** told.alpha[1]
    assert alone["D"][0] == pytest.approx(expected)
    half, _ = answered(walks, p_fbm=0.5, p_mixture=0.5)
    low, middle, high = half[ends].to_numpy()[0]
    assert low < 0.7 < middle < told.alpha[1] < high
    assert half["D_exponent"][0] == 1.0  # between both: not excluded


def test_the_exponent_of_d_is_1_where_that_is_not_excluded() -> None:
    assert exponent_of_d(0.8, 0.9, 1.0) == 1.0
    assert exponent_of_d(0.8, 0.9, 0.99) == 0.9

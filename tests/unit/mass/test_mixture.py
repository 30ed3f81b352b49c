from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perrin.errors import PerrinError
from perrin.mass.mixture import Component, Mixture, _condensed, _em, fit_mixture
from perrin.mass.selection import resample_mixture, select_mixture

TWO = Mixture(
    components=(Component(66.0, 8.0, 0.6), Component(132.0, 9.0, 0.3)),
    background_fraction=0.1,
    low=30.0,
    high=500.0,
    n_events=2000,
    log_likelihood=0.0,
)


def fit_two(values, **changes):
    limits = {"low": 30.0, "high": 500.0, "min_sd": 4.0} | changes
    return fit_mixture(values, start=(Component(60, 12, 0.5), Component(140, 12, 0.5)), **limits)


def test_the_density_has_area_one():
    at = np.linspace(30, 500, 200_001)
    assert np.trapezoid(TWO.density(at), at) == pytest.approx(1, abs=1e-6)
    assert TWO.density(np.array([29.9, 500.1])).tolist() == [0, 0]


def test_samples_follow_the_density():
    values = TWO.sample(100_000, rng=np.random.default_rng(1))
    counts, edges = np.histogram(values, 47, (30, 500))
    inner = np.linspace(30, 500, 47 * 200 + 1)
    expected = np.array(
        [
            np.trapezoid(TWO.density(inner[i * 200 : i * 200 + 201]), dx=inner[1] - inner[0])
            for i in range(47)
        ]
    )
    chi2 = ((counts - 1e5 * expected) ** 2 / (1e5 * expected)).sum()
    assert edges[0] == 30
    assert chi2 < 46 + 4 * np.sqrt(2 * 46)  # 46 degrees of freedom, 4 standard deviations


def test_a_truncated_sample_stays_inside():
    cut = Mixture((Component(35.0, 10.0, 1.0),), 0.0, 30.0, 40.0, 10, 0.0)
    values = cut.sample(1000, rng=np.random.default_rng(1))
    assert values.min() >= 30
    assert values.max() <= 40


def test_the_likelihood_is_that_of_the_density():
    values = TWO.sample(500, rng=np.random.default_rng(2))
    fitted = fit_two(values)
    assert fitted.log_likelihood == pytest.approx(np.log(fitted.density(values)).sum(), rel=1e-6)
    assert fitted.bic == pytest.approx(-2 * fitted.log_likelihood + 6 * np.log(500))


def test_the_likelihood_is_no_lower_than_the_truth_s():
    values = TWO.sample(2000, rng=np.random.default_rng(3))
    assert fit_two(values).log_likelihood >= np.log(TWO.density(values)).sum()


def test_shares_add_to_one():
    fitted = fit_two(TWO.sample(300, rng=np.random.default_rng(4)))
    total = sum(c.fraction for c in fitted.components) + fitted.background_fraction
    assert total == pytest.approx(1)


@given(st.floats(1e-5, 1e3), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_scaled_values_give_a_scaled_mixture(factor, seed):
    values = TWO.sample(300, rng=np.random.default_rng(seed))
    plain = fit_two(values)
    start = (Component(60 * factor, 12 * factor, 0.5), Component(140 * factor, 12 * factor, 0.5))
    scaled = fit_mixture(
        values * factor, start=start, low=30 * factor, high=500 * factor, min_sd=4 * factor
    )
    for a, b in zip(plain.components, scaled.components, strict=True):
        assert b.mean == pytest.approx(a.mean * factor, rel=1e-3)
        assert b.sd == pytest.approx(a.sd * factor, rel=1e-2)


def test_widths_stay_above_the_floor():
    values = np.r_[np.full(50, 100.0), np.linspace(31, 499, 50)]
    fitted = fit_mixture(values, start=(Component(100, 8, 0.5),), low=30, high=500, min_sd=4)
    assert fitted.components[0].sd == 4


def test_values_outside_the_limits_are_refused():
    with pytest.raises(PerrinError, match="between its limits 30 and 500"):
        fit_two(np.array([20.0, 60.0]))
    with pytest.raises(PerrinError, match="none at all"):
        fit_two(np.empty(0))


def select(values, start, **changes):
    limits = {"low": 30.0, "high": 500.0, "min_sd": 4.0, "kernel": 3.0, "growth": 0.015}
    return select_mixture(values, start=start, **(limits | changes))


def test_a_component_that_is_missing_is_added():
    values = TWO.sample(2000, rng=np.random.default_rng(5))
    chosen = select(values, [Component(66, 8, 0.9)])
    assert [c.mean for c in chosen.components] == pytest.approx([66, 132], abs=2)


def test_components_too_many_are_left_out():
    values = TWO.sample(2000, rng=np.random.default_rng(6))
    chosen = select(values, [Component(m, 10, 0.1) for m in (60, 75, 130, 250, 350, 450)])
    assert len(chosen.components) == 2


def test_uniform_events_have_no_component():
    values = np.random.default_rng(7).uniform(30, 500, 400)
    chosen = select(values, [Component(100, 10, 0.2)])
    assert chosen.components == ()
    assert chosen.background_fraction == 1
    assert chosen.log_likelihood == pytest.approx(-400 * np.log(470), rel=1e-9)


def test_components_closer_than_one_fwhm_are_merged():
    rng = np.random.default_rng(8)
    values = np.r_[rng.normal(100, 10, 1000), rng.normal(118, 10, 1000)]
    chosen = select(values, [Component(95, 10, 0.5), Component(123, 10, 0.5)])
    assert len(chosen.components) == 1
    assert chosen.components[0].mean == pytest.approx(109, abs=1)


def test_the_bootstrap_is_seeded_and_spreads_like_the_standard_error():
    values = TWO.sample(2000, rng=np.random.default_rng(9))
    chosen = select(values, [Component(66, 8, 0.6), Component(132, 9, 0.3)])
    drawn = resample_mixture(chosen, min_sd=4, resamples=100, rng=np.random.default_rng(1))
    again = resample_mixture(chosen, min_sd=4, resamples=100, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(drawn, again)
    assert drawn.shape == (100, 3, 3)
    # isolated Gaussian of 1200 events; a bootstrap of 100 knows its spread to 7%
    error = 8 / np.sqrt(0.6 * 2000)
    assert drawn[:, 0, 0].std() == pytest.approx(error, rel=0.3)
    assert np.isnan(drawn[:, -1, :2]).all()
    assert drawn[:, -1, 2].mean() == pytest.approx(chosen.background_fraction, abs=0.01)


def test_the_cost_of_em_does_not_grow_with_events_and_nothing_else_changes() -> None:
    """Two points a bin against every event on its own: the same maximum of the likelihood."""
    rng = np.random.default_rng(11)
    values = np.concatenate([rng.normal(66, 7, 6000), rng.normal(148, 9, 3000)])
    values = values[(values > 40) & (values < 300)]
    start = (Component(60, 12, 0.5), Component(140, 12, 0.5))
    limits = {"low": 40.0, "high": 300.0, "min_sd": 4.0}
    fitted = fit_mixture(values, start=start, **limits)
    table = np.array([(c.mean, c.sd, c.fraction) for c in start])
    table[:, 2] *= 0.98
    points, weights = _condensed(values, 40.0, 300.0, 4.0 / 8)
    assert len(points) <= 2 * (260 / 0.5 + 1)
    assert weights.sum() == pytest.approx(len(values))
    assert weights @ points == pytest.approx(values.sum())
    assert weights @ points**2 == pytest.approx((values**2).sum())
    plain, reached = _em(values, np.ones(len(values)), table, 40.0, 300.0, 4.0)
    assert fitted.log_likelihood == pytest.approx(reached, abs=1e-3)  # ten times EM's tolerance
    for component, (mean, sd, fraction) in zip(fitted.components, plain, strict=True):
        assert component.mean == pytest.approx(mean, abs=1e-3 * sd)
        assert component.sd == pytest.approx(sd, rel=1e-3)
        assert component.fraction == pytest.approx(fraction, abs=1e-4)

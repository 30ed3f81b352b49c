"""Spectra of events that have errors of their own: what went in comes out."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.mass.errors import ErrorShape, spectrum_with_errors
from perrin.mass.modes import FWHM_PER_SD
from perrin.settings.spectrum import SpectrumSettings

PLAIN = SpectrumSettings()


def sample(count: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two species, 100 and 200 kDa, 4 kDa wide; half of the events with errors of 15 kDa."""
    rng = np.random.default_rng(seed)
    heavy = rng.random(count) < 0.3
    errors = np.where(rng.random(count) < 0.5, 3.0, 15.0)
    true = np.where(heavy, 200.0, 100.0) + 4.0 * rng.standard_normal(count)
    return true + errors * rng.standard_normal(count), errors, heavy


def test_shares_means_and_true_widths_are_recovered() -> None:
    values, errors, heavy = sample(4000)
    found = spectrum_with_errors(values, errors, settings=PLAIN)
    light, second = found.components
    fraction_se = np.sqrt(0.3 * 0.7 / 4000)
    assert second.fraction.value == pytest.approx(heavy.mean(), abs=4 * fraction_se)
    mean_se = 5.0 / np.sqrt(0.5 * 1200)  # the sharp half counts: hypot(3, 4) kDa each
    assert second.mean.value == pytest.approx(200, abs=4 * mean_se)
    assert light.mean.value == pytest.approx(100, abs=4 * 5.0 / np.sqrt(0.5 * 2800))
    # variance of 5 kDa from the sharp half, the error of 3 kDa known
    sd_se = 5.0**2 / (4.0 * np.sqrt(2 * 0.5 * 2800))
    assert light.fwhm.value / FWHM_PER_SD == pytest.approx(4.0, abs=4 * sd_se)


def test_precise_events_make_sharper_peaks_than_equal_weights() -> None:
    values, errors, _ = sample(4000)
    found = spectrum_with_errors(values, errors, settings=PLAIN)
    equal = spectrum_with_errors(values, np.full_like(errors, 1e-6), settings=PLAIN)

    def valley(spectrum: object) -> float:
        at, density = spectrum.density_at, spectrum.density  # type: ignore[attr-defined]
        return float(np.interp(150, at, density) / np.interp(100, at, density))

    assert valley(found) < 0.5 * valley(equal)
    step = found.density_at[1] - found.density_at[0]
    assert found.density.sum() * step == pytest.approx(found.effective_events, rel=1e-3)


def test_intervals_hold_the_truth() -> None:
    values, errors, heavy = sample(1500, seed=7)
    found = spectrum_with_errors(
        values,
        errors,
        settings=SpectrumSettings(resamples=60, confidence=0.99),
        rng=np.random.default_rng(1),
    )
    fraction = found.components[1].fraction
    assert fraction.low is not None
    assert fraction.high is not None
    assert fraction.low < heavy.mean() < fraction.high
    assert fraction.high - fraction.low < 8 * np.sqrt(0.3 * 0.7 / 1500)


def test_the_fraction_of_even_background_has_an_interval_that_holds_it() -> None:
    rng = np.random.default_rng(12)
    known = np.concatenate([rng.normal(150, 8, 900), rng.uniform(0, 1000, 300)])
    errors = np.full(len(known), 5.0)
    settings = SpectrumSettings(resamples=60, confidence=0.99)
    found = spectrum_with_errors(known, errors, settings=settings, rng=rng).background_fraction
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.25 < found.high
    assert found.low < found.value < found.high
    # not much wider than the binomial interval of 300 in 1200
    assert found.high - found.low < 8 * np.sqrt(0.25 * 0.75 / 1200)


def test_small_species_are_found_and_none_is_made_up() -> None:
    # (mass in kDa, part of the landings): six oligomers, the smallest of 38 landings
    oligomers = ((137, 0.048), (182, 0.13), (228, 0.209), (274, 0.25), (319, 0.213), (365, 0.15))
    for species, count in ((oligomers, 800), (((150, 1.0),), 150), (((150, 1.0),), 3000)):
        masses, fractions = np.array(species).T
        for seed in range(8):
            rng = np.random.default_rng(seed)
            true = rng.choice(masses, count, p=fractions)
            errors = np.exp(rng.normal(np.log(6.0), 0.6, count))
            found = spectrum_with_errors(true + errors * rng.standard_normal(count), errors)
            assert len(found.components) == len(species)
            for mass, component in zip(masses, found.components, strict=True):
                assert component.mean.value == pytest.approx(mass, abs=0.05 * mass)


def antibody(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An antibody and its fragments; errors of 3% of the events are six times what they say."""
    rng = np.random.default_rng(seed)
    masses, fractions = np.array([50.0, 75.0, 110.0, 150.0]), [0.03, 0.05, 0.06, 0.86]
    kind = rng.choice(4, 4000, p=fractions)
    errors = np.exp(rng.normal(np.log(6.0), 0.3, len(kind)))
    off = np.where(rng.random(len(kind)) < 0.03, 6.0, 0.95) * errors
    true = masses[kind] + np.where(kind == 3, 6.5, 4.3) * rng.standard_normal(len(kind))
    return true + off * rng.standard_normal(len(kind)), errors, kind


def test_a_few_wide_errors_make_no_species_where_they_are_known() -> None:
    for seed in range(4):
        values, errors, kind = antibody(seed)
        found = spectrum_with_errors(values, errors, shape=ErrorShape(0.95, 6.0, 0.03))
        means = [component.mean.value for component in found.components]
        assert means[-1] == pytest.approx(150, abs=4 * 9 / np.sqrt(3400))
        true = np.mean(kind == 3)
        main = found.components[-1].fraction.value
        assert main == pytest.approx(true, abs=4 * np.sqrt(true * (1 - true) / len(kind)))
        # the fragments, 3 to 6% of the landings each, are told apart
        assert means[:-1] == pytest.approx([50, 75, 110], abs=5)
        wrong = spectrum_with_errors(values, errors)
        fitting = [abs(one.fraction.value - true) for one in wrong.components]
        assert min(fitting) > abs(main - true)


def test_few_or_unusable_events_make_no_mixture() -> None:
    few = spectrum_with_errors(np.array([100.0, np.nan]), np.array([3.0, 3.0]))
    assert few.components == ()
    assert few.n_events == 1
    with pytest.raises(PerrinError, match="one error for each value"):
        spectrum_with_errors(np.ones(3), np.ones(2))

"""Simulated spectra: the fitted numbers are the true ones within their standard errors."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.mass.mixture import Component, fit_mixture
from perrin.mass.spectrum import fit_spectrum
from perrin.settings.spectrum import SpectrumSettings


def sd_of(mass):
    """Noise model of 40 ms: 5 kDa of imaging, 5 kDa of sample, 1.5% of the mass."""
    return np.sqrt(50 + (0.015 * np.asarray(mass)) ** 2)


def simulate(masses, fractions, n, *, seed, background=0.0, low=30.0, high=1000.0):
    """`n` landings of species with `fractions`, `background` of them uniform from low to high."""
    rng = np.random.default_rng(seed)
    spread = rng.random(n) < background
    values = rng.choice(np.asarray(masses, float), n, p=fractions)
    values += rng.normal(size=n) * sd_of(values)
    return np.where(spread, rng.uniform(low, high, n), values)


@pytest.mark.parametrize(
    ("masses", "fractions", "n"),
    [
        ([150], [1.0], 300),
        ([66, 132], [0.8, 0.2], 500),
        ([66, 146, 480], [0.6, 0.25, 0.15], 1500),
        ([90, 180, 270, 360, 540], [0.2, 0.4, 0.1, 0.25, 0.05], 3000),
        ([137, 182, 228, 273, 319, 365], [0.08, 0.22, 0.25, 0.2, 0.15, 0.1], 2000),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_number_means_widths_and_shares(masses, fractions, n, seed):
    spectrum = fit_spectrum(simulate(masses, fractions, n, seed=seed, background=0.05))
    assert len(spectrum.components) == len(masses)  # the BIC finds the number
    for component, mass, fraction in zip(spectrum.components, masses, fractions, strict=True):
        events = fraction * 0.95 * n
        sd = sd_of(mass)
        assert component.mean.value == pytest.approx(mass, abs=4 * sd / np.sqrt(events))
        # the background under a peak doubles, at most, the variance of its width
        assert component.fwhm.value == pytest.approx(2.3548 * sd, rel=4 * np.sqrt(2 / 2 / events))
        seen = fraction * 0.95
        error = np.sqrt(seen * (1 - seen) / n)
        assert component.fraction.value == pytest.approx(seen, abs=4 * error)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_the_background_s_share(fraction):
    n = 4000
    masses = simulate([66, 146, 480], [0.5, 0.3, 0.2], n, seed=4, background=fraction)
    spectrum = fit_spectrum(masses)
    # under the peaks (a tenth of the range) background and peak are told apart less well
    error = np.sqrt(fraction * (1 - fraction) / n) * 1.1
    assert spectrum.background_fraction.value == pytest.approx(fraction, abs=4 * error)


def test_truncation_at_the_detection_limit_leaves_no_bias():
    # a 50 kDa peak cut at 45: a quarter of its events were never seen
    estimates = []
    rng = np.random.default_rng(5)
    for _ in range(40):
        values = rng.normal(50, 8, 2000)
        values = values[values > 45]
        fitted = fit_mixture(
            values, start=[Component(55, 6, 0.9)], low=45, high=300, min_sd=2
        ).components[0]
        estimates.append((fitted.mean, fitted.sd))
    means, widths = np.array(estimates).T
    assert means.mean() == pytest.approx(50, abs=4 * means.std() / np.sqrt(40))
    assert widths.mean() == pytest.approx(8, abs=4 * widths.std() / np.sqrt(40))
    assert np.mean(values) > 53  # what ignoring the limit would give


def test_the_limit_may_be_the_smallest_event_seen():
    rng = np.random.default_rng(6)
    values = rng.normal(50, 8, 4000)
    values = values[values > 40]
    component = fit_spectrum(values).components[0]
    given = fit_spectrum(values, settings=SpectrumSettings(detection_limit_kda=40)).components[0]
    assert component.mean.value == pytest.approx(given.mean.value, abs=0.1)
    assert component.mean.value == pytest.approx(50, abs=4 * 8 / np.sqrt(4000) * 1.5)


def test_bootstrap_intervals_cover_the_truth():
    # 40 spectra, 95% intervals: fewer than 32 of 40 would happen once in two thousand
    settings = SpectrumSettings(resamples=80)
    covered = np.zeros(4)
    for seed in range(40):
        spectrum = fit_spectrum(
            simulate([100, 250], [0.6, 0.4], 300, seed=100 + seed, background=0.05),
            settings=settings,
            rng=np.random.default_rng(seed),
        )
        first, second = spectrum.components
        truth = [100, 2.3548 * sd_of(100), 0.6 * 0.95, 250]
        for k, estimate in enumerate((first.mean, first.fwhm, first.fraction, second.mean)):
            covered[k] += estimate.low <= truth[k] <= estimate.high
    assert covered.min() >= 32


def test_resolving_power_of_the_noise_model():
    # definitions: 10.1 at 180 kDa, 17.2 at 360 kDa for 40 ms; bins of 5 kDa widen by
    # 25 / 12 kDa^2, the width of n events is known to 1 / sqrt(2 n), of a binned fit to
    # half as much again
    spectrum = fit_spectrum(simulate([180, 360], [0.5, 0.5], 6000, seed=7))
    for peak, mass in zip(spectrum.peaks, (180, 360), strict=True):
        sd = np.sqrt(sd_of(mass) ** 2 + 25 / 12)
        expected = mass / (2.3548 * sd)
        assert peak.resolving_power.value == pytest.approx(
            expected, rel=4 * 1.5 / np.sqrt(2 * 3000)
        )


def test_the_mode_is_where_the_peak_is():
    # the mode of a density of kernel width h from n events of width s has a standard
    # error of about sqrt(s^6 / (n h^3)) * 0.38 (Silverman 1986, section 6.2): 1.9 kDa
    modes = [
        fit_spectrum(simulate([150], [1.0], 1000, seed=200 + seed)).peaks[0].mode.value
        for seed in range(30)
    ]
    error = 0.38 * np.sqrt(sd_of(150) ** 6 / (1000 * np.hypot(3, 2.25) ** 3))
    assert np.mean(modes) == pytest.approx(150, abs=4 * error / np.sqrt(30))
    assert np.std(modes) < 2 * error


def test_heavily_overlapping_peaks_have_their_valley():
    # two equal peaks 3 sd apart at the kernel's own width: ratio from the formula
    rng = np.random.default_rng(8)
    sd = np.hypot(8, 3)
    values = np.r_[rng.normal(150, 8, 2000), rng.normal(182, 8, 2000)]
    z = np.array([0.0, 16.0, 32.0]) / sd
    top = np.exp(-0.5 * z[0] ** 2) + np.exp(-0.5 * z[2] ** 2)
    expected = 2 * np.exp(-0.5 * z[1] ** 2) / top
    settings = SpectrumSettings(resamples=60)
    spectrum = fit_spectrum(values, settings=settings, rng=np.random.default_rng(1))
    (valley,) = spectrum.valleys
    half = 0.5 * (valley.ratio.high - valley.ratio.low)
    assert half < 0.1
    assert valley.ratio.value == pytest.approx(expected, abs=2 * half)
    assert valley.resolving_power == pytest.approx(166 / 32, rel=0.1)

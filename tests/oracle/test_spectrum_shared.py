"""Spectra of real measurements (skipped where the shared data are absent)."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from perrin.mass.spectrum import fit_spectrum


@pytest.fixture(scope="module")
def nativemark(shared_data):
    with h5py.File(shared_data / "mass-photometry" / "demo.h5") as file:
        return fit_spectrum(file["masses_kDa"][:])


def test_nativemark_has_three_peaks_above_five_percent(nativemark):
    large = [peak for peak in nativemark.peaks if peak.fraction.value > 0.05]
    assert len(large) == 3
    assert large[0].mode.value == pytest.approx(63, abs=2)
    assert large[1].mode.value == pytest.approx(148, abs=2)
    assert 462 <= large[2].mode.value <= 472
    assert large[2].fit_mean.value == pytest.approx(480, abs=2)


def test_its_mixture_says_the_same(nativemark):
    large = [c for c in nativemark.components if c.fraction.value > 0.05]
    assert [c.mean.value for c in large] == pytest.approx([67, 146, 482], abs=2)


def test_its_unbinding_fraction(nativemark):
    assert (nativemark.n_unbinding, nativemark.n_events) == (641, 2069)


def test_peaks_of_the_discovermp_csv(shared_data):
    table = pd.read_csv(shared_data / "mass-photometry" / "eventsFitted.csv", comment="#")
    spectrum = fit_spectrum(table["masses_kDa"])
    # modes of 128 and 96 events: standard errors of 3 and 6 kDa
    assert spectrum.peaks[0].mode.value == pytest.approx(71, abs=6)
    assert spectrum.peaks[0].fit_mean.value == pytest.approx(71, abs=2)
    assert spectrum.peaks[1].fit_mean.value == pytest.approx(140, abs=3)


def test_the_resolving_power_of_a_dynamin_ladder(shared_data):
    table = pd.read_parquet(shared_data / "mass-photometry" / "fitres_10_11_2_rep1.parquet")
    spectrum = fit_spectrum(table["masses_kDa"].to_numpy(np.float64))
    tetramer = next(p for p in spectrum.peaks if abs(p.mode.value - 336) < 3)
    assert 13.3 < tetramer.resolving_power.value < 14.7

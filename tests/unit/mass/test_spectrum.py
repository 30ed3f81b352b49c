from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from perrin.errors import PerrinError
from perrin.mass.modes import Mode
from perrin.mass.peaks import Scales, measure_peaks
from perrin.mass.spectrum import CONTRAST_PER_KDA, fit_spectrum
from perrin.settings.spectrum import SpectrumSettings


def ladder(n=1500, seed=1):
    """Landings at 66, 146 and 480 kDa with the noise model's widths, a tenth unbinding."""
    rng = np.random.default_rng(seed)
    masses = rng.choice([66.0, 146.0, 480.0], n, p=[0.5, 0.3, 0.2])
    masses += rng.normal(size=n) * np.sqrt(50 + (0.015 * masses) ** 2)
    return masses * np.where(rng.random(n) < 0.1, -1, 1)


@pytest.fixture(scope="module")
def spectrum():
    return fit_spectrum(ladder(), rng=np.random.default_rng(2))


def test_its_peaks_are_the_ladder(spectrum):
    for peak, mass in zip(spectrum.peaks, (66, 146, 480), strict=True):
        sd = np.sqrt(50 + (0.015 * mass) ** 2)
        assert peak.fit_mean.value == pytest.approx(mass, abs=4 * sd / np.sqrt(peak.counts))
        assert peak.fwhm.low < 2.3548 * sd * 1.1
        assert peak.fwhm.high > 2.3548 * sd * 0.9
        assert peak.resolving_power.value == pytest.approx(peak.mode.value / peak.fwhm.value)
        assert peak.mode.low <= peak.mode.value <= peak.mode.high


def test_peaks_name_their_components(spectrum):
    assert [peak.component for peak in spectrum.peaks] == [0, 1, 2]
    assert len(spectrum.components) == 3


def test_counts_and_shares(spectrum):
    assert spectrum.n_events == 1500
    assert spectrum.n_landing + spectrum.n_unbinding == 1500
    assert spectrum.bin_counts.sum() == 1500
    assert len(spectrum.bin_edges) == len(spectrum.bin_counts) + 1
    assert (spectrum.bin_edges / 5).tolist() == np.round(spectrum.bin_edges / 5).tolist()
    step = spectrum.density_at[1] - spectrum.density_at[0]
    assert spectrum.density.sum() * step == pytest.approx(1500, rel=1e-5)
    assert spectrum.unbinding_fraction.low < 0.1 < spectrum.unbinding_fraction.high
    assert spectrum.peaks[0].fraction.value == spectrum.peaks[0].counts / spectrum.n_landing
    assert sum(peak.counts for peak in spectrum.peaks) <= spectrum.n_landing


def test_valleys_lie_between_the_peaks(spectrum):
    for valley in spectrum.valleys:
        left, right = spectrum.peaks[valley.left : valley.left + 2]
        assert left.mode.value < valley.position < right.mode.value
        assert valley.criterion == 0.1


def test_it_turns_into_json_with_units_in_the_names(spectrum):
    plain = json.loads(json.dumps(spectrum.to_dict(), allow_nan=False))
    assert plain["peaks"][0]["mode_kda"] == spectrum.peaks[0].mode.value
    assert plain["peaks"][0]["mode_kda_low"] == spectrum.peaks[0].mode.low
    assert plain["components"][2]["fwhm_kda"] == spectrum.components[2].fwhm.value
    assert plain["confidence_of_intervals"] == 0.95
    assert plain["detection_limit_kda"] == spectrum.mixture.low


def test_the_same_seed_gives_the_same_intervals():
    few = SpectrumSettings(resamples=20)
    a, b = (fit_spectrum(ladder(300), settings=few, rng=np.random.default_rng(5)) for _ in "ab")
    assert a.to_dict() == b.to_dict()


def test_without_a_generator_or_resamples_there_are_no_intervals():
    for options in (
        {},
        {"settings": SpectrumSettings(resamples=0), "rng": np.random.default_rng()},
    ):
        spectrum = fit_spectrum(ladder(300), **options)
        assert spectrum.confidence is None
        assert spectrum.peaks[0].mode.low is None
        assert spectrum.components[0].mean.low is None


@given(st.floats(0.01, 100), st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_scaled_masses_and_settings_give_scaled_peaks(factor, seed):
    masses = ladder(400, seed)
    plain = fit_spectrum(masses)
    base = SpectrumSettings()
    scaled = fit_spectrum(
        masses * factor,
        settings=SpectrumSettings(
            bin_width_kda=base.bin_width_kda * factor,
            kernel_kda=base.kernel_kda * factor,
            min_fwhm_kda=base.min_fwhm_kda * factor,
            range_kda=(-5000 * factor, 5000 * factor),
        ),
    )
    assert [p.mode.value for p in scaled.peaks] == pytest.approx(
        [p.mode.value * factor for p in plain.peaks], rel=1e-6
    )
    assert [c.fraction.value for c in scaled.components] == pytest.approx(
        [c.fraction.value for c in plain.components], abs=1e-3
    )


def test_the_order_of_events_does_not_matter():
    masses = ladder(400)
    shuffled = np.random.default_rng(1).permutation(masses)
    assert fit_spectrum(masses).to_dict() == fit_spectrum(shuffled).to_dict()


def test_contrasts_give_the_same_peaks_in_contrast():
    masses = ladder(800)
    spectrum = fit_spectrum(-masses * CONTRAST_PER_KDA, unit="contrast")
    expected = fit_spectrum(masses)
    assert spectrum.unit == "contrast"
    assert [p.mode.value for p in spectrum.peaks] == pytest.approx(
        [p.mode.value * CONTRAST_PER_KDA for p in expected.peaks], rel=1e-6
    )
    assert spectrum.n_unbinding == expected.n_unbinding
    assert "mode_contrast" in spectrum.to_dict()["peaks"][0]


def test_contrast_in_percent_is_noticed():
    with pytest.raises(PerrinError, match=r"percent. Divide them by 100"):
        fit_spectrum(-ladder() * CONTRAST_PER_KDA * 100, unit="contrast")


def test_no_events():
    spectrum = fit_spectrum([], rng=np.random.default_rng(1))
    assert spectrum.peaks == spectrum.components == ()
    assert spectrum.unbinding_fraction is None
    assert spectrum.notes[0] == "no events: nothing to fit"
    json.dumps(spectrum.to_dict(), allow_nan=False)


def test_one_event_is_one_peak_without_width():
    spectrum = fit_spectrum([120.0], rng=np.random.default_rng(1))
    (peak,) = spectrum.peaks
    assert peak.mode.value == pytest.approx(120, abs=0.01)
    assert (peak.counts, peak.fwhm, peak.resolving_power) == (1, None, None)
    assert peak.significance < 4
    assert spectrum.mixture is None
    assert spectrum.notes == (
        "1 landings above the detection limit: fewer than 20, no mixture fitted",
    )
    json.dumps(spectrum.to_dict(), allow_nan=False)


def test_a_resample_without_a_small_peak_is_no_error():
    rng = np.random.default_rng(3)
    masses = np.r_[rng.normal(66, 8, 300), np.linspace(598, 602, 12)]
    spectrum = fit_spectrum(masses)
    scales = Scales(kernel=3.0, growth=0.015, bin_width=5.0, min_sd=4.0, limit=30.0)
    modes = [Mode(p.mode.value, 1.0, p.low, p.high, 5.0) for p in spectrum.peaks]
    measured = measure_peaks(masses[:300], modes, scales=scales)
    assert np.isfinite(measured[0, :4]).all()
    assert np.isnan(measured[1]).all()
    assert np.isnan(measured[0, 4:]).all()  # nor is there a valley


def test_all_of_one_sign():
    landings = np.abs(ladder(300))
    spectrum = fit_spectrum(landings)
    assert spectrum.n_unbinding == 0
    assert spectrum.unbinding_fraction.value == spectrum.unbinding_fraction.low == 0
    mirrored = fit_spectrum(-landings)
    assert mirrored.peaks == ()
    assert mirrored.unbinding_fraction.value == 1
    assert "check the sign" in mirrored.notes[0]
    json.dumps(mirrored.to_dict(), allow_nan=False)


def test_all_the_same_mass():
    spectrum = fit_spectrum(np.full(100, 150.0), rng=np.random.default_rng(1))
    assert [p.mode.value for p in spectrum.peaks] == pytest.approx([150], abs=0.01)
    assert spectrum.peaks[0].fwhm is None
    assert spectrum.notes == ("all landings have the same mass: no mixture fitted",)


def test_nan_is_dropped_by_row_and_counted():
    masses = ladder(300)
    spectrum = fit_spectrum(np.r_[masses, np.nan, np.inf, np.nan])
    assert spectrum.n_without_mass == 3
    assert spectrum.notes == ("3 events without a mass (NaN, infinite or 0) left out",)
    assert [p.mode for p in spectrum.peaks] == [p.mode for p in fit_spectrum(masses).peaks]


def test_a_range_without_events():
    spectrum = fit_spectrum(ladder(300), settings=SpectrumSettings(range_kda=(1000, 2000)))
    assert spectrum.n_events == 0
    assert spectrum.n_outside == 300
    assert "300 events outside 1000 to 2000 kDa left out" in spectrum.notes


def test_a_detection_limit_above_all_events_leaves_no_mixture():
    spectrum = fit_spectrum(ladder(300), settings=SpectrumSettings(detection_limit_kda=3000))
    assert spectrum.mixture is None
    assert "0 landings above the detection limit" in spectrum.notes[0]
    assert [round(p.mode.value, -1) for p in spectrum.peaks] == [70, 150, 480]
    assert spectrum.peaks[0].fwhm is None


def test_a_table_is_refused():
    with pytest.raises(PerrinError, match=r"shape \(2, 3\)"):
        fit_spectrum(np.ones((2, 3)))


@pytest.mark.parametrize("change", [{"range_kda": (5, 1)}, {"bin_width_kda": 0}, {"binwidth": 5}])
def test_settings_out_of_bounds_are_refused(change):
    with pytest.raises(ValidationError):
        SpectrumSettings(**change)

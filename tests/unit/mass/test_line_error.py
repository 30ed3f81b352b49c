"""The error of the calibration line in the intervals of a spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.mass.calibration import calibrate
from perrin.mass.line_error import with_line_error
from perrin.mass.spectrum import fit_spectrum
from perrin.settings.spectrum import SpectrumSettings


def test_intervals_of_masses_hold_the_error_of_the_line() -> None:
    rng = np.random.default_rng(0)
    line = calibrate(
        [90, 180, 360], -4e-5 * np.array([90, 180, 360]), contrast_se=[8e-5, 8e-5, 1.5e-4]
    )
    masses = rng.normal(66, 5, 2000)
    plain = fit_spectrum(masses, settings=SpectrumSettings(resamples=50), rng=rng)
    wide = with_line_error(plain, line)
    for before, after in ((plain.peaks[0].mode, wide.peaks[0].mode),):
        assert before.low is not None
        assert before.high is not None
        assert after.low is not None
        error = 1.96 * float(line.mass_se_kda(line.contrast(before.value), 0.0))
        expected = np.hypot(before.value - before.low, error)
        assert after.value == before.value
        assert before.value - after.low == pytest.approx(expected, rel=1e-3)
    assert wide.peaks[0].fwhm == plain.peaks[0].fwhm
    mean, own = wide.components[0].mean, plain.components[0].mean
    assert mean.high is not None
    assert own.high is not None
    assert mean.high > own.high


def test_without_intervals_or_errors_nothing_changes() -> None:
    line = calibrate([90, 180], [-0.0036, -0.0072])
    masses = np.random.default_rng(0).normal(66, 5, 500)
    bare = fit_spectrum(masses)
    assert with_line_error(bare, line) is bare
    assert with_line_error(bare, None) is bare

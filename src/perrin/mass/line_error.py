"""The calibration's own error in the masses of a spectrum.

All masses of a measurement share one line: resampling its events does not show how wrong that
line is. The interval of each position is widened by the standard error of the line there
(`Calibration.mass_se_kda`), in squares, on either side.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perrin.stats import normal_quantile

if TYPE_CHECKING:
    from perrin.mass.calibration import Calibration
    from perrin.mass.errors import ErrorSpectrum
    from perrin.mass.results import Estimate, Spectrum


def with_line_error(spectrum: Spectrum, calibration: Calibration | None) -> Spectrum:
    """Return a spectrum of masses whose intervals of positions hold the line's error too."""
    wider = _Wider.of(calibration, spectrum.confidence)
    if wider is None:
        return spectrum
    return replace(
        spectrum,
        peaks=tuple(
            replace(
                peak,
                mode=wider(peak.mode),
                fit_mean=None if peak.fit_mean is None else wider(peak.fit_mean),
            )
            for peak in spectrum.peaks
        ),
        components=tuple(replace(one, mean=wider(one.mean)) for one in spectrum.components),
    )


def errors_with_line_error(
    spectrum: ErrorSpectrum, calibration: Calibration | None
) -> ErrorSpectrum:
    """Return the same of a spectrum of landings with errors."""
    wider = _Wider.of(calibration, spectrum.confidence)
    if wider is None:
        return spectrum
    components = tuple(replace(one, mean=wider(one.mean)) for one in spectrum.components)
    return replace(spectrum, components=components)


class _Wider:
    """Widens an interval of a mass by the error of a line."""

    def __init__(self, calibration: Calibration, confidence: float) -> None:
        self._line = calibration
        self._reach = normal_quantile(confidence)

    @classmethod
    def of(cls, calibration: Calibration | None, confidence: float | None) -> _Wider | None:
        """Return one, where there are intervals and a line whose error is known."""
        if calibration is None or calibration.covariance is None or confidence is None:
            return None
        return cls(calibration, confidence)

    def __call__(self, mass: Estimate) -> Estimate:
        if mass.low is None or mass.high is None:
            return mass
        contrast = self._line.contrast(mass.value)
        error = self._reach * float(self._line.mass_se_kda(contrast, 0.0))
        return replace(
            mass,
            low=mass.value - float(np.hypot(mass.value - mass.low, error)),
            high=mass.value + float(np.hypot(mass.high - mass.value, error)),
        )

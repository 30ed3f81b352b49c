"""What a calibration keeps of its calibrant: the points of its line, the spectrum they are of."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from perrin.mass.results import Spectrum
from perrin.settings.base import Settings

_SHOWN = 1.2  # of the strongest peak: what lies beyond belongs to none


class CalibrationPoint(Settings):
    """One calibrant: its known mass and the contrast of its peak."""

    mass_kda: float = Field(gt=0)
    contrast: float = Field(lt=0)
    contrast_se: float | None = Field(None, gt=0)
    label: str = ""


class LadderSpectrum(Settings):
    """Histogram of the calibrant's landings, and its peaks that belong to no mass.

    counts: landings in bins of minus the contrast, the first from 0; bin_width: of a bin;
    unread: contrasts of the peaks, negative.
    """

    bin_width: float = Field(gt=0)
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    unread: tuple[Annotated[float, Field(lt=0)], ...] = ()


def kept_spectrum(spectrum: Spectrum, unread: tuple[int, ...]) -> LadderSpectrum:
    """Return what a calibration keeps of a spectrum of contrasts; `unread`: numbers of peaks."""
    edges, counts = spectrum.bin_edges, spectrum.bin_counts
    width = float(edges[-1] - edges[0]) / len(counts)
    first = round(float(edges[0]) / width)  # bins count from 0; below are unbindings
    end = int(np.ceil(_SHOWN * max(peak.high for peak in spectrum.peaks) / width))
    landings = np.zeros(end, np.int64)
    at = np.arange(first, first + len(counts))
    shown = (at >= 0) & (at < end)
    landings[at[shown]] = counts[shown]
    return LadderSpectrum(
        bin_width=width,
        counts=tuple(landings.tolist()),
        unread=tuple(-spectrum.peaks[number].mode.value for number in unread),
    )

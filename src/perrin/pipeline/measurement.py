"""What came out of one measurement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.landing.classifier.classification import Classification
from perrin.landing.field import FieldMovie
from perrin.landing.persistence import PersistenceResult
from perrin.landing.quantifier.quantification import Quantification
from perrin.landing.thumbnails import Thumbnails
from perrin.mass.calibration import Calibration
from perrin.mass.errors import ErrorSpectrum
from perrin.mass.results import Spectrum
from perrin.mass.time_course import LandingDensity, PeakDrift
from perrin.notebook import Shown
from perrin.optics.psf import Psf
from perrin.pipeline.checks import Verdict
from perrin.pipeline.instrument import Instrument
from perrin.settings.landing import LandingSettings, ReportedSpectrum
from perrin.settings.spectrum import SpectrumSettings
from perrin.types import NetworkId

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Snapshot:
    """One ratiometric frame (Y, X), contrast negative for a landing, and its number."""

    frame: int
    values: NDArray[np.float32]
    pixel_nm: float


@dataclass(frozen=True, repr=False)
class LandingsResult(Shown):
    """What came out of one movie, or of one measurement in a table of events."""

    name: str
    """Name of the measurement."""
    events: pd.DataFrame
    """The events table (`perrin.tables.EVENTS`), rejected events included."""
    spectrum: Spectrum
    """Of the retained events: in kDa, or in contrast where there is no calibration."""
    spectrum_settings: SpectrumSettings
    """What it was made with."""
    calibration: Calibration | None
    """What turned contrast into mass; None for tables with masses of their own."""
    notes: tuple[str, ...]
    """What a user should know: rows left out, extrapolation, assumptions."""
    recorded: Mapping[str, Any]
    """n_avg, frame interval, pixel size and instrument of the measurement, where known."""
    settings: LandingSettings | None = None
    psf: Psf | None = None
    density: LandingDensity | None = None
    drifts: tuple[PeakDrift | None, ...] = ()
    thumbnails: Thumbnails | None = None
    snapshot: Snapshot | None = None
    field: FieldMovie | None = None
    """settings, psf, density, drifts, thumbnails, snapshot, field: only for movies: the settings,
    the PSF, landing density over time, the drift of each peak (None where it cannot be told),
    example thumbnails, the busiest frame, and the field around the events."""
    classification: Classification | None = None
    """With a classifier: class fractions, threshold, what was removed."""
    unfiltered: Spectrum | None = None
    """With a classifier: of all fitted events, before the filter."""
    quantification: Quantification | None = None
    """With a quantifier: spectrum of all landings, check against the fit, surface."""
    persistence: PersistenceResult | None = None
    """Where `settings.persistence_ms` is set: how many landings are still there at that
    integration."""
    abundances: pd.DataFrame | None = None
    """Fractions of the peaks corrected for what is lost, see `perrin.mass.abundance`."""
    instrument: Instrument | None = None
    """For movies: bad pixels and what was found of the PSF."""
    verdict: Verdict | None = None
    """With networks: whether the movie looks like what they have learned."""
    read_as: str = ""
    """For tables: the line that says what was understood of the file, and what was left out."""
    source: Path | None = None
    """The file that was analyzed."""
    seed: int | None = None
    """Of the random numbers; None for a generator that has none."""
    networks: tuple[NetworkId, ...] = ()
    """Those that looked at the events."""

    def _facts(self) -> dict[str, str]:
        kept = f"{int(self.events['retained'].sum())} of {len(self.events)} retained"
        return {"name": self.name, "events": kept, **self.spectrum._facts()}

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the spectrum of the retained events on matplotlib axes, and return these."""
        return self.spectrum.plot(axes)

    @property
    def spectra(self) -> dict[ReportedSpectrum, Spectrum | ErrorSpectrum]:
        """The spectra by name, the main one first."""
        found: dict[ReportedSpectrum, Spectrum | ErrorSpectrum] = {"filtered": self.spectrum}
        if self.quantification is None:
            return found
        found["all"] = self.quantification.spectrum
        main = "filtered" if self.settings is None else self.settings.reported_spectrum
        return {main: found[main]} | found


def told_apart(
    measurements: Sequence[LandingsResult], files: Sequence[Path] = ()
) -> list[LandingsResult]:
    """Return the measurements with names that differ.

    files: where each comes from, if known: of two with one name, each is called by the folder
    of its file too, ``rep1/eventsFitted`` and ``rep2/eventsFitted``. What is then still the
    same is numbered: a second ``a`` becomes ``a (2)``.
    """
    named = list(measurements)
    if len(files) == len(named):
        longer = [f"{file.parent.name}/{m.name}" for m, file in zip(named, files, strict=True)]
        counts, apart = Counter(one.name for one in named), Counter(longer)
        named = [
            _called(one, name) if counts[one.name] > 1 and apart[name] == 1 else one
            for one, name in zip(named, longer, strict=True)
        ]
    seen: Counter[str] = Counter()
    for place, one in enumerate(named):
        seen[one.name] += 1
        if seen[one.name] > 1:
            named[place] = _called(one, f"{one.name} ({seen[one.name]})")
    return named


def _called(measurement: LandingsResult, name: str) -> LandingsResult:
    return replace(measurement, name=name, events=measurement.events.assign(measurement=name))

"""From a table of events to the spectra of its measurements."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.mass import spectrum as of_values
from perrin.mass.calibration import Calibration, apply_calibration, apply_embedded
from perrin.mass.results import Spectrum
from perrin.pipeline.measurement import LandingsResult
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import check_events


def fit_spectrum(
    events: pd.DataFrame,
    calibration: Calibration | None = None,
    *,
    resamples: int = 200,
    seed: int | np.random.Generator = 0,
    spectrum_settings: SpectrumSettings | None = None,
) -> tuple[LandingsResult, ...]:
    """Return the spectra of a table of events, one for each measurement in it: `perrin spectrum`.

    Masses come from `calibration` if given, else they are those of the table, else from the
    calibration that its file embeds; a table with none of these gives spectra of contrast.

    Parameters
    ----------
    events : DataFrame
        The events table (`perrin.read_events`), with masses or contrasts.
    calibration : Calibration, optional
        Turns contrasts into masses.
    resamples : int
        Bootstrap resamples behind each interval; 0: no intervals.
    seed : int or numpy Generator
        Of the resamples.
    spectrum_settings : SpectrumSettings, optional
        Bins, kernel, limits; their `resamples` are those above.

    Raises
    ------
    PerrinError
        For a table without events, or without contrasts where a calibration is given.

    """
    spectrum_settings = with_resamples(spectrum_settings, resamples)
    rng = np.random.default_rng(seed)
    check_events(events)
    read_as = events.attrs.get("read_as", "")
    masses = ""
    if calibration is not None:
        masses = f"masses from the calibration {calibration.source or 'that was given'}"
        events = apply_calibration(events, calibration)
    elif "mass_kda" not in events.columns or events["mass_kda"].isna().all():
        if "calibration" in events.attrs or "calibrations" in events.attrs:
            masses = "masses from the calibration in the file"
            events = apply_embedded(events)
    elif "calibration" in events.attrs:
        calibration = Calibration.from_embedded(events.attrs["calibration"])
    notes = tuple(events.attrs.get("notes", ()))
    if len(events) == 0:
        raise PerrinError("the table holds no events: there is no spectrum to make of it")
    measurements = []
    for name, part in events.groupby("measurement", sort=False):
        part = part.reset_index(drop=True)
        part.attrs = {}
        if "retained" not in part.columns:
            part["retained"] = True
        spectrum = spectrum_of(part, spectrum_settings, rng)
        said = [read_as, masses, _outside(spectrum, spectrum_settings)]
        measurements.append(
            LandingsResult(
                name=str(name),
                events=part,
                spectrum=spectrum,
                spectrum_settings=spectrum_settings,
                calibration=calibration,
                notes=notes,
                recorded={},
                read_as="; ".join(part for part in said if part),
            )
        )
    return tuple(measurements)


def _outside(spectrum: Spectrum, settings: SpectrumSettings) -> str:
    """What the range of the spectrum leaves out, in words; empty where it is nothing."""
    if not spectrum.n_outside:
        return ""
    low, high = settings.range_kda
    return (
        f"{spectrum.n_outside} events outside {low:g} to {high:g} kDa left out of the spectrum "
        "(--low-kda, --high-kda)"
    )


def with_resamples(settings: SpectrumSettings | None, resamples: int) -> SpectrumSettings:
    """Return the settings with that number of resamples; raises `PerrinError` below 0."""
    if resamples < 0:
        raise PerrinError(f"resamples is {resamples}; give 0 (no intervals) or more.")
    return (settings or SpectrumSettings()).model_copy(update={"resamples": resamples})


def spectrum_of(
    events: pd.DataFrame, settings: SpectrumSettings, rng: np.random.Generator
) -> Spectrum:
    """Return the spectrum of the retained events: of masses where there are any, or contrasts."""
    kept = events[events["retained"]]
    if "mass_kda" in events.columns and not (len(events) and events["mass_kda"].isna().all()):
        return of_values.fit_spectrum(kept["mass_kda"].to_numpy(float), settings=settings, rng=rng)
    return of_values.fit_spectrum(
        kept["contrast"].to_numpy(float), settings=settings, unit="contrast", rng=rng
    )

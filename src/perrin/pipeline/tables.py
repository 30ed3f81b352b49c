"""From a table of events to the spectra of its measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.given import EVENTS, check_opened
from perrin.mass import spectrum as of_values
from perrin.mass.calibration import Calibration, apply_calibration, apply_embedded
from perrin.mass.line_error import with_line_error
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

    Raises `PerrinError` for a table without events, or without contrasts to calibrate.

    Parameters
    ----------
    events : DataFrame
        The events table (`perrin.read_events`), with masses or contrasts.
    calibration : Calibration, optional
        Turns contrasts into masses.
    resamples, seed : int
        Bootstrap resamples behind each interval (0: none); their seed, or a generator.
    spectrum_settings : SpectrumSettings, optional
        Bins, kernel, limits; their `resamples` are those above.

    """
    check_opened(events, EVENTS)
    spectrum_settings = with_resamples(spectrum_settings, resamples)
    rng = np.random.default_rng(seed)
    check_events(events)
    read_as = events.attrs.get("read_as", "")
    source = Path(events.attrs["source"]) if events.attrs.get("source") else None
    events, calibration, masses = _with_masses(events, calibration)
    notes = tuple(events.attrs.get("notes", ()))
    if len(events) == 0:
        raise PerrinError("the table holds no events: there is no spectrum to make of it")
    return tuple(
        _measurement(
            str(name),
            part,
            spectrum_settings,
            calibration,
            rng,
            notes=notes,
            said=(read_as, masses),
            source=source,
        )
        for name, part in events.groupby("measurement", sort=False)
    )


def _with_masses(
    events: pd.DataFrame, calibration: Calibration | None
) -> tuple[pd.DataFrame, Calibration | None, str]:
    """Events with masses where they can have any, the calibration, and where they are from."""
    if calibration is not None:
        said = f"masses from the calibration {calibration.source or 'that was given'}"
        return apply_calibration(events, calibration), calibration, said
    if "mass_kda" not in events.columns or events["mass_kda"].isna().all():
        if "calibration" in events.attrs or "calibrations" in events.attrs:
            return apply_embedded(events), None, "masses from the calibration in the file"
    elif "calibration" in events.attrs:
        calibration = Calibration.from_embedded(events.attrs["calibration"])
    return events, calibration, ""


def _measurement(
    name: str,
    events: pd.DataFrame,
    settings: SpectrumSettings,
    calibration: Calibration | None,
    rng: np.random.Generator,
    *,
    notes: tuple[str, ...],
    said: tuple[str, ...],
    source: Path | None,
) -> LandingsResult:
    """The result of one measurement; `said`: what was understood of its file."""
    events = events.reset_index(drop=True)
    events.attrs = {}
    if "retained" not in events.columns:
        events["retained"] = True
    spectrum = spectrum_of(events, settings, rng, calibration)
    return LandingsResult(
        name=name,
        events=events,
        spectrum=spectrum,
        spectrum_settings=settings,
        calibration=calibration,
        notes=notes,
        recorded={},
        read_as="; ".join(part for part in (*said, _outside(spectrum, settings)) if part),
        source=source,
        seed=seed_of(rng),
    )


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


def seed_of(rng: np.random.Generator) -> int | None:
    """Return the seed that a generator was made with; None where it was made otherwise."""
    sequence = rng.bit_generator.seed_seq
    if not isinstance(sequence, np.random.SeedSequence) or sequence.spawn_key:
        return None
    return sequence.entropy if isinstance(sequence.entropy, int) else None


def spectrum_of(
    events: pd.DataFrame,
    settings: SpectrumSettings,
    rng: np.random.Generator,
    calibration: Calibration | None = None,
) -> Spectrum:
    """Return the spectrum of the retained events: of masses where there are any, or contrasts.

    calibration: what the masses come from; its error is in the intervals of the positions.
    """
    kept = events[events["retained"]]
    if "mass_kda" in events.columns and not (len(events) and events["mass_kda"].isna().all()):
        masses = kept["mass_kda"].to_numpy(float)
        found = of_values.fit_spectrum(masses, settings=settings, rng=rng)
        return with_line_error(found, calibration)
    return of_values.fit_spectrum(
        kept["contrast"].to_numpy(float), settings=settings, unit="contrast", rng=rng
    )

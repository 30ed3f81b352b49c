"""The steps composed: from a movie, or a table of events, to a calibrated spectrum.

Nothing here opens or writes files: `perrin.results` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.classification import Classification, describe_filter, filter_by_score
from perrin.landing.classify import Model, check_model, classify
from perrin.landing.detect import detect
from perrin.landing.fit import fit
from perrin.landing.matched import MARGIN_PX
from perrin.landing.neighbors import nearest_neighbor_px
from perrin.landing.quantification import Quantification, describe, weigh
from perrin.landing.quantify import Model as Quantifier
from perrin.landing.ratiometric import frame_means, ratiometric
from perrin.landing.recheck import Recheck, look_again, recheck_n_avg, summarise_recheck
from perrin.landing.thumbnails import Thumbnails, cut_thumbnails
from perrin.mass.calibration import Calibration, apply_calibration, apply_embedded, check_recorded
from perrin.mass.course import LandingDensity, PeakDrift, landing_density, peak_drift
from perrin.mass.errors import ErrorSpectrum
from perrin.mass.results import Spectrum
from perrin.mass.spectrum import fit_spectrum
from perrin.optics.psf import Psf
from perrin.settings.landing import LandingSettings, MainSpectrum
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import check_events, order_columns

EXAMPLES_PER_SIGN = 100
EXAMPLES_PER_LABEL = 40
_DENSITY_BINS = 20

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Snapshot:
    """One ratiometric frame (Y, X), contrast negative for a landing, and its number."""

    frame: int
    values: NDArray[np.float32]
    pixel_nm: float


@dataclass(frozen=True)
class Measurement:
    """What came out of one movie, or of one measurement in a table of events.

    Attributes
    ----------
    name : str
        Name of the measurement.
    events : DataFrame
        The events table (`perrin.tables.EVENTS`), rejected events included.
    spectrum : Spectrum
        Of the retained events: in kDa, or in contrast where there is no calibration.
    unfiltered : Spectrum or None
        With a classifier: of all fitted events, before the filter.
    classification : Classification or None
        With a classifier: class shares, threshold, what was removed.
    spectrum_settings : SpectrumSettings
        What it was made with.
    calibration : Calibration or None
        What turned contrast into mass; None for tables with masses of their own.
    notes : tuple of str
        What a user should know: rows left out, extrapolation, assumptions.
    recorded : mapping
        n_avg, frame interval, pixel size and instrument of the measurement, where known.
    quantification : Quantification or None
        With a quantifier: spectrum of all landings, check against the fit, surface.
    recheck : Recheck or None
        Where `settings.recheck_ms` is set: how many landings are still there at that integration.
    abundances : DataFrame or None
        Shares of the peaks corrected for what is lost, see `perrin.mass.abundance`.
    settings, psf, density, drifts, thumbnails, snapshot
        Only for movies: the settings, the PSF, landing density over time, the drift of each
        peak (None where it cannot be told), example thumbnails and the busiest frame.

    """

    name: str
    events: pd.DataFrame
    spectrum: Spectrum
    spectrum_settings: SpectrumSettings
    calibration: Calibration | None
    notes: tuple[str, ...]
    recorded: Mapping[str, Any]
    settings: LandingSettings | None = None
    psf: Psf | None = None
    density: LandingDensity | None = None
    drifts: tuple[PeakDrift | None, ...] = ()
    thumbnails: Thumbnails | None = None
    snapshot: Snapshot | None = None
    classification: Classification | None = None
    unfiltered: Spectrum | None = None
    quantification: Quantification | None = None
    recheck: Recheck | None = None
    abundances: pd.DataFrame | None = None

    @property
    def spectra(self) -> dict[MainSpectrum, Spectrum | ErrorSpectrum]:
        """The spectra by name, the main one first."""
        found: dict[MainSpectrum, Spectrum | ErrorSpectrum] = {"filtered": self.spectrum}
        if self.quantification is None:
            return found
        found["all"] = self.quantification.spectrum
        main = "filtered" if self.settings is None else self.settings.main_spectrum
        return {main: found[main]} | found


def analyse_landings(
    movie: Movie,
    *,
    settings: LandingSettings | None = None,
    spectrum_settings: SpectrumSettings | None = None,
    psf: Psf | None = None,
    calibration: Calibration | None = None,
    model: Model | None = None,
    scores: ScoreSettings | None = None,
    quantifier: Quantifier | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """Detect, fit and weigh the landings of a movie; with a model, sort and filter them too.

    Parameters
    ----------
    movie : Movie
        Frames with their frame interval, pixel size and landing sign.
    settings : LandingSettings, optional
        Integration and thresholds.
    spectrum_settings : SpectrumSettings, optional
        Bins, kernel, limits.
    psf : Psf, optional
        An empirical PSF; by default the analytic one for the movie's pixel size.
    calibration : Calibration, optional
        Without it the spectrum is one of contrast. Check that it was recorded as the movie
        was with `perrin.mass.calibration.check_recorded` (the command line does).
    model : Model, optional
        A classifier, such as ``perrin.ClassifierModel.load("default")``;
        it sees thumbnails at `settings.n_avg`. Without one all fitted events are retained.
    scores : ScoreSettings, optional
        How the threshold on its scores is chosen; 0.9 by default.
    quantifier : Quantifier, optional
        What reads the mass of every landing, such as ``perrin.QuantifierModel.load("default")``.
    rng : numpy Generator, optional
        For bootstrap intervals; without it there are none.
    progress : callable, optional
        Called with the share done, 0 to 1.

    Raises
    ------
    PerrinError
        If movie, PSF, model or settings do not fit each other; if all landings are to make
        the main spectrum and no quantifier weighs them.

    """
    settings = settings or LandingSettings()
    spectrum_settings = spectrum_settings or SpectrumSettings()
    scores = scores or ScoreSettings()
    psf = psf or Psf.analytic(pixel_nm=movie.pixel_nm)
    if model is not None:
        check_model(model, movie, n_avg=settings.n_avg)  # before the long work
    if quantifier is None and settings.main_spectrum == "all":
        raise PerrinError(
            "main_spectrum = 'all': only a quantifier weighs all landings, and there is none here"
        )
    if quantifier is not None:
        quantifier.check_range(pixel_nm=movie.pixel_nm, frame_interval_s=movie.frame_interval_s)
    steps = 1 + (model is not None) + (quantifier is not None)
    finding, *further = _parts(progress, steps)
    scoring = further[0] if model is not None else None
    if settings.recheck_ms is not None:
        recheck_n_avg(settings.recheck_ms, movie, n_avg=settings.n_avg)
    events = find_events(movie, settings=settings, psf=psf, progress=finding)
    if calibration is not None:
        events = apply_calibration(events, calibration)
    notes = tuple(events.attrs.get("notes", ())) + tuple(movie.provenance.get("notes", ()))
    if quantifier is not None:
        events = weigh(
            movie, events, model=quantifier, calibration=calibration, progress=further[-1]
        )
        events = check_events(order_columns(events))
    unfiltered = classification = quantification = None
    single = events["retained"].to_numpy(bool)
    if model is None:
        spectrum = _spectrum(events, spectrum_settings, rng)
    else:
        found = classify(movie, events, model=model, n_avg=settings.n_avg, progress=scoring)
        filtered = filter_by_score(found.events, n_avg=settings.n_avg, settings=scores)
        unfiltered = _spectrum(events, spectrum_settings, rng)
        events = check_events(order_columns(filtered.events))
        spectrum = _spectrum(events, spectrum_settings, rng)
        classification = describe_filter(
            found,
            filtered,
            model=model,
            settings=scores,
            before=unfiltered,
            after=spectrum,
            spectrum_settings=spectrum_settings,
            rng=rng,
        )
        notes += classification.notes
        single = filtered.single
    if quantifier is not None:
        quantification = describe(
            events,
            model=quantifier,
            single=single,
            calibration=calibration,
            frame_interval_s=movie.frame_interval_s,
            settings=spectrum_settings,
            rng=rng,
        )
        notes = quantification.notes + notes
    events, recheck = _recheck(movie, events, settings, psf, spectrum_settings.confidence)
    thumbnails = _examples(movie, events, settings)
    if progress is not None:
        progress(1.0)
    return Measurement(
        name=movie.measurement,
        events=events,
        spectrum=spectrum,
        spectrum_settings=spectrum_settings,
        calibration=calibration,
        notes=notes,
        recorded=recorded_settings(movie, settings),
        settings=settings,
        psf=psf,
        density=_density(movie, events, settings),
        drifts=_drifts(events, spectrum),
        thumbnails=thumbnails,
        snapshot=_snapshot(movie, events, settings),
        classification=classification,
        unfiltered=unfiltered,
        quantification=quantification,
        recheck=recheck,
    )


def find_events(
    movie: Movie,
    *,
    settings: LandingSettings,
    psf: Psf,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Detect and fit: the events table of a movie, without masses."""
    share = (lambda done: progress(0.8 * done)) if progress is not None else None
    found = detect(
        movie, n_avg=settings.n_avg, psf=psf, settings=settings.detection, progress=share
    )
    events = fit(movie, found, fit_n_avg=settings.n_avg_of_fit, psf=psf)
    if progress is not None:
        progress(0.95)
    frame = events["frame"].to_numpy(np.int64)
    events["measurement"] = movie.measurement
    events["event"] = np.arange(len(events))
    events["time_s"] = frame * movie.frame_interval_s
    events["neighbor_px"] = nearest_neighbor_px(
        frame=frame,
        y_px=events["y_px"].to_numpy(float),
        x_px=events["x_px"].to_numpy(float),
        within_frames=2 * settings.n_avg,
    )
    events["retained"] = events["label"] == ""
    events["thumbnail_index"] = np.int64(-1)
    return check_events(order_columns(events))


def analyse_events(
    events: pd.DataFrame,
    *,
    spectrum_settings: SpectrumSettings | None = None,
    calibration: Calibration | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[Measurement, ...]:
    """Spectra of a table of events, one for each measurement in it.

    Masses come from `calibration` if given, else they are those of the table, else from the
    calibration that its file embeds; a table with none of these gives spectra of contrast.
    """
    spectrum_settings = spectrum_settings or SpectrumSettings()
    check_events(events)
    if calibration is not None:
        events = apply_calibration(events, calibration)
    elif "mass_kda" not in events.columns or events["mass_kda"].isna().all():
        if "calibration" in events.attrs or "calibrations" in events.attrs:
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
        measurements.append(
            Measurement(
                name=str(name),
                events=part,
                spectrum=_spectrum(part, spectrum_settings, rng),
                spectrum_settings=spectrum_settings,
                calibration=calibration,
                notes=notes,
                recorded={},
            )
        )
    return tuple(measurements)


def recorded_settings(movie: Movie, settings: LandingSettings) -> dict[str, Any]:
    """What a calibration must share with a measurement."""
    return {
        "n_avg": settings.n_avg_of_fit,
        "frame_interval_s": movie.frame_interval_s,
        "pixel_nm": movie.pixel_nm,
        "instrument": movie.instrument,
    }


def check_calibration(calibration: Calibration, movie: Movie, settings: LandingSettings) -> None:
    """Raise `PerrinError` where calibrant and movie were recorded or analysed differently."""
    check_recorded(calibration, recorded_settings(movie, settings))


def _spectrum(
    events: pd.DataFrame, settings: SpectrumSettings, rng: np.random.Generator | None
) -> Spectrum:
    kept = events[events["retained"]]
    if "mass_kda" in events.columns and not (len(events) and events["mass_kda"].isna().all()):
        return fit_spectrum(kept["mass_kda"].to_numpy(float), settings=settings, rng=rng)
    return fit_spectrum(
        kept["contrast"].to_numpy(float), settings=settings, unit="contrast", rng=rng
    )


def _parts(progress: Progress | None, count: int) -> list[Progress | None]:
    """What finding, weighing and scoring report to: equal parts of one bar."""

    def part(number: int) -> Progress | None:
        if progress is None:
            return None
        return lambda done: progress(0.95 * (number + done) / count)

    return [part(0), *(part(count - k) for k in range(1, count))]


def _recheck(
    movie: Movie, events: pd.DataFrame, settings: LandingSettings, psf: Psf, confidence: float
) -> tuple[pd.DataFrame, Recheck | None]:
    """The events, looked at again where the settings ask for it, and what came of it."""
    if settings.recheck_ms is None:
        return events, None
    frames = recheck_n_avg(settings.recheck_ms, movie, n_avg=settings.n_avg)
    again = look_again(movie, events, n_avg=settings.n_avg, n_recheck=frames, psf=psf)
    found = summarise_recheck(
        again, recheck_ms=settings.recheck_ms, n_avg=frames, confidence=confidence
    )
    return check_events(order_columns(again)), found


def _density(movie: Movie, events: pd.DataFrame, settings: LandingSettings) -> LandingDensity:
    landing = events[events["contrast"] < 0]
    height, width = movie.height - 2 * MARGIN_PX, movie.width - 2 * MARGIN_PX
    start = settings.n_avg * movie.frame_interval_s
    stop = (movie.n_frames - settings.n_avg) * movie.frame_interval_s
    times = landing["time_s"].to_numpy(float)
    return landing_density(
        np.clip(times, start, stop),  # a change point may lie up to n_avg frames before
        start_s=start,
        stop_s=stop,
        area_um2=height * width * (movie.pixel_nm / 1000) ** 2,
        bin_s=(stop - start) / _DENSITY_BINS,
    )


def _drifts(events: pd.DataFrame, spectrum: Spectrum) -> tuple[PeakDrift | None, ...]:
    kept = events[events["retained"] & (events["contrast"] < 0)]
    in_kda = spectrum.unit == "kDa"
    values = kept["mass_kda"] if in_kda else -kept["contrast"]
    return tuple(
        peak_drift(
            kept["time_s"].to_numpy(float),
            values.to_numpy(float),
            low=peak.low,
            high=peak.high,
            unit=spectrum.unit,
        )
        for peak in spectrum.peaks
    )


def _examples(movie: Movie, events: pd.DataFrame, settings: LandingSettings) -> Thumbnails:
    """Example thumbnails, evenly over the measurement; their row goes to ``thumbnail_index``.

    Up to 100 landings and 100 unbindings; of scored events up to 40 of each label and sign.
    """
    sign = np.sign(events["contrast"].to_numpy(float))
    group = pd.Series(sign)
    most = EXAMPLES_PER_SIGN
    if "score_binder" in events.columns:
        group, most = group.astype(str) + events["label"], EXAMPLES_PER_LABEL
    chosen = [np.empty(0, np.int64)]
    for _, part in group[sign != 0].groupby(group):
        rows = part.index.to_numpy()
        pick = np.linspace(0, len(rows) - 1, min(len(rows), most))
        chosen.append(rows[np.rint(pick).astype(np.int64)])
    rows = np.concatenate(chosen)
    thumbnails = cut_thumbnails(
        movie,
        frame=events["frame"].to_numpy(np.int64)[rows],
        y_px=events["y_px"].to_numpy(float)[rows],
        x_px=events["x_px"].to_numpy(float)[rows],
        n_avg=settings.n_avg,
    )
    index = events["thumbnail_index"].to_numpy(np.int64).copy()
    index[rows[thumbnails.rows]] = np.arange(len(thumbnails.rows))
    events["thumbnail_index"] = index
    return Thumbnails(thumbnails.values, thumbnails.inside, rows[thumbnails.rows])


def _snapshot(movie: Movie, events: pd.DataFrame, settings: LandingSettings) -> Snapshot:
    """The ratiometric frame that shows most events, each at a good part of its contrast."""
    n_avg = settings.n_avg
    frames = np.sort(events["frame"].to_numpy(np.int64))
    if len(frames):
        near = np.searchsorted(frames, frames + n_avg // 2, side="right") - np.searchsorted(
            frames, frames - n_avg // 2
        )
        middle = int(frames[np.argmax(near)])
    else:
        middle = movie.n_frames // 2
    middle = min(max(middle, n_avg), movie.n_frames - n_avg - 1)
    stretch = movie.frames[middle - n_avg : middle + n_avg + 1]
    values = ratiometric(stretch, n_avg=n_avg, frame_mean=frame_means(stretch))[0]
    return Snapshot(middle, values * np.float32(-movie.landing_sign), movie.pixel_nm)

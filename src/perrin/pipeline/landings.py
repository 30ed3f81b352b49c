"""From a movie to its events, and to a calibrated spectrum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.classifier.classification import describe_filter, filter_by_score
from perrin.landing.classifier.classify import check_model, classify
from perrin.landing.detect import detect
from perrin.landing.fit import fit
from perrin.landing.neighbors import nearest_neighbor_px
from perrin.landing.networks import Classifier, Quantifier
from perrin.landing.persistence import (
    PersistenceResult,
    measure_persistence,
    persistence_n_avg,
    summarize_persistence,
)
from perrin.landing.quantifier.quantification import describe, predict_masses
from perrin.landing.quantifier.quantify import sorts_as
from perrin.mass.calibration import Calibration, apply_calibration, check_recorded
from perrin.optics.psf import Psf
from perrin.pipeline.measurement import LandingsResult
from perrin.pipeline.shown import busiest_frame, cut_examples, density_of, drifts_of
from perrin.pipeline.tables import spectrum_of
from perrin.settings.landing import LandingSettings
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import check_events, order_columns

Progress = Callable[[float], None]


def analyze_landings(
    movie: Movie,
    *,
    settings: LandingSettings | None = None,
    spectrum_settings: SpectrumSettings | None = None,
    psf: Psf | None = None,
    calibration: Calibration | None = None,
    model: Classifier | None = None,
    scores: ScoreSettings | None = None,
    quantifier: Quantifier | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> LandingsResult:
    """Detect and fit the landings of a movie; with networks, classify, filter, predict masses.

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
    model : Classifier, optional
        A classifier, such as ``perrin.ClassifierModel.load("default")``;
        it sees thumbnails at `settings.n_avg`. Without one all fitted events are retained.
    scores : ScoreSettings, optional
        How the threshold on its scores is chosen; 0.9 by default.
    quantifier : Quantifier, optional
        What reads the mass of every landing, such as ``perrin.QuantifierModel.load("default")``.
    rng : numpy Generator, optional
        For bootstrap intervals; without it there are none.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    Raises
    ------
    PerrinError
        If movie, PSF, model or settings do not fit each other; if all landings are to make
        the reported spectrum and no quantifier predicts their masses.

    """
    settings = settings or LandingSettings()
    spectrum_settings = spectrum_settings or SpectrumSettings()
    scores = scores or ScoreSettings()
    psf = psf or Psf.analytic(pixel_nm=movie.pixel_nm)
    if model is not None:
        check_model(model, movie, n_avg=settings.n_avg)  # before the long work
    if quantifier is None and settings.reported_spectrum == "all":
        raise PerrinError(
            "reported_spectrum = 'all': only a quantifier predicts the masses of all landings, "
            "and there is none here"
        )
    if quantifier is not None:
        quantifier.check_range(pixel_nm=movie.pixel_nm, frame_interval_s=movie.frame_interval_s)
    finding, *further = _parts(progress, 1 + (model is not None) + (quantifier is not None))
    scoring = further[0] if model is not None else None
    if settings.persistence_ms is not None:
        persistence_n_avg(settings.persistence_ms, movie, n_avg=settings.n_avg)
    events = find_events(movie, settings=settings, psf=psf, progress=finding)
    if calibration is not None:
        events = apply_calibration(events, calibration)
    notes = tuple(events.attrs.get("notes", ())) + tuple(movie.provenance.get("notes", ()))
    known = unfiltered = classification = quantification = None
    if quantifier is not None:
        quantified = predict_masses(
            movie, events, model=quantifier, calibration=calibration, progress=further[-1]
        )
        events = check_events(order_columns(quantified.events))
        if model is not None and sorts_as(quantifier, model, n_avg=settings.n_avg):
            known = quantified.sorted
    single = events["retained"].to_numpy(bool)
    if model is None:
        spectrum = spectrum_of(events, spectrum_settings, rng)
    else:
        found = classify(
            movie, events, model=model, n_avg=settings.n_avg, known=known, progress=scoring
        )
        filtered = filter_by_score(found.events, n_avg=settings.n_avg, settings=scores)
        unfiltered = spectrum_of(events, spectrum_settings, rng)
        events = check_events(order_columns(filtered.events))
        spectrum = spectrum_of(events, spectrum_settings, rng)
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
    events, persistence = _persistence(movie, events, settings, psf, spectrum_settings.confidence)
    thumbnails = cut_examples(movie, events, settings)
    if progress is not None:
        progress(1.0)
    return LandingsResult(
        name=movie.measurement,
        events=events,
        spectrum=spectrum,
        spectrum_settings=spectrum_settings,
        calibration=calibration,
        notes=notes,
        recorded=recorded_settings(movie, settings),
        read_as=movie.read_as,
        settings=settings,
        psf=psf,
        density=density_of(movie, events, settings),
        drifts=drifts_of(events, spectrum),
        thumbnails=thumbnails,
        snapshot=busiest_frame(movie, events, settings),
        classification=classification,
        unfiltered=unfiltered,
        quantification=quantification,
        persistence=persistence,
    )


def find_events(
    movie: Movie,
    *,
    settings: LandingSettings,
    psf: Psf,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Detect and fit: the events table of a movie, without masses."""
    fraction = (lambda done: progress(0.8 * done)) if progress is not None else None
    found = detect(
        movie, n_avg=settings.n_avg, psf=psf, settings=settings.detection, progress=fraction
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


def recorded_settings(movie: Movie, settings: LandingSettings) -> dict[str, Any]:
    """What a calibration must share with a measurement."""
    return {
        "n_avg": settings.n_avg_of_fit,
        "frame_interval_s": movie.frame_interval_s,
        "pixel_nm": movie.pixel_nm,
        "instrument": movie.instrument,
    }


def check_calibration(calibration: Calibration, movie: Movie, settings: LandingSettings) -> None:
    """Raise `PerrinError` where calibrant and movie were recorded or analyzed differently."""
    check_recorded(calibration, recorded_settings(movie, settings))


def _parts(progress: Progress | None, count: int) -> list[Progress | None]:
    """What detecting, predicting and scoring report to: equal parts of one bar."""

    def part(number: int) -> Progress | None:
        if progress is None:
            return None
        return lambda done: progress(0.95 * (number + done) / count)

    return [part(0), *(part(count - k) for k in range(1, count))]


def _persistence(
    movie: Movie, events: pd.DataFrame, settings: LandingSettings, psf: Psf, confidence: float
) -> tuple[pd.DataFrame, PersistenceResult | None]:
    """The events, looked at again where the settings ask for it, and what came of it."""
    if settings.persistence_ms is None:
        return events, None
    frames = persistence_n_avg(settings.persistence_ms, movie, n_avg=settings.n_avg)
    again = measure_persistence(movie, events, n_avg=settings.n_avg, n_persistence=frames, psf=psf)
    found = summarize_persistence(
        again, persistence_ms=settings.persistence_ms, n_avg=frames, confidence=confidence
    )
    return check_events(order_columns(again)), found

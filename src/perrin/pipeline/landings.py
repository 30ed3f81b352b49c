"""From a movie to its events, and to a calibrated spectrum: one list of named steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.given import MOVIE, check_opened
from perrin.io.movie import Movie
from perrin.landing.classifier.classification import (
    Classification,
    describe_filter,
    filter_by_score,
)
from perrin.landing.classifier.classify import ClassificationResult, Sorted, classify
from perrin.landing.field import field_around
from perrin.landing.persistence import (
    PersistenceResult,
    measure_persistence,
    persistence_n_avg,
    summarize_persistence,
)
from perrin.landing.quantifier.quantification import Quantification, describe, predict_masses
from perrin.landing.quantifier.quantify import sorts_as
from perrin.mass.calibration import Calibration, apply_calibration, check_recorded
from perrin.mass.calibration_doubts import unchecked
from perrin.mass.results import Spectrum
from perrin.pipeline import checks, networks
from perrin.pipeline.events import find_events, recorded_settings
from perrin.pipeline.instrument import Instrument, PsfChoice, look_at
from perrin.pipeline.measurement import LandingsResult
from perrin.pipeline.retention import correct_abundances
from perrin.pipeline.shown import busiest_frame, cut_examples, density_of, drifts_of
from perrin.pipeline.tables import seed_of, spectrum_of, with_resamples
from perrin.settings.landing import LandingSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import check_events, order_columns
from perrin.types import BoolArray, Progress

_FOUND = 0.95  # fraction of the work that is done before the results are put together


def analyze_landings(
    movie: Movie,
    calibration: Calibration | None = None,
    *,
    classifier: networks.ClassifierChoice = networks.DEFAULT,
    quantifier: networks.QuantifierChoice = networks.DEFAULT,
    resamples: int = 200,
    seed: int | np.random.Generator = 0,
    check_calibration: bool = True,
    settings: LandingSettings | None = None,
    spectrum_settings: SpectrumSettings | None = None,
    scores: networks.Scores = None,
    psf: PsfChoice = None,
    correct_fractions: bool = False,
    progress: Progress | None = None,
) -> LandingsResult:
    """Detect and fit the landings of a movie and predict their masses: `perrin landings`.

    Raises `PerrinError` if movie, PSF, calibration, networks or settings do not fit each other.

    Parameters
    ----------
    movie, calibration, check_calibration
        Without a calibration: contrasts. One of other settings is refused if `check_calibration`.
    classifier, quantifier, scores
        Networks by name (`perrin model list`), folder, or loaded; ``"default"`` is left out, with a
        note, where it does not fit. Threshold on the scores: 0.9; "auto": best F1, from the card.
    settings, spectrum_settings, psf, resamples, seed : optional
        Integration and thresholds; bins and kernel; a PSF, "default" for the analytic one (else it
        is measured in the movie); resamples behind each interval (0: none), and their seed.
    correct_fractions, progress : optional
        Correct fractions of peaks for what is lost, by a simulation; called with fraction done.

    """
    check_opened(movie, MOVIE)
    work = _Work(
        movie=movie,
        calibration=calibration,
        check_calibration=check_calibration,
        choice=networks.Choice(classifier, quantifier, scores),
        settings=settings or LandingSettings(),
        spectrum_settings=with_resamples(spectrum_settings, resamples),
        psf=psf,
        correct_fractions=correct_fractions,
        rng=np.random.default_rng(seed),
        report=progress,
    )
    for step in STEPS:
        step(work)
    return work.result


@dataclass
class _Work:
    """What the steps share: what they are given, then what each has found."""

    movie: Movie
    calibration: Calibration | None
    check_calibration: bool
    choice: networks.Choice
    settings: LandingSettings
    spectrum_settings: SpectrumSettings
    psf: PsfChoice
    correct_fractions: bool
    rng: np.random.Generator
    report: Progress | None

    networks: networks.Networks = field(default_factory=networks.Networks)
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()
    known: Sorted | None = None
    scored: ClassificationResult | None = None
    single: BoolArray | None = None
    spectrum: Spectrum | None = None
    unfiltered: Spectrum | None = None
    classification: Classification | None = None
    quantification: Quantification | None = None
    persistence: PersistenceResult | None = None
    instrument: Instrument = field(init=False)
    verdict: checks.Verdict | None = None
    result: LandingsResult = field(init=False)

    def part(self, step: Step) -> Progress | None:
        """What a long step reports to: its part of the bar, all parts equal."""
        report = self.report
        if report is None:
            return None
        wanted = {_predict_masses: self.networks.quantifier, _sort: self.networks.classifier}
        long: list[Step] = [
            _find,
            *(other for other, network in wanted.items() if network is not None),
        ]
        return lambda done: report(_FOUND * (long.index(step) + done) / len(long))

    def spectrum_now(self) -> Spectrum:
        """The spectrum of what is retained so far."""
        return spectrum_of(self.events, self.spectrum_settings, self.rng, self.calibration)


Step = Callable[[_Work], None]


def _check(work: _Work) -> None:
    """Refuse what does not go together, before the long work."""
    movie, settings = work.movie, work.settings
    if work.calibration is not None and work.check_calibration:
        check_recorded(work.calibration, recorded_settings(movie, settings))
    if work.correct_fractions and (not work.choice.sorts or work.calibration is None):
        raise PerrinError("--correct-fractions needs a classifier and --calibration")
    work.networks = networks.choose(movie, work.choice, settings)
    if settings.persistence_ms is not None:
        persistence_n_avg(settings.persistence_ms, movie, n_avg=settings.n_avg)


def _look(work: _Work) -> None:
    """See what the movie says of its instrument: bad pixels, the PSF."""
    work.movie, work.instrument = look_at(work.movie, work.psf, n_avg=work.settings.n_avg)
    work.networks = networks.covering(work.networks, work.instrument, work.settings)


def _find(work: _Work) -> None:
    """Detect and fit."""
    work.events = find_events(
        work.movie, settings=work.settings, psf=work.instrument.psf, progress=work.part(_find)
    )


def _calibrate(work: _Work) -> None:
    """Turn contrasts into masses where there is a calibration."""
    if work.calibration is not None:
        work.events = apply_calibration(work.events, work.calibration)
    said = (work.events.attrs, work.movie.provenance)
    work.notes = tuple(note for place in said for note in place.get("notes", ()))
    if work.calibration is not None:
        doubt = unchecked(work.calibration, recorded_settings(work.movie, work.settings))
        work.notes += (doubt,) if doubt else ()


def _predict_masses(work: _Work) -> None:
    """Let the quantifier look at every event, and keep what it says of the classes."""
    model = work.networks.quantifier
    if model is None:
        return
    quantified = predict_masses(
        work.movie,
        work.events,
        model=model,
        calibration=work.calibration,
        exchange=work.instrument.exchange_for(model),
        progress=work.part(_predict_masses),
    )
    found = checks.without_heavy(quantified.events, model)
    work.events = check_events(order_columns(found))
    sorter = work.networks.classifier
    if sorter is not None and sorts_as(model, sorter, n_avg=work.settings.n_avg):
        work.known = quantified.sorted


def _sort(work: _Work) -> None:
    """Score the events with the classifier."""
    model = work.networks.classifier
    if model is None:
        return
    n_avg, progress = work.settings.n_avg, work.part(_sort)
    work.scored = classify(
        work.movie,
        work.events,
        model=model,
        n_avg=n_avg,
        known=work.known,
        exchange=work.instrument.exchange_for(model),
        progress=progress,
    )


def _filter(work: _Work) -> None:
    """Retain the events that pass, make the spectra before and after."""
    model, found, settings = work.networks.classifier, work.scored, work.networks.scores
    if model is None or found is None:
        work.single = work.events["retained"].to_numpy(bool)
        work.spectrum = work.spectrum_now()
        return
    filtered = filter_by_score(found.events, n_avg=work.settings.n_avg, settings=settings)
    work.unfiltered = work.spectrum_now()
    kept = checks.keep_heavy(filtered.events, single=filtered.single, model=model)
    work.events = check_events(order_columns(kept))
    work.spectrum, work.single = work.spectrum_now(), filtered.single
    work.classification = describe_filter(
        found,
        replace(filtered, events=work.events),
        model=model,
        settings=settings,
        before=work.unfiltered,
        after=work.spectrum,
        spectrum_settings=work.spectrum_settings,
        rng=work.rng,
    )
    work.notes += work.classification.notes


def _describe_masses(work: _Work) -> None:
    """Make the spectrum of all landings, and compare the quantifier with the fit."""
    model = work.networks.quantifier
    if model is None or work.single is None:
        return
    work.quantification = describe(
        work.events,
        model=model,
        single=work.single,
        calibration=work.calibration,
        frame_interval_s=work.movie.frame_interval_s,
        settings=work.spectrum_settings,
        rng=work.rng,
    )
    work.notes = work.quantification.notes + work.notes


def _judge(work: _Work) -> None:
    """Say whether the movie looks like what the networks have learned."""
    if work.single is None or work.networks == networks.Networks():
        return
    work.verdict = checks.judge(
        work.movie,
        work.events,
        instrument=work.instrument,
        classifier=work.networks.classifier,
        single=work.single,
        n_avg=work.settings.n_avg,
    )
    work.notes = work.verdict.notes + work.notes


def _look_again(work: _Work) -> None:
    """See which events are still there at a longer integration, where it is wanted."""
    wanted = work.settings.persistence_ms
    if wanted is None:
        return
    n_avg = work.settings.n_avg
    frames = persistence_n_avg(wanted, work.movie, n_avg=n_avg)
    again = measure_persistence(
        work.movie, work.events, n_avg=n_avg, n_persistence=frames, psf=work.instrument.psf
    )
    work.persistence = summarize_persistence(
        again, persistence_ms=wanted, n_avg=frames, confidence=work.spectrum_settings.confidence
    )
    work.events = check_events(order_columns(again))


def _put_together(work: _Work) -> None:
    """Make the result of what the steps have found."""
    assert work.spectrum is not None  # noqa: S101 - a step has made it
    work.result = LandingsResult(
        name=work.movie.measurement,
        events=work.events,
        spectrum=work.spectrum,
        spectrum_settings=work.spectrum_settings,
        calibration=work.calibration,
        notes=work.networks.notes + work.instrument.notes + work.notes,
        recorded=recorded_settings(work.movie, work.settings),
        settings=work.settings,
        psf=work.instrument.psf,
        persistence=work.persistence,
        instrument=work.instrument,
        read_as=work.movie.read_as,
        source=work.movie.path,
        seed=seed_of(work.rng),
    )


def _add_networks(work: _Work) -> None:
    """Add which networks looked at the events, and what they said."""
    work.result = replace(
        work.result,
        classification=work.classification,
        unfiltered=work.unfiltered,
        quantification=work.quantification,
        verdict=work.verdict,
        networks=(
            *networks.identity_of(work.networks.classifier, task="classifier"),
            *networks.identity_of(work.networks.quantifier, task="quantifier"),
        ),
    )


def _add_views(work: _Work) -> None:
    """Add what is shown of the movie: examples, the field, the busiest frame, drift of peaks."""
    movie, events, settings = work.movie, work.result.events, work.settings
    work.result = replace(
        work.result,
        density=density_of(movie, events, settings),
        drifts=drifts_of(events, work.result.spectrum),
        thumbnails=cut_examples(movie, events, settings),
        snapshot=busiest_frame(movie, events, settings),
        field=field_around(
            movie,
            frame=events["frame"].to_numpy(np.int64),
            n_avg=settings.n_avg,
            psf=work.instrument.psf,
        ),
    )


def _correct_fractions(work: _Work) -> None:
    """Correct the fractions of the peaks for what is lost, where it is wanted."""
    model = work.networks.classifier
    if work.correct_fractions and model is not None:
        seed = seed_of(work.rng)
        if seed is None:
            raise PerrinError("corrected fractions need a seed: give seed as a whole number.")
        work.result = correct_abundances(work.result, model=model, seed=seed)


def _say_done(work: _Work) -> None:
    """Report that all is done."""
    if work.report is not None:
        work.report(1.0)


STEPS: Sequence[Step] = (
    _check,
    _look,
    _find,
    _calibrate,
    _predict_masses,
    _sort,
    _filter,
    _describe_masses,
    _judge,
    _look_again,
    _put_together,
    _add_networks,
    _add_views,
    _correct_fractions,
    _say_done,
)

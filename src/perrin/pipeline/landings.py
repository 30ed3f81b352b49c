"""From a movie to its events, and to a calibrated spectrum: one list of named steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.held import held
from perrin.io.movie import Movie
from perrin.landing.classifier.classification import (
    Classification,
    describe_filter,
    filter_by_score,
)
from perrin.landing.classifier.classify import Sorted, classify
from perrin.landing.networks import Classifier, Quantifier
from perrin.landing.persistence import (
    PersistenceResult,
    measure_persistence,
    persistence_n_avg,
    summarize_persistence,
)
from perrin.landing.quantifier.quantification import Quantification, describe, predict_masses
from perrin.landing.quantifier.quantify import sorts_as
from perrin.landing.thumbnails import Thumbnails
from perrin.mass.calibration import Calibration, apply_calibration, check_recorded
from perrin.mass.results import Spectrum
from perrin.optics.psf import Psf
from perrin.pipeline import networks
from perrin.pipeline.events import find_events, recorded_settings
from perrin.pipeline.measurement import LandingsResult
from perrin.pipeline.retention import correct_abundances
from perrin.pipeline.shown import busiest_frame, cut_examples, density_of, drifts_of
from perrin.pipeline.tables import spectrum_of, with_resamples
from perrin.settings.landing import LandingSettings
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import check_events, order_columns
from perrin.types import Progress

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
    psf: Psf | None = None,
    correct_fractions: bool = False,
    progress: Progress | None = None,
) -> LandingsResult:
    """Detect, fit and weigh the landings of a movie: what `perrin landings` does.

    Parameters
    ----------
    movie : Movie
        Frames with their frame interval, pixel size and landing sign.
    calibration : Calibration, optional
        Without it the spectrum is one of contrast.
    classifier, quantifier : str, Path, network or None
        What sorts the events, and what weighs all of them: a name (`perrin model list`), a
        folder, a loaded network, or None. ``"default"``: the one that comes with perrin; where
        it was not trained for such movies it is left out, and a note of the result says why.
    resamples : int
        Bootstrap resamples behind each interval; 0: no intervals.
    seed : int or numpy Generator
        Of the resamples. Same movie, settings and seed, same result.
    check_calibration : bool
        Refuse a calibration that was recorded or analyzed with other settings.
    settings : LandingSettings, optional
        Integration and thresholds.
    spectrum_settings : SpectrumSettings, optional
        Bins, kernel, limits; their `resamples` are those above.
    scores : ScoreSettings or "auto", optional
        How the threshold on the classifier's scores is chosen: 0.9 by default; "auto": the best
        F1 for the masses at hand, from the network's card.
    psf : Psf, optional
        An empirical PSF (`perrin.build_psf`); by default the analytic one of the pixel size.
    correct_fractions : bool
        Correct the fractions of the peaks for what noise and detection lose, from a simulation.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    Raises
    ------
    PerrinError
        If movie, PSF, calibration, networks or settings do not fit each other.

    """
    settings = settings or LandingSettings()
    if calibration is not None and check_calibration:
        check_recorded(calibration, recorded_settings(movie, settings))
    named = classifier != networks.DEFAULT, quantifier != networks.DEFAULT
    sorter, weigher = networks.load_classifier(classifier), networks.load_quantifier(quantifier)
    chosen = networks.score_settings(scores, sorter)
    if correct_fractions and (sorter is None or calibration is None):
        raise PerrinError("--correct-fractions needs a classifier and --calibration")
    sorter, not_sorted = networks.classifier_for(movie, sorter, settings, named=named[0])
    weigher, not_weighed = networks.quantifier_for(movie, weigher, settings, named=named[1])
    if settings.persistence_ms is not None:  # before the long work
        persistence_n_avg(settings.persistence_ms, movie, n_avg=settings.n_avg)
    work = _Work(
        movie=held(movie),
        settings=settings,
        spectrum_settings=with_resamples(spectrum_settings, resamples),
        scores=chosen,
        psf=psf or Psf.analytic(pixel_nm=movie.pixel_nm),
        calibration=calibration,
        classifier=sorter,
        quantifier=weigher,
        rng=np.random.default_rng(seed),
        report=progress,
    )
    for step in STEPS:
        step(work)
    result = _result(work, before=(*not_sorted, *not_weighed))
    if correct_fractions and work.classifier is not None:
        result = correct_abundances(result, model=work.classifier, seed=_seed_of(work.rng))
    if progress is not None:
        progress(1.0)
    return result


def _seed_of(rng: np.random.Generator) -> int:
    """The seed that a generator was made with."""
    sequence = rng.bit_generator.seed_seq
    entropy = sequence.entropy if isinstance(sequence, np.random.SeedSequence) else None
    if not isinstance(entropy, int):
        raise PerrinError("corrected fractions need a seed: give seed as a whole number.")
    return entropy


@dataclass
class _Work:
    """What the steps share: what they are given, then what each has found."""

    movie: Movie
    settings: LandingSettings
    spectrum_settings: SpectrumSettings
    scores: ScoreSettings
    psf: Psf
    calibration: Calibration | None
    classifier: Classifier | None
    quantifier: Quantifier | None
    rng: np.random.Generator
    report: Progress | None

    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()
    known: Sorted | None = None
    single: NDArray[np.bool_] | None = None
    spectrum: Spectrum | None = None
    unfiltered: Spectrum | None = None
    classification: Classification | None = None
    quantification: Quantification | None = None
    persistence: PersistenceResult | None = None
    thumbnails: Thumbnails | None = None

    def part(self, step: Step) -> Progress | None:
        """What a long step reports to: its part of the bar, all parts equal."""
        report = self.report
        if report is None:
            return None
        wanted = {_predict_masses: self.quantifier, _sort: self.classifier}
        long: list[Step] = [
            _find,
            *(other for other, network in wanted.items() if network is not None),
        ]
        return lambda done: report(_FOUND * (long.index(step) + done) / len(long))

    def spectrum_now(self) -> Spectrum:
        """The spectrum of what is retained so far."""
        return spectrum_of(self.events, self.spectrum_settings, self.rng)


Step = Callable[[_Work], None]


def _find(work: _Work) -> None:
    """Detect and fit."""
    work.events = find_events(
        work.movie, settings=work.settings, psf=work.psf, progress=work.part(_find)
    )


def _calibrate(work: _Work) -> None:
    """Turn contrasts into masses where there is a calibration."""
    if work.calibration is not None:
        work.events = apply_calibration(work.events, work.calibration)
    said = (work.events.attrs, work.movie.provenance)
    work.notes = tuple(note for place in said for note in place.get("notes", ()))


def _predict_masses(work: _Work) -> None:
    """Let the quantifier look at every event, and keep what it says of the classes."""
    model = work.quantifier
    if model is None:
        return
    quantified = predict_masses(
        work.movie,
        work.events,
        model=model,
        calibration=work.calibration,
        progress=work.part(_predict_masses),
    )
    work.events = check_events(order_columns(quantified.events))
    if work.classifier is not None and sorts_as(model, work.classifier, n_avg=work.settings.n_avg):
        work.known = quantified.sorted


def _sort(work: _Work) -> None:
    """Score the events, retain those that pass, make the spectra before and after."""
    model = work.classifier
    if model is None:
        work.single = work.events["retained"].to_numpy(bool)
        work.spectrum = work.spectrum_now()
        return
    n_avg, progress = work.settings.n_avg, work.part(_sort)
    found = classify(
        work.movie, work.events, model=model, n_avg=n_avg, known=work.known, progress=progress
    )
    filtered = filter_by_score(found.events, n_avg=n_avg, settings=work.scores)
    work.unfiltered = work.spectrum_now()
    work.events = check_events(order_columns(filtered.events))
    work.spectrum, work.single = work.spectrum_now(), filtered.single
    work.classification = describe_filter(
        found,
        filtered,
        model=model,
        settings=work.scores,
        before=work.unfiltered,
        after=work.spectrum,
        spectrum_settings=work.spectrum_settings,
        rng=work.rng,
    )
    work.notes += work.classification.notes


def _describe_masses(work: _Work) -> None:
    """Make the spectrum of all landings, and compare the quantifier with the fit."""
    if work.quantifier is None or work.single is None:
        return
    work.quantification = describe(
        work.events,
        model=work.quantifier,
        single=work.single,
        calibration=work.calibration,
        frame_interval_s=work.movie.frame_interval_s,
        settings=work.spectrum_settings,
        rng=work.rng,
    )
    work.notes = work.quantification.notes + work.notes


def _look_again(work: _Work) -> None:
    """See which events are still there at a longer integration, where it is asked for."""
    wanted = work.settings.persistence_ms
    if wanted is None:
        return
    n_avg = work.settings.n_avg
    frames = persistence_n_avg(wanted, work.movie, n_avg=n_avg)
    again = measure_persistence(
        work.movie, work.events, n_avg=n_avg, n_persistence=frames, psf=work.psf
    )
    work.persistence = summarize_persistence(
        again, persistence_ms=wanted, n_avg=frames, confidence=work.spectrum_settings.confidence
    )
    work.events = check_events(order_columns(again))


def _choose_examples(work: _Work) -> None:
    """Cut the thumbnails that are shown."""
    work.thumbnails = cut_examples(work.movie, work.events, work.settings)


STEPS: Sequence[Step] = (
    _find,
    _calibrate,
    _predict_masses,
    _sort,
    _describe_masses,
    _look_again,
    _choose_examples,
)


def _result(work: _Work, *, before: tuple[str, ...]) -> LandingsResult:
    """Put together what the steps have found; `before`: notes that come first."""
    assert work.spectrum is not None  # noqa: S101 - a step has made it
    movie, events, settings = work.movie, work.events, work.settings
    return LandingsResult(
        name=movie.measurement,
        events=events,
        spectrum=work.spectrum,
        spectrum_settings=work.spectrum_settings,
        calibration=work.calibration,
        notes=before + work.notes,
        recorded=recorded_settings(movie, settings),
        read_as=movie.read_as,
        settings=settings,
        psf=work.psf,
        density=density_of(movie, events, settings),
        drifts=drifts_of(events, work.spectrum),
        thumbnails=work.thumbnails,
        snapshot=busiest_frame(movie, events, settings),
        classification=work.classification,
        unfiltered=work.unfiltered,
        quantification=work.quantification,
        persistence=work.persistence,
    )

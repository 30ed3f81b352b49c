"""From a calibrant to a calibration, and from landings to the PSF of an instrument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.given import EVENTS, MOVIE, check_opened
from perrin.io.movie import Movie
from perrin.landing.epsf import EpsfResult, build_epsf, measure_epsf
from perrin.landing.whitening import find_noise_filter
from perrin.mass.calibrants import (
    LadderCalibration,
    calibrate_from_events,
    doubts,
)
from perrin.mass.calibration import Calibration
from perrin.mass.calibration import calibrate as line_through
from perrin.mass.calibration_doubts import doubts_of_line
from perrin.mass.ladders import ladder as ladder_of
from perrin.pipeline.events import find_events
from perrin.pipeline.instrument import PsfChoice, cleaned
from perrin.pipeline.landings import analyze_landings
from perrin.pipeline.networks import DEFAULT, ClassifierChoice
from perrin.settings.landing import LandingSettings
from perrin.types import Progress

_EITHER = (
    "give either a movie or table with its ladder, or --pair twice or more (pairs of mass and "
    "contrast)"
)

_SHARED = (
    "light changes in patches about as wide as a landing (speckle, or debris above the glass): "
    "this PSF may be too wide. Build it from a movie without them, or leave --psf away: `perrin "
    "landings` filters such noise and measures the PSF in what is left"
)

_NO_LADDER = (
    "pairs say their masses themselves, so that a ladder is not used: leave --ladder away, or give "
    "a movie or table with it instead of pairs"
)


def calibrate(
    calibrant: Movie | pd.DataFrame | None = None,
    ladder: str | Sequence[float] | None = None,
    *,
    pairs: Sequence[tuple[float, float]] | None = None,
    settings: LandingSettings | None = None,
    psf: PsfChoice = None,
    classifier: ClassifierChoice = DEFAULT,
    source: str | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Make a calibration, of a known ladder or of pairs by hand: what `perrin calibrate` does.

    Raises `PerrinError` for neither or both of calibrant and pairs, fewer than two peaks, and
    peaks that fit no reading of the ladder.

    Parameters
    ----------
    calibrant : Movie or DataFrame
        Landings of the ladder: a movie, or its table of events (`perrin.read_events`).
    ladder : str or sequence of float
        Masses in kDa, or the name of a ladder (``"nativemark"``, ``"dynamin"``, ...). Look at how
        the peaks were read (`Calibration.reading`) and could be (`Calibration.other_readings`).
    pairs : sequence of (mass, contrast)
        Instead: masses in kDa with their contrasts, negative for landings.
    settings, psf, classifier, source, progress : optional
        As `analyze_landings` takes them: the calibrant goes the road of the samples, and the line
        through the landings that are retained; what the calibration says it was made from.

    """
    if pairs is not None and ladder is not None:
        raise PerrinError(_NO_LADDER)
    if pairs is not None and calibrant is None:
        masses, contrasts = zip(*pairs, strict=True)
        line = line_through(masses, contrasts, source=source or "by hand")
        return line.model_copy(update={"notes": doubts_of_line(line)})
    if calibrant is None or pairs is not None:
        raise PerrinError(_EITHER)
    masses_kda = _masses(ladder)
    check_opened(calibrant, MOVIE, EVENTS)
    if not isinstance(calibrant, Movie):
        made = calibrate_from_events(calibrant, masses_kda, source=source or "")
        return _described(made, masses_kda, ())
    of_movie = partial(analyze_landings, classifier=classifier, quantifier=None, resamples=0)
    found = of_movie(calibrant, settings=settings, psf=psf, progress=progress)
    made = calibrate_from_events(
        found.events, masses_kda, recorded=found.recorded, source=source or calibrant.name
    )
    return _described(made, masses_kda, found.notes)


def _masses(ladder: str | Sequence[float] | None) -> Sequence[float]:
    if ladder is None:
        raise PerrinError("which masses does the calibrant hold? Give the ladder, as 66,146,480")
    return ladder_of(ladder) if isinstance(ladder, str) else ladder


def _described(
    made: LadderCalibration, masses_kda: Sequence[float], notes: tuple[str, ...]
) -> Calibration:
    """The calibration with how the peaks were read, and what a user should know."""
    said = {
        "reading": str(made.match),
        "other_readings": tuple(map(str, made.alternatives)),
        "notes": (*doubts(made, masses_kda), *notes),
    }
    return made.calibration.model_copy(update=said)


def build_psf(
    movie: Movie,
    contrast_range: tuple[float, float] | None = None,
    *,
    n_avg: int = 10,
    progress: Progress | None = None,
) -> EpsfResult:
    """Build the point-spread function of an instrument from its own landings: `perrin psf`.

    movie: many landings; contrast_range: contrasts of one species, such as (-0.0075, -0.006), where
    only this is to be averaged. The search starts by itself (`perrin.landing.epsf.measure_epsf`).
    The result says how many landings were averaged, `psf.card` what it is like; its `psf` is for
    `analyze_landings` and `calibrate`. Raises `PerrinError` where too few are clear and alone.
    """
    check_opened(movie, MOVIE)
    movie, _, _ = cleaned(movie, n_avg=n_avg)
    shared = find_noise_filter(movie, n_avg=n_avg).kernel is not None
    found = measure_epsf(movie, n_avg=n_avg, progress=progress)
    if contrast_range is not None:
        settings = LandingSettings(n_avg=n_avg)
        events = find_events(movie, settings=settings, psf=found.psf)
        found = build_epsf(movie, events, contrast_range=contrast_range, n_avg=n_avg)
    return replace(found, notes=(*found.notes, _SHARED)) if shared else found

"""From a calibrant to a calibration, and from landings to the PSF of an instrument."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.epsf import EpsfResult, build_epsf
from perrin.mass.calibrants import LadderCalibration, calibrate_from_events
from perrin.mass.calibration import Calibration
from perrin.mass.calibration import calibrate as line_through
from perrin.mass.ladders import ladder as ladder_of
from perrin.optics.psf import Psf
from perrin.pipeline.events import find_events, recorded_settings
from perrin.settings.landing import LandingSettings
from perrin.types import Progress


def calibrate(
    calibrant: Movie | pd.DataFrame | None = None,
    ladder: str | Sequence[float] | None = None,
    *,
    pairs: Sequence[tuple[float, float]] | None = None,
    settings: LandingSettings | None = None,
    psf: Psf | None = None,
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
    settings, psf, source, progress : optional
        Of the movie's analysis, as that of the samples; an empirical PSF; what the calibration
        says it was made from (the movie's name); called with the fraction done, 0 to 1.

    """
    if pairs is not None and calibrant is None:
        masses, contrasts = zip(*pairs, strict=True)
        return line_through(masses, contrasts, source=source or "by hand")
    if calibrant is None or pairs is not None:
        raise PerrinError(
            "give either a movie or table with its ladder, or --pair twice or more (pairs of mass "
            "and contrast)"
        )
    if ladder is None:
        raise PerrinError("which masses does the calibrant hold? Give the ladder, as 66,146,480")
    masses_kda = ladder_of(ladder) if isinstance(ladder, str) else ladder
    if isinstance(calibrant, Movie):
        made = _of_movie(calibrant, masses_kda, settings, psf, source=source, progress=progress)
    else:
        made = calibrate_from_events(calibrant, masses_kda, source=source or "")
    read = {"reading": str(made.match), "other_readings": tuple(map(str, made.alternatives))}
    return made.calibration.model_copy(update=read)


def _of_movie(
    movie: Movie,
    masses_kda: Sequence[float],
    settings: LandingSettings | None,
    psf: Psf | None,
    *,
    source: str | None,
    progress: Progress | None,
) -> LadderCalibration:
    """The calibration by the events of a movie, with the settings that it holds for."""
    chosen = settings or LandingSettings()
    shape = psf or Psf.analytic(pixel_nm=movie.pixel_nm)
    return calibrate_from_events(
        find_events(movie, settings=chosen, psf=shape, progress=progress),
        masses_kda,
        recorded=recorded_settings(movie, chosen),
        source=source or movie.name,
    )


def build_psf(
    movie: Movie,
    contrast_range: tuple[float, float],
    *,
    n_avg: int = 10,
    progress: Progress | None = None,
) -> EpsfResult:
    """Build the point-spread function of an instrument from its own landings: `perrin psf`.

    movie: many landings of one species; contrast_range: the contrasts of that species, such as
    (-0.0075, -0.006). The result says how many landings were averaged; its `psf` is for
    `analyze_landings` and `calibrate`. Raises `PerrinError` where too few are isolated.
    """
    settings = LandingSettings(n_avg=n_avg)
    start = Psf.analytic(pixel_nm=movie.pixel_nm)
    events = find_events(movie, settings=settings, psf=start, progress=progress)
    return build_epsf(movie, events, contrast_range=contrast_range, n_avg=n_avg)

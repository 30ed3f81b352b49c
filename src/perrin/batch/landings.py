"""A row of landings: a movie, a table of events or a results folder to its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.batch.settings import MOVIE
from perrin.errors import PerrinError
from perrin.mass.spectrum import CONTRAST_PER_KDA
from perrin.tables import landings_and_unbindings

if TYPE_CHECKING:
    import pandas as pd

    from perrin.batch.job import Job, Status
    from perrin.pipeline import LandingsResult
    from perrin.settings.scores import ScoreSettings
    from perrin.types import IntArray, Progress

FARTHEST_KDA = 20_000
"""Masses beyond it are in no histogram over the rows."""


def analyze(job: Job, progress: Progress | None) -> tuple[Status, dict[str, Any]]:
    """Analyze a row as `perrin landings` or `perrin spectrum` does, and write its results.

    Raises `PerrinError` where that cannot be done.
    """
    from perrin.results import write_results

    measured = _of_movie(job, progress) if job.input_kind == "movie" else _of_table(job)
    if measured is None or not len(measured.events):
        return "no events", dict.fromkeys(("events", "landings", "unbindings", "retained"), 0)
    chosen = job.settings
    write_results(job.folder, measured, inputs=job.inputs, overwrite=True, figures=chosen.figures)
    return "ok", found_in(measured)


def _of_movie(job: Job, progress: Progress | None) -> LandingsResult:
    from perrin.io import open_movie
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf
    from perrin.pipeline import analyze_landings

    chosen = job.settings
    given = {name: getattr(chosen, name) for name in MOVIE}
    with open_movie(job.path, **given) as movie:
        return analyze_landings(
            movie,
            calibration=None
            if chosen.calibration is None
            else Calibration.load(chosen.calibration),
            classifier=chosen.classifier,
            quantifier=chosen.quantifier,
            scores=_scores(job),
            settings=_landing_settings(job),
            psf=None if chosen.psf is None else Psf.load(chosen.psf),
            resamples=chosen.resamples,
            check_calibration=not chosen.allow_calibration_mismatch,
            correct_fractions=chosen.correct_fractions,
            seed=chosen.seed,
            progress=progress,
        )


def _landing_settings(job: Job) -> Any:
    from perrin.settings.base import settings_from
    from perrin.settings.landing import DetectionSettings, LandingSettings

    chosen = job.settings
    detection = DetectionSettings.permissive() if chosen.permissive else DetectionSettings()
    return settings_from(
        LandingSettings, n_avg=chosen.n_avg, fit_n_avg=chosen.fit_n_avg, detection=detection
    )


def _scores(job: Job) -> ScoreSettings | Any:
    from perrin.settings.base import settings_from
    from perrin.settings.scores import ScoreSettings

    threshold, precision = job.settings.threshold, job.settings.precision
    if threshold is not None and precision is not None:
        raise PerrinError("threshold and precision are both given: leave one of them away")
    if precision is not None:
        return settings_from(ScoreSettings, precision=precision)
    if threshold is None or threshold == "auto":
        return threshold
    return settings_from(ScoreSettings, threshold=threshold)


def _of_table(job: Job) -> LandingsResult | None:
    from perrin.io import read_events
    from perrin.mass.calibration import Calibration
    from perrin.pipeline import fit_spectrum

    chosen = job.settings
    path = job.path / "events.h5" if job.input_kind == "results" else job.path
    events = read_events(path, landing_sign=chosen.landing_sign, dataset=chosen.dataset)
    events = _one_measurement(events, chosen.measurement)
    if not len(events):
        return None
    calibration = None if chosen.calibration is None else Calibration.load(chosen.calibration)
    (measured,) = fit_spectrum(events, calibration, resamples=chosen.resamples, seed=chosen.seed)
    return measured


def _one_measurement(events: pd.DataFrame, wanted: str | None) -> pd.DataFrame:
    """The events of one measurement; `PerrinError` where it is not said which of several."""
    names = [str(name) for name in events["measurement"].unique()]
    if wanted is None and len(names) <= 1:
        return events
    if wanted is None:
        raise PerrinError(
            f"the table holds {len(names)} measurements ({', '.join(names[:4])}"
            f"{', ...' if len(names) > 4 else ''}); give each a row, with its name in a column "
            "'measurement'"
        )
    if wanted not in names:
        raise PerrinError(
            f"the table holds no measurement {wanted!r}, but {', '.join(names[:8]) or 'none'}"
        )
    attrs = events.attrs
    events = events[events["measurement"] == wanted].reset_index(drop=True)
    events.attrs = attrs
    return events


def found_in(measured: LandingsResult) -> dict[str, Any]:
    """Return what the tables and pictures over all rows need of a measurement, as plain data.

    ``histogram`` counts the retained events in bins of 1 kDa (of 4e-5 where there is contrast
    only), landings positive: its first bin, and the counts.
    """
    events, spectrum = measured.events, measured.spectrum
    landings, unbindings = landings_and_unbindings(events)
    classes = () if measured.classification is None else measured.classification.fractions
    kept = events[events["retained"]]
    in_kda = spectrum.unit == "kDa"
    values = kept["mass_kda"] if in_kda else -kept["contrast"] / CONTRAST_PER_KDA
    first, counts = _histogram(values.to_numpy(np.float64))
    notes = dict.fromkeys((*measured.notes, *spectrum.notes))
    return {
        "measurement": measured.name,
        "events": len(events),
        "landings": landings,
        "unbindings": unbindings,
        "retained": len(kept),
        "unit": spectrum.unit,
        "classes": {one.name: one.fraction.named("fraction") for one in classes},
        "peaks": [one.to_dict(spectrum.unit) for one in spectrum.species],
        "histogram": {"first": first, "counts": counts.tolist()},
        "abundances": None
        if measured.abundances is None
        else measured.abundances.to_dict("records"),
        "notes": list(notes),
    }


def _histogram(values: np.ndarray[Any, Any]) -> tuple[int, IntArray]:
    near = values[np.isfinite(values) & (np.abs(values) < FARTHEST_KDA)]
    if not near.size:
        return 0, np.zeros(0, np.int64)
    bins = np.floor(near).astype(np.int64)
    return int(bins.min()), np.bincount(bins - bins.min())

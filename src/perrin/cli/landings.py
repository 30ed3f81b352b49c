"""Commands of mass photometry: landings, spectrum, calibrate, psf, inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli import scores
from perrin.cli.say import say
from perrin.errors import PerrinError

if TYPE_CHECKING:
    import pandas as pd

    from perrin.models.classifier import ClassifierModel
    from perrin.pipeline import LandingsResult
    from perrin.settings.landing import LandingSettings


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("landings")(landings)
    app.command("spectrum")(spectrum)
    app.command("calibrate")(calibrate)
    app.command("psf")(psf)
    app.command("inspect")(inspect)


@o.takes_movie_options
def landings(
    movies: Annotated[list[Path], typer.Argument(help="One or several movies, overlaid.")],
    out: o.Out,
    calibration: o.CalibrationFile = None,
    n_avg: o.NAvg = 10,
    fit_n_avg: o.FitNAvg = None,
    permissive: Annotated[
        bool, typer.Option("--permissive", help="Low thresholds, for masses below about 45 kDa.")
    ] = False,
    spatial_threshold: Annotated[
        float | None, typer.Option(help="Matched-filter contrast over its noise.")
    ] = None,
    temporal_threshold: Annotated[
        float | None, typer.Option(help="Signal-to-noise ratio of the step in time.")
    ] = None,
    persistence_ms: Annotated[
        float | None,
        typer.Option(
            "--persistence-ms",
            help="Persistence check: measure all events again at this integration time, ms (140).",
        ),
    ] = None,
    model: scores.ModelName = "default",
    threshold: scores.Threshold = None,
    precision: scores.Precision = None,
    quantifier: scores.QuantifierName = "default",
    reported_spectrum: scores.ReportedSpectrum = "filtered",
    correct_fractions: Annotated[
        bool,
        typer.Option(
            "--correct-fractions",
            help="Correct the fractions of the peaks for what noise and detection lose "
            "(by a simulation).",
        ),
    ] = False,
    psf: o.PsfFile = None,
    allow_calibration_mismatch: Annotated[
        bool,
        typer.Option(
            "--allow-calibration-mismatch",
            help="Use a calibration that was recorded with other settings.",
        ),
    ] = False,
    resamples: o.Resamples = 200,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Analyze mass photometry movies: events, masses, spectrum, figures."""
    from dataclasses import replace

    import numpy as np

    from perrin.io.output_folder import output_folder
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf
    from perrin.pipeline import analyze_landings, check_calibration
    from perrin.results import write_results
    from perrin.settings.spectrum import SpectrumSettings

    read = [*movies, *(path for path in (calibration, psf) if path is not None)]
    target = output_folder(out, overwrite=overwrite, inputs=read)
    settings = _landing_settings(
        n_avg,
        fit_n_avg,
        permissive,
        spatial_threshold,
        temporal_threshold,
        persistence_ms=persistence_ms,
        reported_spectrum=reported_spectrum,
    )
    line = None if calibration is None else Calibration.load(calibration)
    spectrum_settings = o.settings_from(SpectrumSettings, resamples=resamples)
    classifier = scores.classifier(model)
    score_settings = scores.settings(threshold, precision, model=classifier)
    quantifying = scores.quantifier(quantifier)
    if correct_fractions and (classifier is None or line is None):
        raise PerrinError("--correct-fractions needs a classifier and --calibration")
    rng = np.random.default_rng(seed)
    measured = []
    for path in movies:
        with (
            movie_options.open(path) as movie,
            o.progress_bar(path.name) as progress,
        ):
            if line is not None and not allow_calibration_mismatch:
                check_calibration(line, movie, settings)
            why_not = scores.why_not(classifier, movie, settings, named=model)
            not_quantified = scores.why_not_quantified(
                quantifying, movie, settings, named=quantifier
            )
            done = analyze_landings(
                movie,
                settings=settings,
                spectrum_settings=spectrum_settings,
                psf=None if psf is None else Psf.load(psf),
                calibration=line,
                model=None if why_not else classifier,
                scores=score_settings,
                quantifier=None if not_quantified else quantifying,
                rng=rng,
                progress=progress,
            )
            measured.append(replace(done, notes=why_not + not_quantified + done.notes))
    if correct_fractions and classifier is not None:
        measured = [_corrected(one, classifier, seed) for one in measured]
    write_results(target, measured, inputs=movies, run=o.this_run(seed))
    say(measured, out)


def spectrum(
    tables: Annotated[list[Path], typer.Argument(help="Event tables of any program, overlaid.")],
    out: o.Out,
    calibration: o.CalibrationFile = None,
    resamples: o.Resamples = 200,
    bin_kda: Annotated[float, typer.Option(help="Width of the histogram's bins, kDa.")] = 5.0,
    low_kda: Annotated[float, typer.Option(help="Lower end of the masses used, kDa.")] = -5000.0,
    high_kda: Annotated[float, typer.Option(help="Upper end of the masses used, kDa.")] = 5000.0,
    landing_sign: Annotated[
        int | None,
        typer.Option(
            help="Sign of a landing's contrast in tables that do not show it: -1 or 1.",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Group of the events in an HDF5 file with several.")
    ] = None,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> None:
    """Fit mass spectra to tables of events from any program."""
    import numpy as np

    from perrin.errors import about
    from perrin.io import read_events
    from perrin.io.output_folder import output_folder
    from perrin.mass.calibration import Calibration
    from perrin.pipeline import analyze_events, told_apart
    from perrin.results import write_results
    from perrin.settings.spectrum import SpectrumSettings

    read = [*tables, *([] if calibration is None else [calibration])]
    target = output_folder(out, overwrite=overwrite, inputs=read)
    settings = o.settings_from(
        SpectrumSettings,
        bin_width_kda=bin_kda,
        range_kda=(low_kda, high_kda),
        resamples=resamples,
    )
    line = None if calibration is None else Calibration.load(calibration)
    rng = np.random.default_rng(seed)
    measured: list[LandingsResult] = []
    files: list[Path] = []
    with o.progress_bar("spectra") as progress:
        for done, path in enumerate(tables):
            events = read_events(path, landing_sign=landing_sign, dataset=dataset)
            with about(path):
                found = analyze_events(
                    events, spectrum_settings=settings, calibration=line, rng=rng
                )
            measured += found
            files += [path] * len(found)
            progress((done + 1) / len(tables))
    measured = told_apart(measured, files)
    write_results(target, measured, inputs=tables, run=o.this_run(seed))
    say(measured, out)


@o.takes_movie_options
def calibrate(
    out: Annotated[Path, typer.Option("--out", help="Calibration file to write (.json).")],
    source: Annotated[
        Path | None, typer.Argument(help="Movie or event table of the calibrant.")
    ] = None,
    ladder: Annotated[
        str | None,
        typer.Option(help="Masses in kDa, as 66,146,480, or a ladder: nativemark, dynamin, ..."),
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(help="A mass in kDa and its contrast by hand, as 66:-0.0025; repeat it."),
    ] = None,
    n_avg: o.NAvg = 10,
    fit_n_avg: o.FitNAvg = None,
    psf: o.PsfFile = None,
    overwrite: o.Overwrite = False,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Make a calibration: from a movie or table of a known ladder, or from pairs by hand."""
    from perrin.io.output import output_file
    from perrin.mass.calibrants import calibrate_from_events
    from perrin.mass.calibration import calibrate as line_through
    from perrin.mass.ladders import ladder as ladder_of

    if (source is None) == (pair is None):
        raise PerrinError("give either a movie or table with --ladder, or --pair twice or more")
    read = [path for path in (source, psf) if path is not None]
    target = output_file(out, overwrite=overwrite, inputs=read)
    if pair is not None:
        masses, contrasts = zip(*map(_parse_pair, pair), strict=True)
        calibration = line_through(masses, contrasts, source="by hand")
    else:
        if source is None or ladder is None:
            raise PerrinError("which masses does the calibrant hold? Give --ladder, as 66,146,480")
        masses_kda = ladder_of(ladder)
        settings = _landing_settings(n_avg, fit_n_avg, False, None, None)
        events, recorded = _calibrant(source, settings, psf, movie_options)
        made = calibrate_from_events(events, masses_kda, recorded=recorded, source=source.name)
        calibration = made.calibration
        typer.echo(f"read as  {made.match}")
        for other in made.alternatives:
            typer.echo(f"or as    {other}")
        if made.alternatives:
            typer.echo("The peaks can be read in more than one way: check, or give pairs by hand.")
    calibration.save(target)
    typer.echo(
        f"contrast = {calibration.gradient_per_kda:.4g} per kDa * mass "
        f"{calibration.offset:+.2g}; largest residual {calibration.max_relative_residual:.1%}"
    )
    typer.echo(f"written to {out}")


@o.takes_movie_options
def psf(
    movie: Annotated[Path, typer.Argument(help="Movie with many landings of one species.")],
    out: Annotated[Path, typer.Option("--out", help="PSF file to write (.npz).")],
    contrast: Annotated[
        str, typer.Option(help="Range of contrasts to average, as -0.0075,-0.006.")
    ],
    n_avg: o.NAvg = 10,
    overwrite: o.Overwrite = False,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Build the point-spread function of an instrument from its own landings."""
    from perrin.io.output import output_file
    from perrin.landing.epsf import build_epsf
    from perrin.optics.psf import Psf
    from perrin.pipeline import find_events

    try:
        low, high = (float(part) for part in contrast.split(","))
    except ValueError as error:
        raise PerrinError(
            f"--contrast is {contrast!r}; give two numbers, as -0.0075,-0.006"
        ) from error
    target = output_file(out, overwrite=overwrite, inputs=[movie])
    settings = _landing_settings(n_avg, None, False, None, None)
    with (
        movie_options.open(movie) as opened,
        o.progress_bar(movie.name) as progress,
    ):
        start = Psf.analytic(pixel_nm=opened.pixel_nm)
        events = find_events(opened, settings=settings, psf=start, progress=progress)
        built = build_epsf(opened, events, contrast_range=(low, high), n_avg=n_avg)
    built.psf.save(target)
    typer.echo(
        f"{built.used} of {built.offered} isolated landings averaged; full width at half "
        f"maximum {built.psf.fwhm_px():.2f} px. Written to {out}"
    )


@o.takes_movie_options
def inspect(
    path: Annotated[Path, typer.Argument(help="Any file.")],
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Describe a file: format, shape, frame interval, pixel, sign, and what is missing."""
    from perrin.io import inspect as look_at

    seen = look_at(path, **movie_options)
    typer.echo(f"{path.name}: {seen.description}")
    for name, text in seen.facts():
        typer.echo(f"  {name:<16}{text}")
    for name in seen.missing:
        typer.echo(f"  missing: give --{name.replace('_', '-')}")
    for sentence in (*seen.problems, *seen.notes):
        typer.echo(f"  note: {sentence}")


def _corrected(measured: LandingsResult, classifier: ClassifierModel, seed: int) -> LandingsResult:
    """The measurement with corrected fractions of its peaks; left as it is if it was not scored."""
    from perrin.pipeline.retention import correct_abundances

    if measured.classification is None:
        return measured
    with o.progress_bar(f"{measured.name}: simulating what is kept") as progress:
        return correct_abundances(measured, model=classifier, seed=seed, progress=progress)


def _landing_settings(
    n_avg: int,
    fit_n_avg: int | None,
    permissive: bool,
    spatial: float | None,
    temporal: float | None,
    **others: float | str | None,
) -> LandingSettings:
    from perrin.settings.landing import DetectionSettings, LandingSettings

    start = DetectionSettings.permissive() if permissive else DetectionSettings()
    given = {"spatial_threshold": spatial, "temporal_threshold": temporal}
    values = start.model_dump() | {name: v for name, v in given.items() if v is not None}
    detection = o.settings_from(DetectionSettings, **values)
    return o.settings_from(
        LandingSettings, n_avg=n_avg, fit_n_avg=fit_n_avg, detection=detection, **others
    )


def _calibrant(
    source: Path, settings: LandingSettings, psf: Path | None, movie_options: o.MovieOptions
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Events of the calibrant and the settings they were recorded with, as far as known."""
    from perrin.io import inspect as look_at
    from perrin.io import read_events
    from perrin.optics.psf import Psf
    from perrin.pipeline import find_events, recorded_settings

    dataset, sign = movie_options["dataset"], movie_options["landing_sign"]
    if look_at(source).kind == "events":
        events = read_events(source, landing_sign=sign, dataset=dataset)
        typer.echo(events.attrs["read_as"])
        for note in events.attrs["notes"]:
            typer.echo(f"  note: {note}")
        return events, {}
    with (
        movie_options.open(source) as movie,
        o.progress_bar(source.name) as progress,
    ):
        shape = Psf.analytic(pixel_nm=movie.pixel_nm) if psf is None else Psf.load(psf)
        events = find_events(movie, settings=settings, psf=shape, progress=progress)
        return events, recorded_settings(movie, settings)


def _parse_pair(text: str) -> tuple[float, float]:
    try:
        mass, contrast = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise PerrinError(
            f"--pair is {text!r}; give a mass in kDa and a contrast, as 66:-0.0025"
        ) from error
    return mass, contrast

"""Commands of mass photometry: landings, spectrum, calibrate, psf, inspect."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli import scores
from perrin.cli.bundles import InstrumentFiles, MovieOptions, bundled
from perrin.cli.say import say
from perrin.errors import PerrinError

if TYPE_CHECKING:
    import pandas as pd

    from perrin.io.movie import Movie
    from perrin.mass.calibration import Calibration
    from perrin.pipeline import LandingsResult
    from perrin.settings.landing import LandingSettings


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (landings, spectrum, calibrate, psf, inspect):
        app.command()(command)


@dataclass(frozen=True)
class LandingOptions:
    """How landings are found and fitted."""

    n_avg: o.NAvg = 10
    fit_n_avg: o.FitNAvg = None
    permissive: Annotated[
        bool, typer.Option("--permissive", help="Low thresholds, for masses below about 45 kDa.")
    ] = False
    spatial_threshold: Annotated[
        float | None, typer.Option(help="Matched-filter contrast over its noise.")
    ] = None
    temporal_threshold: Annotated[
        float | None, typer.Option(help="Signal-to-noise ratio of the step in time.")
    ] = None
    persistence_ms: Annotated[
        float | None,
        typer.Option(
            "--persistence-ms",
            help="Persistence check: measure all events again at this integration time, ms (140).",
        ),
    ] = None
    reported_spectrum: scores.ReportedSpectrum = "filtered"

    def settings(self) -> LandingSettings:
        """Return the settings; raises `PerrinError` for values out of bounds."""
        from perrin.settings.landing import DetectionSettings, LandingSettings

        start = DetectionSettings.permissive() if self.permissive else DetectionSettings()
        thresholds = o.given(
            spatial_threshold=self.spatial_threshold, temporal_threshold=self.temporal_threshold
        )
        return o.settings_from(
            LandingSettings,
            n_avg=self.n_avg,
            fit_n_avg=self.fit_n_avg,
            detection=o.settings_from(DetectionSettings, **start.model_dump() | thresholds),
            persistence_ms=self.persistence_ms,
            reported_spectrum=self.reported_spectrum,
        )


CorrectFractions = Annotated[
    bool,
    typer.Option(
        "--correct-fractions",
        help="Correct the fractions of the peaks for what noise and detection lose "
        "(by a simulation).",
    ),
]


@bundled
def landings(
    movies: Annotated[list[Path], typer.Argument(help="One or several movies, overlaid.")],
    out: o.Out,
    landing: LandingOptions,
    networks: scores.NetworkOptions,
    instrument: InstrumentFiles,
    movie_options: MovieOptions,
    correct_fractions: CorrectFractions = False,
    resamples: o.Resamples = 200,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> None:
    """Analyze mass photometry movies: events, masses, spectrum, figures."""
    import numpy as np

    from perrin.cli.first_run import say_first_run
    from perrin.io.output_folder import output_folder
    from perrin.pipeline import analyze_landings
    from perrin.results import write_results

    inputs = [*movies, *instrument.paths()]
    target = output_folder(out, overwrite=overwrite, inputs=inputs)
    settings = landing.settings()
    networks.check()
    chosen = {
        **instrument.load(),
        **networks.by_name(),
        "settings": settings,
        "resamples": resamples,
        "correct_fractions": correct_fractions,
        "seed": np.random.default_rng(seed),  # several movies go on where the last one ended
    }
    say_first_run()
    measured = []
    for path in movies:
        with movie_options.open(path) as movie, o.progress_bar(path.name) as progress:
            measured.append(analyze_landings(movie, progress=progress, **chosen))
    write_results(target, _alone(measured), inputs=inputs, command=o.this_command())
    say(measured, out)


BinKda = Annotated[float, typer.Option(help="Width of the histogram's bins, kDa.")]
LowKda = Annotated[float, typer.Option(help="Lower end of the masses used, kDa.")]
HighKda = Annotated[float, typer.Option(help="Upper end of the masses used, kDa.")]
SignOfTable = Annotated[
    int | None,
    typer.Option(help="Sign of a landing's contrast in tables that do not show it: -1 or 1."),
]
Group = Annotated[
    str | None, typer.Option(help="Group of the events in an HDF5 file with several.")
]


def spectrum(
    tables: Annotated[list[Path], typer.Argument(help="Event tables of any program, overlaid.")],
    out: o.Out,
    calibration: o.CalibrationFile = None,
    resamples: o.Resamples = 200,
    bin_kda: BinKda = 5.0,
    low_kda: LowKda = -5000.0,
    high_kda: HighKda = 5000.0,
    landing_sign: SignOfTable = None,
    dataset: Group = None,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> None:
    """Fit mass spectra to tables of events from any program."""
    import numpy as np

    from perrin.errors import about
    from perrin.io import read_events
    from perrin.io.output_folder import output_folder
    from perrin.pipeline import fit_spectrum, told_apart
    from perrin.results import write_results
    from perrin.settings.spectrum import SpectrumSettings

    read = o.paths(*tables, calibration)
    target = output_folder(out, overwrite=overwrite, inputs=read)
    settings = o.settings_from(
        SpectrumSettings, bin_width_kda=bin_kda, range_kda=(low_kda, high_kda)
    )
    line = o.calibration_in(calibration)
    rng = np.random.default_rng(seed)
    measured: list[LandingsResult] = []
    files: list[Path] = []
    with o.progress_bar("spectra") as progress:
        for done, path in enumerate(tables):
            events = read_events(path, landing_sign=landing_sign, dataset=dataset)
            with about(path):
                found = fit_spectrum(
                    events, line, spectrum_settings=settings, resamples=resamples, seed=rng
                )
            measured += found
            files += [path] * len(found)
            progress((done + 1) / len(tables))
    measured = told_apart(measured, files)
    write_results(target, _alone(measured), inputs=read, command=o.this_command())
    say(measured, out)


Ladder = Annotated[
    str | None,
    typer.Option(help="Masses in kDa, as 66,146,480, or a ladder: nativemark, dynamin, ..."),
]
Pair = Annotated[
    list[str] | None,
    typer.Option(help="A mass in kDa and its contrast by hand, as 66:-0.0025; repeat it."),
]


@bundled
def calibrate(
    out: Annotated[Path, typer.Option("--out", help="Calibration file to write (.json).")],
    movie_options: MovieOptions,
    source: Annotated[
        Path | None, typer.Argument(help="Movie or event table of the calibrant.")
    ] = None,
    ladder: Ladder = None,
    pair: Pair = None,
    n_avg: o.NAvg = 10,
    fit_n_avg: o.FitNAvg = None,
    psf: o.PsfFile = None,
    model: scores.ModelName = "default",
    overwrite: o.Overwrite = False,
) -> None:
    """Make a calibration: from a movie or table of a known ladder, or from pairs by hand."""
    from perrin.pipeline import calibrate as make
    from perrin.results.calibration import calibration_files, write_calibration

    read = o.paths(source, o.psf_file(psf))
    targets = calibration_files(out, overwrite=overwrite, inputs=read)
    if source is not None and pair is None and ladder is None:  # before the movie is opened
        raise PerrinError("which masses does the calibrant hold? Give --ladder, as 66,146,480")
    settings = LandingOptions(n_avg=n_avg, fit_n_avg=fit_n_avg).settings()
    with ExitStack() as opened:
        made = make(
            None if source is None else _calibrant(source, movie_options, opened),
            ladder,
            pairs=None if pair is None else [_pair(text) for text in pair],
            settings=settings,
            psf=o.psf_in(psf),
            classifier=model,
            source=None if source is None else source.name,
            progress=opened.enter_context(o.progress_bar("calibrate")),
        )
    write_calibration(targets, made)
    _say_line(made, out)


@bundled
def psf(
    movie: Annotated[Path, typer.Argument(help="Movie with many landings.")],
    out: Annotated[Path, typer.Option("--out", help="PSF file to write (.npz).")],
    movie_options: MovieOptions,
    contrast: Annotated[
        str | None,
        typer.Option(help="Average only this range of contrasts, as -0.0075,-0.006."),
    ] = None,
    n_avg: o.NAvg = 10,
    overwrite: o.Overwrite = False,
) -> None:
    """Build the point-spread function of an instrument from its own landings."""
    from perrin.io.output import output_file
    from perrin.pipeline import build_psf

    wanted = None
    if contrast is not None:
        wanted = o.two_numbers(contrast, "--contrast", "two numbers, as -0.0075,-0.006")
    target = output_file(out, overwrite=overwrite, inputs=[movie])
    with movie_options.open(movie) as opened, o.progress_bar(movie.name) as progress:
        built = build_psf(opened, wanted, n_avg=n_avg, progress=progress)
    built.psf.save(target)
    card = built.psf.card
    typer.echo(
        f"{built.used} of {built.offered} clear and isolated landings averaged; full width at half "
        f"maximum {card['fwhm_nm']:.0f} nm (standard error {card['fwhm_se_nm']:.1f}), ring over "
        f"center {card['ring']:.3f} ({card['ring_se']:.3f}), asymmetry {card['asymmetry']:.1%}, "
        f"signal to noise {card['signal_to_noise']:.0f}"
    )
    typer.echo(
        f"width changes by {card['width_change_field']:+.1%} over the field and by "
        f"{card['width_change_time']:+.1%} over time. Written to {out}"
    )


@bundled
def inspect(
    path: Annotated[Path, typer.Argument(help="Any file.")],
    movie_options: MovieOptions,
) -> None:
    """Describe a file: format, shape, frame interval, pixel, sign, and what is missing."""
    from perrin.io import inspect as look_at

    seen = look_at(path, **movie_options.by_name())
    typer.echo(f"{path.name}: {seen.description}")
    if seen.read_as:
        typer.echo(f"  {seen.read_as}")
    for name, text in seen.facts():
        typer.echo(f"  {name:<16}{text}")
    for name in seen.missing:
        typer.echo(f"  missing: give --{name.replace('_', '-')}")
    for sentence in (*seen.problems, *seen.notes):
        typer.echo(f"  note: {sentence}")


def _alone(measured: list[LandingsResult]) -> LandingsResult | list[LandingsResult]:
    """The only measurement, or all of them."""
    return measured[0] if len(measured) == 1 else measured


def _say_line(made: Calibration, out: Path) -> None:
    if made.reading:
        typer.echo(f"read as  {made.reading}")
    for other in made.other_readings:
        typer.echo(f"or as    {other}")
    if made.other_readings:
        typer.echo("The peaks can be read in more than one way: check, or give pairs by hand.")
    typer.echo(
        f"contrast = {made.gradient_per_kda:.4g} per kDa * mass "
        f"{made.offset:+.2g}; largest residual {made.max_relative_residual:.1%}"
    )
    for note in made.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"written to {out}, its picture to {out.with_suffix('.svg').name} and .png")


def _calibrant(
    source: Path, movie_options: MovieOptions, opened: ExitStack
) -> Movie | pd.DataFrame:
    """The movie, open until `opened` is closed, or the table of events."""
    from perrin.io import inspect as look_at
    from perrin.io import read_events

    if look_at(source).kind == "events":
        events = read_events(
            source, landing_sign=movie_options.landing_sign, dataset=movie_options.dataset
        )
        typer.echo(events.attrs["read_as"])
        for note in events.attrs["notes"]:
            typer.echo(f"  note: {note}")
        return events
    return opened.enter_context(movie_options.open(source))


def _pair(text: str) -> tuple[float, float]:
    want = "a mass in kDa and a contrast, as 66:-0.0025"
    return o.two_numbers(text, "--pair", want, between=":")

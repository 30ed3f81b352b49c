"""Commands of mass photometry: landings, spectrum, psf, inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli import scores
from perrin.cli.bundles import InstrumentFiles, MovieOptions, bundled
from perrin.cli.calibrating import Calibrant, calibrate
from perrin.cli.finding import LandingOptions
from perrin.cli.layout import ANALYZE, FILE, LOOK, NUMBERS
from perrin.cli.say import say

if TYPE_CHECKING:
    from perrin.pipeline import LandingsResult


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("landings", rich_help_panel=ANALYZE)(landings)
    app.command("calibrate", rich_help_panel=ANALYZE)(calibrate)
    app.command("spectrum", rich_help_panel=ANALYZE)(spectrum)
    app.command("psf", rich_help_panel=ANALYZE)(psf)
    app.command("inspect", rich_help_panel=LOOK)(inspect)


CorrectFractions = Annotated[
    bool,
    typer.Option(
        "--correct-fractions",
        help="Correct the fractions of the peaks for what noise and detection lose "
        "(by a simulation).",
        rich_help_panel=NUMBERS,
    ),
]


Movies = Annotated[
    list[Path], typer.Argument(help="One or several movies, overlaid.", callback=o.several)
]


@bundled
def landings(
    movies: Movies,
    calibrant: Calibrant,
    instrument: InstrumentFiles,
    landing: LandingOptions,
    networks: scores.NetworkOptions,
    movie_options: MovieOptions,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    correct_fractions: CorrectFractions = False,
    resamples: o.Resamples = 200,
    seed: o.Seed = 0,
) -> None:
    """Analyze mass photometry movies: events, masses, spectrum, figures.

    For example::

        perrin landings sample.mp --calibrant calibrant.mp --ladder dynamin
        perrin landings sample.mp --calibration cal.json -o results
        perrin landings "*.mp" --calibration cal.json
    """
    import numpy as np

    from perrin.cli.first_run import say_first_run
    from perrin.io.output_folder import output_folder
    from perrin.pipeline import analyze_landings
    from perrin.results import write_results

    out = o.out_of(out, movies[0])
    calibrant.check(instrument)
    inputs = [*movies, *instrument.paths(), *o.paths(calibrant.calibrant)]
    settings = landing.settings()
    networks.check()
    target = output_folder(out, overwrite=overwrite, inputs=inputs)
    chosen = {
        **instrument.load(),
        **calibrant.calibrated(settings, instrument, movie_options, model=networks.model),
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
    typer.Option(
        help="Sign of a landing's contrast in tables that do not show it: -1 or 1.",
        rich_help_panel=FILE,
    ),
]
Group = Annotated[
    str | None,
    typer.Option(help="Group of the events in an HDF5 file with several.", rich_help_panel=FILE),
]


Tables = Annotated[
    list[Path],
    typer.Argument(help="Event tables of any program, overlaid.", callback=o.several),
]


def spectrum(
    tables: Tables,
    out: o.Out = None,
    calibration: o.CalibrationFile = None,
    bin_kda: BinKda = 5.0,
    low_kda: LowKda = -5000.0,
    high_kda: HighKda = 5000.0,
    overwrite: o.Overwrite = False,
    landing_sign: SignOfTable = None,
    dataset: Group = None,
    resamples: o.Resamples = 200,
    seed: o.Seed = 0,
) -> None:
    """Fit mass spectra to tables of events from any program.

    For example::

        perrin spectrum "*.csv" --bin-kda 3 -o overlaid
    """
    import numpy as np

    from perrin.errors import about
    from perrin.io import read_events
    from perrin.io.output_folder import output_folder
    from perrin.pipeline import fit_spectrum, told_apart
    from perrin.results import write_results
    from perrin.settings.spectrum import SpectrumSettings

    read = o.paths(*tables, calibration)
    settings = o.settings_from(
        SpectrumSettings, bin_width_kda=bin_kda, range_kda=(low_kda, high_kda)
    )
    target = output_folder(o.out_of(out, tables[0]), overwrite=overwrite, inputs=read)
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
    say(measured, target.shown)


@bundled
def psf(
    movie: Annotated[Path, typer.Argument(help="Movie with many landings.")],
    movie_options: MovieOptions,
    out: Annotated[
        Path | None,
        o.output("PSF file to write.", "NAME-psf.npz"),
    ] = None,
    contrast: Annotated[
        str | None,
        typer.Option(help="Average only this range of contrasts, as -0.0075,-0.006."),
    ] = None,
    n_avg: o.NAvg = 10,
    overwrite: o.Overwrite = False,
) -> None:
    """Build the point-spread function of an instrument from its own landings.

    For example::

        perrin psf calibrant.mp -o psf.npz
    """
    from perrin.io.output import output_file
    from perrin.pipeline import build_psf

    out = o.out_of(out, movie, "-psf.npz")
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
    for note in built.notes:
        typer.echo(f"note: {note}")


@bundled
def inspect(
    path: Annotated[Path, typer.Argument(help="Any file.")],
    movie_options: MovieOptions,
) -> None:
    """Describe a file: format, shape, frame interval, pixel, sign, and what is missing.

    For example::

        perrin inspect sample.mp
    """
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

"""From a calibrant to masses: `perrin calibrate`, and the calibrant of `perrin landings`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli import scores
from perrin.cli.bundles import InstrumentFiles, MovieOptions, bundled
from perrin.cli.finding import LandingOptions
from perrin.errors import PerrinError

if TYPE_CHECKING:
    import pandas as pd

    from perrin.io.movie import Movie
    from perrin.mass.calibration import Calibration
    from perrin.settings.landing import LandingSettings


Ladder = Annotated[
    str | None,
    typer.Option(
        "--ladder",
        "-l",
        help="Masses of the calibrant in kDa, as 66,146,480, or a ladder: nativemark, dynamin, ...",
    ),
]
Pair = Annotated[
    list[str] | None,
    typer.Option(help="A mass in kDa and its contrast by hand, as 66:-0.0025; repeat it."),
]
_WHICH_MASSES = "which masses does the calibrant hold? Give --ladder, as 66,146,480"


@dataclass(frozen=True)
class Calibrant:
    """A calibrant that is calibrated with before the samples are analyzed."""

    calibrant: Annotated[
        Path | None,
        typer.Option(
            "--calibrant",
            "-c",
            help="Movie or event table of a calibrant: calibrates first, and keeps the "
            "calibration with the results.",
        ),
    ] = None
    ladder: Ladder = None

    def check(self, instrument: InstrumentFiles) -> None:
        """Raise `PerrinError` for what does not go together, before anything is read."""
        if self.calibrant is None and self.ladder is not None:
            raise PerrinError("--ladder says the masses of a calibrant: give --calibrant too")
        if self.calibrant is not None and instrument.calibration is not None:
            raise PerrinError("give --calibrant, which makes a calibration, or --calibration")
        if self.calibrant is not None and self.ladder is None:
            raise PerrinError(_WHICH_MASSES)

    def calibrated(
        self,
        settings: LandingSettings,
        instrument: InstrumentFiles,
        movie_options: MovieOptions,
        *,
        model: str,
    ) -> dict[str, Any]:
        """Return the calibration, as keyword of `analyze_landings`; nothing without calibrant."""
        if self.calibrant is None:
            return {}
        from perrin.cli.first_run import say_first_run

        say_first_run()
        made = _make(
            self.calibrant,
            self.ladder,
            movie_options,
            settings=settings,
            psf=o.psf_in(instrument.psf),
            classifier=model,
        )
        _say_line(made)
        return {"calibration": made}


CalibrationOut = Annotated[
    Path | None,
    o.output("Calibration file to write, its picture beside it.", "NAME-calibration.json"),
]


@bundled
def calibrate(
    movie_options: MovieOptions,
    source: Annotated[
        Path | None, typer.Argument(help="Movie or event table of the calibrant.")
    ] = None,
    ladder: Ladder = None,
    pair: Pair = None,
    out: CalibrationOut = None,
    overwrite: o.Overwrite = False,
    n_avg: o.NAvg = 10,
    fit_n_avg: o.FitNAvg = None,
    psf: o.PsfFile = None,
    model: scores.ModelName = "default",
) -> None:
    """Make a calibration: from a movie or table of a known ladder, or from pairs by hand.

    For example::

        perrin calibrate calibrant.mp --ladder dynamin -o cal.json
        perrin calibrate --pair 66:-0.0025 --pair 150:-0.0057 -o cal.json
    """
    from perrin.cli.first_run import say_first_run
    from perrin.results.calibration import calibration_files, write_calibration

    if source is None and pair is None:
        raise PerrinError("give either a movie or table with --ladder, or --pair twice or more")
    out = o.out_of(out, source or Path("pairs"), "-calibration.json")
    read = o.paths(source, o.psf_file(psf))
    if source is not None and pair is None and ladder is None:  # before the movie is opened
        raise PerrinError(_WHICH_MASSES)
    settings = LandingOptions(n_avg=n_avg, fit_n_avg=fit_n_avg).settings()
    pairs = None if pair is None else [_pair(text) for text in pair]
    targets = calibration_files(out, overwrite=overwrite, inputs=read)
    if source is not None:
        say_first_run()
    made = _make(
        source,
        ladder,
        movie_options,
        pairs=pairs,
        settings=settings,
        psf=o.psf_in(psf),
        classifier=model,
    )
    write_calibration(targets, made)
    _say_line(made)
    typer.echo(f"written to {out}, its picture to {out.with_suffix('.svg').name} and .png")


def _make(
    source: Path | None, ladder: str | None, movie_options: MovieOptions, **chosen: Any
) -> Calibration:
    """Calibrate with the file of a calibrant, with a bar."""
    from perrin.pipeline import calibrate as make

    with ExitStack() as opened:
        calibrant = None if source is None else _calibrant(source, movie_options, opened)
        return make(
            calibrant,
            ladder,
            source=None if source is None else source.name,
            progress=opened.enter_context(o.progress_bar("calibrate")),
            **chosen,
        )


def _say_line(made: Calibration) -> None:
    loud = [note for note in made.notes if note[:4].isupper()]  # they speak against the line
    for note in loud:
        typer.echo(f"note: {note}")
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
        if note not in loud:
            typer.echo(f"note: {note}")


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
        if unused := movie_options.of_movies_only():
            typer.echo(f"  note: {unused} not used: they are for movies, and this is a table")
        return events
    return opened.enter_context(movie_options.open(source))


def _pair(text: str) -> tuple[float, float]:
    want = "a mass in kDa and a contrast, as 66:-0.0025"
    return o.two_numbers(text, "--pair", want, between=":")

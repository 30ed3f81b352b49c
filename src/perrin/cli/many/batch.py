"""The command for many measurements."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from perrin.cli import options as o
from perrin.cli.bundles import bundled
from perrin.cli.layout import MANY
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.batch.executors import Executor
    from perrin.batch.folder import Asked
    from perrin.batch.run import BatchResult
    from perrin.batch.settings import Kind


Folder = Annotated[
    Path | None,
    o.output("Folder for the results; an earlier run in it is gone on with.", "NAME-results"),
]
Template = Annotated[
    bool, typer.Option("--template", help="Print a sheet of the files given, to be filled in.")
]
Asking = Annotated[
    Literal["landings", "diffusion"],
    typer.Option(
        "--kind",
        help="landings: masses of what lands; diffusion: what moves the particles, the samples "
        "of the sheet as conditions.",
    ),
]
Windows = Annotated[
    str | None,
    typer.Option(
        help="Species by mass in kDa, as A:66,B:150,AB:216, or by bounds, as A:50-85; without "
        "it those that all samples together show."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Worker processes that run the rows; 1: this one."),
]
ClusterAt = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Dask cluster that runs the rows: local, an address as tcp://host:8786, or a YAML "
        "file of dask-jobqueue.",
    ),
]
StopOnError = Annotated[
    bool, typer.Option("--stop-on-error", help="Stop at the first row that fails.")
]
Again = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Run rows again whose files or settings have changed; make tables without rows and "
        "columns that the sheet no longer has.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("batch", rich_help_panel=MANY)(batch)


@dataclass(frozen=True)
class WatchOptions:
    """A folder that is watched while it fills."""

    watch: Annotated[
        Path | None,
        typer.Option(help="Folder to watch: each measurement is analyzed as it is recorded."),
    ] = None
    like: Annotated[
        Path | None,
        typer.Option(help="Sheet whose columns and shared cells the rows of --watch get."),
    ] = None


UNITS = "Of motion, 'unknown': keep the files' unit of length, and frames."
ERROR = "Of motion: error of one axis, where a table has no x_se."
EXPOSURE = "Of motion: fraction of the frame interval with light."
Figures = Annotated[
    bool,
    typer.Option(
        help="Pictures of each row beside its report: half of the time of a table of events."
    ),
]
Units = Annotated[str | None, typer.Option(help=UNITS)]
LocalizationError = Annotated[float | None, typer.Option(help=ERROR)]
Exposure = Annotated[float | None, typer.Option(help=EXPOSURE)]


@dataclass(frozen=True)
class RowOptions:
    """How each row is analyzed; a column of the sheet with the same name goes before."""

    calibration: o.CalibrationFile = None
    psf: o.PsfFile = None
    n_avg: o.NAvg = 10
    pixel_nm: o.PixelNm = None
    frame_rate_hz: o.FrameRateHz = None
    frame_interval_s: o.FrameIntervalS = None
    landing_sign: o.LandingSign = None
    classifier: Annotated[
        str, typer.Option("--model", help="Classifier of movies: default, none, a name, a folder.")
    ] = "default"
    quantifier: Annotated[
        str, typer.Option("--quantifier", help="Quantifier of movies, in the same way.")
    ] = "default"
    correct_fractions: Annotated[
        bool,
        typer.Option(
            "--correct-fractions", help="Simulate what noise and detection lose at each mass."
        ),
    ] = False
    units: Units = None
    localization_error: LocalizationError = None
    exposure: Exposure = None
    figures: Figures = True
    resamples: o.Resamples = 200
    seed: o.Seed = 0

    def settings(self) -> dict[str, Any]:
        """Return the settings of all rows."""
        files = {name: getattr(self, name) for name in ("calibration", "psf")}
        return asdict(self) | {
            name: None if file is None else file.resolve() for name, file in files.items()
        }


Sheets = Annotated[
    list[Path] | None,
    typer.Argument(help="A sheet (CSV); or a batch's folder, to run it again.", callback=o.several),
]


@bundled
def batch(
    sheet: Sheets = None,
    out: Folder = None,
    template: Template = False,
    kind: Asking = "landings",
    species: Windows = None,
    workers: Workers = None,
    cluster: ClusterAt = None,
    stop_on_error: StopOnError = False,
    overwrite: Again = False,
    *,
    watching: WatchOptions,
    rows: RowOptions,
) -> None:
    """Analyze many measurements, a row of a sheet each, and make tables over all of them.

    For example::

        perrin batch --template *.mp > plate.csv
        perrin batch plate.csv --calibration cal.json --species A:66,B:150

    Every option that says how a row is analyzed may be a column of the sheet too, by its name
    with underscores (n_avg, pixel_nm, calibration); a cell goes before the option.
    """
    from perrin.batch.run import run_batch
    from perrin.batch.sheet import template as make

    if template:
        typer.echo(make([str(path) for path in sheet or []]), nl=False)
        return
    executor = _executor(workers, cluster)
    if watching.watch is not None:
        _watch(watching, rows, out, kind=kind, species=species, executor=executor)
        return
    asked, out = _asked(sheet or [], out, kind, species, rows)
    with o.progress_bar("batch") as progress:
        found = run_batch(
            asked.sheet,
            out,
            kind=asked.kind,
            species=asked.species,
            executor=executor,
            stop_on_error=stop_on_error,
            overwrite=overwrite,
            command=o.this_command(),
            progress=progress,
            say=typer.echo,
            **asked.defaults,
        )
    _tell(found, out)


def _watch(
    watching: WatchOptions,
    rows: RowOptions,
    out: Path | None,
    *,
    kind: Kind,
    species: str | None,
    executor: Executor,
) -> None:
    """Run until Ctrl-C, which is how it ends."""
    from perrin.batch.sheet import read_sheet
    from perrin.batch.watch import watch

    if kind != "landings":
        raise PerrinError("--watch is of landings only: leave --kind out")
    if watching.watch is None or watching.like is None or out is None:
        raise PerrinError("--watch needs --like, a sheet, and --out, the folder for the results")
    settings = rows.settings()
    typer.echo(f"watching {watching.watch}; Ctrl-C ends it")
    found = watch(
        watching.watch,
        read_sheet(watching.like, **settings),
        out,
        species=species,
        executor=executor,
        command=o.this_command(),
        say=typer.echo,
        **settings,
    )
    typer.echo("nothing was recorded" if found is None else f"results in {out}")


def _executor(workers: int | None, cluster: str | None) -> Executor:
    """Who runs the rows."""
    from perrin.batch.executors import executor_for

    return executor_for(workers=workers, cluster=cluster)


def _asked(
    sheets: list[Path], out: Path | None, kind: Kind, species: str | None, rows: RowOptions
) -> tuple[Asked, Path]:
    """What is to be done, and where: as the options say, or as an earlier run in a folder did."""
    from perrin.batch.folder import Asked, original_changed, read_asked
    from perrin.batch.sheet import read_sheet

    if len(sheets) != 1:
        raise PerrinError(
            f"{len(sheets)} files given; give one sheet. perrin batch --template FILES makes it."
        )
    if sheets[0].is_dir():
        earlier = read_asked(sheets[0])
        if original_changed(earlier):
            typer.echo(
                f"note: {earlier.sheet.path} changed since; this goes on with the copy in "
                f"{sheets[0]}. To use it: perrin batch {earlier.sheet.path} --out {sheets[0]}"
            )
        asked = Asked(earlier.sheet, earlier.kind, earlier.defaults, species or earlier.species)
        return asked, out or sheets[0]
    out = o.out_of(out, sheets[0])
    settings = rows.settings()
    return Asked(read_sheet(sheets[0], **settings), kind, settings, species), out


def _tell(found: BatchResult, out: Path) -> None:
    """Say how it ended; a batch that was stopped ends with an error."""
    counts = ", ".join(f"{number} {status}" for status, number in found.counts.items())
    typer.echo(f"{len(found.measurements)} rows: {counts}; {found.ran} run now; results in {out}")
    failed = found.counts.get("failed", 0)
    if failed:
        rows, them = ("1 row", "it") if failed == 1 else (f"{failed} rows", "them")
        typer.echo(
            f"{rows} FAILED, not in the tables over rows; why is in {out / 'measurements.csv'}. "
            f"The same command runs {them} again."
        )
    if found.stopped == "interrupted":
        typer.echo(
            "perrin: stopped; what is finished is kept, the row in hand was dropped. The same "
            "command goes on from there.",
            err=True,
        )
        raise o.Stopped
    if found.stopped:
        raise PerrinError(f"stopped: {found.stopped} (--stop-on-error)")

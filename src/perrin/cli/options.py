"""Options that several commands share, and the progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.io.movie import Movie
    from perrin.settings.base import Settings

    Model = TypeVar("Model", bound=Settings)

Out = Annotated[
    Path, typer.Option("--out", help="Folder for the results; appears whole or not at all.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are already there.")
]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="Calibration made with `perrin calibrate`.")
]
PsfFile = Annotated[
    Path | None, typer.Option("--psf", help="Empirical PSF made with `perrin psf`.")
]
PixelNm = Annotated[
    float | None,
    typer.Option("--pixel-nm", help="Size of a stored pixel, nm, if the file has none."),
]
FrameRateHz = Annotated[
    float | None,
    typer.Option("--frame-rate-hz", help="Stored (binned) frames a second, if the file has none."),
]
LandingSign = Annotated[
    int | None,
    typer.Option(
        "--landing-sign", help="-1: a landing makes raw pixels darker (usual); 1: brighter."
    ),
]
Dataset = Annotated[
    str | None, typer.Option("--dataset", help="Name of the movie inside an HDF5 or Zarr file.")
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", help="raw or time-difference, where the file leaves it open."),
]
NAvg = Annotated[
    int, typer.Option("--n-avg", min=1, help="Frames averaged on each side for detection.")
]
FitNAvg = Annotated[
    int | None,
    typer.Option(
        "--fit-n-avg", min=1, help="Frames averaged on each side for the fit; as --n-avg."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")]
Resamples = Annotated[
    int, typer.Option("--resamples", min=0, help="Bootstrap resamples; 0: no intervals.")
]


def open_with_options(
    path: Path,
    *,
    pixel_nm: float | None,
    frame_rate_hz: float | None,
    landing_sign: int | None,
    dataset: str | None,
    encoding: str | None,
) -> Movie:
    """Open a movie with what the user said about it."""
    from perrin.io import open_movie

    return open_movie(
        path,
        pixel_nm=pixel_nm,
        frame_rate_hz=frame_rate_hz,
        landing_sign=landing_sign,
        dataset=dataset,
        encoding=encoding,
    )


def settings_from(model: type[Model], **values: Any) -> Model:
    """Make settings of what the user gave; a value out of bounds is a `PerrinError`."""
    from pydantic import ValidationError

    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or model.__name__
        message = first["msg"].removeprefix("Value error, ")
        raise PerrinError(f"{name} = {first.get('input')!r}: {message}") from error


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float], None]]:
    """Show a bar with the time left; gives a function to call with the share done, 0 to 1."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda done: bar.update(task, completed=done)

"""Options that several commands share, and the progress bar."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from perrin import progress
from perrin.cli.layout import FILE, FINDING, NUMBERS
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf
    from perrin.settings.base import Settings

    Model = TypeVar("Model", bound=Settings)

RESULTS = "Folder for the results, written completely or not at all."


def output(what: str, shown: str | None = None, **given: Any) -> Any:
    """Return the option ``--out``: what goes there, and the name where none is given."""
    if shown is not None:
        given["show_default"] = shown
    return typer.Option("--out", "-o", help=what, **given)


Out = Annotated[
    Path | None,
    output(RESULTS, "NAME-results"),
]
Evaluated = Annotated[
    Path,
    output(
        RESULTS,
        "NETWORK-evaluation",
        default_factory=lambda: Path(f"{this_verb()}-evaluation"),
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are already there.")
]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="Calibration made with `perrin calibrate`.")
]
AllowMismatch = Annotated[
    bool,
    typer.Option(
        "--allow-calibration-mismatch",
        help="Use a calibration that was recorded with other settings.",
    ),
]
PsfOnly = Annotated[
    Path | None,
    typer.Option("--psf", help="Empirical PSF made with `perrin psf`.", rich_help_panel=FINDING),
]
PsfFile = Annotated[
    Path | None,
    typer.Option(
        "--psf",
        help="PSF made with `perrin psf`; auto: measured in the movie itself; default: the "
        "analytic one.",
        show_default="auto",
        rich_help_panel=FINDING,
    ),
]
PixelNm = Annotated[
    float | None,
    typer.Option(
        "--pixel-nm", help="Size of a stored pixel, nm, if the file has none.", rich_help_panel=FILE
    ),
]
FrameRateHz = Annotated[
    float | None,
    typer.Option(
        "--frame-rate-hz",
        help="Stored (binned) frames a second, if the file has none.",
        rich_help_panel=FILE,
    ),
]
FrameIntervalS = Annotated[
    float | None,
    typer.Option(
        "--frame-interval-s",
        help="Seconds from one stored frame to the next, if the file has none.",
        rich_help_panel=FILE,
    ),
]
Axes = Annotated[
    str | None,
    typer.Option(
        "--axes",
        help="One letter a stored axis, as TYX, YXT or TCYX (T time, C channel, Z plane), where "
        "the file does not name them or errs.",
        rich_help_panel=FILE,
    ),
]
Channel = Annotated[
    int | None, typer.Option("--channel", help="Which channel, from 0.", rich_help_panel=FILE)
]
Plane = Annotated[
    int | None, typer.Option("--z", help="Which plane (z slice), from 0.", rich_help_panel=FILE)
]
Unsigned = Annotated[
    bool,
    typer.Option(
        "--unsigned", help="Bytes of an MRC file (mode 0) are unsigned.", rich_help_panel=FILE
    ),
]
FollowLinks = Annotated[
    bool,
    typer.Option(
        "--follow-links",
        help="Read frames that the file takes from other files. Only if trusted.",
        rich_help_panel=FILE,
    ),
]
LandingSign = Annotated[
    int | None,
    typer.Option(
        "--landing-sign",
        help="-1: a landing makes raw pixels darker (usual); 1: brighter.",
        rich_help_panel=FILE,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="Name of the movie inside an HDF5 or Zarr file; series of a TIFF.",
        rich_help_panel=FILE,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        help="raw or time-difference, where the file leaves it open.",
        rich_help_panel=FILE,
    ),
]
NAvg = Annotated[
    int,
    typer.Option(
        "--n-avg",
        min=1,
        help="Frames averaged on each side for detection.",
        rich_help_panel=FINDING,
    ),
]
FitNAvg = Annotated[
    int | None,
    typer.Option(
        "--fit-n-avg",
        min=1,
        help="Frames averaged on each side for the fit; as --n-avg.",
        rich_help_panel=FINDING,
    ),
]
Tracks = Annotated[
    Path, typer.Argument(help="Tracks: trackpy, TrackMate, CSV, parquet, .mat, .npy.")
]
ModelName = Annotated[
    str, typer.Option("--model", help="Name or folder of a network; see `perrin model list`.")
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, help="Seed of all random numbers.", rich_help_panel=NUMBERS)
]
_SAME_INTERVAL = 1e-3  # relative difference up to which interval and rate say the same
Resamples = Annotated[
    int,
    typer.Option(
        "--resamples", min=0, help="Bootstrap resamples; 0: no intervals.", rich_help_panel=NUMBERS
    ),
]

INTERRUPTED = 130
"""What typer exits with after Ctrl-C."""


class Stopped(SystemExit):
    """The user stopped a command that kept what was finished, and has said so."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


def interval_s(frame_interval_s: float | None, frame_rate_hz: float | None) -> float | None:
    """Return the frame interval by either option. Raises `PerrinError` where both disagree."""
    if frame_rate_hz is None:
        return frame_interval_s
    if not 0 < frame_rate_hz < float("inf"):
        raise PerrinError(f"--frame-rate-hz {frame_rate_hz:g}: a rate above 0 is needed.")
    if frame_interval_s is not None and abs(frame_interval_s * frame_rate_hz - 1) > _SAME_INTERVAL:
        raise PerrinError(
            f"--frame-interval-s {frame_interval_s:g} and --frame-rate-hz {frame_rate_hz:g} "
            "contradict each other: give one of them."
        )
    return 1 / frame_rate_hz if frame_interval_s is None else frame_interval_s


def numbers(text: str, option: str, want: str, *, between: str = ",") -> tuple[float, ...]:
    """Return the numbers in a text; a `PerrinError` says what the `option` wants."""
    try:
        return tuple(float(part) for part in text.split(between) if part.strip())
    except ValueError as error:
        raise PerrinError(f"{option} is {text!r}; give {want}") from error


def two_numbers(text: str, option: str, want: str, *, between: str = ",") -> tuple[float, float]:
    """Return two numbers; a `PerrinError` says what the `option` wants."""
    found = numbers(text, option, want, between=between)
    if len(found) != 2:
        raise PerrinError(f"{option} is {text!r}; give {want}")
    return found[0], found[1]


def calibration_in(path: Path | None) -> Calibration | None:
    """Return the calibration in a file, if one was named."""
    from perrin.mass.calibration import Calibration

    return None if path is None else Calibration.load(path)


def psf_in(path: Path | None) -> Psf | Literal["default"] | None:
    """Return the PSF in a file, if one was named; None for ``auto``, or ``"default"``."""
    from perrin.optics.psf import Psf

    if path is None or str(path) == "auto":
        return None
    return "default" if str(path) == "default" else Psf.load(path)


def psf_file(path: Path | None) -> Path | None:
    """Return the file that was named as the PSF, if it is one."""
    return None if path is None or str(path) in ("auto", "default") else path


def paths(*values: Path | None) -> list[Path]:
    """Return the files that were named."""
    return [value for value in values if value is not None]


def given(**values: Any) -> dict[str, Any]:
    """Return what the user gave, without what was left out."""
    return {name: value for name, value in values.items() if value is not None}


def several(given: list[Path] | None) -> list[Path] | None:
    """Return the files that were named; a pattern that no shell expanded is all that it fits.

    Raises `PerrinError` for a pattern that fits nothing, and for a file that is named twice.
    """
    if given is None:
        return None
    found: list[Path] = []
    for one in given:
        if one.exists() or not glob.has_magic(str(one)):
            found.append(one)
            continue
        fitting = sorted(glob.glob(str(one), recursive=True))  # noqa: PTH207 (absolute ones)
        if not fitting:
            raise PerrinError(f"{one}: no file fits this pattern; check the name and the folder.")
        found += map(Path, fitting)
    seen: set[Path] = set()
    for one in found:
        real = one.resolve()
        if real in seen:
            raise PerrinError(f"{one} is given twice and would count double; leave one away.")
        seen.add(real)
    return found


def out_of(out: Path | None, first: Path, ending: str = "-results") -> Path:
    """Return where results go: as given, or by the first file, in the folder perrin runs in.

    What is made of a folder called NAME-results is called NAME and `ending`.
    """
    from perrin.io.output import named_after

    return Path(named_after(first, ending)) if out is None else out


def this_verb() -> str:
    """Return the last word of the command that is run, as ``mixture`` of ``train mixture``."""
    from click import get_current_context

    return get_current_context().info_name or ""


def this_command() -> list[str]:
    """What was typed, to be kept beside the results."""
    return ["perrin", *sys.argv[1:]]


def settings_from(model: type[Model], /, **values: Any) -> Model:
    """Make settings of what the user gave; a value out of bounds is a `PerrinError`."""
    from perrin.settings.base import settings_from as make

    return make(model, named=option_of, **values)


_OPTION_OF = {
    "bin_width_kda": "--bin-kda",
    "frames": "--window",
    "height_px": "--size-px",
    "width_px": "--size-px",
    "range_kda": "--low-kda to --high-kda",
}
"""Options that are not called as the setting that they fill."""


def option_of(setting: str) -> str:
    """Return the option that fills a setting, as it is typed."""
    last = setting.rpartition(".")[2]
    return _OPTION_OF.get(last, f"--{last.replace('_', '-')}")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float], None]]:
    """Show a bar with the time left; gives a function to call with the fraction done, 0 to 1."""
    if os.environ.get(progress.VARIABLE) == "lines":
        yield lambda done: typer.echo(f"{progress.LINE} {done:.4f}", err=True)
        return
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

"""Options that go together: a command names their data class and gets what was given as one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from perrin.cli import options as o

if TYPE_CHECKING:
    from perrin.io.found import Contents
    from perrin.io.movie import Movie


def bundled(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command each option of its bundles: of every parameter that is a data class."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    bundles: dict[str, Any] = {
        one.name: one.annotation for one in own if is_dataclass(one.annotation)
    }
    shown: list[Parameter] = []
    for one in own:
        bundle = bundles.get(one.name)
        shown += [one.replace(kind=Parameter.KEYWORD_ONLY)] if bundle is None else _options(bundle)

    @functools.wraps(command)
    def gathering(**given: Any) -> None:
        made = {
            name: bundle(**{option.name: given.pop(option.name) for option in fields(bundle)})
            for name, bundle in bundles.items()
        }
        command(**given, **made)

    gathering.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    gathering.__annotations__ = {option.name: option.annotation for option in shown}
    return gathering


def _options(bundle: Any) -> list[Parameter]:
    """The fields of a data class, as parameters of a function."""
    hints = get_type_hints(bundle, include_extras=True)
    return [
        Parameter(
            option.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if option.default is MISSING else option.default,
            annotation=hints[option.name],
        )
        for option in fields(bundle)
    ]


@dataclass(frozen=True)
class MovieOptions:
    """What the user said of a movie: the options of `perrin.io.open_movie`, by name."""

    pixel_nm: o.PixelNm = None
    frame_rate_hz: o.FrameRateHz = None
    frame_interval_s: o.FrameIntervalS = None
    landing_sign: o.LandingSign = None
    dataset: o.Dataset = None
    encoding: o.Encoding = None
    axes: o.Axes = None
    channel: o.Channel = None
    z: o.Plane = None
    unsigned: o.Unsigned = False
    follow_links: o.FollowLinks = False

    def by_name(self) -> dict[str, Any]:
        """Return the options as keywords of `open_movie`."""
        return dict(vars(self))

    def of_movies_only(self) -> str:
        """Return the options that were given and say nothing of a table, with commas."""
        told = {k: v for k, v in self.by_name().items() if v not in (None, False)}
        names = [name.replace("_", "-") for name in told if name not in ("landing_sign", "dataset")]
        return ", ".join(f"--{name}" for name in names)

    def open(self, path: Path, *, contents: Contents = "landings") -> Movie:
        """Open the movie at `path` with these options, and print what was understood of it."""
        from perrin.io import open_movie

        movie = open_movie(path, contents=contents, **self.by_name())
        typer.echo(f"{path.name}: {movie.read_as}")
        return movie


@dataclass(frozen=True)
class InstrumentFiles:
    """Calibration and PSF of the instrument that a movie comes from."""

    calibration: o.CalibrationFile = None
    allow_calibration_mismatch: o.AllowMismatch = False
    psf: o.PsfFile = None

    def paths(self) -> list[Path]:
        """Return the files that were named."""
        return o.paths(self.calibration, o.psf_file(self.psf))

    def load(self) -> dict[str, Any]:
        """Return what lies in them, as keywords of `analyze_landings` and `track`."""
        return {
            "calibration": o.calibration_in(self.calibration),
            "check_calibration": not self.allow_calibration_mismatch,
            "psf": o.psf_in(self.psf),
        }

"""What can be chosen in the app, and the command line that says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from perrin.app.tasks import FILE, OF_A_MOVIE, Task
from perrin.settings.base import Settings
from perrin.settings.diffusion import WindowSettings
from perrin.settings.landing import LandingSettings, ReportedSpectrum
from perrin.settings.spectrum import SpectrumSettings
from perrin.settings.tracking import LocateSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

OF_THE_FILE = (
    "table_calibration",
    "mass_calibration",
    "ladder",
    "species",
    "particles",
    "exposure",
    "width_nm",
    "localization_error",
    "frame_interval_s",
    "units",
    "edited",
    "movie",
    "particle",
    "side_px",
    "reaction",
    *OF_A_MOVIE,
)
"""Choices that say what a file does not, or would change its numbers: never kept for another."""

NO_MODEL = "none"
"""What `--model` takes for no classifier at all."""

_OPTION = {
    "table_calibration": "calibration",
    "mass_calibration": "calibration",
    "particles": "kind",
    "locate_threshold": "threshold",
    "reaction": "model",
}
"""Options that are not called as their choice: the same word means another thing elsewhere."""


class Choices(Settings):
    """Options of the commands, by their names; None: what the command does without it."""

    calibration: str | None = Field(None, description="of movies: name of one in the folder")
    table_calibration: str | None = Field(None, description="instead of the masses of a table")
    mass_calibration: str | None = Field(None, description="of molecules that move, for masses")
    psf: str | None = Field(None, description="name of a PSF in the folder")
    model: str | None = Field(None, description="of the package, or a folder; the command's own")
    threshold: str | None = Field(None, pattern=r"^(auto|0|1|[01]?\.\d+)$")
    precision: float | None = Field(None, gt=0, lt=1)
    reported_spectrum: ReportedSpectrum = LandingSettings().reported_spectrum
    n_avg: int = Field(LandingSettings().n_avg, ge=1, le=500)
    fit_n_avg: int | None = Field(None, ge=1, le=500)
    permissive: bool = False
    spatial_threshold: float | None = Field(None, ge=2, le=100)
    temporal_threshold: float | None = Field(None, ge=0, le=100)
    resamples: int = Field(SpectrumSettings().resamples, ge=0, le=10_000)
    ladder: str | None = None
    species: str | None = None
    particles: Literal["rods", "spheres", "molecules"] | None = None
    exposure: float | None = Field(None, ge=0, le=1)
    width_nm: float | None = Field(None, gt=0)
    locate_threshold: float = Field(LocateSettings().threshold, gt=0)
    keep_drift: bool = False
    keep_immobile: bool = False
    localization_error: float | None = Field(None, ge=0)
    pixel_nm: float | None = Field(None, gt=0)
    frame_rate_hz: float | None = Field(None, gt=0)
    landing_sign: Literal[-1, 1] | None = None
    dataset: str | None = None
    encoding: Literal["raw", "time-difference"] | None = None
    axes: str | None = Field(None, pattern=r"^[TCZYXStczyxs?_, ]+$")
    channel: int | None = Field(None, ge=0)
    z: int | None = Field(None, ge=0)
    edited: str | None = Field(None, description="name of a table of tracks in the folder")
    movie: str | None = Field(None, description="name of the movie that was tracked")
    particle: int | None = Field(None, ge=0)
    side_px: int | None = Field(None, ge=2)
    reaction: str | None = Field(None, description="as A+B=AB")
    efficiency_error: float = Field(0.1, ge=0)
    concentration_error: float = Field(0.1, ge=0)
    bin_kda: float = Field(SpectrumSettings().bin_width_kda, gt=0)
    frame_interval_s: float | None = Field(None, gt=0)
    units: Literal["unknown"] | None = None
    window: int = Field(WindowSettings().frames, ge=1)
    stride: int = Field(WindowSettings().stride, ge=1)


def for_another_file(choices: Choices) -> Choices:
    """Return the choices without those that belong to one file."""
    return choices.model_copy(update=dict.fromkeys(OF_THE_FILE))


def option_of(choice: str) -> str:
    """Return the name of the option, and of the parameter of the command, that a choice fills."""
    return _OPTION.get(choice, choice)


def command(task: Task, files: Sequence[str], choices: Choices, *, out: str) -> list[str]:
    """Return the words after ``perrin`` that do `task` as chosen; defaults are left out."""
    given = [
        name
        for one in task.arguments
        for name in (files if one == FILE else [getattr(choices, one) or ""])
    ]
    words = [task.verb, *(f"./{name}" if name.startswith("-") else name for name in given)]
    for name in task.options:
        value = getattr(choices, name)
        if value is None or value == Choices.model_fields[name].default:
            continue
        option = "--" + option_of(name).replace("_", "-")
        words += [option] if value is True else [f"{option}={value}"]
    return [*words, f"--out={out}"]


def example_commands() -> list[list[str]]:
    """Commands that make a sample, a calibrant and its calibration, all simulated."""
    lines = (
        "simulate landings --preset bsa --seconds 20 --seed 2 --out example.mp",
        "simulate landings --preset dynamin --seconds 30 --seed 1 --out calibrant.mp",
        "calibrate calibrant.mp --ladder dynamin --out example-calibration.json",
    )
    return [line.split() for line in lines]

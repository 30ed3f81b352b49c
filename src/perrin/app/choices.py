"""What can be chosen in the app, and the command line that says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from perrin.settings.base import Settings
from perrin.settings.diffusion import WindowSettings
from perrin.settings.landing import LandingSettings, ReportedSpectrum
from perrin.settings.spectrum import SpectrumSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["movie", "events", "tracks"]
_VERBS: dict[Kind, str] = {"movie": "landings", "events": "spectrum", "tracks": "diffusion"}
OF_A_MOVIE = (
    "pixel_nm",
    "frame_rate_hz",
    "landing_sign",
    "dataset",
    "encoding",
    "axes",
    "channel",
    "z",
)
"""Choices that say what the file of a movie does not."""
_OPTIONS: dict[Kind, tuple[str, ...]] = {
    "movie": (
        "calibration",
        "model",
        "threshold",
        "precision",
        "reported_spectrum",
        "n_avg",
        "fit_n_avg",
        "permissive",
        "spatial_threshold",
        "temporal_threshold",
        "resamples",
        *OF_A_MOVIE,
    ),
    "events": ("calibration", "bin_kda", "resamples"),
    "tracks": ("model", "pixel_nm", "frame_interval_s", "units", "window", "stride"),
}


TASKS: dict[Kind, str] = {"movie": "classifier", "tracks": "mixture"}
"""What a network must do to be offered for files of a kind."""


OF_THE_FILE = (*OF_A_MOVIE, "frame_interval_s", "units")
"""Choices that say what a file does not: never kept for another one."""

NO_MODEL = "none"
"""What `--model` takes for no classifier at all."""


class Choices(Settings):
    """Options of the commands, by their names; None: what the command does without it."""

    calibration: str | None = Field(None, description="name of a calibration in the folder")
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
    pixel_nm: float | None = Field(None, gt=0)
    frame_rate_hz: float | None = Field(None, gt=0)
    landing_sign: Literal[-1, 1] | None = None
    dataset: str | None = None
    encoding: Literal["raw", "time-difference"] | None = None
    axes: str | None = Field(None, pattern=r"^[TCZYXStczyxs?_, ]+$")
    channel: int | None = Field(None, ge=0)
    z: int | None = Field(None, ge=0)
    bin_kda: float = Field(SpectrumSettings().bin_width_kda, gt=0)
    frame_interval_s: float | None = Field(None, gt=0)
    units: Literal["unknown"] | None = None
    window: int = Field(WindowSettings().frames, ge=1)
    stride: int = Field(WindowSettings().stride, ge=1)


def for_another_file(choices: Choices) -> Choices:
    """Return the choices without those that belong to one file."""
    return choices.model_copy(update=dict.fromkeys(OF_THE_FILE))


def command(kind: Kind, files: Sequence[str], choices: Choices, *, out: str) -> list[str]:
    """Return the words after ``perrin`` that analyze `files` as chosen; defaults are left out."""
    named = [f"./{name}" if name.startswith("-") else name for name in files]  # no option
    words = [_VERBS[kind], *named]
    for name in _OPTIONS[kind]:
        value = getattr(choices, name)
        if value is None or value == Choices.model_fields[name].default:
            continue
        option = "--" + name.replace("_", "-")
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

"""What one row of a sheet is analyzed with: the options of the commands, by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from perrin.io.keywords import MovieKeywords
from perrin.settings.base import Settings
from perrin.settings.tracking import ParticleKind

Kind = Literal["landings", "diffusion"]
"""What is asked of the rows: masses of what lands, or what moves the particles."""


class RowSettings(Settings):
    """How one row is analyzed; a column of the sheet with one of these names sets it for a row.

    calibration, psf: files, looked for beside the sheet. measurement: which one, of a table that
    holds several. figures: write the pictures of each row. All others are those of `perrin
    landings` and `perrin spectrum`, with the same defaults; `classifier` is the --model of `perrin
    landings`. particles (what moves, in movies), units, localization_error, exposure, window and
    stride are of rows of motion, as in `perrin track` and `perrin diffusion`.
    """

    calibration: Path | None = None
    psf: Path | None = None
    measurement: str | None = None

    pixel_nm: float | None = Field(default=None, gt=0)
    frame_rate_hz: float | None = Field(default=None, gt=0)
    frame_interval_s: float | None = Field(default=None, gt=0)
    landing_sign: int | None = Field(default=None, ge=-1, le=1)
    dataset: str | None = None
    encoding: str | None = None
    axes: str | None = None
    channel: int | None = Field(default=None, ge=0)
    z: int | None = Field(default=None, ge=0)

    n_avg: int = Field(default=10, ge=1)
    fit_n_avg: int | None = Field(default=None, ge=1)
    permissive: bool = False
    classifier: str = "default"
    quantifier: str = "default"
    threshold: float | Literal["auto"] | None = None
    precision: float | None = Field(default=None, gt=0, lt=1)
    correct_fractions: bool = False
    allow_calibration_mismatch: bool = False

    particles: ParticleKind | None = None
    units: Literal["unknown"] | None = None
    localization_error: float | None = Field(default=None, ge=0)
    exposure: float | None = Field(default=None, ge=0, le=1)
    window: int = Field(default=100, ge=1)
    stride: int = Field(default=50, ge=1)

    figures: bool = True
    resamples: int = Field(default=200, ge=0)
    seed: int = Field(default=0, ge=0)


MOVIE = tuple(name for name in MovieKeywords.__annotations__ if name in RowSettings.model_fields)
"""Those of `RowSettings` that `perrin.open_movie` takes."""

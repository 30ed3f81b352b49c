"""The instrument whose landings a network learns from: options, and the source of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o

if TYPE_CHECKING:
    from perrin.train.events.source import Source

Buffer = Annotated[
    Path | None, typer.Option(help="Buffer movie of your instrument, as background.")
]
Epsf = Annotated[Path | None, typer.Option(help="Empirical PSF of your instrument (`perrin psf`).")]
CalibrationFile = Annotated[
    Path | None, typer.Option(help="Calibration of your instrument, for contrast per kDa.")
]


def source_of(
    *,
    buffer: Path | None,
    epsf: Path | None,
    calibration: Path | None,
    movie_options: o.MovieOptions,
) -> Source:
    """Return the instrument to learn from; the simulator's own where nothing is given."""
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf
    from perrin.settings.simulation import InstrumentSettings, ThumbnailSettings
    from perrin.train.events.source import Source

    known: dict[str, Any] = {}
    if epsf is not None:
        known["pixel_nm"] = Psf.load(epsf).pixel_nm
    if buffer is not None:
        with movie_options.open(buffer) as movie:
            known |= {"pixel_nm": movie.pixel_nm, "frame_binning": 1}
            known |= {"width_px": movie.width, "height_px": movie.height}
            known["camera_rate_hz"] = 1 / movie.frame_interval_s
    if calibration is not None:
        known["contrast_per_kda"] = Calibration.load(calibration).gradient_per_kda
    instrument = o.settings_from(InstrumentSettings, **known)
    return Source(
        settings=ThumbnailSettings(instrument=instrument),
        psf=None if epsf is None else str(epsf),
        buffer=None if buffer is None else str(buffer),
        movie_options=dict(movie_options),
    )

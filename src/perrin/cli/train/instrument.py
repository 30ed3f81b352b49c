"""The instrument whose landings a network learns from: options, and the source of events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.bundles import MovieOptions

if TYPE_CHECKING:
    from perrin.train.events.source import Source

Buffer = Annotated[
    Path | None, typer.Option(help="Buffer movie of your instrument, as background.")
]
Epsf = Annotated[Path | None, typer.Option(help="Empirical PSF of your instrument (`perrin psf`).")]
CalibrationFile = Annotated[
    Path | None, typer.Option(help="Calibration of your instrument, for contrast per kDa.")
]


@dataclass(frozen=True)
class TrainingInstrument:
    """The instrument whose landings are learned; the simulator's own where nothing is given."""

    buffer: Buffer = None
    epsf: Epsf = None
    calibration: CalibrationFile = None


def source_of(instrument: TrainingInstrument, movie_options: MovieOptions) -> Source:
    """Return the source of events of an instrument; `movie_options` are of its buffer movie."""
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf
    from perrin.settings.simulation import InstrumentSettings, ThumbnailSettings
    from perrin.train.events.source import Source

    buffer, epsf, calibration = instrument.buffer, instrument.epsf, instrument.calibration
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
    simulated = o.settings_from(InstrumentSettings, **known)
    return Source(
        settings=ThumbnailSettings(instrument=simulated),
        psf=None if epsf is None else str(epsf),
        buffer=None if buffer is None else str(buffer),
        movie_options=movie_options.by_name(),
    )

"""A recorded buffer movie as the background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.settings.simulation import InstrumentSettings

_TOLERANCE = 0.01


def instrument_of(
    background: Movie, instrument: InstrumentSettings, *, n_frames: int
) -> InstrumentSettings:
    """Return `instrument` with the field of view of the buffer movie.

    Raises `PerrinError` if the movie has fewer than `n_frames` frames, or another pixel size
    or frame interval than the instrument.
    """
    if background.n_frames < n_frames:
        raise PerrinError(
            f"the buffer movie {background.name} has {background.n_frames} frames "
            f"({background.duration_s:.3g} s), but {n_frames} are needed "
            f"({n_frames * background.frame_interval_s:.3g} s). Record a longer one, or simulate "
            "less."
        )
    for name, unit, found, wanted in (
        ("pixel size", "nm", background.pixel_nm, instrument.pixel_nm),
        ("frame interval", "s", background.frame_interval_s, instrument.frame_interval_s),
    ):
        if abs(found / wanted - 1) > _TOLERANCE:
            raise PerrinError(
                f"the buffer movie {background.name} has a {name} of {found:.5g} {unit}, the "
                f"simulated instrument {wanted:.5g} {unit}. Change the instrument settings to "
                "those of the buffer movie."
            )
    size = {"width_px": background.width, "height_px": background.height}
    return InstrumentSettings.model_validate(instrument.model_dump() | size)


def add_to_recorded(counts: NDArray[Any], light: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Recorded counts times relative light, rounded to 16 bits again."""
    nearest = np.rint(counts.astype(np.float32) * light)
    changed: NDArray[np.uint16] = np.clip(nearest, 0, 65535).astype(np.uint16)
    return changed

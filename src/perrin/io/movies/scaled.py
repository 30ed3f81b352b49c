"""What numbers of an array stand for, where its attributes say it (netCDF, xarray)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perrin.io.movie import LazyFrames
from perrin.io.movies.frames import ScaledFrames


def as_said(
    frames: LazyFrames, attributes: Mapping[str, Any]
) -> tuple[LazyFrames, str | None, str | None]:
    """Apply the attributes `scale_factor` and `add_offset`; return frames, a note, a problem."""
    said = {name: attributes.get(name) for name in ("scale_factor", "add_offset")}
    if all(value is None for value in said.values()):
        return frames, None, None
    try:
        scale, offset = (
            float(np.asarray(1.0 if n == "scale_factor" and v is None else v or 0.0).reshape(()))
            for n, v in said.items()
        )
    except (TypeError, ValueError):
        scale = offset = np.nan
    if not (np.isfinite(scale) and np.isfinite(offset) and scale != 0):
        text = ", ".join(f"{name} {value!r}" for name, value in said.items())
        return (
            frames,
            None,
            (
                f"says what its numbers stand for in a way that is not known ({text}): store the "
                "values themselves"
            ),
        )
    if (scale, offset) == (1.0, 0.0):
        return frames, None, None
    note = (
        f"values are the stored numbers times {scale:g} plus {offset:g}, as the attributes "
        "scale_factor and add_offset say"
    )
    return ScaledFrames(frames, scale=scale, offset=offset), note, None

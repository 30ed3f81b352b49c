"""What speaks against using a calibration on a measurement, or cannot be checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.event_checks import LARGE_CONTRAST
from perrin.types import FloatArray

if TYPE_CHECKING:
    from perrin.mass.calibration import Calibration

_FAR = 3.0  # times the heaviest calibrant


def unchecked(calibration: Calibration, recorded: Mapping[str, Any]) -> str:
    """Return which settings `perrin.check_recorded` cannot compare; empty where it can all.

    A calibration made of a table or of pairs knows none of them.
    """
    names = [
        f"{name} ({value:.6g} here)"
        for name in ("n_avg", "frame_interval_s", "pixel_nm")
        if (value := recorded.get(name)) is not None and getattr(calibration.recorded, name) is None
    ]
    if not names:
        return ""
    return (
        f"cannot check {', '.join(names)} against the calibration, which does not say them (made "
        "of a table or of pairs): contrast depends on them; the calibrant must have been recorded "
        "and analyzed with the same"
    )


def check_fractions(contrast: FloatArray, calibration: Calibration) -> None:
    """Raise `PerrinError` for contrasts that only percent explains: large, and far off the line."""
    known = np.abs(contrast[np.isfinite(contrast)])
    median = float(np.median(known)) if known.size else 0.0
    heaviest = max((abs(point.contrast) for point in calibration.points), default=0.0)
    if median > max(LARGE_CONTRAST, _FAR * heaviest):
        raise PerrinError(
            f"the contrasts have a median size of {median:.3g}, which the calibration makes "
            f"{float(calibration.mass_kda(-median)):.0f} kDa: they look like percent. Name the "
            "column contrast_percent and it is converted, or divide it by 100: contrast is a "
            "fraction."
        )

"""What speaks against a calibration, or against using it on a measurement."""

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
_RESIDUAL = 0.05
_SURE = 2.0  # standard errors beyond which a residual is not the error of the peak itself
_OFFSET_KDA = 12.0  # twice that of any real calibration at hand


def doubts_of_line(line: Calibration) -> tuple[str, ...]:
    """Return what speaks against a calibration line by itself."""
    said: tuple[str, ...] = ()
    if line.max_relative_residual > _RESIDUAL:
        worst = max(
            line.points,
            key=lambda one: abs(float(line.mass_kda(one.contrast)) / one.mass_kda - 1),
        )
        reads = f"{worst.mass_kda:g} kDa reads as {float(line.mass_kda(worst.contrast)):.3g} kDa"
        off = abs(worst.contrast - float(line.contrast(worst.mass_kda)))
        if worst.contrast_se is not None and off < _SURE * worst.contrast_se:
            error = worst.contrast_se / -worst.contrast
            said += (
                f"A POINT IS BADLY KNOWN: {reads}, and the contrast of its peak is known to "
                f"{error:.0%}. Record more landings of it, or leave it out of the ladder",
            )
        else:
            said += (f"THE POINTS ARE NOT ON A LINE: {reads}. Is a peak taken for another mass?",)
    offset_kda = line.offset / line.gradient_per_kda
    if abs(offset_kda) > _OFFSET_KDA:
        said += (
            f"THE LINE MISSES ZERO by {abs(offset_kda):.0f} kDa (real ones by up to 6): masses "
            "away from the calibrants are wrong by as much. Check the pairs of mass and contrast",
        )
    return said


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

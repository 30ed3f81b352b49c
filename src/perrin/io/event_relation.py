"""Contrast and mass of an event belong together: one line (gradient, offset) for each measurement.

Columns that were sorted, turned or converted apart from each other no longer lie on it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.types import FloatArray

_FEW = 10  # rows that show a line
_SPREAD = 0.1  # of the spread of masses: nearer, a mass lies on the line
_OFFSET = 0.1  # of the median mass: offsets count with one sign or with both, by program
_BROKEN, _RANKED = 0.1, 0.9  # fraction of rows off the line, and order, that refuse a table
_IN_DA = (0.5e-3, 2e-3)  # contrast over mass against all others, where a mass is in Da
_NEARLY_ALL = 0.8
_APART = 5.0  # times that gradients of two samples differ: not the same unit


def check_relation(events: pd.DataFrame, notes: list[str]) -> None:
    """Raise `PerrinError` where contrasts and masses contradict each other; say single rows.

    Of each measurement with 10 rows or more that have both.
    """
    _say_signs(events, notes)
    if "mass_kda" not in events.columns:
        return
    both = events[["contrast", "mass_kda"]].replace([np.inf, -np.inf], np.nan).notna().all(axis=1)
    slopes = {}
    for name, part in events[both & (events["contrast"] != 0)].groupby("measurement", sort=False):
        if len(part) >= _FEW and part["contrast"].nunique() > 2:
            slopes[str(name)] = _check_line(part, str(name), notes)
    known = {name: slope for name, slope in slopes.items() if slope}
    if len(known) < 2:
        return
    low, high = min(known, key=lambda k: known[k]), max(known, key=lambda k: known[k])
    if known[low] * known[high] < 0:
        raise PerrinError(
            f"in {low!r} heavier events have lower contrasts, in {high!r} higher ones: the sign of "
            "the contrast differs between the samples. Turn that of one, or read them one by one."
        )
    sizes = {name: abs(slope) for name, slope in known.items()}
    low, high = min(sizes, key=lambda k: sizes[k]), max(sizes, key=lambda k: sizes[k])
    if sizes[high] > _APART * sizes[low]:
        raise PerrinError(
            f"masses over contrasts are {sizes[high] / sizes[low]:.3g} times as large in {high!r} "
            f"as in {low!r}: the samples are in different units (kDa and Da, or fractions "
            "and percent). Bring them to one unit."
        )


def _say_signs(events: pd.DataFrame, notes: list[str]) -> None:
    """Say where one sample is nearly all landings and another nearly all unbindings."""
    known = events[events["contrast"].notna()]
    if known.empty and "mass_kda" in events.columns and events["mass_kda"].median() < 0:
        notes.append(
            "most masses are negative, which here means unbinding events; if this file counts "
            "landings negative, change the sign of the column"
        )
    groups = known["contrast"].gt(0).groupby(known["measurement"], sort=False)
    positive = groups.mean()[groups.size() >= _FEW]
    if len(positive) and positive.max() > _NEARLY_ALL and positive.min() < 1 - _NEARLY_ALL:
        notes.append(
            f"nearly all events of {positive.idxmin()} are landings and nearly all of "
            f"{positive.idxmax()} unbindings: does the sign of the contrast differ between them?"
        )


def _check_line(part: pd.DataFrame, name: str, notes: list[str]) -> float:
    """Return the kDa in a unit of contrast, 0 where there is none."""
    contrast = part["contrast"].to_numpy(dtype=np.float64)
    mass = part["mass_kda"].to_numpy(dtype=np.float64)
    _check_few_in_da(part, contrast, mass)
    slope, off = _off_the_line(contrast, mass)
    if not off.any():
        return slope
    ranks = float(abs(part["contrast"].rank().corr(part["mass_kda"].rank())))  # Spearman's
    row = part.iloc[int(np.flatnonzero(off)[0])]
    said = (
        f"contrast and mass contradict each other in {int(off.sum())} of {len(off)} events of "
        f"{name} (the first: event {row['event']}, {row['contrast']:.4g} and {row['mass_kda']:.4g} "
        "kDa)"
    )
    if off.mean() > _BROKEN and ranks < _RANKED:
        raise PerrinError(
            f"{said}: they lie on no common line. Was one column sorted, copied or turned without "
            "the other? Export the table again, or keep one of the two columns."
        )
    if off.mean() <= _BROKEN:
        notes.append(f"{said}, where all others lie on one line: edited, or damaged?")
    return slope


def _off_the_line(contrast: FloatArray, mass: FloatArray) -> tuple[float, np.ndarray]:
    """Return the slope that most rows share (by medians), and which rows are off."""
    order = np.argsort(contrast)
    x, y = contrast[order], mass[order]
    half = len(x) // 2
    run = x[half:] - x[: len(x) - half]
    rise = y[half:] - y[: len(y) - half]
    slope = float(np.median(rise[run > 0] / run[run > 0])) if (run > 0).any() else 0.0
    apart = np.abs(mass - slope * contrast - np.median(mass - slope * contrast))
    spread = float(np.subtract(*np.quantile(mass, [0.84, 0.16]))) / 2
    size = float(np.median(np.abs(mass)))
    allowed = _SPREAD * spread + _OFFSET * size + _grain(mass) + abs(slope) * _grain(contrast)
    return slope, apart > allowed


def _grain(values: FloatArray) -> float:
    """Return the step to which values were rounded, next to nothing where they were not."""
    steps = np.diff(np.unique(values))
    return float(steps.min()) if steps.size else 0.0


def _check_few_in_da(part: pd.DataFrame, contrast: FloatArray, mass: FloatArray) -> None:
    known = mass != 0
    ratio = contrast[known] / mass[known]
    usual = float(np.median(ratio)) if known.any() else 0.0
    if not usual:
        return
    light = (ratio / usual > _IN_DA[0]) & (ratio / usual < _IN_DA[1])
    if light.any():
        row = part[known].iloc[int(np.flatnonzero(light)[0])]
        raise PerrinError(
            f"{int(light.sum())} of {len(part)} masses seem to be in Da, the others in kDa (the "
            f"first: event {row['event']} of {row['measurement']}, {row['mass_kda']:g} beside a "
            f"contrast of {row['contrast']:.4g}). Bring them to one unit."
        )

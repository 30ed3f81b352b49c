"""What no table of events can hold, found before it becomes a wrong mass.

Percent for fractions, daltons for kilodaltons, cells that are no contrast at all, rows that are
there twice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.read_as import counted

PER_KDA = (1e-5, 4e-4)
"""Contrast over mass outside of this is no protein's: these give 2e-5 to 8e-5 per kDa."""
PROTEINS = "where proteins give 2e-5 to 8e-5"
_PERCENT_MEDIAN = 0.3  # no molecule measured this way has such a contrast (7 MDa at 4e-5 per kDa)
LARGE_CONTRAST = 0.1
"""Half of all events above it would be above 2.5 MDa: more likely percent."""
_HEAVIEST_MEDIAN_KDA, _LIGHTEST_MEDIAN_KDA = 2e4, 1.0
_MOST_CONTRAST, _MOST_KDA = 1.0, 1e6
_NOTHING = 1e-12  # no fit gives so little
_FEW_ROWS = 10  # fewer values may be equal by rounding


def check_scale(events: pd.DataFrame, notes: list[str]) -> None:
    """Raise `PerrinError` where contrasts or masses are in another unit than they seem to be.

    By the size of each alone, and of contrast over mass where a table has both; of all events,
    and of each measurement.
    """
    _check_sizes(events, notes)
    parts = list(events.groupby("measurement", sort=False))
    for name, part in parts if len(parts) > 1 else ():
        if len(part) >= _FEW_ROWS:
            try:
                _check_sizes(part, [])
            except PerrinError as error:
                raise PerrinError(f"in the sample {str(name)!r} {error}") from error
    if not events["contrast"].notna().any() and "mass_kda" in events.columns:
        _check_few_masses(events["mass_kda"].dropna().abs().to_numpy(dtype=np.float64))


def _check_few_masses(sizes: npt.NDArray[np.float64]) -> None:
    """Raise `PerrinError` where some of many masses are a thousand times the others."""
    heavy = sizes > _HEAVIEST_MEDIAN_KDA
    if heavy.sum() < 2 or heavy.all():
        return
    low, high = np.quantile(sizes[~heavy], [0.05, 0.95])
    again = sizes[heavy] / 1000
    if np.mean((again > low / 2) & (again < 2 * high)) > 0.5:
        raise PerrinError(
            f"{int(heavy.sum())} of {len(sizes)} masses are above {_HEAVIEST_MEDIAN_KDA:g} and, "
            "divided by 1000, as large as the others: they seem to be in Da, the others in kDa. "
            "Bring them to one unit."
        )


def _check_sizes(events: pd.DataFrame, notes: list[str]) -> None:
    contrast = _sizes(events, "contrast")
    mass = _sizes(events, "mass_kda")
    both = np.isfinite(contrast) & np.isfinite(mass) & (contrast > 0) & (mass > 0)
    if both.any():
        _check_ratio(float(np.median(contrast[both] / mass[both])), _median(contrast))
    elif np.isfinite(mass).any():
        _check_masses(_median(mass))
    median = _median(contrast)
    if (
        median > _PERCENT_MEDIAN
        and float(np.nanquantile(np.abs(contrast - 1), 0.9)) < LARGE_CONTRAST
    ):
        raise PerrinError(
            f"the contrasts scatter about {median:.3g}: they seem to be ratios of frames, 1 + "
            "contrast. Subtract 1 from the column."
        )
    _check_fractions(contrast, median)
    if median > LARGE_CONTRAST and not both.any():
        notes.append(
            f"the contrast has a median size of {median:.3g}, very large for a fraction; "
            "if it is in percent, divide the column by 100"
        )


def _check_fractions(contrast: npt.NDArray[np.float64], median: float) -> None:
    if median <= _PERCENT_MEDIAN:
        return
    if float(np.nanquantile(np.abs(contrast - 1), 0.9)) < LARGE_CONTRAST:
        raise PerrinError(
            f"the contrasts scatter about {median:.3g}: they seem to be ratios of frames, 1 + "
            "contrast. Subtract 1 from the column."
        )
    raise PerrinError(
        f"the contrast has a median size of {median:.3g}, which is no fraction: it seems to be "
        f"in percent or in thousandths. {_HOW_FRACTION}."
    )


_HOW_FRACTION = (
    "perrin takes a fraction (0.003, not 0.3): name the column contrast_percent or "
    "contrast_permille and it is converted, or divide the column by 100 or by 1000"
)


def _check_ratio(per_kda: float, median: float) -> None:
    said = f"{per_kda:.2g} per kDa {PROTEINS}"
    if per_kda < PER_KDA[0]:
        beside = " beside contrasts in percent" if per_kda > PER_KDA[0] / 10 else ""
        raise PerrinError(
            f"contrast over mass is {said}: the masses seem to be in Da{beside}, not kDa. "
            "Name the column mass_Da and it is converted, or divide it by 1000."
        )
    if per_kda <= PER_KDA[1]:
        return
    if PER_KDA[0] <= 1 / per_kda <= PER_KDA[1]:
        raise PerrinError(
            f"contrast over mass is {said}, and mass over contrast is {1 / per_kda:.2g}: the two "
            "columns seem to be exchanged. Exchange their names."
        )
    if per_kda < 1e-2:
        raise PerrinError(
            f"the contrast has a median size of {median:.3g}, {said}: it seems to be in percent. "
            f"{_HOW_FRACTION}."
        )
    raise PerrinError(
        f"contrast over mass is {said}: the masses seem to be in MDa (name the column mass_MDa and "
        "it is converted), or the contrasts in thousandths (name the column contrast_permille)."
    )


def _check_masses(median_kda: float) -> None:
    if median_kda > _HEAVIEST_MEDIAN_KDA:
        raise PerrinError(
            f"the masses have a median size of {median_kda:.4g}, too large for kDa: they seem to "
            "be in Da. Name the column mass_Da and it is converted, or divide it by 1000."
        )
    if 0 < median_kda < _LIGHTEST_MEDIAN_KDA:
        raise PerrinError(
            f"the masses have a median size of {median_kda:.4g}, too small for kDa: they seem to "
            "be in MDa. Name the column mass_MDa and it is converted, or multiply it by 1000."
        )


def without_absurd_cells(events: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the table with NaN for contrasts and masses that no event has; they are counted."""
    for name, most, why in (
        ("contrast", _MOST_CONTRAST, "contrast that is not a fraction"),
        ("mass_kda", _MOST_KDA, "mass above 1e6 kDa or infinite"),
    ):
        if name not in events.columns:
            continue
        values = events[name].to_numpy(dtype=np.float64)
        absurd = ~np.isnan(values) & ~(np.abs(values) <= most)
        if absurd.any():
            row = int(np.flatnonzero(absurd)[0])
            notes.append(
                f"{counted(int(absurd.sum()), why)} left out "
                f"(the first: {values[row]:g}, row {row + 1})"
            )
            events = events.assign(**{name: np.where(absurd, np.nan, values)})
    return events


def say_missing(events: pd.DataFrame, notes: list[str]) -> None:
    """Add notes on contrasts and masses that are missing or exactly 0 in some rows only."""
    for name, what in (("contrast", "contrast"), ("mass_kda", "mass")):
        if name not in events.columns:
            continue
        values = events[name].to_numpy(dtype=np.float64)
        missing, zero = int(np.isnan(values).sum()), int((np.abs(values) < _NOTHING).sum())
        if 0 < missing < len(values):
            notes.append(f"{missing} of {len(values)} events without a {what}")
        if zero:
            notes.append(
                f"{zero} of {len(values)} events with a {what} of exactly 0: overwritten, or never "
                "written?"
            )


def without_copies(events: pd.DataFrame, notes: list[str], *, numbered: bool) -> pd.DataFrame:
    """Return the table without rows that are there twice, which are counted in a note.

    numbered: the file itself numbers its events, so that a number is there once. Rows of other
    files are copies where they agree in frame, position and all else, or where every row of a
    table of some length is there equally often.
    """
    if numbered:
        return _without_same_numbers(events, notes)
    rows = events.drop(columns=["event"])
    again = rows.duplicated().to_numpy()
    if not again.any():
        return events
    placed = {"frame", "x_px", "y_px"} <= set(rows.columns)
    counts = rows.groupby(list(rows.columns), dropna=False, sort=False).size()
    all_again = len(events) >= _FEW_ROWS and counts.min() == counts.max()
    if not placed and not all_again:
        return events
    return _left_out(events, again, notes, "agree with an earlier row in every column")


def _without_same_numbers(events: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    key = ["measurement", "event"]
    same = events.duplicated(key, keep=False).to_numpy()
    if not same.any():
        return events
    again = events.duplicated().to_numpy()
    if again.any():
        events = _left_out(events, again, notes, "are there twice (the same event number)")
    left = events[events.duplicated(key)]
    if len(left):
        first = left.iloc[0]
        notes.append(
            f"{len(left)} event numbers are there twice with different values (the first: event "
            f"{first['event']} of {first['measurement']}): two measurements of the same name? "
            "Give each its own name in the column measurement"
        )
    return events


def _left_out(
    events: pd.DataFrame, again: npt.NDArray[np.bool_], notes: list[str], why: str
) -> pd.DataFrame:
    notes.append(f"{int(again.sum())} of {len(events)} rows {why}: duplicates, left out")
    kept: pd.DataFrame = events.loc[~again].reset_index(drop=True)
    return kept


def _sizes(events: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    if name not in events.columns:
        return np.full(len(events), np.nan)
    values = np.abs(events[name].to_numpy(dtype=np.float64))
    return np.where(np.isfinite(values), values, np.nan)


def _median(values: npt.NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0

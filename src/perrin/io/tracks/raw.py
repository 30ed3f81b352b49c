"""What a format says of its tracks, before the last step that all formats share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.numerals import typed, why_no_numbers

AXES = ("x", "y", "z")
KEPT = (
    "x_se",
    "y_se",
    "angle_deg",
    "angle_se_deg",
    "contrast",
    "contrast_se",
    "link_confidence",
)
"""Columns that stay beside the positions where they are known."""


@dataclass
class RawTracks:
    """The rows of a file by what they mean, and what the file says about them.

    table: ``particle`` and ``x``, of ``y``, ``z``, ``frame``, ``time`` and `KEPT` those that are
    there. groups: further columns that may belong to the identity of a track; perhaps_groups: those
    among them whose names say nothing. names: what the
    columns are called in the file. units: of each axis, as `perrin.io.units` names them, "" where
    the file does not say. time_unit: of ``time``, the same. pixel_nm: length of a pixel of the
    coordinates; camera_pixel_nm: of the movie's, where the coordinates are no pixels.
    may_branch: whether tracks of this format may split and merge, and rows do not say where.
    left_out: how many of what, as in `perrin.io.read_as.compose_read_as`.
    """

    table: pd.DataFrame
    format: str
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    perhaps_groups: frozenset[str] = frozenset()
    names: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    time_unit: str = ""
    pixel_nm: float | None = None
    camera_pixel_nm: float | None = None
    frame_interval_s: float | None = None
    exposure: float | None = None
    may_branch: bool = False
    columns_not_used: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def called(self, role: str) -> str:
        """Return what the file calls a column."""
        return self.names.get(role, role)

    def keep(self, rows: NDArray[np.bool_], why: str) -> None:
        """Leave the other rows out, and count them under `why`."""
        lost = int((~rows).sum())
        if lost:
            self.table = self.table[rows].reset_index(drop=True)
            if len(self.groups.columns):
                self.groups = self.groups[rows].reset_index(drop=True)
            self.left_out[why] = self.left_out.get(why, 0) + lost


def numbers(values: pd.Series, name: str) -> pd.Series:
    """Return a column as whole numbers or floats (NaN: missing), whatever type it came in.

    name: of the column in the file. Raises `PerrinError`, which names the first row that is none,
    for text and truth values.
    """
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise PerrinError(f"column {name!r} holds {dtype}, not numbers.")
    if pd.api.types.is_numeric_dtype(dtype):
        if pd.api.types.is_integer_dtype(dtype) and not values.isna().any():
            whole = values.to_numpy(dtype=np.float64)
            if (np.abs(whole) < 2.0**63).all():
                return pd.Series(values.to_numpy(dtype=np.int64))
        return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        raise PerrinError(f"column {name!r} holds dates ({dtype}); give seconds as numbers.")
    cells = [
        "" if missing else str(cell) for cell, missing in zip(values, values.isna(), strict=True)
    ]
    found = typed(cells)
    if found.dtype.kind not in "iuf":
        raise PerrinError(
            f"column {name!r} holds text, not numbers: {why_no_numbers(cells, name)}."
        )
    return found

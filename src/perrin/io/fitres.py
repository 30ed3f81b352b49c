"""The "fitres" tables of lab scripts (csv or parquet): one row for each fitted event.

Binding is **positive** in them. Positions come as the pixel of the detection (`x_det`)
and the offset of the fit from it (`x_fit`); their sum `x` is often a float16, which is
good to 1/16 px only, so the sum is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from perrin.io.vendor import RawTable

_ALWAYS = {"frame", "contrasts", "x_det", "y_det"}


def is_fitres(names: Iterable[str]) -> bool:
    """Whether a table with these column names is a fitres table."""
    return set(names) >= _ALWAYS


def from_fitres(table: pd.DataFrame) -> RawTable:
    """Return a fitres table with positions as `x_px` and `y_px`, all floats as float64."""
    columns = table.copy()
    for axis in ("x", "y"):
        parts = [f"{axis}_det", f"{axis}_fit"]
        if set(parts) <= set(columns.columns):
            columns[f"{axis}_px"] = columns[parts].astype(np.float64).sum(axis=1, skipna=False)
            columns = columns.drop(columns=axis, errors="ignore")
        else:
            columns = columns.rename(columns={axis: f"{axis}_px"})
    return RawTable(columns=columns, format="fitres", binding_is_positive=True)

"""Several samples in one table: the columns that tell them apart are part of who an event is."""

from __future__ import annotations

import pandas as pd

from perrin.io.event_columns import key_of

_TELLS_APART = frozenset(
    (
        "sample",
        "sample_name",
        "sample_id",
        "filename",
        "file_name",
        "file",
        "file_path",
        "path",
        "movie",
        "movie_name",
        "video",
        "dataset",
        "data_set",
        "experiment",
        "experiment_id",
        "condition",
        "replicate",
        "repeat",
        "run",
        "run_id",
        "group",
        "well",
        "protein",
        "acquisition",
        "recording",
        "source",
        "day",
        "date",
        "slide",
        "chip",
        "coverslip",
        "field",
        "fov",
        "series",
        "construct",
        "concentration",
        "treatment",
        "buffer",
        "ligand",
        "lane",
        "capillary",
        "time_point",
        "timepoint",
    )
)
_MOST = 100  # more values than this name no samples
_NONE = "(none)"


def told_apart(events: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table with `measurement` made of the columns that tell its samples apart.

    And the names of these columns.

    Only for tables without `measurement`. A column counts if its name is that of a sample, a
    file or the like, and it holds at least two values, each in several rows on average.
    """
    names = [name for name in events.columns if _is_identity(events, name)]
    if not names:
        return events, ()
    texts = [_as_text(events[name]) for name in names]
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + "/" + text
    columns = ", ".join(f"'{name}'" for name in names)
    count = joined.nunique()
    notes.append(
        f"{count} measurements, told apart by the column{'s' if len(names) > 1 else ''} {columns}"
    )
    return events.assign(measurement=joined), tuple(names)


def _is_identity(events: pd.DataFrame, name: str) -> bool:
    if key_of(name) not in _TELLS_APART:
        return False
    values = events[name]
    if values.dtype.kind == "f" and not (values.dropna() % 1 == 0).all():
        return False
    different = values.nunique(dropna=False)
    return 2 <= different <= min(_MOST, max(2, len(events) // 2))


def _as_text(values: pd.Series) -> pd.Series:
    if values.dtype.kind == "f":
        values = values.astype("Int64")
    texts = values.astype(object).where(values.notna(), _NONE)
    return pd.Series([str(text).strip() or _NONE for text in texts], index=values.index)

"""Event tables in HDF5 that are not in DiscoverMP's layout: named fields, stores of pandas."""

from __future__ import annotations

import h5py

from perrin.errors import PerrinError
from perrin.io.event_columns import meaning_of
from perrin.io.hdf5_tables import FoundTable, tables_in
from perrin.io.read_as import listed

LAYOUTS = {"fields": "table", "columns": "columns", "pandas": "pandas"}
"""What the layouts of tables are called in the line that says what was read."""
_VALUES = ("contrast", "mass_kda")


def tables_of_events(file: h5py.File, dataset: str | None) -> FoundTable | None:
    """Return the table with contrasts or masses by name, None where there is none.

    dataset: its place, where there are several; without it several are refused with a
    `PerrinError`.
    """
    tables = [one for one in tables_in(file) if any(map(_is_value, one.names))]
    if dataset is not None:
        wanted = dataset.strip("/")
        return next((one for one in tables if one.place.strip("/") == wanted), None)
    if len(tables) > 1:
        raise PerrinError(
            f"contrasts or masses are in {len(tables)} tables: "
            f"{listed(one.place for one in tables[:20])}. Which are the events? Give one of them "
            "with --dataset."
        )
    return tables[0] if tables else None


def _is_value(name: str) -> bool:
    try:
        meaning = meaning_of(name)
    except PerrinError:
        return True  # a contrast or a mass in a unit that is not known
    return meaning is not None and meaning.name in _VALUES

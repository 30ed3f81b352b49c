"""Event tables in and out: whatever program wrote them, one schema and one sign.

The file is looked at, not its name: HDF5 and parquet by their first bytes, text by its
columns and its footer.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io import discovermp, fitres, store
from perrin.io.atomic import written_whole
from perrin.io.hdf5 import hdf5_file
from perrin.io.text import read_text_table
from perrin.io.vendor import RawTable, to_events
from perrin.tables import check_events

_HDF5, _PARQUET = b"\x89HDF\r\n\x1a\n", b"PAR1"
_WANTED = ("mass_kda", "frame", "time_s", "x_px", "y_px", "contrast_se", "neighbor_px")


def read_events(path: str | Path, *, measurement: str | None = None) -> pd.DataFrame:
    """Return the events in a file as a table in the EVENTS schema.

    Reads DiscoverMP's .h5 (2.x, 2024.x, workspaces) and CSV (eventsFitted, eventsFound), the
    events inside a .mpr, fitres tables (csv, parquet), perrin's own tables, and any CSV or
    parquet with a contrast or a mass by name. Contrast comes back negative for a landing
    and mass positive, whatever the file's own sign; columns that the schema does not know
    keep their own names. ``attrs`` holds ``source``, ``format``, ``version``,
    ``landing_sign`` (of the file), ``rows_in_file``, ``notes`` (what was changed or left
    out, in sentences) and ``calibration`` where the file embeds one; a workspace whose
    movies differ has ``calibrations`` by measurement instead.

    `measurement` names the events; without it the name in the file counts, else the file's.
    Several measurements in one file become ``measurement/name``.

    Raises `PerrinError` for a file that is missing, damaged or no event table, has neither
    contrast nor mass, or has its contrast in percent.
    """
    path = Path(path)
    with _opened(path) as file:
        head = file.read(8)
    if head.startswith(_HDF5):
        events = _read_hdf5(path)
    elif head.startswith(_PARQUET):
        events = _read_parquet(path)
    else:
        events = _read_text(path)
    if measurement is not None:
        events["measurement"] = _renamed(events["measurement"], measurement)
    events.attrs["source"] = str(path)
    return events


def write_events(events: pd.DataFrame, path: str | Path) -> None:
    """Write an events table as .csv, .h5 or .parquet, whole or not at all.

    CSV and .h5 use DiscoverMP's column names where it has them (in the CSV these come
    first, in its order), so that programs that read DiscoverMP's tables read these;
    `read_events` gives the same table back, with all digits. The .h5 and the parquet also
    keep ``attrs["calibration"]``. A missing text is stored as an empty one and a neighbor
    at infinity as none.

    Raises `PerrinError` for an unknown suffix or a table that breaks the schema or holds
    what a file cannot keep.
    """
    path = Path(path)
    writers: dict[str, Callable[[pd.DataFrame, Path], None]] = {
        ".csv": store.write_csv,
        ".h5": store.write_hdf5,
        ".parquet": _write_parquet,
    }
    if path.suffix.lower() not in writers:
        raise PerrinError(
            f"{path.name}: events are written as {', '.join(writers)}, not "
            f"{path.suffix or 'without a suffix'}. Choose one of these suffixes."
        )
    check_events(events)
    with written_whole(path) as partial:
        writers[path.suffix.lower()](events, partial)


def describe_events(path: str | Path) -> dict[str, Any]:
    """Return what an event table is, ready for JSON.

    ``format``, ``version`` (None if the file does not say), ``landing_sign`` in the file,
    ``rows`` (usable), ``rows_in_file``, ``measurements``, ``columns`` (in the schema's
    names), ``calibration`` (embedded, or None), ``missing`` (useful columns that the file
    lacks) and ``notes``. Raises `PerrinError` as `read_events` does.
    """
    events = read_events(path)
    attrs = events.attrs
    return {
        "source": attrs["source"],
        "format": attrs["format"],
        "version": attrs["version"],
        "landing_sign": attrs["landing_sign"],
        "rows": len(events),
        "rows_in_file": attrs["rows_in_file"],
        "measurements": events["measurement"].drop_duplicates().tolist(),
        "columns": [str(name) for name in events.columns],
        "calibration": attrs.get("calibration") or attrs.get("calibrations"),
        "missing": [name for name in _WANTED if name not in events.columns],
        "notes": attrs["notes"],
    }


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise PerrinError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error


def _renamed(names: pd.Series, measurement: str) -> pd.Series:
    if len(names.drop_duplicates()) <= 1:
        return pd.Series(measurement, index=names.index, dtype="str")
    return measurement + "/" + names


# HDF5


def _read_hdf5(path: Path) -> pd.DataFrame:
    with hdf5_file(path) as file:
        if store.is_own_hdf5(file):
            version = discovermp.program_version(file)
            return _own(*store.read_hdf5(file), layout="perrin h5", version=version)
        tables = discovermp.read_hdf5(file)
    return _joined(tables, path)


def _joined(tables: list[RawTable], path: Path) -> pd.DataFrame:
    """Return the events of all measurements of a file in one table."""
    parts = [to_events(raw, measurement=raw.measurement or path.stem) for raw in tables]
    if len(parts) == 1:
        return parts[0]
    attrs = [dict(part.attrs) for part in parts]
    names = [str(raw.measurement) for raw in tables]
    for part in parts:
        part.attrs = {}
    events = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    events.attrs = attrs[0] | {
        "rows_in_file": sum(one["rows_in_file"] for one in attrs),
        "notes": [
            f"{name}: {note}"
            for name, one in zip(names, attrs, strict=True)
            for note in one["notes"]
        ],
    }
    calibrations = {name: one.get("calibration") for name, one in zip(names, attrs, strict=True)}
    if any(one != calibrations[names[0]] for one in calibrations.values()):
        events.attrs.pop("calibration", None)
        events.attrs["calibrations"] = {k: one for k, one in calibrations.items() if one}
        events.attrs["notes"].append("the movies of the workspace have different calibrations")
    return events


# Text and parquet


def _read_text(path: Path) -> pd.DataFrame:
    text = read_text_table(path)
    types = store.types_in_footer(text.footer)
    if types is not None:
        version = store.version_in_footer(text.footer)
        table = store.read_csv(text, types)
        return _own(table, None, layout="perrin CSV", version=version)
    return to_events(_recognized(text.frame(), text.footer, "CSV"), measurement=path.stem)


def _recognized(table: pd.DataFrame, footer: list[str], file_kind: str) -> RawTable:
    """Return the table as what its columns and footer say that it is."""
    if fitres.is_fitres(table.columns):
        return fitres.from_fitres(table)
    if discovermp.is_discovermp(table.columns, footer):
        return discovermp.from_csv(table, footer)
    return RawTable(columns=table, format=f"{file_kind} with named columns")


def _read_parquet(path: Path) -> pd.DataFrame:
    pyarrow = _pyarrow()
    try:
        table = pd.read_parquet(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise PerrinError(
            f"{path}: the parquet file is truncated or damaged ({error}). Copy or export it again."
        ) from error
    version = table.attrs.get("perrin_version")
    if version is not None:
        return _own(table, table.attrs.get("calibration"), layout="perrin parquet", version=version)
    return to_events(
        _recognized(table.reset_index(drop=True), [], "parquet"), measurement=path.stem
    )


def _write_parquet(events: pd.DataFrame, path: Path) -> None:
    _pyarrow()
    plain, _ = store.storable(events)
    plain.attrs = {"perrin_version": __version__}
    if "calibration" in events.attrs:
        plain.attrs["calibration"] = events.attrs["calibration"]
    plain.to_parquet(path, index=False)


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise PerrinError(
            "parquet files need pyarrow, which is not installed: pip install 'perrin[parquet]', "
            "or use .csv or .h5."
        ) from error
    return pa


def _own(
    table: pd.DataFrame, calibration: dict[str, Any] | None, *, layout: str, version: str | None
) -> pd.DataFrame:
    """Return a table that perrin wrote: nothing to convert, and rejected events stay in it."""
    events = check_events(table)
    events.attrs = {
        "format": layout,
        "version": version,
        "landing_sign": "negative",
        "rows_in_file": len(events),
        "notes": [],
    }
    if calibration is not None:
        events.attrs["calibration"] = calibration
    return events

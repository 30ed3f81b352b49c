"""Event tables in and out: whatever program wrote them, one schema and one sign.

The file is looked at, not its name: HDF5 and parquet by their first bytes, text by its
columns and its footer.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from perrin._version import __version__
from perrin.errors import PerrinError, about
from perrin.io import discovermp, fitres, store
from perrin.io.beside import units_in_feather, units_in_parquet
from perrin.io.event_columns import Meaning
from perrin.io.event_hdf5 import LAYOUTS, tables_of_events
from perrin.io.event_tracks import refuse_tracks
from perrin.io.hdf5 import hdf5_file
from perrin.io.kinds import what_it_is
from perrin.io.output import written_file
from perrin.io.text import read_text_table
from perrin.io.vendor import RawTable, finished, to_events
from perrin.tables import check_events

_HDF5, _PARQUET = b"\x89HDF\r\n\x1a\n", b"PAR1"
_FEATHER = (b"ARROW1", b"FEA1")
_WANTED = ("mass_kda", "frame", "time_s", "x_px", "y_px", "contrast_se", "neighbor_px")


def read_events(
    path: str | Path,
    *,
    measurement: str | None = None,
    landing_sign: int | None = None,
    dataset: str | None = None,
) -> pd.DataFrame:
    """Return the events in a file as a table in the EVENTS schema.

    Reads DiscoverMP's .h5 (2.x, 2024.x, workspaces) and CSV (eventsFitted, eventsFound), the
    events inside a .mpr, fitres tables (csv, parquet), perrin's own tables, and any CSV,
    HDF5, parquet or feather with a contrast or a mass by name. Contrast comes back negative for
    a landing and mass positive, whatever the file's own sign; columns that the schema does not know
    keep their own names. ``attrs`` holds ``source``, ``format``, ``version``,
    ``landing_sign`` (of the file), ``rows_in_file``, ``read_as`` (one line: what was
    understood, what is not used or left out), ``notes`` (what was changed or may be wrong, in
    sentences) and ``calibration`` where the file embeds one; a workspace whose movies differ
    has ``calibrations`` by measurement instead.

    measurement: names the events; without it the name in the file counts, else the file's.
    Several measurements in one file become ``measurement/name``.
    landing_sign: of the contrast of a landing in the file, -1 or +1, for tables of contrasts
    alone that do not show it. Without it that of the format counts, else -1.
    dataset: the group or table that holds the events, in an HDF5 file that has several.

    Raises `PerrinError` for a file that is missing, damaged or no event table, has neither
    contrast nor mass, or has them in another unit than they are said to be.
    """
    path = Path(path)
    with _opened(path) as file:
        head = file.read(8)
    if landing_sign not in (None, -1, 1):
        raise PerrinError(f"landing_sign is {landing_sign!r}; give -1 or 1.")
    read = _Reading(path, landing_sign)
    with about(path):
        if head.startswith(_HDF5):
            events = read.hdf5(dataset)
        elif head.startswith(_PARQUET):
            events = read.parquet()
        elif head.startswith(_FEATHER):
            events = read.feather()
        else:
            events = read.text()
    if measurement is not None:
        events["measurement"] = _renamed(events["measurement"], measurement)
    events.attrs["source"] = str(path)
    return events


def write_events(
    events: pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write an events table as .csv, .h5 or .parquet, whole or not at all.

    CSV and .h5 use DiscoverMP's column names where it has them (in the CSV these come
    first, in its order), so that programs that read DiscoverMP's tables read these;
    `read_events` gives the same table back, with all digits. The .h5 and the parquet also
    keep ``attrs["calibration"]``. A missing text is stored as an empty one and a neighbor
    at infinity as none.

    Raises `PerrinError` for an unknown suffix or a table that breaks the schema or holds
    what a file cannot keep, and for a file that is there, without `overwrite`.
    """
    suffix = Path(path).suffix
    writers: dict[str, Callable[[pd.DataFrame, Path], None]] = {
        ".csv": store.write_csv,
        ".h5": store.write_hdf5,
        ".parquet": _write_parquet,
    }
    if suffix.lower() not in writers:
        raise PerrinError(
            f"{Path(path).name}: events are written as {', '.join(writers)}, not "
            f"{suffix or 'without a suffix'}. Choose one of these suffixes."
        )
    check_events(events)
    with written_file(path, overwrite=overwrite) as partial:
        writers[suffix.lower()](events, partial)


def describe_events(
    path: str | Path, *, landing_sign: int | None = None, dataset: str | None = None
) -> dict[str, Any]:
    """Return what an event table is, ready for JSON.

    ``format``, ``version`` (None if the file does not say), ``landing_sign`` in the file,
    ``rows`` (usable), ``rows_in_file``, ``measurements``, ``columns`` (in the schema's
    names), ``calibration`` (embedded, or None), ``missing`` (useful columns that the file
    lacks), ``notes`` and ``read_as``. Raises `PerrinError` as `read_events` does.
    """
    events = read_events(path, landing_sign=landing_sign, dataset=dataset)
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
        "read_as": attrs["read_as"],
    }


def _opened(path: Path) -> io.BufferedReader:
    if path.is_dir():
        raise PerrinError(f"{path} cannot be read as a table: it is {what_it_is(path)}.")
    try:
        return path.open("rb")
    except OSError as error:
        raise PerrinError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error


def _renamed(names: pd.Series, measurement: str) -> pd.Series:
    if len(names.drop_duplicates()) <= 1:
        return pd.Series(measurement, index=names.index, dtype="str")
    return measurement + "/" + names


@dataclass(frozen=True)
class _Reading:
    """One file being read, with what the user said of it."""

    path: Path
    landing_sign: int | None

    def hdf5(self, dataset: str | None) -> pd.DataFrame:
        with hdf5_file(self.path) as file, _whole(self.path):
            if store.is_own_hdf5(file) and dataset is None:
                table, calibration = store.read_hdf5(file)
                return _own(
                    table, calibration, layout="perrin h5", version=discovermp.program_version(file)
                )
            tables = self._of_tables(file, dataset)
            tables = tables or discovermp.read_hdf5(file, dataset=dataset)
        return _joined([self._events(raw) for raw in tables], tables)

    def _of_tables(self, file: h5py.File, dataset: str | None) -> list[RawTable]:
        """Return the event table in a layout that is not DiscoverMP's, by the names of columns."""
        if discovermp.holds_events(file, dataset):
            return []
        found = tables_of_events(file, dataset)
        if found is None:
            return []
        table = found.read(file)
        refuse_tracks(table)
        raw = _recognized(table, [], f"HDF5 ({LAYOUTS[found.kind]})")
        return [replace(raw, units=found.units(file), remarks=(f"found in {found.place}",))]

    def text(self) -> pd.DataFrame:
        other = what_it_is(self.path)
        if other is not None:
            raise PerrinError(f"{self.path} is {other}.")
        text = read_text_table(self.path)
        if store.is_own_csv(text.cells):
            table, changed = store.read_csv(text)
            raw = RawTable(
                columns=table,
                format="perrin CSV",
                notes=tuple(changed),
                remarks=text.remarks,
                own=True,
            )
            return self._events(raw)
        table = text.frame()
        refuse_tracks(table)
        return self._events(replace(_recognized(table, text.footer, "CSV"), remarks=text.remarks))

    def parquet(self) -> pd.DataFrame:
        table = _parquet(self.path)
        version = table.attrs.get("perrin_version")
        if version is not None:
            calibration = table.attrs.get("calibration")
            return _own(table, calibration, layout="perrin parquet", version=version)
        named = [name for name in table.index.names if name is not None]
        table = table.reset_index(level=[name for name in named if name not in table.columns])
        table = table.reset_index(drop=True)
        refuse_tracks(table)
        raw = _recognized(table, [], "parquet")
        return self._events(replace(raw, units=units_in_parquet(self.path)))

    def feather(self) -> pd.DataFrame:
        pyarrow = _pyarrow()
        try:
            table = pd.read_feather(self.path)
        except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
            raise _damaged(self.path, "feather", error) from error
        refuse_tracks(table)
        raw = _recognized(table, [], "feather")
        return self._events(replace(raw, units=units_in_feather(self.path)))

    def _events(self, raw: RawTable) -> pd.DataFrame:
        return to_events(
            raw, measurement=raw.measurement or self.path.stem, landing_sign=self.landing_sign
        )


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Say that a file is damaged where its parts cannot be found or are of another kind."""
    try:
        yield
    except PerrinError:
        raise
    except (LookupError, ValueError, TypeError) as error:
        raise PerrinError(
            f"{path} is a damaged HDF5 file: {error}. Copy it again from where it was recorded."
        ) from error


def _joined(parts: list[pd.DataFrame], tables: list[RawTable]) -> pd.DataFrame:
    """Return the events of all measurements of a file in one table."""
    if len(parts) == 1:
        return parts[0]
    attrs = [dict(part.attrs) for part in parts]
    names = [str(raw.measurement) for raw in tables]
    for part in parts:
        part.attrs = {}
    events = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    notes = [
        f"{name}: {note}" for name, one in zip(names, attrs, strict=True) for note in one["notes"]
    ]
    events.attrs = attrs[0] | {
        "rows_in_file": sum(one["rows_in_file"] for one in attrs),
        "notes": notes,
        "read_as": "; ".join(
            f"{name} {one['read_as']}" for name, one in zip(names, attrs, strict=True)
        ),
    }
    calibrations = {name: one.get("calibration") for name, one in zip(names, attrs, strict=True)}
    if any(one != calibrations[names[0]] for one in calibrations.values()):
        events.attrs.pop("calibration", None)
        events.attrs["calibrations"] = {k: one for k, one in calibrations.items() if one}
        notes.append("the movies of the workspace have different calibrations")
    return events


def _recognized(table: pd.DataFrame, footer: list[str], file_kind: str) -> RawTable:
    """Return the table as what its columns and footer say that it is."""
    if fitres.is_fitres(table.columns):
        return fitres.from_fitres(table)
    if discovermp.is_discovermp(table.columns, footer):
        return discovermp.from_csv(table, footer)
    return RawTable(columns=table, format=f"{file_kind} with named columns")


def _parquet(path: Path) -> pd.DataFrame:
    pyarrow = _pyarrow()
    try:
        return pd.read_parquet(path, page_checksum_verification=True)
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        raise _damaged(path, "parquet", error) from error


def _damaged(path: Path, kind: str, error: Exception) -> PerrinError:
    return PerrinError(
        f"{path}: the {kind} file is truncated or damaged ({error}). Copy or export it again."
    )


def _write_parquet(events: pd.DataFrame, path: Path) -> None:
    _pyarrow()
    plain, _ = store.storable(events)
    plain.attrs = {"perrin_version": __version__}
    if "calibration" in events.attrs:
        plain.attrs["calibration"] = events.attrs["calibration"]
    plain.to_parquet(path, index=False, write_page_checksum=True)


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
    """Return a table that perrin wrote: typed already, and rejected events stay in it."""
    raw = RawTable(columns=table, format=layout, version=version, calibration=calibration, own=True)
    table.attrs = {}
    meanings = {name: Meaning(name, unit="kda") for name in ("mass_kda",) if name in table}
    return finished(check_events(table), raw, [], meanings)

"""Opening a movie file whatever its format, and saying what any file is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError
from perrin.io.checks import HEAD, check_axes_of_file, check_intensities, check_shape
from perrin.io.found import Found, Numbers, check_encoding, settle
from perrin.io.movie import Movie
from perrin.io.sniff import Kind, sniff

_UNITS = {
    "pixel_nm": "the size of a stored pixel in nanometers",
    "frame_rate_hz": "stored (binned) frames per second",
    "dataset": "the name of the movie inside the file",
    "encoding": "how frames are stored",
}


@dataclass(frozen=True)
class Inspection:
    """What a file is and what is missing before it can be analyzed.

    kind: "movie" or "events". missing: names of the options of `open_movie` that must be
    given. problems: why it would be refused. notes: what one should know. Numbers that the
    file does not say are None.
    """

    path: Path
    kind: str
    format: str
    description: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    frame_interval_s: float | None = None
    pixel_nm: float | None = None
    landing_sign: int | None = None
    instrument: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> list[tuple[str, str]]:
        """Return what was seen, as names and texts for people."""
        return _movie_facts(self) if self.kind == "movie" else _table_facts(self.details)


def open_movie(
    path: str | os.PathLike[str],
    *,
    pixel_nm: float | None = None,
    frame_rate_hz: float | None = None,
    landing_sign: int | None = None,
    dataset: str | None = None,
    encoding: str | None = None,
) -> Movie:
    """Open the movie in a file: .mp, .mpr, TIFF, .npy, Zarr or a dataset in HDF5.

    The format is told from the bytes. What is given here goes before what the file says;
    where the two differ by more than 0.1%, provenance["notes"] says so.

    pixel_nm: size of a stored (binned) pixel, nanometers.
    frame_rate_hz: stored (binned) frames per second.
    landing_sign: -1 where a landing makes raw pixels darker (taken where neither the file nor
    the caller says it, and noted), +1 where brighter.
    dataset: name of the movie inside an HDF5 file or a Zarr folder.
    encoding: "raw" or "time-difference", where the file leaves it open.

    Raises `PerrinError` for a file that is not a movie, is damaged, or does not say what is
    needed: the message names the option to give.
    """
    found = _find(Path(path), dataset=dataset, encoding=encoding)
    try:
        numbers = settle(
            found, pixel_nm=pixel_nm, frame_rate_hz=frame_rate_hz, landing_sign=landing_sign
        )
        return _movie(found, numbers)
    except BaseException:
        _close(found)
        raise


def inspect(
    path: str | os.PathLike[str],
    *,
    pixel_nm: float | None = None,
    frame_rate_hz: float | None = None,
    landing_sign: int | None = None,
    dataset: str | None = None,
    encoding: str | None = None,
) -> Inspection:
    """Say what a file is: a movie or an event table, its numbers, and what is missing.

    The options are those of `open_movie`. Raises `PerrinError` only where the file cannot be
    read at all or is of no known kind.
    """
    path = Path(path)
    kind = sniff(path)
    if dataset is None and _is_events(path, kind):
        return _inspect_events(path)
    found = _find(path, dataset=dataset, encoding=encoding)
    try:
        numbers = settle(
            found, pixel_nm=pixel_nm, frame_rate_hz=frame_rate_hz, landing_sign=landing_sign
        )
        return Inspection(
            path=path,
            kind="movie",
            format=found.format,
            description=found.description,
            shape=None if found.frames is None else found.frames.shape,
            dtype=None if found.frames is None else str(found.frames.dtype),
            frame_interval_s=numbers.frame_interval_s,
            pixel_nm=numbers.pixel_nm,
            landing_sign=numbers.landing_sign,
            instrument=found.instrument,
            encoding=found.encoding,
            missing=tuple(numbers.missing),
            problems=_problems(found),
            notes=numbers.notes,
            details=found.details,
        )
    finally:
        _close(found)


def _movie_facts(seen: Inspection) -> list[tuple[str, str]]:
    facts = []
    if seen.shape is not None:
        axes = " x ".join(str(n) for n in seen.shape)
        facts.append(("shape", f"{axes} (time, y, x), {seen.dtype}"))
    if seen.frame_interval_s is not None:
        rate = 1 / seen.frame_interval_s
        facts.append(
            ("frame interval", f"{seen.frame_interval_s * 1e3:.4g} ms ({rate:.4g} a second)")
        )
    if seen.pixel_nm is not None:
        facts.append(("pixel", f"{seen.pixel_nm:.4g} nm"))
    if seen.landing_sign is not None:
        facts.append(("a landing is", "darker" if seen.landing_sign < 0 else "brighter"))
    if seen.instrument:
        facts.append(("instrument", seen.instrument))
    if seen.encoding:
        facts.append(("encoding", seen.encoding))
    return facts


def _table_facts(details: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("events", f"{details['rows']} usable of {details['rows_in_file']}"),
        ("measurements", ", ".join(details["measurements"])),
        ("columns", ", ".join(details["columns"])),
        ("calibration", "embedded" if details["calibration"] else "none in the file"),
    ]
    if details["missing"]:
        facts.append(("without", ", ".join(details["missing"])))
    return facts


def _inspect_events(path: Path) -> Inspection:
    from perrin.io.tables import describe_events

    details = dict(describe_events(path))
    version = f", {details['version']}" if details["version"] else ""
    return Inspection(
        path=path,
        kind="events",
        format=details["format"],
        description=f"event table, {details['format']}{version}",
        shape=(details["rows"],),
        notes=tuple(details["notes"]),
        details=details,
    )


def _is_events(path: Path, kind: Kind) -> bool:
    if kind in ("text", "parquet"):
        return True
    if kind != "hdf5":
        return False
    from perrin.io.hdf5 import arrays, hdf5_file
    from perrin.io.refeyn import is_refeyn

    with hdf5_file(path) as file:
        contrasts = file.visit(lambda name: name if name.endswith("contrasts") else None)
        return not is_refeyn(file) and bool(contrasts or not arrays(file))


def _find(path: Path, *, dataset: str | None, encoding: str | None) -> Found:
    """Hand the file to the reader of its format; readers are imported when needed."""
    check_encoding(encoding)
    kind = sniff(path)
    if kind in ("text", "parquet"):
        raise PerrinError(
            f"{path} is a {kind} file, not a movie. Event tables are read with perrin.read_events."
        )
    if dataset is not None and kind not in ("hdf5", "zarr"):
        raise PerrinError(f"{path}: dataset={dataset!r} was given, but a {kind} file has none.")
    if kind == "hdf5":
        return _find_in_hdf5(path, dataset=dataset, encoding=encoding)
    if kind == "zarr":
        from perrin.io.zarr import find_zarr

        return find_zarr(path, dataset=dataset, encoding=encoding)
    if kind == "tiff":
        from perrin.io.tiff import find_tiff

        return find_tiff(path, encoding=encoding)
    from perrin.io.npy import find_npy

    return find_npy(path, encoding=encoding)


def _find_in_hdf5(path: Path, *, dataset: str | None, encoding: str | None) -> Found:
    from perrin.io.hdf5 import find_hdf5, hdf5_file
    from perrin.io.refeyn import find_refeyn, is_refeyn

    with hdf5_file(path) as file:
        vendor = dataset is None and is_refeyn(file)
    if vendor:
        return find_refeyn(path, encoding=encoding)
    return find_hdf5(path, dataset=dataset, encoding=encoding)


def _movie(found: Found, numbers: Numbers) -> Movie:
    """Make the movie, or raise `PerrinError` for what is missing or cannot be one."""
    frames, interval, pixel = found.frames, numbers.frame_interval_s, numbers.pixel_nm
    if numbers.missing or frames is None or interval is None or pixel is None:
        lines = [
            f"{name} (--{name.replace('_', '-')}), {_UNITS[name]}: {why}"
            for name, why in numbers.missing.items()
        ]
        raise PerrinError(f"{found.path} needs {'; '.join(lines)}.")
    problems = _problems(found)
    if problems:
        raise PerrinError(problems[0])
    return Movie(
        frames=frames,
        frame_interval_s=interval,
        pixel_nm=pixel,
        landing_sign=numbers.landing_sign,
        instrument=found.instrument,
        path=found.path,
        format=found.format,
        provenance={
            "path": str(found.path),
            "format": found.format,
            "description": found.description,
            "encoding": found.encoding,
            **found.details,
            **{f"{name}_from": source for name, source in numbers.sources.items()},
            "notes": list(numbers.notes),
        },
    )


def _problems(found: Found) -> tuple[str, ...]:
    """Why the frames cannot be a raw movie, as far as the first ones show it."""
    frames, name = found.frames, str(found.path)
    if frames is None:
        return ()
    try:
        check_shape(frames.shape, name)
        head = frames[:HEAD]
        check_intensities(head, name)
        if not found.axes_named:
            check_axes_of_file(head, frames.shape, name)
    except PerrinError as error:
        return (str(error),)
    return ()


def _close(found: Found) -> None:
    if found.frames is not None:
        found.frames.close()

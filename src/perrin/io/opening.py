"""Opening a movie file whatever its format, and saying what any file is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError
from perrin.io.checks import HEAD, check_axes_of_file, check_intensities, check_shape
from perrin.io.found import Found, check_encoding
from perrin.io.movie import Movie, check_landing_sign, check_positive
from perrin.io.sniff import Kind, sniff

_UNITS = {
    "pixel_nm": "the size of a stored pixel in nanometers",
    "frame_rate_hz": "stored (binned) frames per second",
    "dataset": "the name of the movie inside the file",
    "encoding": "how frames are stored",
}
_DISAGREES = 1e-3  # relative difference at which a given value is said to contradict the file


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
        return _complete(found, pixel_nm, frame_rate_hz, landing_sign)
    except PerrinError:
        if found.frames is not None:
            found.frames.close()
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
    given = {"pixel_nm": pixel_nm, "frame_rate_hz": frame_rate_hz}
    try:
        return Inspection(
            path=path,
            kind="movie",
            format=found.format,
            description=found.description,
            shape=found.frames.shape if found.frames else None,
            dtype=str(found.frames.dtype) if found.frames else None,
            frame_interval_s=1 / frame_rate_hz if frame_rate_hz else found.frame_interval_s,
            pixel_nm=pixel_nm or found.pixel_nm,
            landing_sign=landing_sign or found.landing_sign,
            instrument=found.instrument,
            encoding=found.encoding if found.frames else None,
            missing=tuple(name for name in _asks(found) if given.get(name) is None),
            problems=_problems(found),
            notes=(*found.notes, *_contradictions(found, pixel_nm, frame_rate_hz)),
            details=found.details,
        )
    finally:
        if found.frames is not None:
            found.frames.close()


def _inspect_events(path: Path) -> Inspection:
    from perrin.io.tables import describe_events

    details = dict(describe_events(path))
    return Inspection(
        path=path,
        kind="events",
        format=str(details.pop("format", "table")),
        description=str(details.pop("description", "event table")),
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
        return not is_refeyn(file) and not arrays(file)


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


def _asks(found: Found) -> dict[str, str]:
    """What the file leaves open, by option: the reader's reason, or that it does not say."""
    asks = dict(found.asks)
    if found.pixel_nm is None:
        asks.setdefault("pixel_nm", "the file does not say it")
    if found.frame_interval_s is None:
        asks.setdefault("frame_rate_hz", "the file does not say it")
    return asks


def _complete(
    found: Found, pixel_nm: float | None, frame_rate_hz: float | None, landing_sign: int | None
) -> Movie:
    given = {"pixel_nm": pixel_nm, "frame_rate_hz": frame_rate_hz}
    for name, value in given.items():
        if value is not None:
            check_positive(value, name, "nanometers" if name == "pixel_nm" else "hertz")
    if landing_sign is not None:
        check_landing_sign(landing_sign)
    missing = {name: why for name, why in _asks(found).items() if given.get(name) is None}
    if missing:
        lines = [
            f"{name} (--{name.replace('_', '-')}), {_UNITS[name]}: {why}"
            for name, why in missing.items()
        ]
        raise PerrinError(f"{found.path} needs " + "; ".join(lines) + ".")
    assert_usable(found)
    return _movie(found, pixel_nm, frame_rate_hz, landing_sign)

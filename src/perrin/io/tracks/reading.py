"""Tables of tracks in: whatever program wrote them, one row a position."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.beside import units_in_feather, units_in_parquet
from perrin.io.kinds import folder_of_many, what_it_is
from perrin.io.mat_tags import is_level_4
from perrin.io.text import read_text_table
from perrin.io.tracks.arrays import from_array
from perrin.io.tracks.by_name import from_columns
from perrin.io.tracks.finish import finish
from perrin.io.tracks.foreign import refuse_foreign
from perrin.io.tracks.hdf5 import read_hdf5
from perrin.io.tracks.matlab import read_matlab
from perrin.io.tracks.mtrackj import is_mtrackj, read_mtrackj
from perrin.io.tracks.raw import RawTracks
from perrin.io.tracks.trackmate import from_spots, is_trackmate_csv
from perrin.io.tracks.xml import read_xml

RESULT = "tracks.csv"
"""Table of a results folder of tracks."""
_HEAD = 4096
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SHORTEST_S, _LONGEST_S = 1e-9, 1e6  # frame intervals that can be
_SMALLEST_NM, _LARGEST_NM = 1e-3, 1e7


def read_tracks(
    path: str | Path,
    *,
    pixel_nm: float | None = None,
    frame_interval_s: float | None = None,
    z_step_nm: float | None = None,
) -> pd.DataFrame:
    """Return the tracks in a file: particle, frame, x, (y, z), sorted, one row a position.

    Reads CSV and other text, parquet, feather, .npy, .mat, HDF5, XML and results folders of
    `perrin track`; the kind is seen from the content. Frames without a position are missing rows.
    Localization errors (x_se, y_se), and of perrin's own tables what else it knows of a position,
    stay beside it.

    pixel_nm: length of one unit of the coordinates where the file does not say (of a pixel, if it
    says pixels), frame_interval_s: from frame to frame, by which times are divided, z_step_nm:
    distance of slices where z counts them.

    ``attrs``: ``source``, ``format``, ``length_unit`` ("px", "nm", "um", ... or "unknown"),
    ``length_nm`` (nm in one unit), ``pixel_nm``, ``frame_interval_s``, ``exposure`` (None where
    neither file nor user say), ``dropped`` (rows left out), ``track_names`` (by number, where
    tracks have names), and ``read_as``, the line that says what was understood and left out.

    Raises `PerrinError`, which names the file, for a missing, damaged or other file, for columns
    that cannot be told, for options that contradict it, and for values that cannot be.
    """
    path = _file_in(Path(path))
    _check_given(pixel_nm, frame_interval_s, z_step_nm)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # damaged cells are left out by size
            tracks = finish(
                _read(path),
                pixel_nm=pixel_nm,
                frame_interval_s=frame_interval_s,
                z_step_nm=z_step_nm,
            )
    except PerrinError as error:
        said = " ".join(str(error).split())  # libraries put line breaks into their messages
        raise PerrinError(said if said.startswith(str(path)) else f"{path}: {said}") from error
    except OSError as error:
        raise PerrinError(f"{path}: cannot be read ({error}).") from error
    tracks.attrs["source"] = str(path)
    return tracks


def _file_in(path: Path) -> Path:
    """Return the file to read: of a results folder its table."""
    path = path / RESULT if (path / RESULT).is_file() else path
    many = folder_of_many(path)
    if many is not None:
        raise PerrinError(f"{path} is {many}.")
    if path.is_dir():
        raise PerrinError(f"{path} is {what_it_is(path)}.")
    if not path.is_file():
        raise PerrinError(f"{path}: there is no such file. Check the path.")
    return path


def _check_given(
    pixel_nm: float | None, frame_interval_s: float | None, z_step_nm: float | None
) -> None:
    for name, given in (
        ("pixel_nm", pixel_nm),
        ("frame_interval_s", frame_interval_s),
        ("z_step_nm", z_step_nm),
    ):
        if given is not None and not isinstance(given, (int, float, np.integer, np.floating)):
            raise PerrinError(f"{name} is {given!r}, which is no number. Give a number.")
    for option, value, low, high, unit in (
        ("--pixel-nm", pixel_nm, _SMALLEST_NM, _LARGEST_NM, "nm"),
        ("--frame-interval-s", frame_interval_s, _SHORTEST_S, _LONGEST_S, "s"),
    ):
        if value is None:
            continue
        if not (math.isfinite(value) and value > 0):
            raise PerrinError(f"{option} {value:g}: it must be above 0.")
        if not low <= value <= high:
            raise PerrinError(f"{option} {value:g} {unit} cannot be ({low:g} to {high:g} {unit}).")


def _read(path: Path) -> RawTracks:
    """Return the tracks of a file of any kind, seen from its first bytes."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    refuse_foreign(path, head)
    for starts, read in _READERS:
        if starts(head):
            return read(path)
    return _text(path)


def _text(path: Path) -> RawTracks:
    text = read_text_table(path)
    raw = from_spots(text) if is_trackmate_csv(text) else from_columns(text.frame(), "CSV")
    raw.remarks = [*text.remarks, *raw.remarks]
    return raw


def _parquet(path: Path) -> RawTracks:
    read = partial(pd.read_parquet, page_checksum_verification=True)
    return from_columns(_arrow(path, read, "parquet"), "parquet", units_in_parquet(path))


def _feather(path: Path) -> RawTracks:
    table = _arrow(path, pd.read_feather, "feather")
    return from_columns(table, "feather", units_in_feather(path))


def _arrow(path: Path, read: Callable[[Path], pd.DataFrame], kind: str) -> pd.DataFrame:
    try:
        return read(path)
    except ImportError as error:
        raise PerrinError(f"{kind} files need pyarrow: pip install 'perrin[parquet]'.") from error
    except Exception as error:  # a damaged file leads pyarrow to errors of every kind
        raise PerrinError(
            f"the {kind} file is truncated or damaged ({error}). Copy or export it again."
        ) from error


def _npy(path: Path) -> RawTracks:
    content = path.read_bytes()
    if b"'|O'" in content.partition(b"\n")[0]:
        raise PerrinError(
            "the array holds Python objects (a pickle, as idtracker.ai and lists of tracks are "
            "saved), which are not opened here. Save rows x, y, frame, particle, or a CSV."
        )
    try:
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # a damaged header leads numpy to errors of every kind
        raise PerrinError(
            f"the array cannot be read, or is cut off ({error}). Save it again."
        ) from error
    if array.dtype.names:
        names = [name for name in array.dtype.names if array.dtype[name].shape == ()]
        return from_columns(pd.DataFrame({name: array[name] for name in names}), "npy table")
    return from_array(array, "npy")


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _is_xml(head: bytes) -> bool:
    plain = head.replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head
    return plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[Path], RawTracks]], ...] = (
    (_starts(b"PAR1"), _parquet),
    (_starts(b"ARROW1", b"FEA1"), _feather),
    (_starts(b"\x93NUMPY"), _npy),
    (lambda head: _HDF5 in head[: 512 + len(_HDF5)], read_hdf5),
    (_starts(b"MATLAB"), read_matlab),
    (is_level_4, read_matlab),
    (is_mtrackj, read_mtrackj),
    (_is_xml, read_xml),
)

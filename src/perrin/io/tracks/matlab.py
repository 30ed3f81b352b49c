"""MATLAB files, of level 4, 5 and 7.3: arrays, cells of arrays, structs of known programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError, damage
from perrin.io.hdf5 import check_whole, open_hdf5
from perrin.io.mat_tags import check_tags
from perrin.io.read_as import listed
from perrin.io.tracks.arrays import from_array
from perrin.io.tracks.by_name import from_columns
from perrin.io.tracks.columns import parse, roles
from perrin.io.tracks.raw import RawTracks

_NAMES = ("tr", "tracks", "trackedPar", "tracksFinal", "trajectories", "track")
_PER_FRAME = 8  # columns a frame of u-track: x, y, z, amplitude, and the error of each
_DEPTH = 6


def read_matlab(path: Path) -> RawTracks:
    """Return the tracks in a MATLAB file.

    Known are arrays (`perrin.io.tracks.arrays`), cells of arrays with a track each (msdanalyzer:
    time, x, y), and structs: Spot-On's trackedPar, u-track's tracksFinal, columns by name.
    Raises `PerrinError` for a damaged file and for other content.
    """
    with path.open("rb") as file:
        head = file.read(520)
    new = b"\x89HDF" in head or head.startswith(b"MATLAB 7.3")
    content = _read_new(path) if new else _read_old(path)
    usable = {name: value for name, value in content.items() if _usable(value)}
    chosen = next(
        (name for name in _NAMES if name in usable and not _is_column(usable[name])), None
    )
    if chosen is None and (columns := _columns(content)) is not None:
        raw = from_columns(columns, "mat columns")
        raw.columns_not_used += [other for other in content if other not in columns]
        return raw
    if chosen is None and len(usable) != 1:
        raise PerrinError(
            f"holds {listed(content) or 'nothing'}; name the array of tracks 'tr' or 'tracks'."
        )
    name = chosen or next(iter(usable))
    raw = _from_value(usable[name], name)
    raw.columns_not_used += [other for other in content if other != name]
    return raw


def _columns(content: dict[str, Any]) -> pd.DataFrame | None:
    """Return variables that are the columns of a table: a particle, a frame or time, an x."""
    columns = _named_columns(content)
    meant = set(roles([parse(name) for name in columns]))
    if not {"particle", "x"} <= meant or not {"frame", "time"} & meant:
        return None
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        said = listed(f"{name} of {length}" for name, length in lengths.items())
        raise PerrinError(
            f"the columns have different lengths ({said}): values were lost, or they belong to "
            "different tables. Export the tracks again."
        )
    return pd.DataFrame(columns)


def _named_columns(content: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the variables that are columns: numbers, and names of tracks."""
    columns = {name: np.ravel(value) for name, value in content.items() if _is_column(value)}
    for name in content.keys() - columns.keys():
        texts = _texts(content[name]) if "particle" in roles([parse(name)]) else None
        if texts is not None:
            columns[name] = texts
    return {name: columns[name] for name in content if name in columns}


def _is_column(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "iuf"
        and 1 < max(value.shape, default=0) == value.size
    )


def _texts(value: Any) -> NDArray[Any] | None:
    """Return the texts of a character array (a row each) or of a cell of texts."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size > 1:
        return np.char.strip(np.ravel(value)).astype(object)
    cells = value if isinstance(value, list) else []
    if len(cells) > 1 and all(
        isinstance(one, np.ndarray) and one.dtype.kind == "U" for one in cells
    ):
        return np.array(["".join(np.ravel(one)).strip() for one in cells], dtype=object)
    return None


def _usable(value: Any) -> bool:
    return not isinstance(value, np.ndarray) or (value.size > 1 and value.dtype.kind != "U")


def _from_value(value: Any, name: str) -> RawTracks:
    if isinstance(value, np.ndarray):
        return from_array(value, "mat")
    if value and all(isinstance(item, dict) for item in value):
        return _from_structs(value, name)
    if value and all(isinstance(item, np.ndarray) for item in value):
        return _from_cell(value, name)
    raise PerrinError(
        f"{name!r} is a cell or struct of no known kind. Save an array of x, y, frame, particle."
    )


def _from_cell(cell: list[NDArray[Any]], name: str) -> RawTracks:
    """A cell with one array (L, k) for each track; msdanalyzer has time, x, y, (z)."""
    widths = {item.shape[1] for item in cell if item.ndim == 2 and item.size}
    if len(widths) != 1 or not widths & {2, 3, 4}:
        raise PerrinError(
            f"the cell {name!r} holds arrays of {listed(sorted(map(str, widths)))} columns; a "
            "track is one of x, y or of time, x, y."
        )
    width = widths.pop()
    rows = np.concatenate([item for item in cell if item.size]).astype(np.float64)
    particle = np.repeat(np.arange(len(cell)), [len(item) if item.size else 0 for item in cell])
    table = pd.DataFrame({"particle": particle})
    if width == 2:
        table["frame"] = table.groupby("particle").cumcount()
        table["x"], table["y"] = rows.T
        remark = ["frames counted along each track: no frame in the file"]
        return RawTracks(table, "mat cell", remarks=remark)
    if not all((np.diff(item[:, 0]) > 0).all() for item in cell if item.size):
        raise PerrinError(
            f"the first column of the arrays in the cell {name!r} does not grow, so that it is no "
            "time: a track is an array of time, x, y."
        )
    table["time"] = rows[:, 0]
    for axis, column in zip("xyz", rows[:, 1:].T, strict=False):
        table[axis] = column
    return RawTracks(table, "mat cell (msdanalyzer)", names={"time": f"1 of {name}"})


def _from_structs(structs: list[dict[str, Any]], name: str) -> RawTracks:
    fields = set(structs[0])
    if {"xy", "Frame"} <= fields:
        return _tracked_par(structs)
    if "tracksCoordAmpCG" in fields:
        return _u_track(structs)
    parts = []
    for number, struct in enumerate(structs):
        columns = _named_columns(struct)
        if len({len(column) for column in columns.values()}) != 1:
            raise PerrinError(
                f"the struct {name!r} has the fields {listed(sorted(fields))}, which are no "
                "columns of one length. Save an array of x, y, frame, particle."
            )
        parts.append(pd.DataFrame(columns))
        if len(structs) > 1:
            parts[-1] = parts[-1].assign(particle=number)
    return from_columns(pd.concat(parts, ignore_index=True), "mat struct")


def _tracked_par(structs: list[dict[str, Any]]) -> RawTracks:
    """Spot-On: xy (L, 2), Frame (L,) and TimeStamp (L,) of each track, lengths in micrometers."""
    parts = []
    for number, struct in enumerate(structs):
        xy, frame = np.atleast_2d(struct["xy"]), np.ravel(struct["Frame"])
        if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) != len(frame):
            raise PerrinError(
                f"track {number + 1} of the struct has positions of shape {xy.shape} in "
                f"{len(frame)} frames."
            )
        parts.append(
            pd.DataFrame({"particle": number, "frame": frame, "x": xy[:, 0], "y": xy[:, 1]})
        )
    return RawTracks(
        pd.concat(parts, ignore_index=True),
        "mat struct (Spot-On)",
        columns_not_used=[name for name in structs[0] if name not in ("xy", "Frame")],
    )


def _u_track(structs: list[dict[str, Any]]) -> RawTracks:
    """u-track's tracksFinal: 8 columns a frame, in pixels; tracks of several segments left out."""
    parts, compound = [], 0
    for number, struct in enumerate(structs):
        values = np.atleast_2d(np.asarray(struct["tracksCoordAmpCG"], dtype=np.float64))
        if len(values) != 1:
            compound += 1
            continue
        frames = values.reshape(-1, _PER_FRAME)
        events = np.atleast_2d(struct.get("seqOfEvents", np.ones((1, 4))))
        start = int(events[:, 0].min())
        there = np.isfinite(frames[:, 0])
        parts.append(
            pd.DataFrame(
                {
                    "particle": number,
                    "frame": start + np.flatnonzero(there),
                    **dict(zip("xyz", frames[there].T[:3], strict=False)),
                    "x_se": frames[there, 4],
                    "y_se": frames[there, 5],
                }
            )
        )
    if not parts:
        raise PerrinError("all tracks split or merge: they have several segments each.")
    left = {"track that splits or merges": compound}
    units = dict.fromkeys("xyz", "px")
    return RawTracks(
        pd.concat(parts, ignore_index=True), "mat struct (u-track)", units=units, left_out=left
    )


def _read_old(path: Path) -> dict[str, Any]:
    """Return the variables of a file of level 4 or 5: arrays, lists (cells), lists of dicts."""
    from scipy.io import loadmat

    check_tags(path)
    try:
        content = loadmat(path)
    except NotImplementedError:
        return _read_new(path)
    except Exception as error:  # a damaged file leads scipy to errors of every kind
        raise PerrinError(f"no MATLAB file, or cut off or damaged ({error}).") from error
    return {name: _plain(value) for name, value in content.items() if not name.startswith("__")}


def _plain(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, np.ndarray) or depth > _DEPTH:
        return value
    if value.dtype.names:
        return [
            {name: _plain(item[name], depth + 1) for name in value.dtype.names}
            for item in value.ravel(order="F")
        ]
    if value.dtype == object:
        return [_plain(item, depth + 1) for item in value.ravel(order="F")]
    return value


def _read_new(path: Path) -> dict[str, Any]:
    """Return the variables of a file of version 7.3, which is HDF5 with its axes reversed."""
    why = "no MATLAB file of version 7.3 (HDF5), or cut off or damaged"
    with damage(why), open_hdf5(path) as file:
        return {name: _plain_new(file, file[name]) for name in file if not name.startswith("#")}


def _plain_new(file: h5py.File, item: Any, depth: int = 0) -> Any:
    if depth > _DEPTH:
        raise PerrinError("cells in cells in cells; save an array of x, y, frame, particle.")
    if isinstance(item, h5py.Group):
        fields = {name: _plain_new(file, item[name], depth + 1) for name in item}
        if fields and all(isinstance(value, list) for value in fields.values()):
            count = min(len(value) for value in fields.values())
            return [{name: value[k] for name, value in fields.items()} for k in range(count)]
        return [fields]
    check_whole(item, file)
    if item.dtype == h5py.ref_dtype:
        return [_plain_new(file, file[ref], depth + 1) for ref in item[()].ravel()]
    if item.attrs.get("MATLAB_empty"):
        return np.empty((0, 0))
    return np.asarray(item[()]).T

"""Tables of tracks in: whatever program wrote them, one row a position.

Reads trackpy's tables, TrackMate's CSV and XML, any CSV or parquet with the columns by name,
and .mat and .npy arrays. Frames without a position stay missing rows. The columns are
particle, frame, x, (y, z); ``attrs`` says where they come from and in which unit. What
`perrin track` adds to each position (errors, angle, contrast) is kept beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.text import read_text_table
from perrin.io.trackmate import is_trackmate_csv, read_trackmate_csv, read_trackmate_xml

_NAMES = {
    "particle": ("particle", "track_id", "trackid", "track", "trajectory", "traj_idx", "id"),
    "frame": ("frame", "frames", "frame_number", "slice", "t"),
    "x": ("x", "x_px", "position_x", "pos_x", "x_um", "x_nm"),
    "y": ("y", "y_px", "position_y", "pos_y", "y_um", "y_nm"),
    "z": ("z", "z_px", "position_z", "pos_z", "z_um", "z_nm"),
}
_UNITS = {"_px": "px", "_um": "um", "_nm": "nm"}
_KEPT = ("x_se", "y_se", "angle_deg", "angle_se_deg", "contrast", "contrast_se")
_SAME = ("pixel_nm", "frame_interval_s", "exposure")


def read_tracks(path: str | Path) -> pd.DataFrame:
    """Return the tracks in a file: particle, frame, x, (y, z), sorted; NaN rows left out.

    ``attrs``: ``source``, ``format``, ``length_unit`` ("px", "nm", "um" or "unknown"),
    ``frame_interval_s``, ``pixel_nm``, ``exposure`` (None where the file does not say),
    ``dropped`` (rows with NaN).
    Arrays of shape (N, L, d) hold one trajectory a row, NaN where a frame is missing; arrays
    of rows hold x, y, (frame,) particle, in which frames are counted where they are not given.

    Raises `PerrinError` for a missing or damaged file, or columns that cannot be told.
    """
    path = Path(path)
    if not path.is_file():
        raise PerrinError(f"{path}: there is no such file. Check the path.")
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PAR1"):
        tracks = _by_name(_parquet(path), "parquet")
    elif head.startswith(b"\x93NUMPY"):
        tracks = _from_array(_npy(path), "npy")
    elif head.startswith((b"MATLAB 5.0", b"\x89HDF")) or head[:128].startswith(b"MATLAB"):
        tracks = _from_array(_mat(path), "mat")
    elif head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        tracks = read_trackmate_xml(path)
    else:
        table = read_text_table(path).frame()
        known = is_trackmate_csv(table)
        tracks = read_trackmate_csv(table) if known else _by_name(table, "CSV")
    return _finished(tracks, path)


def _by_name(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    lower = {str(name).strip().lower(): name for name in table.columns}
    found: dict[str, Any] = {}
    for wanted, names in _NAMES.items():
        here = [lower[name] for name in names if name in lower]
        if here:
            found[wanted] = here[0]
    missing = [name for name in ("particle", "frame", "x") if name not in found]
    if missing:
        raise PerrinError(
            f"the columns {', '.join(map(str, table.columns[:12]))} hold no {', '.join(missing)}. "
            f"Rename them to particle, frame, x, y (known too: {', '.join(_NAMES['particle'])})."
        )
    tracks = pd.DataFrame({wanted: table[name] for wanted, name in found.items()})
    own = {"pixel_nm", "frame_interval_s"} <= set(lower)
    for name in _KEPT if own else ():
        if name in lower:
            tracks[name] = table[lower[name]]
    suffix = str(found["x"]).lower()[-3:]
    trackpy = kind == "CSV" and {"mass", "size", "ecc"} <= set(lower)
    unit = "px" if trackpy else _UNITS.get(suffix, "unknown")
    tracks.attrs = {"format": "trackpy CSV" if trackpy else kind, "length_unit": unit}
    if own:
        tracks.attrs = {"format": "perrin CSV", "length_unit": "px"}
        tracks.attrs |= {name: _one(table, lower[name]) for name in _SAME if name in lower}
    return tracks


def _one(table: pd.DataFrame, name: str) -> float:
    """Return the one value of a column, which says something of the whole movie."""
    values = pd.to_numeric(table[name], errors="coerce").unique()
    if len(values) != 1 or not values[0] > 0:
        said = ", ".join(f"{value:g}" for value in values[:4])
        raise PerrinError(
            f"column {name!r} holds {said or 'nothing'}; it is one positive number for all rows. "
            "Tables of several movies are analyzed one by one."
        )
    return float(values[0])


def _from_array(array: NDArray[Any], kind: str) -> pd.DataFrame:
    if array.dtype.kind not in "iuf":
        raise PerrinError(f"the array holds {array.dtype}; tracks are real numbers.")
    if array.ndim == 3 and array.shape[2] in (1, 2, 3):
        count, length, dims = array.shape
        columns: dict[str, NDArray[Any]] = {
            "particle": np.repeat(np.arange(count), length),
            "frame": np.tile(np.arange(length), count),
        }
        flat = array.reshape(-1, dims).astype(np.float64)
        columns |= {name: flat[:, k] for k, name in enumerate("xyz"[:dims])}
        tracks = pd.DataFrame(columns)
    elif array.ndim == 2 and array.shape[1] in (3, 4):
        tracks = pd.DataFrame({"particle": array[:, -1], "x": array[:, 0], "y": array[:, 1]})
        tracks["frame"] = (
            array[:, 2] if array.shape[1] == 4 else tracks.groupby("particle").cumcount()
        )
    else:
        raise PerrinError(
            f"an array of shape {array.shape} is no table of tracks; give (N, L, d), or rows of "
            "x, y, particle or of x, y, frame, particle."
        )
    tracks.attrs = {"format": kind, "length_unit": "unknown"}
    return tracks


def _finished(tracks: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the tracks with whole particles and frames, in order, without rows of NaN."""
    unknown: dict[Any, Any] = dict.fromkeys(_SAME)
    attrs = {**unknown, **tracks.attrs, "source": str(path)}
    axes = [name for name in ("x", "y", "z") if name in tracks]
    for name in (*axes, "particle", "frame"):
        if tracks[name].dtype.kind not in "iuf":
            raise PerrinError(f"{path}: column {name!r} holds {tracks[name].dtype}, not numbers.")
    kept = [name for name in _KEPT if name in tracks]
    whole = tracks[["particle", "frame", *axes, *kept]].replace([np.inf, -np.inf], np.nan)
    whole = whole.dropna(subset=["particle", "frame", *axes])
    for name in ("particle", "frame"):
        if (whole[name] % 1 != 0).any():
            raise PerrinError(
                f"{path}: column {name!r} holds fractions; {name}s are whole numbers. "
                "Divide times by the frame interval first."
            )
    whole = whole.astype({"particle": np.int64, "frame": np.int64} | dict.fromkeys(axes, float))
    whole = whole.sort_values(["particle", "frame"], ignore_index=True)
    whole.attrs = attrs | {"dropped": len(tracks) - len(whole)}
    return whole


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise PerrinError("parquet files need pyarrow: pip install 'perrin[parquet]'.") from error


def _npy(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise PerrinError(f"{path}: the array cannot be read ({error}). Save it again.") from error
    return array


def _mat(path: Path) -> NDArray[Any]:
    """Return the one array of a MATLAB file, or the one named tr or tracks."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path)
    except NotImplementedError as error:
        raise PerrinError(
            f"{path}: a MATLAB 7.3 file; save it with save(..., '-v7') and read it again."
        ) from error
    except (ValueError, OSError, TypeError, MatReadError) as error:
        raise PerrinError(f"{path}: no MATLAB file, or cut off ({error}).") from error
    arrays = {name: value for name, value in content.items() if not name.startswith("__")}
    named = [arrays[name] for name in ("tr", "tracks") if name in arrays]
    if not named and len(arrays) != 1:
        raise PerrinError(
            f"{path}: holds {', '.join(arrays) or 'nothing'}; name the array of tracks 'tr'."
        )
    array: NDArray[Any] = np.asarray(named[0] if named else next(iter(arrays.values())))
    return array

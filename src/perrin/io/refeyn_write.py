"""Writing movies in Refeyn's layouts: .mp (format 3) and .mpr (format 4).

For simulated movies and for tests: the vendor's own files also hold what only the instrument
knows. What is unknown is written the vendor's way, as a dataset `<name>__is_none__`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from perrin.errors import PerrinError
from perrin.io.difference import encode
from perrin.io.disk import check_space
from perrin.io.encoding import KEYFRAME_INTERVAL, MARK
from perrin.io.hdf5_filters import zstd_options
from perrin.io.hdf5_write import large_hdf5
from perrin.io.movie import Movie
from perrin.io.output import written_file
from perrin.io.refeyn import ACQ_CAMERA, PIXEL_ATTRIBUTE, unbinned_pixel_nm

_NS = 1e9  # nanoseconds in a second


def write_mp(
    path: str | os.PathLike[str],
    movie: Movie,
    *,
    compressed: bool = False,
    overwrite: bool = False,
) -> None:
    """Write `movie` as .mp, format 3; compressed: as differences in time, Zstandard.

    `movie.frames` is read once, in order, 100 frames at a time, so frames that are made when
    asked for are never held at once. Keyframes are every 100th frame and the last one, as
    public readers expect. From provenance, where they are there: frame_binning,
    pixel_binning, exposure_ms, camera. The file appears whole or not at all.

    Raises `PerrinError` for frames that are not unsigned integers of at most 16 bits, for a file
    that is there, without `overwrite`, and for a disk without room.
    """
    keys = np.union1d(np.arange(0, movie.n_frames, KEYFRAME_INTERVAL), movie.n_frames - 1)
    with written_file(path, overwrite=overwrite) as partial, large_hdf5(partial) as (file, check):
        file["format_version_number"] = np.int32(3)
        _write_settings(file, movie)
        if compressed:
            _write_differences(file, movie, keys, check)
        else:
            check_space(partial.parent, movie.n_frames * movie.height * movie.width * 2)
            _write_raw(file, movie, keys, check)


def write_mpr(path: str | os.PathLike[str], movie: Movie, *, overwrite: bool = False) -> None:
    """Write `movie` as .mpr, format 4: differences in time, shuffle and Zstandard.

    As `write_mp`, with keyframes at every 100th frame, a time stamp (ns) for each camera
    exposure, and provenance["measurement_info"] (sample, buffer, bufferpH, operatorName)
    where it is there.
    """
    keys = np.arange(0, movie.n_frames, KEYFRAME_INTERVAL)
    with written_file(path, overwrite=overwrite) as partial, large_hdf5(partial) as (file, check):
        file["format_version_number"] = np.int32(4)
        _write_settings(file, movie)
        _write_differences(file, movie, keys, check)
        binning = _frame_binning(movie)
        step = movie.frame_interval_s * _NS
        starts = np.arange(movie.n_frames)[:, None] * step
        file["movie/timeStack"] = starts + np.arange(binning) * (step / binning)
        for name, value in (movie.provenance.get("measurement_info") or {}).items():
            _put(file, f"movie/measurement_info/{name}", value)
        for name in ("AcqCam", "InstrumentKey"):
            _put(file, f"movie/device_serials/{name}", None)
        for name in ("image_size_name", "offset_x", "offset_y"):
            _put(file, f"{ACQ_CAMERA.camera}/{name}", None)


def _write_settings(file: h5py.File, movie: Movie) -> None:
    """Write what the camera did, so that reading it back gives the movie's own numbers."""
    binning = _frame_binning(movie)
    unbinned = unbinned_pixel_nm(movie.instrument)
    pixel_binning = movie.provenance.get("pixel_binning") or (
        max(1, round(movie.pixel_nm / unbinned)) if unbinned else 1
    )
    _put(file, ACQ_CAMERA.frame_binning, np.int32(binning))
    _put(file, ACQ_CAMERA.rate, binning / movie.frame_interval_s)
    _put(file, ACQ_CAMERA.pixel_binning, np.int32(pixel_binning))
    _put(file, ACQ_CAMERA.exposure, movie.provenance.get("exposure_ms"))
    _put(file, ACQ_CAMERA.model, movie.provenance.get("camera"))
    _put(file, ACQ_CAMERA.instrument, movie.instrument)
    file["movie/configuration/scatter_interference_destructive"] = movie.landing_sign < 0


def _frame_binning(movie: Movie) -> int:
    return int(movie.provenance.get("frame_binning") or 1)


def _put(file: h5py.File, name: str, value: Any) -> None:
    """Write a value, or the vendor's mark that there is none."""
    if value is None:
        file[f"{name}__is_none__"] = np.int32(0)
    else:
        file[name] = value


def _write_raw(
    file: h5py.File, movie: Movie, keys: np.ndarray[Any, Any], check: Callable[[], None]
) -> None:
    data, whole = _datasets(file, movie, keys)
    for start in range(0, movie.n_frames, KEYFRAME_INTERVAL):
        frames = movie.frames[start : start + KEYFRAME_INTERVAL]
        data[start : start + len(frames)] = frames
        _write_keys(whole, keys, frames, start)
        check()


def _write_differences(
    file: h5py.File, movie: Movie, keys: np.ndarray[Any, Any], check: Callable[[], None]
) -> None:
    one_frame = {"chunks": (1, movie.height, movie.width), "shuffle": True}
    data, whole = _datasets(file, movie, keys, **one_frame, **zstd_options())
    data.attrs["encoding"] = MARK
    previous = None
    for start in range(0, movie.n_frames, KEYFRAME_INTERVAL):
        frames = movie.frames[start : start + KEYFRAME_INTERVAL].astype(np.uint16, copy=False)
        data[start : start + len(frames)] = encode(frames, previous=previous)
        _write_keys(whole, keys, frames, start)
        check()
        previous = frames[-1].copy()  # the caller may fill the same block again


def _datasets(
    file: h5py.File, movie: Movie, keys: np.ndarray[Any, Any], **storage: Any
) -> tuple[h5py.Dataset, h5py.Dataset]:
    """Make the datasets of the frames and of the keyframes."""
    dtype = movie.frames.dtype
    if dtype.kind != "u" or dtype.itemsize > 2:
        raise PerrinError(
            f"frames of {dtype} cannot be written: the vendor's files hold uint16 counts. "
            "Convert them first, frames.astype(numpy.uint16), if they fit."
        )
    size = (movie.height, movie.width)
    data = file.create_dataset("movie/frame", (movie.n_frames, *size), np.uint16, **storage)
    data.attrs[PIXEL_ATTRIBUTE] = movie.pixel_nm
    whole = file.create_dataset("movie/keyframe", (len(keys), *size), np.uint16)
    whole.attrs["indices"] = keys
    return data, whole


def _write_keys(
    whole: h5py.Dataset, keys: np.ndarray[Any, Any], frames: np.ndarray[Any, Any], start: int
) -> None:
    """Write the keyframes that are among `frames`, which begin at frame `start`."""
    begin, end = np.searchsorted(keys, (start, start + len(frames)))
    whole[begin:end] = frames[keys[begin:end] - start]

"""Movies in TIFF: plain stacks, ImageJ's and OME-TIFF, with what they say of time and size."""

from __future__ import annotations

import logging
import os
import struct
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from perrin.errors import PerrinError
from perrin.io.disk import check_space
from perrin.io.found import Found, refuse_encoding
from perrin.io.movie import LazyFrames, Movie
from perrin.io.npy import MappedFrames
from perrin.io.output import written_file

Array = npt.NDArray[Any]

_NANOMETERS = {
    "nm": 1.0, "µm": 1e3, "μm": 1e3, "um": 1e3, "\\u00B5m": 1e3, "micron": 1e3, "microns": 1e3,
    "mm": 1e6, "m": 1e9,
}  # fmt: skip
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "us": 1e-6, "min": 60.0}
_WRITTEN_AT_ONCE = 32  # frames
_SMALL_TIFF = 4_000_000_000  # bytes; a larger one needs 64-bit offsets


class PagedFrames(LazyFrames):
    """Frames in pages of their own, compressed or scattered over the file."""

    def __init__(self, path: Path) -> None:
        self._tiff = _open(path)
        weakref.finalize(self, self._tiff.close)
        series = self._tiff.series[0]
        super().__init__(path, tuple(series.shape), np.dtype(series.dtype))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path,)

    def _read(self, start: int, stop: int) -> Array:
        if self._tiff.filehandle.closed:
            raise PerrinError(f"{self.path}: the movie was closed; open it again to read frames.")
        try:
            frames = self._tiff.asarray(series=0, key=slice(start, stop))
        except (OSError, ValueError, RuntimeError) as error:
            raise PerrinError(
                f"{self.path}: pages {start} to {stop - 1} cannot be read: {error}. "
                "The file is damaged; copy it again from its source."
            ) from error
        return np.asarray(frames).reshape(stop - start, *self.shape[1:])

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._tiff.close()


def find_tiff(path: Path, *, encoding: str | None) -> Found:
    """Find the movie in a TIFF file: its first series.

    Frame interval and pixel size come from OME or ImageJ metadata where they have a unit.
    Raises `PerrinError` for a damaged file and for color.
    """
    refuse_encoding(encoding, path, "TIFF")
    with _open(path) as tiff:
        series = tiff.series[0]
        shape, axes, offset = tuple(series.shape), str(series.axes), series.dataoffset
        stored = np.dtype(series.dtype).newbyteorder(tiff.byteorder)
        interval, pixel = _ome(tiff) if tiff.is_ome else _imagej(tiff)
        kind = "OME-TIFF" if tiff.is_ome else "ImageJ TIFF" if tiff.is_imagej else "TIFF"
        others = len(tiff.series) - 1
    if "S" in axes:
        raise PerrinError(
            f"{path} has the shape {shape} (axes {axes}): color frames. A raw movie has one "
            "intensity a pixel; save one channel."
        )
    return Found(
        path=path,
        format="tiff",
        description=f"{kind}, axes {axes}",
        frames=PagedFrames(path) if offset is None else MappedFrames(path, shape, stored, offset),
        axes_named=axes == "TYX",
        frame_interval_s=interval,
        pixel_nm=pixel,
        notes=(f"the first of {others + 1} series is used",) if others else (),
    )


def _open(path: Path) -> tifffile.TiffFile:
    """Open `path` and find its pages; `PerrinError` where some are missing."""
    complaints = _Complaints()
    logger = logging.getLogger("tifffile")
    logger.addHandler(complaints)
    tiff = None
    try:
        tiff = tifffile.TiffFile(path)
        complete = bool(tiff.series)
        reason = complaints.about_pages or "it holds no image"
    except (tifffile.TiffFileError, OSError, ValueError, IndexError, struct.error) as error:
        complete, reason = False, str(error)
    finally:
        logger.removeHandler(complaints)
    if tiff is None or not complete or complaints.about_pages:
        if tiff is not None:
            tiff.close()
        raise PerrinError(
            f"{path} is a truncated or damaged TIFF file: {reason}. Copy it again from its source."
        )
    return tiff


class _Complaints(logging.Handler):
    """Keeps what tifffile only logs: that the chain of pages breaks off."""

    about_pages: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the message if it is about pages that cannot be found."""
        message = record.getMessage()
        if "page offset" in message or "offset to first page" in message:
            self.about_pages = message


def _ome(tiff: tifffile.TiffFile) -> tuple[float | None, float | None]:
    """Return frame interval (s) and pixel (nm) of the first image of OME metadata."""
    image = tifffile.xml2dict(tiff.ome_metadata or "")["OME"]["Image"]
    pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    interval = _in(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), _SECONDS)
    sides = [
        _in(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"),
            _NANOMETERS)
        for axis in "XY"
    ]  # fmt: skip
    return interval, _square(*sides)


def _imagej(tiff: tifffile.TiffFile) -> tuple[float | None, float | None]:
    """Return frame interval (s) and pixel (nm) of ImageJ's metadata, None where not there."""
    said = tiff.imagej_metadata or {}
    interval = _in(said.get("finterval"), said.get("tunit", "sec"), _SECONDS)
    tags, sides = tiff.pages.first.tags, []
    for axis in "XY":
        tag = tags.get(f"{axis}Resolution")
        pixels, units = tag.value if tag is not None else (0, 0)
        sides.append(_in(units / pixels if pixels else None, said.get("unit"), _NANOMETERS))
    return interval, _square(*sides)


def _in(value: object, unit: object, units: dict[str, float]) -> float | None:
    """Return `value` in the base unit, None where it or a known unit is missing."""
    if not isinstance(value, int | float) or value <= 0 or str(unit) not in units:
        return None
    return float(value) * units[str(unit)]


def _square(x: float | None, y: float | None) -> float | None:
    """Return the side of a pixel, None where it is not known to be square."""
    return x if x is not None and y is not None and abs(x / y - 1) < 1e-3 else None


def write_tiff(path: str | os.PathLike[str], movie: Movie, *, overwrite: bool = False) -> None:
    """Write a movie as OME-TIFF, with its frame interval and pixel size, whole or not at all.

    Frames are read in order and a few at a time. Raises `PerrinError` for a file that is there,
    without `overwrite`, and where the disk has no room for the movie.
    """
    said = {
        "axes": "TYX",
        "TimeIncrement": movie.frame_interval_s,
        "TimeIncrementUnit": "s",
        "PhysicalSizeX": movie.pixel_nm,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": movie.pixel_nm,
        "PhysicalSizeYUnit": "nm",
    }
    frames = (
        frame
        for first in range(0, movie.n_frames, _WRITTEN_AT_ONCE)
        for frame in movie.frames[first : first + _WRITTEN_AT_ONCE]
    )
    size = movie.n_frames * movie.height * movie.width * movie.frames.dtype.itemsize
    with written_file(path, overwrite=overwrite) as partial:
        check_space(partial.parent, size)
        tifffile.imwrite(
            partial,
            frames,
            shape=movie.frames.shape,
            dtype=movie.frames.dtype,
            ome=True,
            bigtiff=size > _SMALL_TIFF,
            photometric="minisblack",
            metadata=said,
        )

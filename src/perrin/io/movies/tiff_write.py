"""Writing a movie as OME-TIFF, with its numbers in units that other programs read."""

from __future__ import annotations

import os

import tifffile

from perrin.io.disk import check_space
from perrin.io.movie import Movie
from perrin.io.output import written_file

_WRITTEN_AT_ONCE = 32  # frames
_NM_A_CM = 1e7
_SMALL_TIFF = 4_000_000_000  # bytes; a larger one needs 64-bit offsets


def write_tiff(path: str | os.PathLike[str], movie: Movie, *, overwrite: bool = False) -> None:
    """Write a movie as OME-TIFF, with its frame interval and pixel size, whole or not at all.

    Frames are read in order and a few at a time. Raises `PerrinError` for a file that is there,
    without `overwrite`, and where the disk has no room for the movie.
    """
    said = {
        "axes": "TYX",
        "TimeIncrement": movie.frame_interval_s,
        "TimeIncrementUnit": "s",
        # in micrometers: some programs take the number and leave the unit
        "PhysicalSizeX": movie.pixel_nm / 1000,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": movie.pixel_nm / 1000,
        "PhysicalSizeYUnit": "µm",
    }
    per_cm = _NM_A_CM / movie.pixel_nm  # HyperSpy reads these tags, and no OME-XML
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
            resolution=(per_cm, per_cm),
            resolutionunit="CENTIMETER",
            metadata=said,
        )

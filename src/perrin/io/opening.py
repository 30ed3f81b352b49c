"""Opening a movie file whatever its format: find it, add what the user said, check it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.checks import (
    HEAD,
    check_axes_of_file,
    check_intensities,
    check_moving,
    check_order_of_moving,
    check_shape,
    dark_or_saturated,
    doubt_of_order,
    repeated,
)
from perrin.io.found import Asked, Contents, Found, Given, Numbers, check_encoding, settle
from perrin.io.keywords import MovieKeywords, split, takes_movie_keywords
from perrin.io.movie import LazyFrames, Movie
from perrin.io.sniff import Kind, sniff
from perrin.stats import robust_sd

UNITS = {
    "pixel_nm": "the size of a stored pixel in nanometers",
    "frame_rate_hz": "stored (binned) frames per second, or --frame-interval-s",
    "dataset": "the name of the movie inside the file",
    "encoding": "how frames are stored",
}
_DEAD_AT_MOST = 0.02  # fraction of the field that may be filled in
_DARK_AT_MOST = 0.2  # of the median: how dark living pixels may be where dead ones are told
_BYTES_LOOKED_AT = 2**28
_FRAME_AT_MOST = 2**31  # bytes
_PACKED_AT_MOST = 2000  # times that pixels of a camera may be smaller in a file
_PACKED_FROM = 2**30  # bytes of pixels from which on that is looked at
_ADDED = 10.0  # times the largest value, what is added where a background was subtracted


@takes_movie_keywords
def open_movie(path: str | os.PathLike[str], **keywords: Unpack[MovieKeywords]) -> Movie:
    """Open the movie in a file, of any format that `perrin inspect` knows.

    The format is told from the bytes. What is given here goes before what the file says;
    where the two differ by more than 0.1%, provenance["notes"] says so. `Movie.read_as` says
    in one line what was understood.

    Parameters
    ----------
    path : str or PathLike
        The file, or the folder of a Zarr movie or of pictures.
    pixel_nm : float, optional
        Size of a stored (binned) pixel, nanometers.
    frame_rate_hz, frame_interval_s : float, optional
        Stored (binned) frames per second, or the seconds from one to the next.
    landing_sign : int, optional
        -1 where a landing makes raw pixels darker (taken where neither the file nor the caller
        says it, and noted), +1 where brighter.
    dataset : str, optional
        Name of the movie inside an HDF5 file or a Zarr folder; number of a series of a TIFF.
    encoding : str, optional
        "raw" or "time-difference", where the file leaves it open.
    axes : str, optional
        One letter a stored axis, as "YXT" or "TCYX", where the file does not name them or errs.
    channel, z : int, optional
        Which channel and plane, where there are several.
    unsigned : bool
        Take the signed bytes of an MRC file (mode 0) as unsigned ones.
    follow_links : bool
        Read frames that the file takes from other files (links, virtual datasets).
    contents : str
        "landings" for raw movies of landing molecules, "moving" for any other: these may be
        short, square, float and without their background.

    Raises
    ------
    PerrinError
        For a file that is not a movie, is damaged, or does not say what is needed: the message
        names the option to give.

    """
    asked, given = split(keywords)
    found = find(Path(path), asked)
    try:
        return _movie(found, given, asked.contents)
    except BaseException:
        close(found)
        raise


def find(path: Path, asked: Asked) -> Found:
    """Hand the file to the reader of its format; readers are imported when needed.

    Raises `PerrinError` for what is no movie and for a damaged one.
    """
    check_encoding(asked.encoding)
    kind = sniff(path)
    if kind in ("text", "parquet", "feather", "mat"):
        raise _no_movie(path, kind)
    if asked.dataset is not None and kind not in ("hdf5", "zarr", "tiff"):
        raise PerrinError(
            f"{path}: dataset={asked.dataset!r} was given, but a {kind} file has none."
        )
    if asked.unsigned and kind != "microscope":
        raise PerrinError(f"{path}: --unsigned is for MRC files only; leave it away.")
    try:
        return _find_in(kind, path, asked)
    except PerrinError:
        raise
    except Exception as error:  # a damaged file leads libraries to errors of every kind
        raise PerrinError(
            f"{path} cannot be read as a movie ({kind}; {type(error).__name__}: {error}): is it "
            "damaged or cut off? Copy it again from its source."
        ) from error


def _no_movie(path: Path, kind: Kind) -> PerrinError:
    """Say what a table, or a file of perrin's own, is that was given as a movie."""
    from perrin.io.inspecting import inspect

    try:
        what = f"it holds {inspect(path).description}"
    except (PerrinError, OSError):
        what = f"it is a {kind} file"
        if kind == "mat":
            what = "it is a MATLAB file (save a movie in it with -v7.3, or as a TIFF stack)"
    return PerrinError(
        f"{path} is not a movie: {what}. Event tables are read with perrin.read_events (perrin "
        "spectrum), tracks with perrin.read_tracks (perrin diffusion)."
    )


def _find_in(kind: Kind, path: Path, asked: Asked) -> Found:
    if kind == "hdf5":
        return _find_in_hdf5(path, asked)
    if kind == "zarr":
        from perrin.io.movies.zarr import find_zarr

        return find_zarr(path, asked)
    if kind == "tiff":
        from perrin.io.movies.tiff import find_tiff

        return find_tiff(path, asked)
    if kind == "npy":
        from perrin.io.movies.npy import find_npy

        return find_npy(path, asked)
    return _find_elsewhere(kind, path, asked)


def _find_elsewhere(kind: Kind, path: Path, asked: Asked) -> Found:
    if kind == "microscope":
        from perrin.io.movies.microscope import find_microscope

        return find_microscope(path, asked)
    if kind == "video":
        from perrin.io.movies.video import find_video

        return find_video(path, asked)
    if kind == "seq":
        from perrin.io.movies.seq import find_seq

        return find_seq(path, asked)
    from perrin.io.movies.pictures import find_pictures

    return find_pictures(path, asked)


def _find_in_hdf5(path: Path, asked: Asked) -> Found:
    from perrin.io.hdf5 import hdf5_file
    from perrin.io.refeyn import find_refeyn, is_refeyn

    with hdf5_file(path) as file:
        vendor = asked.dataset is None and is_refeyn(file)
    if vendor:
        return find_refeyn(path, asked)
    from perrin.io.movies.hdf5 import find_hdf5

    return find_hdf5(path, asked)


@dataclass(frozen=True)
class Looked:
    """What the first frames show: frames with dead pixels filled, problems, notes.

    only_landings: problems for raw movies of landings, that others need not have.
    """

    frames: LazyFrames | None
    problems: tuple[str, ...] = ()
    only_landings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look_at(found: Found, contents: Contents = "landings") -> Looked:
    """Look at the first frames: dead pixels, sizes, values, the order of axes."""
    if found.problem is not None:
        return Looked(None, (f"{found.path} {found.problem}.",))
    stored, name = found.frames, str(found.path)
    if stored is None:
        return Looked(None)
    frames = stored
    notes: list[str] = []
    try:
        check_shape(frames.shape, name)
        _check_size(found, frames)
        head = _head(frames)
        if head.dtype.kind not in "uif":
            check_intensities(head, name)
        frames, note = _without_dead(frames, head)
        if note:
            notes.append(note)
            head = _head(frames)
        check_moving(head, name)
        notes += [*dark_or_saturated(frames), *repeated(head)] if stored.anywhere else []
        frames.watched.told()
        if contents == "moving" and not found.axes_named:
            check_order_of_moving(frames.shape, name)
    except PerrinError as error:
        return Looked(frames, (str(error),))
    if contents == "moving":
        doubt = None if found.axes_named else doubt_of_order(frames.shape)
        frames, note = _with_background(frames, head)
        return Looked(frames, notes=(*notes, *(one for one in (doubt, note) if one)))
    return Looked(frames, (), _against_landings(head, frames, found), tuple(notes))


def _against_landings(head: npt.NDArray[Any], frames: LazyFrames, found: Found) -> tuple[str, ...]:
    try:
        check_intensities(head, str(found.path))
        if not found.axes_named:
            check_axes_of_file(head, frames.shape, str(found.path))
    except PerrinError as error:
        hints = [f" The file: {note}." for note in found.notes if "--unsigned" in note]
        return (f"{error}{''.join(hints)}",)
    return ()


def _head(frames: LazyFrames) -> npt.NDArray[Any]:
    """Return the first frames as stored, few enough to be held."""
    size = max(1, int(np.prod(frames.shape[1:])) * frames.dtype.itemsize)
    count = max(2, min(HEAD, len(frames), _BYTES_LOOKED_AT // size))
    return np.asarray(frames._read(0, count), dtype=frames.dtype)


def _check_size(found: Found, frames: LazyFrames) -> None:
    """Refuse sizes that a header may say and no camera gives, before anything is read."""
    size = int(np.prod(frames.shape[1:], dtype=object)) * frames.dtype.itemsize
    if size > _FRAME_AT_MOST:
        raise PerrinError(
            f"{found.path} says frames of {frames.shape[1]} x {frames.shape[2]} pixels "
            f"({size / 1e9:.3g} GB each), more than a camera has: is its header damaged?"
        )
    whole, stored = size * len(frames), found.path.stat().st_size
    if whole > _PACKED_FROM and found.path.is_file() and whole > _PACKED_AT_MOST * stored:
        links = found.details.get("linked")
        if not links:
            raise PerrinError(
                f"{found.path} says {whole / 1e9:.3g} GB of pixels in a file of {stored} bytes, "
                "less than counts of a camera can be compressed to: is it damaged, or was nothing "
                "written to it?"
            )


def _without_dead(frames: LazyFrames, head: npt.NDArray[Any]) -> tuple[LazyFrames, str | None]:
    """Fill in the pixels that are 0 or NaN in all first frames, where others see light.

    Raises `PerrinError` where there are too many.
    """
    from perrin.io.movies.frames import MaskedFrames

    empty = ~np.isfinite(head).any(axis=0) if head.dtype.kind == "f" else None
    zero = (head == 0).all(axis=0)
    if zero.any():
        alive = head[:, ~zero]
        median = float(np.nanmedian(alive)) if alive.size else 0.0
        lowest = float(np.nanmin(alive)) if alive.size else 0.0
        if not (median > 0 and lowest > _DARK_AT_MOST * median):
            zero[:] = False  # dark is as common as light: zeros are values
    dead = zero if empty is None else zero | empty
    count = int(dead.sum())
    if not count:
        return frames, None
    fraction = count / dead.size
    what = "0 counts, NaN or infinite in all of the first frames"
    if fraction > _DEAD_AT_MOST:
        raise PerrinError(
            f"{frames.path}: {count} pixels ({fraction:.0%} of the field) are dead or black "
            f"({what}), too many to fill in. Crop the movie to where the camera sees light."
        )
    at = ", ".join(f"({y}, {x})" for y, x in np.argwhere(dead)[:5])
    note = (
        f"{count} dead pixel{'s' if count > 1 else ''} ({what}) at (y, x) {at}"
        f"{', ...' if count > 5 else ''}: replaced by the mean of the neighbors"
    )
    return MaskedFrames(frames, dead), note


def _with_background(frames: LazyFrames, head: npt.NDArray[Any]) -> tuple[LazyFrames, str | None]:
    """Put a level below frames whose background was subtracted, so that they can be divided."""
    from perrin.io.movies.frames import ScaledFrames

    level, low = float(np.median(head)), float(head.min())
    scatter = robust_sd(head)
    if low >= 0 and level > 0:
        return frames, None
    if low >= 0 and level == 0 and scatter == 0 and head.max() > 0 and head.dtype.kind == "u":
        return frames, None  # black with lights on it: the tracker says what it needs
    added = float(np.ceil(_ADDED * max(float(np.abs(head).max()), 5 * scatter)))
    note = (
        f"the background was subtracted already (values about {level:.3g}, down to {low:.3g}): "
        f"{added:g} counts are added, and contrasts are in units of that, no fractions of the light"
    )
    return ScaledFrames(frames, scale=1.0, offset=added), note


def _movie(found: Found, given: Given, contents: Contents) -> Movie:
    """Make the movie, or raise `PerrinError` for what is missing or cannot be one."""
    numbers = settle(found, given, contents=contents)
    if found.problem is not None:
        raise PerrinError(f"{found.path} {found.problem}.")
    interval, pixel = numbers.frame_interval_s, numbers.pixel_nm
    if numbers.missing or found.frames is None or interval is None or pixel is None:
        raise PerrinError(_missing(found, numbers))
    looked = look_at(found, contents)
    problems = (*looked.problems, *looked.only_landings)
    if problems or looked.frames is None:
        raise PerrinError(problems[0] if problems else f"{found.path} holds no movie.")
    return Movie(
        frames=looked.frames,
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
            "axes": found.axes,
            "axes_named": found.axes_named,
            "notes": [*numbers.notes, *looked.notes],
        },
    )


def _missing(found: Found, numbers: Numbers) -> str:
    lines = [
        f"{name} (--{name.replace('_', '-')}), {UNITS[name]}: {why}"
        for name, why in numbers.missing.items()
    ]
    said = [note for note in found.notes if "the file says" in note]
    return f"{found.path} needs {'; '.join([*lines, *said])}."


def close(found: Found) -> None:
    """Close the file of a movie that was found."""
    if found.frames is not None:
        found.frames.close()

"""Movies in TIFF: plain stacks, ImageJ's, OME-TIFF, Micro-Manager's; one page a frame, or not."""

from __future__ import annotations

import logging
import math
import struct
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movie import LazyFrames
from perrin.io.movies.axes import Axes, Layout, lay_out
from perrin.io.movies.frames import DECODING, LaidOutFrames, ScaledFrames, closed, held_of
from perrin.io.movies.micro_manager import with_metadata
from perrin.io.movies.npy import MappedFrames
from perrin.io.movies.tiff_pages import other_series_problem, pages_problem
from perrin.io.movies.tiff_said import TiffSaid, check_ome, said_by
from perrin.types import Array

_WHOLE_AT_MOST = 2**30  # bytes of a series whose pages are no frames: it is read whole
_NEEDS_IMAGECODECS = "pip install 'perrin[compressed]' (the package imagecodecs)"


class PagedFrames(LaidOutFrames):
    """Frames in pages of their own, compressed or scattered over the file.

    series: number of the series; None for files with one series a frame.
    """

    def __init__(self, path: Path, layout: Layout, series: int | None) -> None:
        self._tiff = _open(path)
        weakref.finalize(self, _close, self._tiff)
        self.series = series
        one = self._tiff.series[series or 0]
        super().__init__(path, layout, np.dtype(one.dtype))
        self._in_front = _in_front(layout, series, one)
        self._others = _reopened(one) if one.kind == "ome" else []
        self._numbers = [] if self._in_front is None else page_numbers(layout, self._in_front)
        self._whole: Array | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.layout, self.series)

    def _read(self, start: int, stop: int) -> Array:
        if self._tiff.filehandle.closed:
            raise closed(self.path)
        try:
            with _quiet():
                return self._pages(start, stop)
        except (*DECODING, ImportError) as error:
            raise self._why(start, stop, error) from error

    def _pages(self, start: int, stop: int) -> Array:
        if self._in_front is None:
            if self._whole is None:
                self._whole = np.asarray(self._tiff.asarray(series=self.series))
            return self.layout.arrange(self._whole[self.layout.key(start, stop)])
        pages = self._numbers[start:stop]
        step = pages[1] - pages[0] if len(pages) > 1 else 1
        key = slice(pages[0], pages[-1] + 1, step)
        frames = np.asarray(self._tiff.asarray(series=self.series, key=key))
        return frames.reshape(stop - start, *self.shape[1:])

    def _why(self, start: int, stop: int, error: Exception) -> PerrinError:
        kind = self._tiff.series[self.series or 0].keyframe.compression
        name = getattr(kind, "name", str(kind))
        lacking = isinstance(error, ImportError)  # tifffile 2026 looks for Python 3.14's zstd
        if lacking or "imagecodecs" in str(error) or "requires" in str(error):
            return PerrinError(
                f"{self.path} is compressed with {name}, which needs {_NEEDS_IMAGECODECS}; or save "
                "it again without compression."
            )
        return PerrinError(
            f"{self.path}: pages {start} to {stop - 1} cannot be read: {error} (compression "
            f"{name}). The file is damaged; copy it again from its source."
        )

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        for other in self._others:
            other.close()
        _close(self._tiff)


def _reopened(series: Any) -> list[Any]:
    """Open the other files of a series again, which tifffile closes once it knows their pages."""
    files = {id(page.parent): page.parent.filehandle for page in series.pages if page is not None}
    closed_ones = [file for file in files.values() if file.closed]
    for file in closed_ones:
        file.open()
    return closed_ones


def _close(tiff: tifffile.TiffFile) -> None:
    """Close the file and those that its series is spread over."""
    files = getattr(tiff, "_files", None) or {}
    for other in list(files.values()):
        if other is not tiff:
            other.close()
    tiff.close()


def _in_front(layout: Layout, series: int | None, one: Any) -> tuple[int, ...] | None:
    """Return the axes in front of a page's own (y, x), None where pages are cut otherwise."""
    if series is None:
        return (layout.shape[0],)
    ahead = layout.shape[:-2]
    last_two = (layout.y, layout.x) == (len(layout.shape) - 2, len(layout.shape) - 1)
    return ahead if last_two and math.prod(ahead) == len(one.pages) else None


def page_numbers(layout: Layout, ahead: tuple[int, ...]) -> list[int]:
    """Return the page of each frame, where each page is one frame of (y, x)."""
    index: list[Any] = [0] * len(ahead)
    for axis, at in layout.fixed:
        index[axis] = at
    index[layout.time] = np.arange(layout.frames_shape[0])
    pages = np.ravel_multi_index(np.broadcast_arrays(*index), ahead)
    return [int(page) for page in pages]


def find_tiff(path: Path, asked: Asked) -> Found:
    """Find the movie in a TIFF file: its first series, or the one that `asked.dataset` numbers.

    Frame interval and pixel size come from OME, ImageJ or Micro-Manager's metadata where they
    have a unit. Raises `PerrinError` for a damaged file.
    """
    refuse_encoding(asked.encoding, path, "TIFF")
    tiff = _open(path, follow_links=asked.follow_links)
    try:
        with _quiet():
            return with_metadata(_find(path, tiff, asked))
    finally:
        _close(tiff)


def _find(path: Path, tiff: tifffile.TiffFile, asked: Asked) -> Found:
    number, shape, names, notes = _series(tiff, asked, path)
    one = tiff.series[number or 0]
    said = said_by(tiff, number or 0)
    axes = lay_out(shape, names, asked, z_is_time=said.z_is_time)
    layout = axes.layout
    problem = said.contradicts or other_series_problem(tiff, asked.dataset) or axes.problem
    problem = problem or pages_problem(tiff, number)
    if layout is not None and problem is None:
        layout, note, problem = _complete(layout, number, one, said)
        problem = problem or _not_indexed(tiff)
        notes += [note] if note else []
    frames: LazyFrames | None = None
    if layout is not None and problem is None:
        frames, problem = _frames(path, tiff, number, layout)
    if frames is not None and (said.offset or said.scale != 1):
        frames = ScaledFrames(frames, scale=said.scale, offset=said.offset)
    return Found(
        path=path,
        format="tiff",
        description=f"{said.kind}, axes {one.axes if number is not None else 'one series a frame'}",
        frames=frames,
        axes_named=axes.named,
        axes=axes.letters,
        stored_shape=shape,
        frame_interval_s=said.frame_interval_s,
        pixel_nm=said.pixel_nm,
        notes=(*notes, *axes.notes, *said.notes),
        problem=problem,
    )


def _series(
    tiff: tifffile.TiffFile, asked: Asked, path: Path
) -> tuple[int | None, tuple[int, ...], Sequence[str] | None, list[str]]:
    """Return number, shape and axes of the series that is the movie, and notes.

    The number is None where each series is one frame of it.
    """
    series = tiff.series
    count = len(series)
    if asked.dataset is not None:
        if not asked.dataset.isdigit() or int(asked.dataset) >= count:
            raise PerrinError(
                f"{path}: --dataset {asked.dataset!r} was given; the file has {count} series, "
                f"give 0 to {count - 1}."
            )
        one = series[int(asked.dataset)]
        return int(asked.dataset), tuple(one.shape), one.axes, []
    first = series[0]
    alike = {(tuple(s.shape), s.dtype) for s in series} if count > 1 else set()
    if count > 1 and len(alike) == 1 and len(first.shape) == 2 and len(tiff.pages) == count:
        note = f"its {count} images (series of one page) are the frames of one movie"
        return None, (count, *first.shape), None, [note]
    notes = []
    if count > 1:
        sizes = ", ".join(f"{i} {tuple(s.shape)}" for i, s in enumerate(series[:6]))
        notes.append(
            f"the first of {count} series is used; choose another with --dataset ({sizes}"
            f"{', ...' if count > 6 else ''})"
        )
    return 0, tuple(first.shape), first.axes, notes


def _complete(
    layout: Layout, number: int | None, one: Any, said: TiffSaid
) -> tuple[Layout, str | None, str | None]:
    """Return the layout of the frames that are there, a note, and a problem."""
    ahead = _in_front(layout, number, one)
    if said.lacking_files:
        names = ", ".join(said.lacking_files)
        return (
            layout,
            None,
            (
                f"is incomplete: it is spread over several files, and of these {names} "
                f"{'is' if len(said.lacking_files) == 1 else 'are'} missing in its folder. "
                "Copy all of them there"
            ),
        )
    if number is None or ahead is None or one.kind not in ("ome", "ndtiff"):
        return layout, said.lacks, None
    pages = one.pages
    gone = np.array([pages[page] is None for page in page_numbers(layout, ahead)])
    return held_of(layout, gone, np.zeros_like(gone), why="never written to it")


def _not_indexed(tiff: tifffile.TiffFile) -> str | None:
    """Return what is wrong with an index of Micro-Manager's that lacks images of the file."""
    if tiff.series[0].kind != "ndtiff":
        return None
    held, listed = len(tiff.pages), sum(len(series.pages) for series in tiff.series)
    if held <= listed:
        return None
    return (
        f"is incomplete: its NDTiff.index lists {listed} images and the file holds {held}. Copy "
        "the index again, whole"
    )


def _frames(
    path: Path, tiff: tifffile.TiffFile, number: int | None, layout: Layout
) -> tuple[LazyFrames | None, str | None]:
    one = tiff.series[number or 0]
    if number is not None and one.dataoffset is not None:
        stored = np.dtype(one.dtype).newbyteorder(tiff.byteorder)
        return MappedFrames(path, layout, stored, one.dataoffset), None
    if _in_front(layout, number, one) is None and one.nbytes > _WHOLE_AT_MOST:
        return None, (
            f"has pages that are no frames, {one.nbytes / 1e9:.1f} GB of them: save it with time "
            "as the first axis"
        )
    return PagedFrames(path, layout, number), None


def _open(path: Path, *, follow_links: bool = True) -> tifffile.TiffFile:
    """Open `path` and find its pages; `PerrinError` where some are missing."""
    tiff = None
    with _quiet() as complaints:
        try:
            tiff = tifffile.TiffFile(path)
            check_ome(tiff, path, follow_links=follow_links)
            complete = bool(tiff.series)
            reason = complaints.about_pages or "it holds no image"
        except PerrinError:
            if tiff is not None:
                tiff.close()
            raise
        except (tifffile.TiffFileError, struct.error, *DECODING) as error:
            complete, reason = False, str(error)
    if tiff is None or not complete or complaints.about_pages:
        if tiff is not None:
            _close(tiff)
        raise PerrinError(
            f"{path} is a truncated or damaged TIFF file: {reason}. Copy it again from its source."
        )
    return tiff


@contextmanager
def _quiet() -> Iterator[_Complaints]:
    """Keep what tifffile logs from the terminal, and remember what is about pages."""
    complaints = _Complaints()
    logger = logging.getLogger("tifffile")
    before = logger.propagate
    logger.addHandler(complaints)
    logger.propagate = False
    try:
        yield complaints
    finally:
        logger.removeHandler(complaints)
        logger.propagate = before


class _Complaints(logging.Handler):
    """Keeps what tifffile only logs: that the chain of pages breaks off."""

    about_pages: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the message if it is about pages that cannot be found."""
        message = record.getMessage()
        if "page offset" in message or "offset to first page" in message:
            self.about_pages = message


__all__ = ["Axes", "PagedFrames", "find_tiff", "page_numbers"]

"""Whether all pages of a TIFF movie are alike and there, looked at page by page.

tifffile 2026 looks at a few pages of a long file and decodes the others as the first of them.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import Any

import tifffile

_WIDTH, _HEIGHT, _COMPRESSION, _ROWS = 256, 257, 259, 278
# tags that decide how a page is decoded, with what holds where one is absent
_DECIDE = {
    254: 0, _WIDTH: 0, _HEIGHT: 0, 258: 1, _COMPRESSION: 1, 262: 1, 266: 1, _ROWS: 2**32 - 1,
    277: 1, 284: 1, 317: 1, 322: 0, 323: 0, 339: 1,
}  # fmt: skip
_PLACES = {273: "offset", 279: "length", 324: "offset", 325: "length"}
_SAID = {
    254: "kind (a preview)", _WIDTH: "width", _HEIGHT: "height", 258: "number of bits",
    _COMPRESSION: "compression", 262: "photometric kind", 339: "kind of numbers",
}  # fmt: skip
_SIZES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_TAGS = 4096  # as tifffile has it
_WRITTEN_AT_ONCE = ("shaped", "imagej")
_FRAMES_OF_ONE = ("generic", "uniform", "shaped", "imagej")

Tags = dict[int, int]
_Last = tuple[bytes, Tags, list[slice], list[tuple[slice, int]]]


def pages_problem(tiff: tifffile.TiffFile, number: int | None) -> str | None:
    """Return what is wrong with the pages of series `number` (None: of each series), by number.

    Refused: a page of another size, kind of numbers or compression than the first, and one
    whose pixels are not in the file.
    """
    if number is not None:
        one = tiff.series[number]
        if one.kind in _WRITTEN_AT_ONCE and one.dataoffset is not None:
            return None  # one block behind the first page: the others' tags are not used
    first: Tags | None = None
    for page, tags in _pages(tiff, number):
        if tags.get(0):
            return (
                f"is incomplete: page {page} (counted from 0) has no pixels: they were never "
                "written, or the file was damaged. Copy it again from its source, or save it "
                "without that frame"
            )
        first = first or tags
        other = [tag for tag in _DECIDE if tags[tag] != first[tag]]
        if other:
            what = _SAID.get(other[0], "layout of pixels")
            return (
                f"has an odd page: page {page} (counted from 0) differs from the first in its "
                f"{what} (tag {other[0]}: {tags[other[0]]}, not {first[other[0]]}), so that it "
                "would be decoded wrongly. Save all frames alike, in one size, kind of numbers "
                "and compression"
            )
    return None


def has_pages(tiff: tifffile.TiffFile, count: int) -> bool:
    """Whether the file has exactly `count` pages.

    Pages that were written at once lie evenly: three of them tell, and not all need be visited.
    """
    first = tiff.pages.first.offset
    second = _next_page(tiff, first)
    third = _next_page(tiff, second)
    if count > 2 and third > second > 0:
        last = second + (count - 2) * (third - second)
        before = last - (third - second)
        if _next_page(tiff, before) == last and _next_page(tiff, last) == 0:
            return True
    return len(tiff.pages) == count


def _next_page(tiff: tifffile.TiffFile, offset: int) -> int:
    """Return where the page behind the one at `offset` is: 0 for none, -1 for what is no page."""
    form, file = tiff.tiff, tiff.filehandle
    if not 0 < offset <= file.size - form.tagnosize - form.offsetsize:
        return -1
    file.seek(offset)
    tags = int(struct.unpack(form.tagnoformat, file.read(form.tagnosize))[0])
    file.seek(offset + form.tagnosize + tags * form.tagsize)
    pointer = file.read(form.offsetsize)
    if not 0 < tags < _MOST_TAGS or len(pointer) < form.offsetsize:
        return -1
    return int(struct.unpack(form.offsetformat, pointer)[0])


def other_series_problem(tiff: tifffile.TiffFile, chosen: str | None) -> str | None:
    """Refuse to take the first series where others hold frames of the same movie.

    These are pages between its own ones, or frames of the same size behind them.
    """
    series = tiff.series
    if len(series) < 2 or any(one.kind not in _FRAMES_OF_ONE for one in series):
        return None
    sizes = [(tuple(one.shape[-2:]), one.dtype) for one in series]
    common = max(dict.fromkeys(sizes), key=sizes.count)
    odd = [i for i, size in enumerate(sizes) if size != common]
    if all(len(one.pages) == 1 and len(one.shape) == 2 for one in series) and odd:
        at = f"page {odd[0]} (counted from 0) is {sizes[odd[0]][0]} {sizes[odd[0]][1]}"
        if len(series) > 2 and len(odd) < len(series) - 1:
            return f"has an odd page: {at}, the others {common[0]} {common[1]}: save all alike"
        return None
    if chosen is not None or (not odd and all(len(one.shape) == 2 for one in series)):
        return None
    mine = {one.index for one in series[0].pages if one is not None}
    for number, one in enumerate(series[1:], 1):
        theirs = [page.index for page in one.pages if page is not None]
        between = [at for at in theirs if min(mine) < at < max(mine)]
        # as many smaller pages, each behind one of the frames, are a pyramid
        reduced = len(theirs) == len(mine) and one.shape[-1] < series[0].shape[-1]
        if (between and not reduced) or sizes[number][0] == sizes[0][0]:
            about = f"page {between[0]} lies between its frames" if between else "of the same size"
            return (
                f"holds {len(series)} series of pages, and the second ones may be frames of the "
                f"same movie (series {number}, {tuple(one.shape)} {one.dtype}: {about}). Save all "
                "frames alike, or take the first series alone with --dataset 0"
            )
    return None


def _pages(tiff: tifffile.TiffFile, number: int | None) -> Iterator[tuple[int, Tags]]:
    """Yield number and tags of the pages of a series that have tags of their own."""
    chosen = tiff.series if number is None else [tiff.series[number]]
    files: dict[int, Any] = {}
    seen: set[tuple[int, int]] = set()
    try:
        for at, page in enumerate(page for one in chosen for page in one.pages):
            if page is None or not page.offset:
                continue
            parent = page.parent
            if (id(parent), page.offset) in seen:
                continue
            seen.add((id(parent), page.offset))
            if id(parent) not in files:
                files[id(parent)] = _Directories(parent)
            yield at, files[id(parent)].tags(page.offset)
    finally:
        for one in files.values():
            one.close()


class _Directories:
    """The tags of pages of one file, read from its bytes."""

    def __init__(self, tiff: tifffile.TiffFile) -> None:
        with open(tiff.filehandle.path, "rb") as file:  # noqa: PTH123  a path as tifffile has it
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        order, big = tiff.byteorder, tiff.is_bigtiff
        self._order = order
        self._count = struct.Struct(order + ("Q" if big else "H"))
        self._entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
        self._pointer = struct.Struct(order + ("Q" if big else "I"))
        self._last: _Last | None = None

    def close(self) -> None:
        self._bytes.close()

    def tags(self, offset: int) -> Tags:
        """Return the tags that decide, and 0: 1 where pixels have no place in the file."""
        start = offset + self._count.size
        count = self._count.unpack_from(self._bytes, offset)[0]
        block = self._bytes[start : start + count * self._entry.size]
        if (known := self._as_before(block)) is not None:
            return known
        tags = dict(_DECIDE)
        for code, kind, length, value in self._entry.iter_unpack(block):
            if code in _DECIDE:
                tags[code] = self._values(kind, min(length, 1), length, value)[0]
            elif code in _PLACES and not all(self._values(kind, length, length, value)):
                tags[0] = 1
        tags[_ROWS] = min(tags[_ROWS], tags[_HEIGHT])
        self._last = None if tags.get(0) else self._remembered(block, tags)
        return tags

    def _as_before(self, block: bytes) -> Tags | None:
        """Return the tags of a page that is the one before but for the places of its pixels.

        None where it is not. Pages of one movie mostly are, and this is quicker than to take each
        tag for itself.
        """
        if self._last is None:
            return None
        before, tags, same, places = self._last
        if len(block) != len(before):
            return None
        for part in same:
            if block[part] != before[part]:
                return None
        for part, length in places:
            if not (any(block[part]) if length == 1 else self._all_there(block, part.start)):
                return None
        return tags

    def _all_there(self, block: bytes, at: int) -> bool:
        """Whether no number of the entry whose value is at a place of a block is 0."""
        at -= self._entry.size - self._pointer.size
        _code, kind, length, value = self._entry.unpack_from(block, at)
        return all(self._values(kind, length, length, value))

    def _remembered(self, block: bytes, tags: Tags) -> _Last:
        """Return a page with the parts of its entries that others like it have in common."""
        size, before = self._entry.size, self._entry.size - self._pointer.size
        places = []
        for at in range(0, len(block), size):
            code, kind, length, _value = self._entry.unpack_from(block, at)
            if code in _PLACES:
                width = struct.calcsize(_SIZES.get(kind, "I")) if length == 1 else size - before
                places.append((slice(at + before, at + before + width), length))
        starts = [0, *(part.start + self._pointer.size for part, _ in places)]
        stops = [*(part.start for part, _ in places), None]
        return block, tags, list(map(slice, starts, stops)), places

    def _values(self, kind: int, wanted: int, length: int, value: bytes) -> tuple[int, ...]:
        letter = _SIZES.get(kind)
        if letter is None or not wanted:
            return (kind,)
        size = struct.calcsize(letter)
        if length * size <= len(value):
            return struct.unpack_from(f"{self._order}{wanted}{letter}", value)
        at = self._pointer.unpack(value)[0]
        if at + wanted * size > len(self._bytes):
            return (0,)
        return struct.unpack_from(f"{self._order}{wanted}{letter}", self._bytes, at)

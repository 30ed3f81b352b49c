"""Whether the parts of a MATLAB file of level 4 or 5 fit into each other, before it is read.

Layout: MathWorks, "MAT-File Format": of level 5 elements of a tag (type, bytes) and content; of
level 4 matrices behind each other, of a header (type, rows, columns, complex or not, length of the
name), the name and the numbers.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from perrin.errors import PerrinError

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE = 1, 2, 3, 4, 5
_NUMBERS = range(6, 16)  # double to uint64
_DEPTH = 24
_LARGEST = 2**31  # bytes of a variable, unpacked
_COMPLEX = 0x800


_LARGEST_HEAD = 128
_SIZES_4 = (8, 4, 4, 2, 2, 1)  # bytes of a number, by the second last digit of the type


class _DamagedError(Exception):
    """What does not fit, in words."""


def check_tags(path: Path) -> None:
    """Raise `PerrinError` where an element says more than there is, or what it cannot hold.

    Files of other versions are left to their readers.
    """
    with path.open("rb") as file:
        content = memoryview(file.read())
    if is_level_4(content[:_LARGEST_HEAD]):
        _check_level_4(path, content)
        return
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:128]))
    if order is None or 0 in content[:4] or content[124 + (order == "<")] != 1:
        return
    try:
        for kind, part in _elements(content[_HEADER:], order):
            _variable(kind, part, order)
    except (_DamagedError, zlib.error, struct.error) as error:
        raise PerrinError(
            f"{path} is a damaged MATLAB file: {error}. Copy it again from its source."
        ) from error


def is_level_4(head: bytes | memoryview) -> bool:
    """Whether a file that begins so is a MATLAB file of level 4."""
    found = _header_4(memoryview(head), 0)
    return found is not None and found[0] > 0


def _header_4(content: memoryview, at: int) -> tuple[int, int] | None:
    """Return the bytes of the matrix at a place and those of its header; None where it is none."""
    if len(content) < at + 20:
        return None
    for order in "<>":
        kind, rows, columns, imaginary, name = struct.unpack_from(f"{order}5i", content, at)
        machine, zero, number, matrix = kind // 1000, kind // 100 % 10, kind // 10 % 10, kind % 10
        fits = machine == (order == ">") and zero == 0 and number < len(_SIZES_4) and matrix <= 2
        if not (0 <= kind < 2000 and fits and rows >= 0 and columns >= 0 and imaginary in (0, 1)):
            continue
        text = bytes(content[at + 20 : at + 20 + name]) if 1 < name <= 64 else b""
        if text[-1:] == b"\0" and text[:-1].decode("ascii", "replace").isidentifier():
            return rows * columns * _SIZES_4[number] * (1 + imaginary), 20 + name
    return None


def _check_level_4(path: Path, content: memoryview) -> None:
    at = 0
    while at < len(content):
        found = _header_4(content, at)
        if found is None or at + sum(found) > len(content):
            raise PerrinError(
                f"{path} is a damaged MATLAB file of level 4: its matrix at byte {at} is none, or "
                "larger than the file. Copy it again from its source."
            )
        at += sum(found)


def _variable(kind: int, part: memoryview, order: str) -> None:
    if kind == _COMPRESSED:
        unpacker = zlib.decompressobj()
        unpacked = memoryview(unpacker.decompress(part, _LARGEST))
        if not unpacker.eof:
            raise _DamagedError("a compressed variable is cut off, or larger than 2 GB")
        for inner, rest in _elements(unpacked, order):
            if inner != _MATRIX:
                raise _DamagedError(f"a variable of the unknown kind {inner}")
            _matrix(rest, order, 0)
    elif kind == _MATRIX:
        _matrix(part, order, 0)


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield type and content of elements that lie one behind another."""
    at = 0
    while at + 8 <= len(content):
        kind, length = struct.unpack_from(f"{order}2I", content, at)
        if kind >> 16:  # a small element: length, type and up to 4 bytes in one tag
            kind, length = kind & 0xFFFF, kind >> 16
            start, stop, step = at + 4, at + 4 + length, 8
            if length > 4:
                raise _DamagedError(f"a small element of {length} bytes")
        else:
            start, stop = at + 8, at + 8 + length
            # compressed elements, and they alone, are not filled up to 8 bytes
            step = 8 + (length if kind == _COMPRESSED else (length + 7) // 8 * 8)
        if stop > len(content):
            raise _DamagedError(f"an element of {length} bytes where {len(content) - at} are left")
        yield kind, content[start:stop]
        at += step
    if at < len(content):
        raise _DamagedError("bytes behind the last element")


def _matrix(content: memoryview, order: str, depth: int) -> None:
    if not len(content):
        return  # an empty cell
    if depth > _DEPTH:
        raise _DamagedError(f"cells in each other, more than {_DEPTH} times")
    parts = list(_elements(content, order))
    if len(parts) < 3 or parts[0][0] != 6 or len(parts[0][1]) != 8 or parts[1][0] not in (5, 6):
        raise _DamagedError("an array without flags, sizes and name")
    flags = struct.unpack_from(f"{order}I", parts[0][1])[0]
    lengths = parts[1][1]
    if len(lengths) % 4 or parts[2][0] not in (1, 2, 16):
        raise _DamagedError("sizes or a name that are none")
    sizes = struct.unpack(f"{order}{len(lengths) // 4}i", lengths)
    if min(sizes, default=-1) < 0:
        raise _DamagedError(f"an array of sizes {sizes}")
    _content(flags, math.prod(sizes), parts[3:], order, depth)


def _content(
    flags: int, count: int, parts: list[tuple[int, memoryview]], order: str, depth: int
) -> None:
    kind = flags & 0xFF
    if kind in (_STRUCT, _OBJECT):
        count, parts = _fields(count, parts[kind == _OBJECT :], order)
    if kind in (_CELL, _STRUCT, _OBJECT):
        if len(parts) != count or any(one != _MATRIX for one, _ in parts):
            raise _DamagedError(f"{len(parts)} arrays in a cell or struct of {count}")
        for _, inner in parts:
            _matrix(inner, order, depth + 1)
    elif kind in _NUMBERS:
        wanted = 2 if flags & _COMPLEX else 1
        if len(parts) != wanted or any(_count(one) != count for one in parts):
            raise _DamagedError(f"an array of {count} numbers that holds others")
    elif kind in (_CHAR, _SPARSE):
        fits = len(parts) <= 1 if kind == _CHAR else len(parts) >= 3
        if not fits or any(one not in _SIZES for one, _ in parts):
            raise _DamagedError("a text or a sparse array that is none")


def _fields(
    count: int, parts: list[tuple[int, memoryview]], order: str
) -> tuple[int, list[tuple[int, memoryview]]]:
    """Return how many arrays a struct holds, and these."""
    if len(parts) < 2 or len(parts[0][1]) != 4:
        raise _DamagedError("a struct without names of fields")
    length = struct.unpack_from(f"{order}i", parts[0][1])[0]
    names = len(parts[1][1])
    if length <= 0 or names % length:
        raise _DamagedError("names of fields that do not fit")
    return count * (names // length), parts[2:]


def _count(part: tuple[int, memoryview]) -> int:
    """Return how many numbers an element holds, -1 where it holds none."""
    size = _SIZES.get(part[0])
    return -1 if size is None or len(part[1]) % size else len(part[1]) // size

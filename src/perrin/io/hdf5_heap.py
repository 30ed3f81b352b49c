"""Whether the heaps of texts of an HDF5 file are whole, looked at before the library opens it.

The library (seen with 1.14) does not come back from every damaged one.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from perrin.errors import PerrinError

_LARGEST = 2**25  # bytes of a file that is looked through; larger ones hold movies
_HEAP = b"GCOL\x01\0\0\0"
_HEADER, _ENTRY = 16, 16  # bytes of a heap's header, and of that of an object in it
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def check_heaps(path: Path) -> None:
    """Raise `PerrinError` for a file with a heap of texts that is damaged."""
    if not _HEADER < path.stat().st_size <= _LARGEST:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if not _long_lengths(content):
            return
        at = content.find(_HEAP)
        while at >= 0:
            if not _whole(content, at):
                raise PerrinError(
                    f"{path} is a damaged HDF5 file: its heap of texts at byte {at} is "
                    "damaged. Copy it again from where it was recorded."
                )
            at = content.find(_HEAP, at + 1)


def _long_lengths(content: mmap.mmap) -> bool:
    """Whether sizes are stored in 8 bytes, as nearly all files have them."""
    start = content.find(_SIGNATURE, 0, 8192)
    if start < 0 or start + 16 > len(content):
        return False
    version = content[start + 8]
    return content[start + (14 if version < 2 else 10)] == 8


def _whole(content: mmap.mmap, at: int) -> bool:
    """Whether the objects of a heap lie one behind another, up to its end or that of the file."""
    size: int = struct.unpack_from("<Q", content, at + 8)[0] if at + 16 <= len(content) else 0
    stop = at + size
    place = at + _HEADER
    while place + _ENTRY <= min(stop, len(content)):
        number, _, length = struct.unpack_from("<HH4xQ", content, place)
        step = length if number == 0 else _ENTRY + (length + 7) // 8 * 8
        if not _ENTRY <= step <= stop - place:
            return False
        place += step
    return True

"""What a file is, from its first bytes. Its name is not looked at."""

from __future__ import annotations

from codecs import getincrementaldecoder
from pathlib import Path
from typing import Literal

from perrin.errors import PerrinError

Kind = Literal["hdf5", "tiff", "npy", "zarr", "parquet", "text"]

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # BigTIFF
    (b"MM\0+", "tiff"),
    (b"\x93NUMPY", "npy"),
    (b"PAR1", "parquet"),
)
_HDF5_USER_BLOCKS = (512, 1024, 2048, 4096)  # HDF5 may start behind a block of the user's
_ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")


def sniff(path: Path) -> Kind:
    """Return what kind of file `path` is.

    Raises `PerrinError`, which shows what was seen, for anything else.
    """
    if not path.exists():
        raise PerrinError(f"{path} does not exist; check the name and the folder.")
    if path.is_dir():
        if any((path / mark).exists() for mark in _ZARR_MARKS):
            return "zarr"
        raise PerrinError(
            f"{path} is a folder, and not a Zarr one (none of {', '.join(_ZARR_MARKS)} in it). "
            "Give a file in it."
        )
    try:
        with path.open("rb") as file:
            head = file.read(_HDF5_USER_BLOCKS[-1] + 8)
    except OSError as error:
        raise PerrinError(f"{path} cannot be read: {error}.") from error
    kind = _kind(head)
    if kind is None:
        raise PerrinError(
            f"{path} {_seen(head)}. Known are HDF5 (.mp, .mpr, .h5), TIFF, .npy, Zarr folders, "
            "and event tables in CSV, HDF5 or parquet."
        )
    return kind


def _kind(head: bytes) -> Kind | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if any(head[at:].startswith(_MAGIC[0][0]) for at in _HDF5_USER_BLOCKS):
        return "hdf5"
    return "text" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    if not head or b"\0" in head:
        return False
    try:
        # not final: the last character may be cut where the head ends
        getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _seen(head: bytes) -> str:
    if not head:
        return "is empty (0 bytes); was the copy complete?"
    return f"is of no known kind: it starts with {head[:8].hex(' ')} ({head[:8]!r})"

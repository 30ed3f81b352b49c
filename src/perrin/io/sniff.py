"""What a file is, from its first bytes. Its name is not looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from perrin.errors import PerrinError
from perrin.io.apart import HDF5
from perrin.io.decode import damaged_text, encoding_of
from perrin.io.kinds import folder_of_many, what_it_is
from perrin.io.mat_tags import is_level_4

Kind = Literal[
    "hdf5",
    "tiff",
    "npy",
    "zarr",
    "parquet",
    "feather",
    "text",
    "microscope",
    "video",
    "pictures",
    "mat",
    "seq",
]

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (HDF5_MAGIC, "hdf5"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # BigTIFF
    (b"MM\0+", "tiff"),
    (b"\x93NUMPY", "npy"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "feather"),
    (b"FEA1", "feather"),
    (b"MATLAB 5.0 MAT-file", "mat"),
    (b"\xed\xfe\0\0", "seq"),
)
_HDF5_USER_BLOCKS = (512, 1024, 2048, 4096)  # HDF5 may start behind a block of the user's
_ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")
PICTURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"BM": "BMP"}
"""First bytes of the pictures that a folder may hold one a frame of."""

_EXPORT = "open it in the program that wrote it (or in Fiji) and export it as a TIFF stack"
_NAMED: tuple[tuple[str, str, str], ...] = (
    (r"\xda\xce\xbe\x0a", "a Nikon ND2 movie", _EXPORT),
    (r"\0\0\0\x0cjP  ", "a JPEG 2000 file, as old Nikon ND2 movies are", _EXPORT),
    (r"ZISRAWFILE", "a Zeiss CZI movie", _EXPORT),
    (r"p\0\0\0.{4}\x2a", "a Leica LIF file", _EXPORT),
    (r"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE file, as Olympus OIB, Zeiss ZVI or an old Excel "
     "file (.xls) are", f"{_EXPORT}; tables: save as CSV"),
    (r"OLYMPUSRAWFORMAT", "an Olympus OIR file", _EXPORT),
    (r"Andor Technology", "an Andor SIF movie", _EXPORT),
    (r"DCIMG", "a Hamamatsu DCIMG movie", _EXPORT),
    (r"SIMPLE  =", "a FITS file", _EXPORT),
    (r"CDF[\x01\x02\x05]", "a classic NetCDF file", "save it as NetCDF 4 (nccopy -k nc4), or as a "
     "TIFF stack"),
    (r"CI,\0", "a Phantom CINE movie", _EXPORT),
    (r"PCO-", "a PCO picture (.b16)", _EXPORT),
    (r"\x80[\x02-\x05]", "a Python pickle, which is not opened here", "save the array with "
     "numpy.save, or as a TIFF stack"),
    (r"PK\x03\x04", "a ZIP archive, as an Excel file (.xlsx) is",
     "save a table as CSV; unpack a zipped Zarr folder or movie"),
    (r"\x1f\x8b", "compressed with gzip", "unpack it first (gunzip)"),
    (r"BZh", "compressed with bzip2", "unpack it first"),
    (r"\xfd7zXZ", "compressed with xz", "unpack it first"),
    (r"\x28\xb5\x2f\xfd", "compressed with Zstandard", "unpack it first (unzstd)"),
    (r"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (r"\x89PNG", "one PNG picture, of no known kind of movie", "give the folder that holds the "
     "frames as pictures, or make a TIFF stack of them"),
    (r"\xff\xd8\xff", "one JPEG picture, of no known kind of movie", "make a TIFF stack of the "
     "frames; JPEG changes their values"),
    (r"GIF8", "a GIF, with 256 colors", "export the movie as a TIFF stack from its source"),
    (r"\x30\x26\xb2\x75", "a WMV or ASF video", "convert it to MP4 or AVI, or export a TIFF stack"),
    (r"%PDF", "a PDF, of no known kind of movie", "give the movie or table itself"),
)  # fmt: skip


def sniff(path: Path) -> Kind:
    """Return what kind of file `path` is.

    Raises `PerrinError`, which shows what was seen, for anything else.
    """
    if not path.exists():
        raise PerrinError(f"{path} does not exist; check the name and the folder.")
    if path.is_dir():
        return _folder(path)
    head = head_of(path)
    kind = _kind(head)
    if kind is None and head.startswith(b"PK\x03\x04") and (what := what_it_is(path)):
        raise PerrinError(f"{path} is {what}.")
    if kind is None:
        raise PerrinError(
            f"{path} {_seen(head)}. Known files are HDF5 (.mp, .mpr, .h5, .emd), TIFF, .npy, Zarr "
            "folders, electron microscopes' movies, video, folders of pictures, and event tables "
            "in CSV, HDF5 or parquet."
        )
    if kind == "hdf5":
        HDF5.start()  # while this process imports what reads it
    return kind


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file. Raises `PerrinError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HDF5_USER_BLOCKS[-1] + 8)
    except OSError as error:
        raise PerrinError(f"{path} cannot be read: {error}.") from error


def _folder(path: Path) -> Kind:
    if any((path / mark).exists() for mark in _ZARR_MARKS):
        return "zarr"
    many = folder_of_many(path)
    if many is not None:
        raise PerrinError(f"{path} is {many}.")
    if (path / "summary.json").exists():
        raise PerrinError(
            f"{path} is a folder of results that perrin wrote: look at report.html in it, or give "
            "the events.csv or tracks.csv in it."
        )
    if (path / "card.json").exists():
        raise PerrinError(f"{path} is the folder of a network: give it with --model.")
    names = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if any(_picture(name) for name in names[:50]):
        return "pictures"
    if names and all(head_of(name).startswith(b"\xff\xd8\xff") for name in names[:3]):
        raise PerrinError(
            f"{path} is a folder of JPEG pictures, and JPEG changes values: save the frames as PNG "
            "or TIFF from their source."
        )
    held = ", ".join(p.name for p in sorted(path.iterdir())[:6]) or "nothing"
    raise PerrinError(
        f"{path} is a folder, and not a Zarr one (none of {', '.join(_ZARR_MARKS)} in it), nor one "
        f"of pictures (PNG, TIFF, BMP). It holds {held}. Give a file in it."
    )


def _picture(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(8)
    return next((kind for magic, kind in PICTURES.items() if head.startswith(magic)), None)


def _kind(head: bytes) -> Kind | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if any(head[at:].startswith(HDF5_MAGIC) for at in _HDF5_USER_BLOCKS):
        return "hdf5"
    if microscope(head) is not None:
        return "microscope"
    if video(head) is not None:
        return "video"
    if is_level_4(head):
        return "mat"
    if not head or _named(head) is not None:
        return None
    return None if encoding_of(head) is None else "text"


def microscope(head: bytes) -> str | None:
    """Return the name of the electron microscopes' format of a file that begins so."""
    if head[:3] == b"\0\0\0" and head[3:4] == b"\x03" and head[8:11] == b"\0\0\0":
        return "DM3"
    if head[:3] == b"\0\0\0" and head[3:4] == b"\x04" and head[12:15] == b"\0\0\0":
        return "DM4"
    starts = {b"II\x97\x01": "SER", b"IMGBLO": "BLO", b"MQ1,": "MIB"}
    for magic, name in starts.items():
        if head.startswith(magic):
            return name
    if head[208:212] in (b"MAP ", b"MAP\0") or _old_mrc(head):
        return "MRC"
    # a header of 256 bytes, whose own size stands first and its version second
    if head[:4] == b"\x00\x01\x00\x00" and head[4:8] in (b"\x01\0\0\0", b"\x02\0\0\0"):
        return "TVIPS"
    return None


def _old_mrc(head: bytes) -> bool:
    """Whether a header without the mark MAP is that of MRC: sizes, mode, sampling as sizes."""
    if len(head) < 1024:
        return False
    numbers = [int.from_bytes(head[4 * i : 4 * i + 4], "little") for i in range(19)]
    nx, ny, nz, mode = numbers[:4]
    sizes = all(0 < n <= 65_536 for n in (nx, ny)) and 0 < nz <= 10_000_000
    return sizes and mode in (0, 1, 2, 6, 12) and numbers[16:19] == [1, 2, 3]


def video(head: bytes) -> str | None:
    """Return the name of the video format of a file that begins so."""
    if head.startswith(b"RIFF") and head[8:11] == b"AVI":
        return "AVI"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "MOV" if head[8:10] == b"qt" or head[4:8] != b"ftyp" else "MP4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "MKV"
    return None


def _seen(head: bytes) -> str:
    if not head:
        return "is empty (0 bytes), as after a copy that was not complete"
    named = _named(head)
    if named is not None:
        return (
            f"is {named[0]} (it starts with {head[:8].hex(' ')}, {head[:8]!r}), which perrin does "
            f"not read: {named[1]}"
        )
    if why := damaged_text(head):
        return f"is {why}, if it is a table"
    return f"is of no known kind: it starts with {head[:8].hex(' ')} ({head[:8]!r})"


def _named(head: bytes) -> tuple[str, str] | None:
    """Return what a file that is not read is, and what to do with it."""
    for pattern, what, do in _NAMED:
        if re.match(pattern.encode("latin-1"), head, re.DOTALL):
            return what, do
    return None

"""Files that are no tables of tracks: what each is, and the way out."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from perrin.errors import PerrinError

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"II*\0", "a TIFF file, so a movie: `perrin track` makes tracks of it"),
    (b"MM\0*", "a TIFF file, so a movie: `perrin track` makes tracks of it"),
    (b"II+\0", "a TIFF file, so a movie: `perrin track` makes tracks of it"),
    (b"MM\0+", "a TIFF file, so a movie: `perrin track` makes tracks of it"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard: unpack it first"),
    (b"%PDF", "a PDF document; export the table as CSV"),
    (b"SIMPLE  =", "a FITS file; export the table as CSV"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"\x89PNG", "a picture (PNG), not a table"),
    (b"\xff\xd8\xff", "a picture (JPEG), not a table"),
    (b"GIF8", "a picture (GIF), not a table"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV"),
    (b"RDX", "an R workspace; write the table with write.csv"),
    (b"\x80\x02", "a Python pickle, which is not opened here: write the table with to_csv"),
    (b"\x80\x03", "a Python pickle, which is not opened here: write the table with to_csv"),
    (b"\x80\x04", "a Python pickle, which is not opened here: write the table with to_csv"),
    (b"\x80\x05", "a Python pickle, which is not opened here: write the table with to_csv"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook (.xls) or other Office file; save the sheet of tracks as CSV",
    ),
    (b"\xab\xcd\xab\xcd", "a Nikon .nd2 movie; export it as OME-TIFF for `perrin track`"),
    (b"\xda\xce\xbe\x0a", "a Nikon .nd2 movie; export it as OME-TIFF for `perrin track`"),
    (b"ZISRAWFILE", "a Zeiss .czi movie; export it as OME-TIFF for `perrin track`"),
)


def refuse_foreign(path: Path, head: bytes) -> None:
    """Raise `PerrinError` where a file is known to be something else than a table of tracks."""
    if not head:
        raise PerrinError("the file is empty (0 bytes): was the copy complete?")
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise PerrinError(f"this is {what}.")
    if head.startswith(b"PK\x03\x04"):
        raise PerrinError(f"this is {_zip(path)}.")
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text[:7] == b"scorer," and b"\nbodyparts," in head:
        raise PerrinError(
            "this is a table of DeepLabCut, with columns of its own for each body part: write one "
            "row a position, particle, frame, x, y."
        )
    if text[:1] in (b"{", b"["):
        raise PerrinError(f"this is {_json(path)}.")
    if text[:14].lower() == b"<!doctype html" or text[:5].lower() == b"<html":
        own = " (perrin's own report.html? give tracks.csv beside it)" if b"perrin" in head else ""
        raise PerrinError(f"this is a web page (HTML), not a table of tracks{own}.")


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return "a damaged or cut off ZIP archive or Excel workbook"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx); save the sheet of tracks as CSV and give that"
    if "content.xml" in names and "mimetype" in names:
        return "a spreadsheet of LibreOffice (.ods); save the sheet of tracks as CSV and give that"
    if names and all(name.endswith(".npy") for name in names):
        return f"NumPy arrays together (.npz: {', '.join(names[:4])}); save one as .npy, or as CSV"
    return f"a ZIP archive ({', '.join(names[:3])}); unpack it first"


def _json(path: Path) -> str:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError):
        return "JSON that is damaged, cut off or one object a line; export the tracks as CSV"
    if isinstance(content, dict):
        if "gradient_per_kda" in content:
            return "perrin's own calibration, not a table of tracks"
        if "trajectories" in content or "measurements" in content or "tracked_positions" in content:
            return (
                "perrin's own summary of results, not a table of tracks; give tracks.csv beside it"
            )
    return "a JSON file, not a table of tracks; export the tracks as CSV"

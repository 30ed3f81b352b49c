"""What a file is that is not what it was given as, and the way out: a sentence for messages.

Looked at are the first bytes, never the name. Readers ask here before they say "damaged", so
that a workbook is called a workbook and a report a report.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from perrin.io.mat_tags import is_level_4

_ENOUGH = 4096
_MOST_JSON = 50_000_000  # bytes; perrin's own JSON files are far smaller
_UNPACK = "unpack it and give the file inside"
_BYTES = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "save the sheet as CSV and give that"),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"\x89PNG", "a PNG image", "a movie is one file or a folder of frames"),
    (b"\xff\xd8\xff", "a JPEG image", "a movie is one file or a folder of frames"),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    *(
        (magic, "a TIFF movie", "use perrin landings or perrin track")
        for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    ),
    (
        b"\x93NUMPY",
        "a NumPy array",
        "a movie goes to perrin landings or track, tracks to diffusion",
    ),
    (b"MATLAB 5.0", "a MATLAB file", "tracks go to perrin diffusion; export events as CSV"),
    (b"MATLAB 7.3", "a MATLAB file", "tracks go to perrin diffusion; export events as CSV"),
)
_JSON = (  # keys that only that file has
    ("gradient_per_kda", "a calibration of perrin", "give it with --calibration"),
    ("measurements", "the summary of perrin's results", "give the events.csv beside it"),
    ("perrin_version", "a summary or settings of perrin", "give the table beside it"),
    ("input_shape", "the card of a network", "give the folder of the network with --model"),
)


def what_it_is(path: Path) -> str | None:
    """Return what `path` is and what to do with it, None for tables and what is not known.

    The phrase completes "FILE is ...". Nothing is raised: what cannot be read is not known.
    """
    try:
        if path.is_dir():
            return _folder(path)
        with path.open("rb") as file:
            head = file.read(_ENOUGH)
        if head.startswith(b"PK\x03\x04"):
            return _zip(path)
        if is_level_4(head):
            head = b"MATLAB 5.0"
    except (OSError, zipfile.BadZipFile):
        return None
    for start, what, out in _BYTES:
        if head.startswith(start):
            return f"{what}, no table of events: {out}"
    return _text(path, head)


def folder_of_many(path: Path) -> str | None:
    """Return what a folder over many measurements is and what to do with it; None for others."""
    if (path / "batch.json").is_file():
        return (
            "the folder of perrin batch: look at report.html in it, give one of rows/NAME/results, "
            "or call perrin.read_batch in Python"
        )
    if (path / "wells.csv").is_file() and (path / "summary.json").is_file():
        return (
            "the folder of perrin affinity: the constants are in summary.json, the wells in "
            "wells.csv, the curve in figures/affinity.svg"
        )
    return None


def _folder(path: Path) -> str:
    many = folder_of_many(path)
    if many is not None:
        return many
    if (path / "summary.json").is_file():
        return "a folder of perrin's results: give the events.csv or tracks.csv in it"
    if any((path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup")):
        return "a Zarr folder, a movie: use perrin landings or perrin track"
    return "a folder, no table: give a file in it"


def _zip(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook (.xlsx), no text: save the sheet as CSV and give that"
    if "content.xml" in names:
        return "a spreadsheet of LibreOffice (.ods), no text: save the sheet as CSV and give that"
    if names and all(name.endswith(".npy") for name in names):
        return (
            "NumPy arrays (.npz), no table and no movie: save the one that is it with numpy.save "
            "(.npy), a table as CSV"
        )
    if any(name.rsplit("/", 1)[-1] in (".zarray", ".zgroup", "zarr.json") for name in names):
        return "a zipped Zarr folder: unpack it and give the folder"
    return "a zip archive: unpack it and give the file inside"


def _text(path: Path, head: bytes) -> str | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        whose = "a report of perrin" if b"perrin" in start else "a web page"
        return f"{whose} (HTML), no table: give the events.csv or tracks.csv beside it"
    if start.startswith(b"<"):
        if b"<trackmate" in start or b"<tracks" in start:
            return "TrackMate's XML, a table of tracks: use perrin diffusion"
        return "XML, no table of events: export the events as CSV"
    if start.startswith((b"{", b"[")):
        return _json(path)
    return None


def _json(path: Path) -> str | None:
    if path.stat().st_size > _MOST_JSON:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text)
    except (OSError, UnicodeDecodeError, RecursionError):
        return None
    except ValueError:
        return "JSON, one object a line, no table: export it as CSV" if _by_line(text) else None
    for key, what, out in _JSON:
        if isinstance(found, dict) and key in found:
            return f"{what} (JSON), no table: {out}"
    return "JSON, no table: export the table as CSV"


def _by_line(text: str) -> bool:
    """Whether the first lines are a JSON object each."""
    try:
        return all(isinstance(json.loads(line), dict) for line in text.splitlines()[:2])
    except (ValueError, RecursionError):
        return False

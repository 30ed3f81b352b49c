"""Micro-Manager's ``metadata.txt`` beside pictures or a TIFF stack: pixel, time stamps, frames.

Versions 1.4 and 2.0 write one object of JSON with a ``Summary``, and one more for each image, whose
``ElapsedTime-ms`` is when it came. A recording that was stopped may lack the last bracket.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from perrin.io.found import Found
from perrin.io.movies.stamps import by_stamps
from perrin.io.quantities import Said, read
from perrin.io.read_as import counted

_NAME = "metadata.txt"
_LARGEST = 200_000_000  # bytes
_DIFFERS = 0.1  # relative, of the interval that was asked of the microscope and that of the stamps


def with_metadata(found: Found) -> Found:
    """Return what was found with the numbers that Micro-Manager's metadata beside it say.

    Only where the file itself does not say them; what cannot be read is noted.
    """
    if found.pixel_nm is not None and found.frame_interval_s is not None:
        return found
    file = _beside(found.path)
    if file is None:
        return found
    text = file.read_text("utf-8", errors="replace") if file.stat().st_size <= _LARGEST else "{"
    if not text.startswith("{"):
        return found  # of another program
    content = _content(text)
    if content is None:
        note = f"{file.name} beside it cannot be read (damaged, or larger than 200 MB): not used"
        return replace(found, notes=(*found.notes, note))
    summary = content.get("Summary")
    if not isinstance(summary, dict):
        return found
    images = [one for one in content.values() if isinstance(one, dict) and one is not summary]
    interval, notes = _interval(summary, images)
    pixel = _pixel(summary, images)
    notes += [f"numbers by Micro-Manager's {file.name} beside it"]
    notes += [note for note in (pixel.note, interval.note, _lacking(found, summary, file)) if note]
    return replace(
        found,
        pixel_nm=pixel.value if found.pixel_nm is None else found.pixel_nm,
        frame_interval_s=found.frame_interval_s or interval.value,
        notes=(*found.notes, *notes),
    )


def _beside(path: Path) -> Path | None:
    """Return the metadata of a folder of images, or of a stack in a folder of its own."""
    if path.is_dir():
        file = path / _NAME
        return file if file.is_file() else None
    stem = path.name.partition(".")[0]
    file = path.with_name(f"{stem}_{_NAME}")
    if file.is_file():
        return file
    file = path.with_name(_NAME)
    if not file.is_file():
        return None
    others = [one for one in path.parent.iterdir() if one.suffix == path.suffix and one != path]
    return None if others else file


def _content(text: str) -> dict[str, Any] | None:
    for end in ("", "}", "}}"):
        try:
            content = json.loads(text.rstrip().rstrip(",") + end if end else text)
        except (ValueError, RecursionError):
            continue
        return content if isinstance(content, dict) else None
    return None


def _pixel(summary: dict[str, Any], images: list[dict[str, Any]]) -> Said:
    said = [summary.get("PixelSize_um"), *(one.get("PixelSizeUm") for one in images)]
    found = [read(value, "um", "length") for value in said if isinstance(value, int | float)]
    return next((one for one in found if one.value or one.note), Said())


def _interval(summary: dict[str, Any], images: list[dict[str, Any]]) -> tuple[Said, list[str]]:
    """Return the interval by the time stamps, else the one asked of the microscope, and notes."""
    asked = read(summary.get("Interval_ms"), "ms", "time")
    stamps: dict[int, float] = {}
    stamped_images = [one for one in images if "ElapsedTime-ms" in one]
    for number, one in enumerate(stamped_images):
        at, stamp = one.get("FrameIndex", one.get("Frame", number)), one["ElapsedTime-ms"]
        if isinstance(at, int) and isinstance(stamp, int | float):
            stamps.setdefault(at, float(stamp))
    stamped, notes = by_stamps(stamps, "ms")
    if not stamped.value:
        return asked, notes
    if asked.value and abs(asked.value / stamped.value - 1) > _DIFFERS:
        notes.append(
            f"{asked.value * 1e3:.4g} ms a frame were asked of the microscope, and its time stamps "
            f"step by {stamped.value * 1e3:.4g} ms: these are used"
        )
    return stamped, notes


def _lacking(found: Found, summary: dict[str, Any], file: Path) -> str | None:
    announced, held = summary.get("Frames"), found.frames
    if held is None or not isinstance(announced, int) or announced <= held.shape[0]:
        return None
    return (
        f"incomplete: {file.name} says {counted(announced, 'frame')} and {held.shape[0]} are there "
        "(was the recording stopped?)"
    )

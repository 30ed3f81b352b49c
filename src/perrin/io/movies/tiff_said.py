"""What the metadata of a TIFF file say: OME-XML, ImageJ, Micro-Manager."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import tifffile

from perrin.errors import PerrinError
from perrin.io.movies.stamps import by_stamps
from perrin.io.movies.tiff_pages import has_pages
from perrin.io.quantities import Said, read, square
from perrin.io.read_as import counted

_STRAIGHT_LINE = 0  # ImageJ's calibration function: value = c0 + c1 * stored
_NOT_CALIBRATED = (20, 21)
_DIFFERS, _CONTRADICTS = 0.01, 0.1  # relative, of an interval that is said and that of time stamps
_MICRO_MANAGER = 51123  # tag of the metadata of a page


@dataclass(frozen=True)
class TiffSaid:
    """Numbers of a TIFF file (None where it does not say them) and notes on them.

    scale, offset: from stored to true values. lacks: a note on planes that are announced and
    not there. lacking_files: other files that the movie is spread over and that are missing.
    contradicts: why its pages cannot be the pictures that the metadata describe.
    """

    kind: str = "TIFF"
    frame_interval_s: float | None = None
    pixel_nm: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    z_is_time: str | None = None
    lacks: str | None = None
    lacking_files: tuple[str, ...] = ()
    contradicts: str | None = None
    notes: tuple[str, ...] = field(default=())


def check_ome(tiff: tifffile.TiffFile, path: Path, *, follow_links: bool) -> None:
    """Refuse OME-XML that no program needs: entities, and files in other folders.

    Raises `PerrinError`; called before anything else parses the text.
    """
    if not tiff.is_ome:
        return
    root = _parsed(tiff.ome_metadata or "", path)
    for element in root.iter():
        name = element.get("FileName") if _tag(element) == "UUID" else None
        if name and Path(name).name != name and not follow_links:
            raise PerrinError(
                f"{path} refers to the file {name!r} in another folder. A file should not make "
                "perrin read others; if you trust it, give --follow-links."
            )


def _parsed(text: str, path: Path | str) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, ValueError, DefusedXmlException) as error:
        raise PerrinError(
            f"{path} has OME metadata that cannot be read ({type(error).__name__}: {error}). "
            "Save it again from the program that wrote it."
        ) from error
    return root


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def said_by(tiff: tifffile.TiffFile, number: int) -> TiffSaid:
    """Return what the metadata say of series `number`."""
    if tiff.is_ome:
        said = _ome(tiff, number)
    elif tiff.is_imagej:
        said = _imagej(tiff)
    else:
        said = _plain(tiff)
    return _micro_manager(tiff, said) if tiff.is_micromanager else said


def _ome(tiff: tifffile.TiffFile, number: int) -> TiffSaid:
    root = _parsed(tiff.ome_metadata or "", tiff.filename)
    images = [element for element in root if _tag(element) == "Image"]
    all_pixels = [p for image in images for p in image if _tag(p) == "Pixels"]
    lacking = _lacking_files(root, Path(tiff.filehandle.path).parent)
    if number >= len(all_pixels):
        return TiffSaid("OME-TIFF", lacking_files=lacking)
    pixels = all_pixels[number]
    interval = read(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), "time")
    sides = [
        read(
            pixels.get(f"PhysicalSize{axis}"),
            pixels.get(f"PhysicalSize{axis}Unit", "µm"),
            "length",
        )
        for axis in "XY"
    ]
    pixel, notes = square(*sides)
    stamped, gaps = _delta_t(pixels)
    interval = _one_interval(interval, stamped)
    notes += [note for note in (interval.note, *gaps, _beyond(tiff)) if note]
    return TiffSaid(
        "OME-TIFF",
        interval.value,
        pixel,
        notes=tuple(notes),
        lacking_files=lacking,
        contradicts=_other_sizes(tiff.series[number], all_pixels),
    )


def _other_sizes(one: tifffile.TiffPageSeries, all_pixels: list[Element]) -> str | None:
    """Return why the pages of a series are none of the images of the OME metadata.

    tifffile takes such pages as a plain stack, as though nothing were said of them.
    """
    if one.kind == "ome":
        return None
    page = one.keyframe
    said = [_sizes(pixels) for pixels in all_pixels]
    if any(None in sizes or sizes[:2] == (page.imagewidth, page.imagelength) for sizes in said):
        return None
    width, height, frames = said[0]
    return (
        f"contradicts itself: its OME metadata describe {counted(frames or 0, 'image')} of "
        f"{height} x {width} pixels (height x width), and it holds "
        f"{counted(len(one.pages), 'page')} of {page.imagelength} x {page.imagewidth}. Save it "
        "again with a program that writes each image as one page, or as a plain TIFF"
    )


def _beyond(tiff: tifffile.TiffFile) -> str | None:
    """Return a note on pages of the file that its OME metadata say nothing of."""
    if any(one.kind != "ome" for one in tiff.series):
        return None
    described = {page.offset for one in tiff.series for page in one.pages if page is not None}
    if has_pages(tiff, len(described)) or len(tiff.pages) <= len(described):
        return None
    return (
        f"the file holds {len(tiff.pages)} images and its OME metadata describe "
        f"{len(described)}: those are read"
    )


def _sizes(pixels: Element) -> tuple[int | None, int | None, int | None]:
    """Return width, height and number of images of OME pixels; None for what is no number."""
    sizes = [pixels.get(f"Size{axis}", "") for axis in "XYCZT"]
    if not all(size.isdigit() for size in sizes):
        return None, None, None
    width, height, *ahead = map(int, sizes)
    return width, height, math.prod(ahead)


def _one_interval(said: Said, stamped: Said) -> Said:
    """Return the interval of what a file says and of its time stamps, with what speaks against it.

    Where both differ by far, neither is used: the user has to say which is right.
    """
    if not said.value or not stamped.value:
        return said if said.value else Said(stamped.value, said.note or stamped.note)
    apart = abs(said.value / stamped.value - 1)
    both = (
        f"the file says {said.value * 1e3:.4g} ms a frame (TimeIncrement), and its time stamps "
        f"step by {stamped.value * 1e3:.4g} ms"
    )
    if apart > _CONTRADICTS:
        return Said(None, f"{both}: neither is used")
    return Said(said.value, f"{both}: the first is used" if apart > _DIFFERS else None)


def _lacking_files(root: Element, folder: Path) -> tuple[str, ...]:
    names = {e.get("FileName") for e in root.iter() if _tag(e) == "UUID" and e.get("FileName")}
    # a file that names only itself may have been renamed
    if len(names) < 2:
        return ()
    return tuple(sorted(str(name) for name in names if not (folder / str(name)).exists()))


def _delta_t(pixels: Element) -> tuple[Said, list[str]]:
    """Return the frame interval by the time stamps of the planes, and notes on gaps."""
    stamps: dict[int, float] = {}
    unit = "s"
    for plane in pixels:
        if _tag(plane) == "Plane" and plane.get("DeltaT") is not None:
            unit = plane.get("DeltaTUnit", "s")
            try:
                at, stamp = int(plane.get("TheT", "0")), float(plane.get("DeltaT", "nan"))
            except ValueError:
                continue
            stamps.setdefault(at, stamp)
    return by_stamps(stamps, unit)


def _imagej(tiff: tifffile.TiffFile) -> TiffSaid:
    meta = tiff.imagej_metadata or {}
    notes: list[str] = []
    interval = read(meta.get("finterval"), meta.get("tunit", "sec"), "time")
    pixel, more = _resolution(tiff, meta.get("unit"), meta.get("yunit", meta.get("unit")))
    if interval.value is None and meta.get("fps"):
        notes.append(
            f"the file says fps {meta['fps']:g}, the speed at which ImageJ plays it: if it is that "
            f"of the recording, give --frame-rate-hz {meta['fps']:g}"
        )
    notes += [note for note in (interval.note, *more) if note]
    said = TiffSaid("ImageJ TIFF", interval.value, pixel, notes=tuple(notes))
    if interval.value is not None:
        said = replace(said, z_is_time="it gives a frame interval (finterval) and no frames")
    announced, one = meta.get("images"), tiff.series[0]
    held = int(np.prod(one.shape[:-2], dtype=np.int64))
    if announced == held and has_pages(tiff, held):
        return _calibrated(said, meta)
    held = max(held, len(tiff.pages))
    if isinstance(announced, int) and announced > held:
        lacks = f"incomplete: the file says {announced} images and holds {held} (cut off?)"
        said = replace(said, lacks=lacks)
    elif isinstance(announced, int) and announced < len(tiff.pages):
        beyond = f"the file holds {len(tiff.pages)} images and says {announced}: those are read"
        said = replace(said, notes=(*said.notes, beyond))
    return _calibrated(said, meta)


def _calibrated(said: TiffSaid, meta: dict[str, Any]) -> TiffSaid:
    """Add ImageJ's calibration of the pixel values, as that of its signed 16-bit images."""
    kind = meta.get("cf", _NOT_CALIBRATED[0])
    offset, scale = float(meta.get("c0", 0.0)), float(meta.get("c1", 1.0))
    straight = kind == _STRAIGHT_LINE
    if kind in _NOT_CALIBRATED or (straight and offset == 0 and scale == 1):
        return said
    if not straight or not np.isfinite([offset, scale]).all() or scale == 0:
        note = (
            f"ImageJ's calibration function {kind} of the pixel values (c0, c1, ...) is not applied"
        )
        return replace(said, notes=(*said.notes, note))
    note = (
        f"ImageJ's calibration of pixel values is applied: {offset:g} + {scale:g} x stored (c0, c1)"
    )
    return replace(said, scale=scale, offset=offset, notes=(*said.notes, note))


def _resolution(
    tiff: tifffile.TiffFile, x_unit: object, y_unit: object
) -> tuple[float | None, list[str]]:
    """Return the pixel by the resolution tags, pixels a unit, and notes."""
    sides = []
    for axis, unit in (("X", x_unit), ("Y", y_unit)):
        tag = tiff.pages.first.tags.get(f"{axis}Resolution")
        pixels, units = tag.value if tag is not None else (0, 0)
        has = pixels and units and unit
        sides.append(read(units / pixels, unit, "length") if has else Said())
    return square(*sides)


def _plain(tiff: tifffile.TiffFile) -> TiffSaid:
    """A plain stack; tifffile's own says its shape, which may be longer than what is there."""
    described = tiff.pages.first.description or ""
    shape = re.match(r'\{"shape": \[([\d, ]+)\]', described)
    if not shape:
        return TiffSaid()
    announced = [int(n) for n in shape.group(1).split(",")]
    one = tiff.series[0]
    held = int(np.prod(one.shape[:-2], dtype=np.int64))
    wanted = int(np.prod(announced[:-2], dtype=np.int64))
    if wanted <= held:
        return TiffSaid()
    held = max(held, len(tiff.pages))
    if len(announced) == 3 and wanted > held and len(tiff.series) == 1:
        lacks = f"incomplete: the file says {wanted} frames and holds {held} (cut off?)"
        return TiffSaid(lacks=lacks)
    return TiffSaid()


def _micro_manager(tiff: tifffile.TiffFile, said: TiffSaid) -> TiffSaid:
    """Add what Micro-Manager writes: the pixel, and the time stamp of each page."""
    summary = (tiff.micromanager_metadata or {}).get("Summary") or {}
    notes = list(said.notes)
    pixel, interval = said.pixel_nm, said.frame_interval_s
    if pixel is None:
        size = read(summary.get("PixelSize_um"), "um", "length")
        pixel = size.value
    stamps: dict[str, dict[int, float]] = defaultdict(dict)
    for number, page in enumerate(tiff.pages):
        tag = page.tags.get(_MICRO_MANAGER) if hasattr(page, "tags") else None
        value = tag.value if tag is not None and isinstance(tag.value, dict) else {}
        if isinstance(value.get("ElapsedTime-ms"), int | float):
            at = value.get("FrameIndex", value.get("Frame", number))
            if isinstance(at, int):
                stamps["ms"].setdefault(at, float(value["ElapsedTime-ms"]))
    if interval is None and stamps:
        stamped, gaps = by_stamps(stamps["ms"], "ms")
        interval = stamped.value
        notes += gaps
    if interval is None:
        interval = read(summary.get("Interval_ms"), "ms", "time").value
    return replace(said, pixel_nm=pixel, frame_interval_s=interval, notes=tuple(notes))

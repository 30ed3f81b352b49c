"""Movies of electron microscopes through rosettasciio (extra `em`): DM3, DM4, SER, MRC, ...

Where that library surprises, the file is looked at here: MRC's signed bytes, the pixel of TVIPS.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
import weakref
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movies.axes import Layout, lay_out
from perrin.io.movies.dose import dose_of_mrc, dose_said
from perrin.io.movies.frames import DECODING, LaidOutFrames, closed, unreadable
from perrin.io.quantities import Said, factor, read, square
from perrin.io.sniff import head_of, microscope
from perrin.quiet import quiet
from perrin.types import Array

_MODULES = {
    "DM3": ("digitalmicrograph", ".dm3", "Gatan DM3 (DigitalMicrograph)"),
    "DM4": ("digitalmicrograph", ".dm4", "Gatan DM4 (DigitalMicrograph)"),
    "SER": ("tia", ".ser", "FEI SER (TIA)"),
    "MRC": ("mrc", ".mrc", "MRC"),
    "TVIPS": ("tvips", ".tvips", "TVIPS"),
    "BLO": ("blockfile", ".blo", "NanoMegas BLO"),
    "MIB": ("quantumdetector", ".mib", "Quantum Detectors MIB (Merlin)"),
}
_BYTES_OF_MODE = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}
_HEADER_OF_MRC = 1024
_SIGNED_BYTES = "mode 0 holds signed bytes"


class MicroscopeFrames(LaidOutFrames):
    """Frames that rosettasciio reads, a few at a time.

    kind: one of the formats. item: which of the images in the file. view: how its bytes are
    meant, where the library takes them for something else.
    """

    def __init__(self, path: Path, kind: str, item: int, layout: Layout, view: str | None) -> None:
        self.kind, self.item, self.view = kind, item, view
        images = load(path, kind)
        self._data: Any = images[item]["data"]
        self._kept = images[0]["kept"]
        dtype = np.dtype(view) if view else np.dtype(self._data.dtype)
        super().__init__(path, layout, dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.kind, self.item, self.layout, self.view)

    def _take(self, key: tuple[int | slice, ...]) -> Array:
        if self._data is None:
            raise closed(self.path)
        try:
            block = self._data[key]
            block = np.asarray(block.compute() if hasattr(block, "compute") else block)
        except DECODING as error:
            raise unreadable(self.path, 0, len(self), error) from error
        return np.ascontiguousarray(block).view(self.view) if self.view else block

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._data = self._kept = None


def load(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return what rosettasciio finds in a file: arrays that are read when asked for, and axes.

    Raises `PerrinError` without the package, and for a file that it cannot read.
    """
    module, suffix, name = _MODULES[kind]
    try:
        reader = import_module(f"rsciio.{module}")
    except ImportError as error:
        raise PerrinError(
            f"{path} is a file of {name} (electron microscopy), and a package that reads it is not "
            f"installed ({error.name}): pip install 'perrin[em]', or export it as a TIFF stack."
        ) from error
    if kind == "MRC":
        _refuse_frames_that_are_not_there(path)
    try:
        with quiet("rsciio"):
            called = _Renamed(path, suffix)
            found = reader.file_reader(str(called.path), lazy=True)
    except DECODING as error:
        raise PerrinError(
            f"{path} is a file of {name} (electron microscopy) that cannot be read "
            f"({type(error).__name__}: {error}): cut off or damaged? Copy it again, or export it "
            "as a TIFF stack."
        ) from error
    images = [one for one in found if getattr(one.get("data"), "ndim", 0) >= 2]
    if not images:
        raise PerrinError(
            f"{path} is a file of {name} (electron microscopy) without images in it. If it has "
            "them, export them as a TIFF stack."
        )
    images[0]["kept"] = called  # frames are read later, under that name
    return images


class _Renamed:
    """Another name for a file, with the suffix that the library goes by, while this is kept."""

    def __init__(self, path: Path, suffix: str) -> None:
        self.path = path
        if path.suffix.lower() == suffix:
            return
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder) / f"movie_000{suffix}"
        try:
            self.path.symlink_to(path.resolve())
        except OSError:
            shutil.copy(path, self.path)


def find_microscope(path: Path, asked: Asked) -> Found:
    """Find the movie in an electron microscope's file; `PerrinError` for a damaged one."""
    kind = microscope(head_of(path)) or "MRC"
    name = _MODULES[kind][2]
    refuse_encoding(asked.encoding, path, name)
    if asked.unsigned and kind != "MRC":
        raise PerrinError(f"{path}: --unsigned is for MRC files only; leave it away.")
    images = load(path, kind)
    item = max(range(len(images)), key=lambda i: images[i]["data"].size)
    image = images[item]
    told = image["axes"]
    if kind == "MIB" and image["data"].ndim > 3:
        return _reshaped(path, name, image)
    names, taken = _names(told)
    axes = lay_out(image["data"].shape, names, asked, z_is_time=_z_is_time(kind))
    notes = [*axes.notes, *([taken] if taken and asked.axes is None else [])]
    notes += _more_than_said(path) if kind == "MRC" else []
    if len(images) > 1:
        notes.append(f"the largest of the {len(images)} images in the file is used")
    interval, pixel, said = _numbers(told, axes.layout, kind, image.get("metadata") or {})
    said += dose_of_mrc(path) if kind == "MRC" else dose_said(image.get("original_metadata"))
    view, about = _bytes_of_mrc(kind, asked, image)
    frames = None
    if axes.layout is not None and axes.problem is None:
        frames = MicroscopeFrames(path, kind, item, axes.layout, view)
    return Found(
        path=path,
        format=kind.lower(),
        description=f"{name}, electron microscopy",
        frames=frames,
        axes_named=axes.named or taken is not None,
        axes=axes.letters,
        stored_shape=tuple(image["data"].shape),
        frame_interval_s=interval,
        pixel_nm=pixel,
        notes=(*notes, *said, *about),
        asks=_asks(kind, pixel),
        problem=axes.problem,
    )


def _reshaped(path: Path, name: str, image: dict[str, Any]) -> Found:
    return Found(
        path=path,
        format="mib",
        description=f"{name}, electron microscopy",
        frames=None,
        axes_named=False,
        stored_shape=tuple(image["data"].shape),
        problem=(
            f"holds a scan of {image['data'].shape[:2]} pictures, or frames whose order cannot be "
            "told from one. If it is a movie, export it as a TIFF stack"
        ),
    )


def _z_is_time(kind: str) -> str | None:
    return "a stack of this format is one of frames" if kind in ("MRC", "DM3", "DM4") else None


def _names(told: list[dict[str, Any]]) -> tuple[list[object], str | None]:
    """Return names of the axes, units first, and a note where the stack axis has none."""
    names: list[object] = []
    for one in told:
        unit, name = str(one.get("units") or ""), str(one.get("name") or "")
        is_time = unit not in ("", "<undefined>") and factor(unit, "time") is not None
        name = {"dy": "y", "dx": "x"}.get(name, name) if len(told) == 3 else name  # of detectors
        names.append("T" if is_time else name if name not in ("", "<undefined>") else None)
    stack = [i for i, one in enumerate(told) if one.get("navigate")]
    if len(told) == 3 and len(stack) == 1 and names[stack[0]] in (None, "z", "scan_y", "scan_x"):
        others = [i for i in range(3) if i != stack[0]]
        names[stack[0]] = "T"
        for i, letter in zip(others, "YX", strict=True):
            names[i] = letter
        return names, "the file does not name the axis of its pictures: they are taken as frames"
    return names, None


def _numbers(
    told: list[dict[str, Any]], layout: Layout | None, kind: str, metadata: dict[str, Any]
) -> tuple[float | None, float | None, list[str]]:
    """Return interval (s), pixel (nm) and notes of the axes' scales and of the metadata."""
    if layout is None:
        return None, None, []

    def said(axis: int, quantity: Any) -> Said:
        unit = str(told[axis].get("units") or "").replace("<undefined>", "")
        scale = told[axis].get("scale", 0)
        return read(abs(scale), unit, quantity) if unit else Said()

    interval = said(layout.time, "time")
    pixel, notes = square(said(layout.x, "length"), said(layout.y, "length"))
    if kind == "TVIPS":
        notes.append(
            "the pixel of a TVIPS file may be a frame time instead, as some programs write it, and "
            "its frame times are cut to whole milliseconds: the pixel is asked for"
        )
        pixel = None
    detector = metadata.get("Acquisition_instrument", {}).get("TEM", {})
    dwell = detector.get("Detector", {}) if isinstance(detector, dict) else {}
    exposure = dwell.get("Camera", {}).get("exposure") if isinstance(dwell, dict) else None
    if exposure and interval.value is None:
        notes.append(f"the exposure of a frame is {exposure:g} s, by the file")
    notes += [interval.note] if interval.note else []
    return interval.value, pixel, notes


def _frames_of_mrc(path: Path) -> tuple[int, int]:
    """Return how many frames an MRC file has by its header, and room for; (0, 0) if unknown.

    Raises `PerrinError` for sizes below 1.
    """
    head = head_of(path)
    if len(head) < _HEADER_OF_MRC:
        return 0, 0
    order = ">" if head[212:213] == b"\x11" else "<"
    nx, ny, nz, mode = struct.unpack_from(f"{order}4i", head)
    (extended,) = struct.unpack_from(f"{order}i", head, 92)
    if min(nx, ny, nz) < 1:
        raise PerrinError(
            f"{path} is a file of MRC (electron microscopy) that says {nz} frames of {ny} x {nx} "
            "pixels: damaged? Copy it again, or export it as a TIFF stack."
        )
    a_frame = nx * ny * _BYTES_OF_MODE.get(mode, 0)
    if a_frame == 0:
        return 0, 0
    return nz, (path.stat().st_size - _HEADER_OF_MRC - extended) // a_frame


def _refuse_frames_that_are_not_there(path: Path) -> None:
    """Refuse an MRC file that is shorter than it says, before anything is made of its frames."""
    said, held = _frames_of_mrc(path)
    if held < said:
        raise PerrinError(
            f"{path} is a file of MRC (electron microscopy) that says {said} frames and has room "
            f"for {max(held, 0)}: cut off or damaged? Copy it again, or export it as a TIFF stack."
        )


def _more_than_said(path: Path) -> list[str]:
    """Return a note where an MRC file has room for more frames than its header says."""
    said, held = _frames_of_mrc(path)
    if held <= said:
        return []
    return [f"the file has room for {held} frames and its header says {said}: those are read"]


def _asks(kind: str, pixel: float | None) -> dict[str, str]:
    if kind == "TVIPS" and pixel is None:
        return {"pixel_nm": "what the file says may be the frame time"}
    return {}


def _bytes_of_mrc(kind: str, asked: Asked, image: dict[str, Any]) -> tuple[str | None, list[str]]:
    """Return how the bytes of an MRC file are meant, and notes: mode 0 is signed by the standard.

    rosettasciio 0.15 takes them as unsigned, and some programs write them so.
    """
    if kind != "MRC" or np.dtype(image["data"].dtype).itemsize != 1:
        return None, []
    if asked.unsigned:
        return "u1", []
    block = image["data"][:2]
    first = np.asarray(block.compute() if hasattr(block, "compute") else block).view(np.uint8)
    note = f"{_SIGNED_BYTES}, by the standard"
    # counts in unsigned bytes that pass 127 turn into large negative ones; true signed values
    # about zero come with values just below it as well, 250 to 255 as bytes
    upper = first[first > 127]
    if len(upper) and (upper < 192).mean() > 0.5 and first.min() > 0:
        note += "; its values look like unsigned ones: if so, give --unsigned"
    return "i1", [note]

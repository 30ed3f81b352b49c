"""Small movies in the layouts of electron microscopes' programs, byte by byte.

Written after the public descriptions of the formats (C. Boothroyd's of .ser and .dm3, Quantum
Detectors' of .mib), so that two independent readers, ncempy and rosettasciio, can be compared.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

Counts = np.ndarray[Any, np.dtype[Any]]


def write_ser(path: Path, frames: Counts, *, pixel_m: float, step_s: int = 1) -> None:
    """FEI's series of images of unsigned 16 bits, each with a time stamp in whole seconds."""
    count, height, width = frames.shape
    element = [
        struct.pack("<ddiddihii", 0, pixel_m, 0, 0, pixel_m, 0, 2, width, height)
        + frame[::-1].astype("<u2").tobytes()  # from the bottom row upwards
        for frame in frames
    ]
    tags = [struct.pack("<HHi", 0x4152, 0, 10**9 + step_s * k) for k in range(count)]
    words = (b"Number", b"")
    dimension = struct.pack("<iddi", count, 0.0, 1.0, 0)
    dimension += b"".join(struct.pack("<i", len(word)) + word for word in words)
    start = 30 + len(dimension)
    head = struct.pack("<HHHiiiiii", 0x4949, 0x0197, 0x0210, 0x4122, 0x4152, count, count, start, 1)
    at = start + 8 * count
    data_at, tag_at = [], []
    for image, tag in zip(element, tags, strict=True):
        data_at.append(at)
        tag_at.append(at + len(image))
        at += len(image) + len(tag)
    offsets = struct.pack(f"<{2 * count}i", *data_at, *tag_at)
    body = b"".join(image + tag for image, tag in zip(element, tags, strict=True))
    path.write_bytes(head + dimension + offsets + body)


class _Tags:
    """Tags of DigitalMicrograph: sizes are 4 bytes in version 3, 8 in version 4."""

    def __init__(self, version: int) -> None:
        self.word = ">q" if version == 4 else ">i"
        self.version = version

    def group(self, tags: list[tuple[str, Any]]) -> bytes:
        body = b"".join(self.tag(name, value) for name, value in tags)
        return b"\1\0" + struct.pack(self.word, len(tags)) + body

    def tag(self, name: str, value: Any) -> bytes:
        if isinstance(value, list):
            kind, body = 20, self.group(value)
        else:
            kind, body = 21, self.data(value)
        head = struct.pack(">BH", kind, len(name)) + name.encode()
        size = struct.pack(">q", len(body)) if self.version == 4 else b""
        return head + size + body

    def data(self, value: Any) -> bytes:
        if isinstance(value, str):
            coded = value.encode("utf-16-le")
            info, stored = [20, 4, len(coded) // 2], coded
        elif isinstance(value, np.ndarray):
            info, stored = [20, 4, value.size], value.astype("<u2").tobytes()
        elif isinstance(value, float):
            info, stored = [6], struct.pack("<f", value)
        else:
            info, stored = [5], struct.pack("<I", value)
        words = b"".join(struct.pack(self.word, one) for one in (len(info), *info))
        return b"%%%%" + words + stored


def write_dm(
    path: Path, frames: Counts, *, version: int, pixel_nm: float, interval_s: float
) -> None:
    """Gatan's DM3 or DM4 with one stack of unsigned 16 bits; axes in the order x, y, time."""
    tags = _Tags(version)
    count, height, width = frames.shape
    axes = [(pixel_nm, "nm"), (pixel_nm, "nm"), (interval_s, "s")]
    calibrations = [
        ("", [("Origin", 0.0), ("Scale", float(scale)), ("Units", unit)]) for scale, unit in axes
    ]
    image = [
        ("Calibrations", [
            ("Brightness", [("Origin", 0.0), ("Scale", 1.0), ("Units", "")]),
            ("Dimension", calibrations),
        ]),
        ("Data", frames.ravel()),
        ("DataType", 10),
        ("Dimensions", [("", width), ("", height), ("", count)]),
        ("PixelDepth", 2),
    ]  # fmt: skip
    stack = [("ImageData", image), ("ImageTags", []), ("Name", "movie")]
    root = tags.group([("ImageList", [("", stack)])])
    size = struct.pack(tags.word, len(root))
    path.write_bytes(struct.pack(">i", version) + size + struct.pack(">i", 1) + root + bytes(8))


def write_mib(path: Path, frames: Counts, *, exposure: str = "0.0125") -> None:
    """Quantum Detectors' Merlin, one chip: a header of 384 bytes before each frame of 16 bits."""
    _, height, width = frames.shape
    with path.open("wb") as file:
        for number, frame in enumerate(frames, start=1):
            head = (
                f"MQ1,{number:06d},00384,01,{width:04d},{height:04d},U16,   1x1,01,"
                f"2026-01-01 10:00:00.000000,{exposure},0,0,0,1.0E+1,5.0E+2,"
                f"MQ1A,2026-01-01T10:00:00.{number:09d}Z,12500000ns,12,"
            )
            file.write(head.encode().ljust(384, b"\0"))
            file.write(frame[::-1].astype(">u2").tobytes())  # from the bottom row upwards

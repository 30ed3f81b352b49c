"""Movies of StreamPix (.seq of NorPix): frames one behind another, each with its time stamp.

Laid out as StreamPix' documentation and the public reader of pims describe it: a header of 1,024
bytes (8,192 from version 5 on), then blocks of one size with the pixels, the time and a filling.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movies.axes import Layout, lay_out
from perrin.io.movies.frames import LaidOutFrames, closed
from perrin.types import Array, FloatArray

_HEADER = struct.Struct("<IIIIIIIIId")  # from byte 548 on: width ... rate
_AT, _VERSION_AT, _COMPRESSION_AT = 548, 28, 620
_MONOCHROME = 100
_NEWER = 5  # version from which on headers are long and times have microseconds
_LEAP = 1.5  # of the usual step of the time stamps
_ROUNDED_S = 0.002  # of time stamps in milliseconds
_AGREES = 0.01  # relative difference of the stamps' rate and the one in the header
_EXPORT = "export it from StreamPix (or Fiji) as a TIFF stack"


@dataclass(frozen=True)
class _Header:
    """Where frames are: shape (T, Y, X), type, first byte, bytes from one to the next."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    start: int
    block: int
    image: int
    micro: bool
    announced: int
    rate_hz: float


class SeqFrames(LaidOutFrames):
    """Frames of a .seq file, with gaps between them."""

    def __init__(self, path: Path, layout: Layout) -> None:
        header = _header(path)
        super().__init__(path, layout, header.dtype)
        width = header.shape[2]
        size = header.dtype.itemsize
        mapped = np.memmap(path, np.uint8, "r")
        self._frames: Array | None = np.ndarray(
            header.shape,
            header.dtype,
            mapped,
            header.start,
            (header.block, width * size, size),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.layout)

    def _take(self, key: tuple[int | slice, ...]) -> Array:
        if self._frames is None:
            raise closed(self.path)
        return np.array(self._frames[key])

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._frames = None


def find_seq(path: Path, asked: Asked) -> Found:
    """Find the movie in a .seq file. Raises `PerrinError` for a damaged header.

    The frame interval is that of the time stamps; where they leap it is asked for.
    """
    refuse_encoding(asked.encoding, path, "SEQ")
    header = _header(path)
    axes = lay_out(header.shape, ("t", "y", "x"), asked)
    interval, notes = _interval(_times(path, header), header.rate_hz)
    if header.announced > header.shape[0]:
        notes.append(
            f"incomplete: the file says {header.announced} frames and holds {header.shape[0]}"
        )
    return Found(
        path=path,
        format="seq",
        description="StreamPix SEQ",
        frames=None if axes.layout is None or axes.problem else SeqFrames(path, axes.layout),
        axes_named=axes.named,
        axes=axes.letters,
        stored_shape=header.shape,
        frame_interval_s=interval,
        notes=(*axes.notes, *notes),
        problem=axes.problem,
    )


def _header(path: Path) -> _Header:
    """Read the header; `PerrinError` for kinds that are not read, and for one that cannot be."""
    with path.open("rb") as file:
        head = file.read(1024)
    if len(head) < 1024:
        raise PerrinError(f"{path} is a SEQ movie cut off in its header. Copy it again.")
    (version,) = struct.unpack_from("<i", head, _VERSION_AT)
    width, height, bits, _, image, kind, announced, _, block, rate = _HEADER.unpack_from(head, _AT)
    (compression,) = struct.unpack_from("<I", head, _COMPRESSION_AT)
    if compression != 0:
        raise PerrinError(
            f"{path} is a compressed SEQ movie, which perrin does not read: {_EXPORT}."
        )
    if kind != _MONOCHROME or bits not in (8, 16):
        raise PerrinError(
            f"{path} is a SEQ movie of image format {kind} with {bits} bits, and not monochrome of "
            f"8 or 16: {_EXPORT}, as gray values."
        )
    micro = version >= _NEWER
    start = 8192 if micro else 1024
    stamp = 8 if micro else 6
    if not (width and height and image == width * height * bits // 8 and block >= image + stamp):
        raise PerrinError(
            f"{path} has a damaged SEQ header: frames of {width} x {height} pixels of {bits} bits "
            f"in {image} bytes, {block} bytes apart, cannot be. Copy it again from its source."
        )
    # the last block may lack its filling
    held = (path.stat().st_size - start + block - image - stamp) // block
    count = min(held, announced) if announced else held
    if count < 1:
        raise PerrinError(f"{path} is a SEQ movie without a whole frame: is it cut off?")
    dtype = np.dtype("<u1" if bits == 8 else "<u2")
    return _Header((count, height, width), dtype, start, block, image, micro, announced, rate)


def _times(path: Path, header: _Header) -> FloatArray:
    """Return the time stamps of all frames, seconds."""
    kinds = [("s", "<u4"), ("ms", "<u2"), ("us", "<u2")][: 3 if header.micro else 2]
    mapped = np.memmap(path, np.uint8, "r")
    stamps = np.ndarray(
        (header.shape[0],), np.dtype(kinds), mapped, header.start + header.image, (header.block,)
    )
    times: FloatArray = stamps["s"] - float(stamps["s"][0]) + stamps["ms"] * 1e-3
    return times + stamps["us"] * 1e-6 if header.micro else times


def _interval(times: FloatArray, rate_hz: float) -> tuple[float | None, list[str]]:
    """Return the frame interval (s) by the time stamps, None where they leap or say none; notes."""
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    if not usual > 0:
        return None, ["the time stamps of its frames do not advance: not used"]
    off = np.flatnonzero(np.abs(steps - usual) > (_LEAP - 1) * usual + _ROUNDED_S)
    if len(off):
        first = int(off[0])
        return None, [
            f"the time stamps leap {len(off)} times (first from frame {first} to {first + 1}, by "
            f"{steps[first] * 1e3:.4g} ms, usually {usual * 1e3:.4g} ms): frames were dropped"
        ]
    interval = float(times[-1] / len(steps))
    if rate_hz > 0 and abs(rate_hz * interval - 1) > _AGREES:
        return interval, [
            f"the header says {rate_hz:g} frames a second, the time stamps {1 / interval:.5g}: "
            "those are used"
        ]
    return interval, []

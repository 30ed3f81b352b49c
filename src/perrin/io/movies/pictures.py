"""A folder of pictures, one a frame: PNG, TIFF or BMP, by the numbers in their names."""

from __future__ import annotations

import re
import struct
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movie import LazyFrames
from perrin.io.movies.frames import DECODING
from perrin.io.movies.micro_manager import with_metadata
from perrin.io.read_as import listed
from perrin.io.sniff import PICTURES
from perrin.types import Array

_SUFFIXES = (".png", ".tif", ".tiff", ".bmp")


class PictureFrames(LazyFrames):
    """Frames in a file each; names are those in the folder `path`."""

    def __init__(
        self, path: Path, names: tuple[str, ...], size: tuple[int, int], dtype: np.dtype[Any],
        channel: int | None,
    ) -> None:  # fmt: skip
        super().__init__(path, (len(names), *size), dtype)
        self.names = names
        self.channel = channel
        self._open = True

    def __reduce__(self) -> tuple[Any, ...]:
        size = (self.shape[1], self.shape[2])
        return type(self), (self.path, self.names, size, self.dtype, self.channel)

    def _read(self, start: int, stop: int) -> Array:
        if not self._open:
            raise PerrinError(f"{self.path}: the movie was closed; open it again to read frames.")
        frames = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for place, name in enumerate(self.names[start:stop]):
            one = read_picture(self.path / name, self.channel)
            if one.shape != self.shape[1:] or one.dtype.newbyteorder("=") != self.dtype:
                raise PerrinError(
                    f"{self.path / name} is {one.shape} {one.dtype}, the first picture "
                    f"{self.shape[1:]} {self.dtype}: they are no frames of one movie. Keep only "
                    "the movie's own pictures in the folder."
                )
            frames[place] = one
        return frames

    def close(self) -> None:
        """Close the movie; reading afterwards is an error."""
        self._open = False


def read_picture(path: Path, channel: int | None = None) -> Array:
    """Return a picture as (Y, X); of one in colors the channel, or the gray that all three are.

    Raises `PerrinError` for one in colors without a channel, and for a damaged one.
    """
    try:
        with path.open("rb") as file:
            is_tiff = file.read(4) in (b"II*\0", b"MM\0*")
        image = _tiff(path) if is_tiff else _pillow(path)
    except DECODING as error:
        raise PerrinError(
            f"{path} cannot be read: {error}. The picture is damaged; copy it again."
        ) from error
    image = np.squeeze(image)
    if image.ndim == 3 and image.shape[-1] in (2, 3, 4):
        colors = image[..., :3] if image.shape[-1] > 2 else image[..., :1]
        if channel is not None:
            return np.ascontiguousarray(image[..., min(channel, image.shape[-1] - 1)])
        if not (colors == colors[..., :1]).all():
            raise PerrinError(
                f"{path} is in colors: a movie has one intensity a pixel; choose one with "
                "--channel 0, 1 or 2, or save gray pictures."
            )
        image = np.ascontiguousarray(colors[..., 0])
    if image.ndim != 2:
        raise PerrinError(
            f"{path} has the shape {image.shape}; in a folder of frames each file is one image. "
            "Give the file itself if it is a movie."
        )
    return image


def _tiff(path: Path) -> Array:
    import tifffile

    return np.asarray(tifffile.imread(path, is_ome=False))


def _pillow(path: Path) -> Array:
    from PIL import Image

    _check_png(path)
    with Image.open(path) as image:
        if image.mode in ("P", "PA"):
            image = image.convert("RGB")  # type: ignore[assignment]
        array = np.asarray(image)
    return array.astype(np.uint16) if image.mode.startswith("I") and array.max() < 2**16 else array


def _check_png(path: Path) -> None:
    """Raise `ValueError` for a PNG whose checksums do not hold; the decoder looks at few."""
    content = path.read_bytes()
    if not content.startswith(b"\x89PNG"):
        return
    at = 8
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        stop = at + 8 + length
        if stop + 4 > len(content):
            break
        if zlib.crc32(content[at + 4 : stop]) != struct.unpack_from(">I", content, stop)[0]:
            raise ValueError(f"the checksum of its part {kind!r} at byte {at} is wrong")
        if kind == b"IEND":
            return
        at = stop + 4
    raise ValueError("it is cut off")


def find_pictures(path: Path, asked: Asked) -> Found:
    """Find the movie in a folder of pictures. Raises `PerrinError` where they are none."""
    refuse_encoding(asked.encoding, path, "picture")
    if asked.axes is not None or asked.z:
        raise PerrinError(f"{path} holds one frame a picture; leave --axes and --z away.")
    kinds = _pictures(path)
    common = max(set(kinds.values()), key=list(kinds.values()).count)
    names = sorted((n for n, kind in kinds.items() if kind == common), key=_natural)
    problem, order = _order(names)
    notes = [f"the {len(names)} {common} pictures of the folder, {order}"]
    if len(names) < 2:
        raise PerrinError(
            f"{path} is a folder with one {common} picture; a movie has at least 2 frames. If "
            f"{names[0]} is a movie, give the file itself."
        )
    left = len(kinds) - len(names)
    if left:
        notes.append(f"{left} pictures of another kind left out")
    first = read_picture(path / names[0], asked.channel)
    found = Found(
        path=path,
        format="pictures",
        description=f"folder of {len(names)} {common} pictures",
        frames=None
        if problem
        else PictureFrames(
            path, tuple(names), (first.shape[0], first.shape[1]), first.dtype, asked.channel
        ),
        axes_named=True,
        axes="TYX",
        stored_shape=(len(names), *first.shape),
        notes=tuple(notes),
        problem=problem,
    )
    return with_metadata(found)


def _pictures(path: Path) -> dict[str, str]:
    found = {}
    for file in path.iterdir():
        if not file.is_file() or file.name.startswith("."):
            continue
        with file.open("rb") as opened:
            head = opened.read(8)
        if not head and file.suffix.lower() in _SUFFIXES:
            raise PerrinError(f"{file} is empty (0 bytes): a frame is missing. Copy it again.")
        kind = next((kind for magic, kind in PICTURES.items() if head.startswith(magic)), None)
        if kind is not None:
            found[file.name] = kind
    return found


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Sort frame_2 before frame_10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _order(names: list[str]) -> tuple[str | None, str]:
    """Return a problem of the names, and by what the pictures are in order."""
    patterns = [re.sub(r"\d+", "#", name) for name in names]
    common = max(dict.fromkeys(patterns), key=patterns.count)
    strays = [n for n, pattern in zip(names, patterns, strict=True) if pattern != common]
    alike = len(names) - len(strays)
    if "#" not in common or alike < max(2, len(names) / 2):
        return _uncounted(patterns), "in the order of the alphabet: their names do not count frames"
    by_number = "by the numbers in their names"
    if len(strays) * 4 >= len(names):
        heads = sorted({pattern.split("#")[0] for pattern in patterns})
        return (
            f"holds pictures of several series ({', '.join(heads[:4])}): keep one in the folder"
        ), by_number
    if strays:
        return (
            f"holds {len(strays)} pictures whose names are unlike the other {alike} ({common}): "
            f"{', '.join(strays[:4])}{', ...' if len(strays) > 4 else ''}. They may be copies or "
            "averages and no frames: move them elsewhere, or name them like the others"
        ), by_number
    return _gaps(names), by_number


def _uncounted(patterns: list[str]) -> str | None:
    counted = len({p for p in patterns if "#" in p})
    if counted > 1 and counted < len(patterns):
        return "holds pictures of several series: keep one in the folder"
    return None


def _gaps(names: list[str]) -> str | None:
    """Return a problem where names of one pattern count twice, or not all frames."""
    split = [re.split(r"(\d+)", name) for name in names]
    varying = [at for at in range(1, len(split[0]), 2) if len({parts[at] for parts in split}) > 1]
    if len(varying) > 1:
        return (
            "holds pictures whose names count more than one thing (as channel or plane beside "
            f"time: {names[0]} to {names[-1]}): keep those of one movie in the folder"
        )
    numbers = sorted(int(parts[varying[0]]) for parts in split) if varying else []
    twice = [a for a, b in pairwise(numbers) if a == b]
    if twice:
        at = varying[0]
        same = [n for n, parts in zip(names, split, strict=True) if int(parts[at]) == twice[0]]
        return f"holds the number {twice[0]} twice ({', '.join(same)}): keep one of them"
    steps = np.diff(numbers)
    if len(steps) and steps.min() != steps.max():
        usual = int(np.median(steps))
        lost = sorted(set(range(numbers[0], numbers[-1], usual)) - set(numbers)) if usual else []
        which = listed(map(str, lost[:5])) + (", ..." if len(lost) > 5 else "")
        return (
            f"is incomplete: its pictures count from {numbers[0]} to {numbers[-1]} and {len(lost)} "
            f"in between are missing ({which}), so that time would not be even. Copy them, or "
            "number those that are there without gaps"
        )
    return None

"""Frames that are laid out, scaled or filled in on the way from the file."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.movie import LazyFrames
from perrin.io.movies.axes import Layout
from perrin.types import Array

DECODING = (
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    EOFError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What libraries raise for blocks that cannot be decoded."""


class LaidOutFrames(LazyFrames):
    """Frames of an array whose axes are stored in any order: a reader adds `_take(key)`."""

    def __init__(self, path: Path, layout: Layout, dtype: np.dtype[Any]) -> None:
        super().__init__(path, layout.frames_shape, dtype)
        self.layout = layout

    def _take(self, key: tuple[int | slice, ...]) -> Array:
        """Return the part `key` of the array as stored."""
        raise NotImplementedError

    def _read(self, start: int, stop: int) -> Array:
        return self.layout.arrange(self._take(self.layout.key(start, stop)))


class ScaledFrames(LazyFrames):
    """Frames times `scale` plus `offset`: what the file says its numbers stand for."""

    def __init__(self, stored: LazyFrames, *, scale: float, offset: float) -> None:
        whole = scale == 1 and float(offset).is_integer() and stored.dtype.kind in "ui"
        dtype = np.dtype(np.int32 if whole and stored.dtype.itemsize <= 2 else np.float64)
        if stored.dtype == np.float32:
            dtype = np.dtype(np.float32)
        super().__init__(stored.path, stored.shape, dtype)
        self.stored = stored
        self.anywhere = stored.anywhere
        self.scale = scale
        self.offset = offset

    def __reduce__(self) -> tuple[Any, ...]:
        return _scaled, (self.stored, self.scale, self.offset)

    def _read(self, start: int, stop: int) -> Array:
        frames = self.stored._read(start, stop).astype(self.dtype)
        if self.scale != 1:
            frames *= self.dtype.type(self.scale)
        frames += self.dtype.type(self.offset)
        return frames

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self.stored.close()


def _scaled(stored: LazyFrames, scale: float, offset: float) -> ScaledFrames:
    return ScaledFrames(stored, scale=scale, offset=offset)


class MaskedFrames(LazyFrames):
    """Frames with dead pixels filled: each the mean of its nearest living neighbors.

    dead: (Y, X), True where the camera saw nothing.
    """

    def __init__(self, stored: LazyFrames, dead: npt.NDArray[np.bool_]) -> None:
        super().__init__(stored.path, stored.shape, stored.dtype)
        self.stored = stored
        self.dead = dead
        self._y, self._x = np.nonzero(dead)
        self._from = [
            _living_around(dead, int(y), int(x)) for y, x in zip(self._y, self._x, strict=True)
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.stored, self.dead)

    def _read(self, start: int, stop: int) -> Array:
        frames = self.stored._read(start, stop)
        if not frames.flags.writeable:
            frames = frames.copy()
        for y, x, (ys, xs) in zip(self._y, self._x, self._from, strict=True):
            filled = frames[:, ys, xs].mean(axis=1, dtype=np.float64)
            frames[:, y, x] = np.round(filled) if self.dtype.kind in "ui" else filled
        return frames

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self.stored.close()


def _living_around(
    dead: npt.NDArray[np.bool_], y: int, x: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of the living pixels in the smallest square that has four."""
    height, width = dead.shape
    for reach in range(1, max(height, width)):
        top, left = max(0, y - reach), max(0, x - reach)
        alive = ~dead[top : y + reach + 1, left : x + reach + 1]
        if np.count_nonzero(alive) >= 4 or reach == max(height, width) - 1:
            ys, xs = np.nonzero(alive)
            return ys + top, xs + left
    return np.zeros(1, np.intp), np.zeros(1, np.intp)


def decoded(array: Any, layout: Layout, path: Path, start: int, stop: int) -> Array:
    """Return frames [start, stop) of an array as stored; `PerrinError` for damaged ones."""
    try:
        block = np.asarray(array[layout.key(start, stop)])
    except DECODING as error:
        raise unreadable(path, start, stop, error) from error
    return layout.arrange(block)


def closed(path: Path) -> PerrinError:
    """Return the error of reading a movie that was closed."""
    return PerrinError(f"{path}: the movie was closed; open it again to read frames.")


def unreadable(path: Path, start: int, stop: int, error: Exception) -> PerrinError:
    """Return the error of frames [start, stop) that cannot be decoded."""
    return PerrinError(
        f"{path}: frames {start} to {stop - 1} cannot be read: {error or type(error).__name__}. "
        "The file is damaged; copy it again from its source."
    )


def frames_lacking(
    layout: Layout, chunks: Sequence[int], present: Iterable[tuple[int, ...]]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which frames lack all, and some, of their chunks: both (T,).

    chunks: shape of a chunk; present: places in the grid of those that are there.
    """
    fixed = dict(layout.fixed)
    length = layout.shape[layout.time]
    grid = [-(-n // c) for n, c in zip(layout.shape, chunks, strict=True)]
    wanted = math.prod(grid[axis] for axis in (layout.y, layout.x))
    counts = np.zeros(grid[layout.time], np.int64)
    for place in present:
        if all(place[axis] == at // chunks[axis] for axis, at in fixed.items()):
            counts[place[layout.time]] += 1
    a_frame = np.repeat(counts, chunks[layout.time])[:length]
    return a_frame == 0, (a_frame > 0) & (a_frame < wanted)


def held_of(
    layout: Layout,
    gone: npt.NDArray[np.bool_],
    partly: npt.NDArray[np.bool_],
    *,
    why: str,
) -> tuple[Layout, str | None, str | None]:
    """Decide what is left of a movie some of whose frames are not in the file.

    gone, partly: (T,), frames of which nothing, or not all, is there. A movie that only lacks
    its end is a recording that was stopped: it is as long as it is. Anything else is an
    incomplete copy. Returns the layout, a note and a problem.
    """
    lacking = gone | partly
    if not lacking.any():
        return layout, None, None
    n_frames, held = len(lacking), int(lacking.argmax())
    count = int(lacking.sum())
    if lacking[held:].all() and not partly.any() and held >= 2:
        note = (
            f"incomplete: the file says {n_frames} frames and holds {held}; the missing ones "
            f"were {why} (was the recording stopped?)"
        )
        return layout.holding(held), note, None
    first = ", ".join(str(frame) for frame in np.flatnonzero(lacking)[:5])
    problem = (
        f"is incomplete: the file says {n_frames} frames and holds {n_frames - count} whole ones; "
        f"of {count} (frames {first}{', ...' if count > 5 else ''}) parts are missing, {why}. "
        "They would be read as zeros. Copy it again from its source"
    )
    return layout, None, problem

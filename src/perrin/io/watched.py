"""Frames without an image in them, noticed while a movie is read for the first time.

A camera that lost frames, a light that went out and a copy that was cut leave frames of zeros, or
such rows. A few pixels of each frame tell, so that watching costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perrin.io.read_as import counted
from perrin.types import Array, BoolArray

_PIXELS = 6  # of a frame that are looked at: nearer to each other than the rows of _PARTLY
_PARTLY = 0.2  # fraction of rows of zeros from which on a frame is not whole
_NAMED = 5


class Watched:
    """What was noticed of the frames that were read so far.

    empty: frame -> its one value. partly: frames with rows of zeros, where the first ones had no
    pixel that is zero. named: frames that are no news, as they were said when it was opened.
    """

    def __init__(self) -> None:
        self.empty: dict[int, float] = {}
        self.partly: set[int] = set()
        self.named: frozenset[int] = frozenset()
        self._lit: bool | None = None

    def look(self, start: int, frames: Array) -> None:
        """Look at frames (T, Y, X) that were just read; the first of them is number `start`."""
        self.look_at(range(start, start + len(frames)), frames)

    def look_at(self, numbers: Sequence[int], frames: Array) -> None:
        """Look at frames (T, Y, X) with these numbers."""
        sample = _sample(frames)
        lowest, highest = sample.min(axis=0), sample.max(axis=0)
        same = lowest == highest
        if same.any():
            self._look_for_empty(numbers, frames, same)
        dark: BoolArray = (lowest == 0) & ~same
        if self._lit is None:
            self._lit = not dark.any() and not same.all()
        if self._lit and dark.any():
            self._look_for_parts(numbers, frames, dark)

    def _look_for_empty(self, numbers: Sequence[int], frames: Array, same: BoolArray) -> None:
        for place in np.flatnonzero(same):
            frame = frames[place]
            if frame.min() == frame.max():
                self.empty[numbers[int(place)]] = float(frame[0, 0])

    def _look_for_parts(self, numbers: Sequence[int], frames: Array, dark: BoolArray) -> None:
        for place in np.flatnonzero(dark):
            if (frames[place] == 0).all(axis=1).mean() >= _PARTLY:
                self.partly.add(numbers[int(place)])

    def told(self) -> None:
        """Take what was noticed so far as said: opening a movie names such frames itself."""
        self.named = frozenset(self.empty)

    def said(self) -> list[str]:
        """Return what a user should know of frames that were not said at opening."""
        empty, partly = sorted(set(self.empty) - self.named), sorted(self.partly)
        found = (
            (empty, f"without an image, all pixels alike ({_values(self.empty, empty)})"),
            (partly, "with rows of zeros in them"),
        )
        return [_sentence(at, what) for at, what in found if at]


def _sample(frames: Array) -> Array:
    """Return some pixels of each frame (`_PIXELS`, T), spread over rows and columns alike."""
    height, width = frames.shape[1:]
    size = height * width
    step = max(1, size // _PIXELS)
    if step % width in (0, 1, width - 1) and step > 1:  # not all in one column
        step -= min(width // 3, step - 1)
    if frames.flags.c_contiguous:
        return np.ascontiguousarray(frames.reshape(len(frames), size)[:, step // 2 :: step].T)
    places = np.arange(step // 2, size, step)
    return np.ascontiguousarray(frames[:, places // width, places % width].T)


def _sentence(frames: list[int], what: str) -> str:
    some = ", ".join(map(str, frames[:_NAMED])) + (", ..." if len(frames) > _NAMED else "")
    asked = "was the recording complete, the light on?"
    return f"{counted(len(frames), 'frame')} {what}: {some}: {asked}"


def _values(empty: dict[int, float], frames: list[int]) -> str:
    values = sorted({empty[frame] for frame in frames})
    return ", ".join(f"{value:g}" for value in values[:3]) + (", ..." if len(values) > 3 else "")

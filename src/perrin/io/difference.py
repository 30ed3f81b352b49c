"""Difference coding in time: frame 0 as it is, then each frame minus the one before.

Unsigned integers that wrap around: d[0] = F[0], d[i] = F[i] - F[i-1] mod 2^16 (for 16 bits).
Decoding is the cumulative sum in the same integers, exact whatever the wraps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.types import Array

_BLOCK = 100  # frames decoded at a time where none of them is wanted
_REMEMBERED = 8  # recent frames to go on from: bounded, and enough for chunks that overlap


def encode(frames: Array, *, previous: Array | None = None) -> Array:
    """Return `frames` (T, Y, X) as differences in time, same shape and dtype.

    previous: the frame (Y, X) before the first, None where that one starts the movie.
    """
    coded = np.empty_like(frames)
    np.subtract(frames[1:], frames[:-1], out=coded[1:])
    coded[0] = frames[0] if previous is None else frames[0] - previous
    return coded


def decode_in_place(coded: Array, *, previous: Array | None = None) -> None:
    """Turn differences (T, Y, X) into the frames they stand for; the inverse of `encode`."""
    if previous is not None:
        coded[0] += previous
    # frame by frame: twenty times as fast as numpy.cumsum along the slowest axis
    for i in range(1, len(coded)):
        np.add(coded[i - 1], coded[i], out=coded[i])


class DifferenceCoded:
    """Random access to a difference-coded movie, verified at each keyframe passed.

    read(start, stop) gives stored differences, read_key(j) the j-th keyframe, keys the frame
    numbers of the keyframes (None: there are none, decoding starts at frame 0).

    Reading forward, chunk by chunk, decodes each frame once and passes every keyframe.
    """

    def __init__(
        self,
        *,
        read: Callable[[int, int], Array],
        read_key: Callable[[int], Array],
        keys: npt.NDArray[np.int64] | None,
        name: str,
    ) -> None:
        self._read = read
        self._read_key = read_key
        self._keys = np.empty(0, np.int64) if keys is None else keys
        self._name = name
        self._recent: deque[tuple[int, Array]] = deque(maxlen=_REMEMBERED)

    def decode(self, start: int, stop: int) -> Array:
        """Return frames [start, stop), (stop - start, Y, X).

        Raises `PerrinError` naming the first keyframe that the decoded frames contradict.
        """
        first, previous = self._restart(start)
        while first < start:  # frames that lead to the wanted ones, in bounded memory
            lead = self._decode_from(first, min(start, first + _BLOCK), previous)
            first, previous = first + len(lead), lead[-1]
        return self._decode_from(first, stop, previous)

    def _restart(self, start: int) -> tuple[int, Array | None]:
        """Return where to decode from, at most `start`, and the frame before that."""
        recent, frame = max(
            ((i + 1, frame) for i, frame in list(self._recent) if i < start),
            key=lambda point: point[0],
            default=(0, None),
        )
        passed = int(np.searchsorted(self._keys, start, side="right")) - 1
        key = int(self._keys[passed]) if passed >= 0 else 0
        # where both will do, the recent frame: going on from it passes, and verifies, the keyframe
        if recent >= key:
            return recent, frame
        return key, self._read_key(passed) - self._read(key, key + 1)[0]

    def _decode_from(self, first: int, stop: int, previous: Array | None) -> Array:
        """Return frames [first, stop), given the frame before `first`."""
        frames = self._read(first, stop)
        decode_in_place(frames, previous=previous)
        self._verify(frames, first)
        # every hundredth frame and the last: a next chunk starts there or overlaps a little
        for i in sorted({*range(-first % _BLOCK, len(frames), _BLOCK), len(frames) - 1}):
            self._recent.append((first + i, frames[i].copy()))
        return frames

    def _verify(self, frames: Array, first: int) -> None:
        begin, end = np.searchsorted(self._keys, (first, first + len(frames)))
        for j in range(begin, end):
            at = int(self._keys[j])
            wrong = int(np.count_nonzero(frames[at - first] != self._read_key(j)))
            if wrong:
                raise PerrinError(
                    f"{self._name}: keyframe {j} does not match the decoded frame {at} "
                    f"({wrong} of {frames[0].size} pixels differ): the file is damaged or not "
                    "difference-coded. Copy it again from where it was recorded."
                )

"""A movie: lazy frames with the numbers that give them a meaning.

Frames are the stored (binned) frames, indexed (time, y, x). Pixel (0, 0) has its centre
at (0, 0), y points down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.checks import HEAD, check_axes, check_intensities, check_shape

Array = npt.NDArray[Any]


class FrameSource(Protocol):
    """What a movie needs of its frames; an ndarray (T, Y, X) has it too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, Y, X)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel, in the machine's byte order."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Array: ...


class LazyFrames:
    """Frames that stay in their file: `frames[a:b]` reads those and no others.

    A reader subclasses this with `_read(start, stop)` and `close()`, and pickles as what it
    takes to open the file again.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path = path
        self.shape = shape
        self.dtype = dtype.newbyteorder("=")  # numba and most of scipy want native numbers

    def _read(self, start: int, stop: int) -> Array:
        """Return frames [start, stop) as stored, with 0 <= start < stop <= T."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> Array: ...
    @overload
    def __getitem__(self, key: slice, /) -> Array: ...
    def __getitem__(self, key: SupportsIndex | slice, /) -> Array:
        if isinstance(key, slice):
            return self._slice(range(*key.indices(len(self))))
        index = int(np.arange(len(self))[key])  # numpy's own rules and its IndexError
        frame: Array = self._slice(range(index, index + 1))[0]
        return frame

    def _slice(self, wanted: range) -> Array:
        if not wanted:
            return np.empty((0, *self.shape[1:]), self.dtype)
        first, last = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        frames = np.asarray(self._read(first, last + 1), dtype=self.dtype)
        self._refuse_nan(frames, first)
        return frames[:: wanted.step] if wanted.step != 1 else frames

    def _refuse_nan(self, frames: Array, first: int) -> None:
        if frames.dtype.kind != "f":
            return
        bad = ~np.isfinite(frames).all(axis=(1, 2))
        if bad.any():
            raise PerrinError(
                f"{self.path}: frame {first + int(bad.argmax())} holds NaN or infinite pixels; "
                "replace them in the file before analysis."
            )

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """All frames at once, for `numpy.asarray(movie.frames)`."""
        if copy is False:
            raise ValueError("frames are read from a file: an array of them is always a copy")
        return self[:].astype(dtype or self.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Movie:
    """Frames, and what one frame and one pixel mean.

    frames: (T, Y, X) intensities, lazy: `frames[a:b]` is an ndarray (b - a, Y, X).
    frame_interval_s: from one stored frame to the next, seconds (binning included).
    pixel_nm: size of a stored pixel in the sample, nanometers (binning included).
    landing_sign: -1 where a landing makes raw pixels darker, +1 where brighter.
    provenance: where each number came from, ready for JSON.

    A movie is sent to another process by pickling: frames in a file travel as its path.
    Raises `PerrinError` for numbers that no movie can have.
    """

    frames: FrameSource = field(repr=False)
    frame_interval_s: float
    pixel_nm: float
    landing_sign: int
    instrument: str | None = None
    path: Path | None = None
    format: str = "array"
    provenance: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_shape(self.frames.shape, self.name)
        check_positive(self.frame_interval_s, "frame_interval_s", "seconds")
        check_positive(self.pixel_nm, "pixel_nm", "nanometers")
        check_landing_sign(self.landing_sign)

    @classmethod
    def from_array(
        cls,
        frames: npt.ArrayLike,
        *,
        frame_interval_s: float,
        pixel_nm: float,
        landing_sign: int = -1,
        instrument: str | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a movie of an array (T, Y, X) of intensities, which is not copied.

        Raises `PerrinError` where the array cannot be a raw movie: other than three axes,
        NaN, ratiometric frames, time not first.
        """
        array = np.asarray(frames)
        check_shape(array.shape, "the array")
        check_axes(array[:HEAD], array.shape, "the array")
        # counts can go wrong all over or not at all; other numbers frame by frame
        checked = array[:HEAD] if array.dtype.kind == "u" else array
        for start in range(0, len(checked), 256):
            check_intensities(checked[start : start + 256], "the array")
        return cls(
            frames=array,
            frame_interval_s=float(frame_interval_s),
            pixel_nm=float(pixel_nm),
            landing_sign=landing_sign,
            instrument=instrument,
            provenance={"format": "array", **(provenance or {})},
        )

    @property
    def name(self) -> str:
        """What to call this movie in a message."""
        return self.path.name if self.path else "array"

    @property
    def measurement(self) -> str:
        """What to call its events in a table: the file's name without its suffix."""
        return self.path.stem if self.path else "array"

    @property
    def n_frames(self) -> int:
        """Number of stored frames."""
        return self.frames.shape[0]

    @property
    def height(self) -> int:
        """Rows of a frame, pixels."""
        return self.frames.shape[1]

    @property
    def width(self) -> int:
        """Columns of a frame, pixels."""
        return self.frames.shape[2]

    @property
    def duration_s(self) -> float:
        """Length of the movie, seconds."""
        return self.n_frames * self.frame_interval_s

    def close(self) -> None:
        """Close the movie's file, if it has one."""
        if isinstance(self.frames, LazyFrames):
            self.frames.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def check_positive(value: float, name: str, unit: str) -> float:
    """Return `value` as a float; raise `PerrinError` unless it is finite and above zero."""
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise PerrinError(f"{name} is {value!r}; it must be a positive number of {unit}.")
    return number


def check_landing_sign(value: int) -> int:
    """Return `value`; raise `PerrinError` unless it is -1 or +1."""
    if value not in (-1, 1):
        raise PerrinError(
            f"landing_sign is {value!r}; give -1 where a landing makes raw pixels darker, "
            "+1 where it makes them brighter."
        )
    return int(value)

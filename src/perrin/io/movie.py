"""A movie: lazy frames with the numbers that give them a meaning.

Frames are the stored (binned) frames, indexed (time, y, x). Pixel (0, 0) has its center
at (0, 0), y points down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.checks import HEAD, check_axes, check_intensities, check_moving, check_shape
from perrin.io.read_as import movie_line
from perrin.io.watched import Watched
from perrin.notebook import Shown, rounded
from perrin.types import Array

_FAR_APART = 16  # frames from which on a step is read frame by frame


class FrameSource(Protocol):
    """What a movie needs of its frames; an ndarray (T, Y, X) has it too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, Y, X)."""

    @property
    def ndim(self) -> int:
        """Number of axes: 3."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel, in the machine's byte order."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Array: ...


class ArrayFrames:
    """Frames (T, Y, X) that are indexed as an array is, from what `_read` gives.

    ``frames[5]``, ``frames[-10:]``, ``frames[:, 20:40, ::2]``, ``frames[..., 0]``,
    ``frames[[3, 1]]``: what numpy takes, and what dask and napari ask for. Only frames that are
    asked for are read; a mask over pixels needs an array, ``numpy.asarray(frames)``.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def watched(self) -> Watched | None:
        """What was noticed of frames as they were read from a file; of those of another source."""
        return getattr(getattr(self, "_source", None), "watched", None)

    def _read(self, start: int, stop: int) -> Array:
        """Return frames [start, stop) as stored, with 0 <= start < stop <= T."""
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        """Number of axes: 3."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of stored pixels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all frames in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> Array:
        if isinstance(key, slice):
            return self._slice(range(*key.indices(len(self))))
        parts = list(key) if isinstance(key, tuple) else [key]
        where = _time_part(parts, self.ndim)
        of_time = slice(None) if where is None else parts[where]
        if isinstance(of_time, slice):
            frames = self._slice(range(*of_time.indices(len(self))))
            rest: Any = slice(None)
        else:
            wanted = np.arange(len(self))[of_time]  # numpy's own rules and its IndexError
            rows, place = np.unique(wanted, return_inverse=True)
            frames, rest = self._gather(rows), place.reshape(np.shape(wanted))[()]
        if where is not None:
            parts[where] = rest
        found: Array = frames[tuple(parts)]
        return found

    def _slice(self, wanted: range) -> Array:
        if not wanted:
            return np.empty((0, *self.shape[1:]), self.dtype)
        first, last = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        if abs(wanted.step) >= _FAR_APART:
            frames = self._gather(np.arange(first, last + 1, abs(wanted.step)))
            return frames[::-1] if wanted.step < 0 else frames
        frames = self._checked(first, last + 1)
        return frames[:: wanted.step] if wanted.step != 1 else frames

    def _gather(self, rows: npt.NDArray[np.int64]) -> Array:
        """Return frames by number, in rising order, those that follow each other at once."""
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if len(rows):
            begins = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
            for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
                found[begin:end] = self._checked(int(rows[begin]), int(rows[end - 1]) + 1)
        return found

    def _checked(self, start: int, stop: int) -> Array:
        return np.asarray(self._read(start, stop), dtype=self.dtype)


class LazyFrames(ArrayFrames):
    """Frames that stay in their file: `frames[a:b]` reads those and no others.

    A reader subclasses this with `_read(start, stop)` and `close()`, and pickles as what it
    takes to open the file again. `anywhere`: whether one frame in the middle is read as quickly as
    the first.
    """

    anywhere = True

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path = path
        self.shape = shape
        self.dtype = computable(dtype)
        self._watched = Watched()

    @property
    def watched(self) -> Watched:
        """What was noticed of the frames that were read."""
        return self._watched

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        raise NotImplementedError

    def _checked(self, start: int, stop: int) -> Array:
        frames = super()._checked(start, stop)
        self._watched.look(start, frames)
        if frames.dtype.kind == "f":
            bad = ~np.isfinite(frames).all(axis=(1, 2))
            if bad.any():
                raise PerrinError(
                    f"{self.path}: frame {start + int(bad.argmax())} holds NaN or infinite pixels; "
                    "replace them in the file before analysis."
                )
        return frames

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """All frames at once, for `numpy.asarray(movie.frames)`."""
        if copy is False:
            raise ValueError("frames are read from a file: an array of them is always a copy")
        return self[:].astype(dtype or self.dtype, copy=False)


@dataclass(frozen=True, eq=False, repr=False)
class Movie(Shown):
    """Frames, and what one frame and one pixel mean.

    frames: (T, Y, X) intensities, lazy: `frames[a:b]` is an ndarray (b - a, Y, X). They are
    indexed as an array is, and go to dask (`dask.array.from_array`) and napari as they are.
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
        contents: Literal["landings", "moving"] = "landings",
    ) -> Self:
        """Make a movie of an array (T, Y, X) of intensities, not copied but for odd types.

        contents: "landings" for raw movies of landing molecules, "moving" for any other, which
        may be short and wide.

        Raises `PerrinError` where the array cannot be such a movie: other than three axes, NaN;
        of landings also ratiometric frames, time not first.
        """
        array = np.asarray(frames)
        array = array.astype(computable(array.dtype), copy=False)
        check_shape(array.shape, "the array")
        if contents == "landings":
            check_axes(array[:HEAD], array.shape, "the array")
        check = check_intensities if contents == "landings" else check_moving
        # counts can go wrong all over or not at all; other numbers frame by frame
        checked = array[:HEAD] if array.dtype.kind == "u" else array
        for start in range(0, len(checked), 256):
            check(checked[start : start + 256], "the array")
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

    def _facts(self) -> dict[str, str]:
        return {
            "name": self.name,
            "frames": f"{self.n_frames} of {self.height} x {self.width} px, {self.frames.dtype}",
            "duration": rounded(self.duration_s, "s"),
            "frame interval": rounded(1e3 * self.frame_interval_s, "ms"),
            "pixel": rounded(self.pixel_nm, "nm"),
        }

    @property
    def read_as(self) -> str:
        """What was understood of the movie, and from where, in one line.

        Frames without an image, once all are read: see `perrin.io.watched`.
        """
        watched = getattr(self.frames, "watched", None)
        noticed = () if watched is None else watched.said()
        return movie_line(
            self.frames.shape,
            self.frames.dtype,
            pixel_nm=self.pixel_nm,
            frame_interval_s=self.frame_interval_s,
            said=self.provenance,
            notes=(*self.provenance.get("notes", ()), *noticed),
        )

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


def computable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that numbers of this type are computed in: native, of 32 or 64 bits.

    Half precision and long double are what numba and most of scipy do not know.
    """
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    return dtype.newbyteorder("=")


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


def _time_part(parts: list[Any], ndim: int) -> int | None:
    """Return which part of an index is for the first axis; None where an ellipsis holds it."""
    for part in parts:
        if isinstance(part, (bool, np.bool_)) or np.ndim(_plain(part)) > 1:
            raise IndexError(
                "frames of a movie take whole numbers, slices and lists of them; for masks over "
                "pixels make an array first: numpy.asarray(movie.frames)"
            )
    used = [i for i, part in enumerate(parts) if part is not None and part is not Ellipsis]
    if len(used) > ndim:
        raise IndexError(f"too many indices: a movie has {ndim} axes, {len(used)} were indexed")
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    held = bool(dots) and len(used) < ndim and dots[0] < min(used, default=ndim + dots[0])
    return None if held or not used else used[0]


def _plain(part: Any) -> Any:
    return 0 if part is None or isinstance(part, (slice, EllipsisType)) else part

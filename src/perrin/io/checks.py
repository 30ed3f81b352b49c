"""What no raw movie can look like, said before it becomes a wrong mass."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from perrin.errors import PerrinError
from perrin.io.watched import Watched
from perrin.types import Array


class FramesLike(Protocol):
    """Frames (T, Y, X) that are read when they are asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def watched(self) -> Watched:
        """What was noticed of those that were read."""

    def _read(self, start: int, stop: int) -> Array: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Array: ...


HEAD = 16
"""First frames that the check of the axes looks at."""
_SAMPLES = 9
_SMALL = 2**24  # bytes of a movie that is looked at whole
_COARSE = 8  # of pixels each way one, where frames are compared first
_CROP = 48  # samples of each row and column it looks at
_CLEARLY = 1.5  # ratio of roughness that decides; white noise scatters by a few percent


def check_shape(shape: tuple[int, ...], name: str) -> None:
    """Raise `PerrinError` unless `shape` is (T, Y, X) with two frames or more."""
    if len(shape) == 4 and shape[-1] in (3, 4):
        raise PerrinError(
            f"{name} has the shape {shape}: color frames. A raw movie has one intensity a "
            "pixel, (T, Y, X); take one channel, frames[..., 0]."
        )
    if len(shape) != 3:
        raise PerrinError(
            f"{name} has the shape {shape}; a movie has three axes, (T, Y, X). "
            "Take the one channel and plane that hold the movie."
        )
    if shape[0] < 2:
        raise PerrinError(f"{name} has {shape[0]} frame; a movie has at least 2.")
    if min(shape[1:]) < 1:
        raise PerrinError(f"{name} has the shape {shape}: frames without pixels.")


def check_intensities(frames: Array, name: str) -> None:
    """Raise `PerrinError` unless `frames` (T, Y, X) look like camera intensities.

    Refused: other than real numbers, NaN, frames that are already ratiometric (they scatter
    about zero), values below zero, nothing but zeros.
    """
    check_moving(frames, name)
    low, mean = frames.min(), float(frames.mean(dtype=np.float64))
    if low < 0 and abs(mean) < 2 * float(frames.std(dtype=np.float64)):
        raise PerrinError(
            f"{name} looks ratiometric already: its pixels scatter about zero (mean {mean:.3g}). "
            "Give the raw movie; perrin makes the ratiometric frames itself."
        )
    if low < 0:
        raise PerrinError(
            f"{name} has pixels below zero ({low:.6g}); intensities are positive. "
            "Give the raw movie, before any background was subtracted."
        )
    if mean == 0:
        raise PerrinError(f"{name} has frames of nothing but zeros; was the recording complete?")


def check_moving(frames: Array, name: str) -> None:
    """Raise `PerrinError` unless `frames` (T, Y, X) hold numbers that any movie may have.

    Refused: other than real numbers, NaN, nothing but zeros. Movies of moving particles may be
    without their background, so that values scatter about zero.
    """
    if frames.dtype.kind not in "uif":
        raise PerrinError(f"{name} holds {frames.dtype} pixels; a movie holds real numbers.")
    if frames.dtype.kind == "f" and not np.isfinite(frames).all():
        raise PerrinError(
            f"{name} holds NaN or infinite pixels; replace them in the movie before analysis."
        )
    if frames.size and not frames.any():
        raise PerrinError(f"{name} has frames of nothing but zeros; was the recording complete?")


def dark_or_saturated(frames: FramesLike) -> list[str]:
    """Return notes on frames of nothing but zeros, or of the largest number that can be stored.

    Looked at are the last frame and some between, few enough to cost nothing; all of a small movie.
    The others are watched as they are read.
    """
    n_frames = len(frames)
    try:
        size = math.prod(frames.shape) * frames.dtype.itemsize
        count = n_frames if size <= _SMALL else _SAMPLES
        places = sorted({k * (n_frames - 1) // max(count - 1, 1) for k in range(count)})
        if len(places) == n_frames:
            block = frames[:]
        else:
            block = np.concatenate([frames._read(at, at + 1) for at in places], dtype=frames.dtype)
            frames.watched.look_at(places, block)
    except PerrinError:
        return []  # what cannot be read is refused, with its frames, when it is
    lowest, highest = block.min(axis=(1, 2)), block.max(axis=(1, 2))
    if not (lowest == highest).any():
        return []  # nearly always
    top = np.iinfo(frames.dtype).max if frames.dtype.kind in "ui" else np.inf
    dark = [at for at, high, low in zip(places, highest, lowest, strict=True) if high == low == 0]
    full = [at for at, low in zip(places, lowest, strict=True) if low == top]
    found = ((dark, "nothing but zeros"), (full, f"nothing but the largest number ({top:g})"))
    return [
        f"frames of {what}: {', '.join(map(str, at[:5]))}{', ...' if len(at) > 5 else ''} "
        f"({len(at)} of the {len(places)} that were looked at): was the recording "
        "complete, the light on?"
        for at, what in found
        if at
    ]


def repeated(head: Array) -> list[str]:
    """Return a note on frames (T, Y, X) that are the frame before once more, pixel by pixel.

    Noise never repeats: such frames were filled in, by a converter of frame rates or for lost ones.
    """
    some = head[:, ::_COARSE, ::_COARSE]
    if not (some[1:] == some[:-1]).all(axis=(1, 2)).any():
        return []  # nearly always, and cheap
    lit = head.min(axis=(1, 2)) < head.max(axis=(1, 2))
    same = (head[1:] == head[:-1]).all(axis=(1, 2)) & lit[1:]
    if not same.any() or same.sum() == len(head) - 1:
        return []
    at = ", ".join(map(str, np.flatnonzero(same)[:5] + 1))
    return [
        f"of the first {len(head)} frames {same.sum()} are the frame before once more ({at}): were "
        "frames filled in? Then the frame interval of what was recorded is longer"
    ]


def check_order_of_moving(shape: tuple[int, ...], name: str) -> None:
    """Raise `PerrinError` where the sides look like (y, x, time): two alike, then another.

    For formats that do not name their axes. Particles that move are rougher in time than in
    space, so what `check_axes` looks at says nothing here.
    """
    if shape[0] == shape[1] != shape[2]:
        raise PerrinError(_swapped(shape, name, 2))


def doubt_of_order(shape: tuple[int, ...]) -> str | None:
    """Return what to look at where the last of three axes without names is the shortest.

    A movie of particles that move may be short and narrow, so that this refuses nothing.
    """
    if shape[0] <= max(shape[1:]) and shape[2] < min(shape[:2]):
        return (
            f"its axes are not named, and the last is the shortest ({shape[2]} pixels): if that is "
            "time, say --axes YXT"
        )
    return None


def check_axes(head: Array, shape: tuple[int, ...], name: str) -> None:
    """Raise `PerrinError` where the content says that time is not the first axis.

    head: the first `HEAD` of the frames, shape: of all frames, (T, Y, X).

    Neighbors in time show the same glass and differ by noise only; neighbors in space differ
    by the speckle as well. So the axis along which neighbors differ least is time.
    """
    if head.dtype.kind not in "uif" or shape[0] > max(shape[1:]):
        return
    first, y, x = _roughness(head)
    least = 1 if y < x else 2
    # two equal axes are those of a square field, so that the first one is time
    doubtful = shape[0] < max(shape) and shape[1] != shape[2]
    if (doubtful or shape[0] == shape[1]) and first > _CLEARLY * min(y, x) > 0:
        raise PerrinError(_swapped(shape, name, _likely(shape, least)))


def check_axes_of_file(head: Array, shape: tuple[int, ...], name: str) -> None:
    """As `check_axes`, and refuse a first axis shorter than both others unless it is smooth.

    For formats that do not name their axes. `Movie.from_array` takes a short movie as it is.
    """
    if shape[0] > max(shape[1:]):
        return  # the longest axis is time
    check_axes(head, shape, name)
    first, y, x = _roughness(head)
    smooth = max(y, x) >= _CLEARLY * first
    shortest = shape[0] < min(shape[1:]) and shape[1] != shape[2]
    if (shortest or shape[0] == shape[1] != shape[2]) and not smooth:
        raise PerrinError(_swapped(shape, name, _likely(shape, 2)))


def _likely(shape: tuple[int, ...], least: int) -> int:
    """Return which axis is time where it is not the first: the odd one out, or the longest."""
    if shape[0] == shape[1]:
        return 2
    if shape[0] == shape[2]:
        return 1
    longest = int(np.argmax(shape))
    return longest or least


def _roughness(head: Array) -> tuple[float, float, float]:
    """Return the root mean square of neighbor differences along each axis of a block.

    The mean of each difference is taken off: a flicker of the laser is no roughness. Along time,
    the median over the steps: a single black or odd frame says nothing of the axes.
    """
    block = np.asarray(head[:HEAD, :_CROP, :_CROP], dtype=np.float64)
    rough = []
    for axis in range(3):
        if block.shape[axis] < 2:
            rough.append(float("inf"))
            continue
        steps = np.diff(block, axis=axis)
        steps -= steps.mean(axis=tuple(i for i in range(3) if i != axis), keepdims=True)
        squares = np.mean(steps**2, axis=(1, 2))
        usual = np.median(squares) if axis == 0 else np.mean(squares)
        rough.append(float(np.sqrt(usual)))
    return rough[0], rough[1], rough[2]


def _swapped(shape: tuple[int, ...], name: str, time: int) -> str:
    letters = "".join("T" if axis == time else "_" for axis in range(3)).replace("_", "Y", 1)
    return (
        f"{name} has the shape {shape}, but time seems to be axis {time} ({shape[time]} "
        f"long), not the first. Say which axis is what: --axes {letters.replace('_', 'X')} if so, "
        "--axes TYX if the shape is right (in Python axes=..., or store it transposed, "
        f"numpy.moveaxis(frames, {time}, 0), and hand it to perrin.Movie.from_array)."
    )

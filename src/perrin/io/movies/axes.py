"""Which stored axis is time, y and x, and what happens with the others.

Names go before order: what the file or the user calls time is time, wherever it is stored.
Channels and z are not time. Axes of length 1 are no axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked
from perrin.types import Array

_WORDS = {
    "T": ("t", "time", "times", "frame", "frames", "timepoint", "timepoints"),
    "Z": ("z", "depth", "slice", "slices", "plane", "planes"),
    "C": ("c", "channel", "channels", "ch", "wavelength", "color", "colour"),
    "Y": ("y", "row", "rows", "line"),
    "X": ("x", "col", "cols", "column", "columns"),
    "S": ("s", "sample", "samples", "rgb"),
}
_LETTER = {word: letter for letter, words in _WORDS.items() for word in words}
_COLORS = (3, 4)
_UNKNOWN = "?"


@dataclass(frozen=True)
class Layout:
    """Where the frames (T, Y, X) of a movie are in an array as it is stored.

    fixed: each other axis and the index that is taken of it. held: frames that there are,
    fewer than the axis is long where a recording was stopped.
    """

    shape: tuple[int, ...]
    time: int
    y: int
    x: int
    fixed: tuple[tuple[int, int], ...] = ()
    held: int | None = None

    @property
    def frames_shape(self) -> tuple[int, int, int]:
        """(T, Y, X)."""
        n_frames = self.shape[self.time] if self.held is None else self.held
        return n_frames, self.shape[self.y], self.shape[self.x]

    @property
    def plain(self) -> bool:
        """Whether the array is (T, Y, X) as it is stored."""
        return (self.time, self.y, self.x) == (0, 1, 2) and not self.fixed

    def holding(self, frames: int) -> Layout:
        """Return the layout with its first `frames` frames only."""
        return replace(self, held=frames)

    def key(self, start: int, stop: int) -> tuple[int | slice, ...]:
        """Return the index of frames [start, stop) in the array as stored."""
        index: list[int | slice] = [slice(None)] * len(self.shape)
        index[self.time] = slice(start, stop)
        for axis, at in self.fixed:
            index[axis] = at
        return tuple(index)

    def arrange(self, block: Array) -> Array:
        """Turn what `key` selected, with its axes in stored order, into (T, Y, X)."""
        order = np.argsort([self.time, self.y, self.x])
        return np.transpose(block, np.argsort(order))


@dataclass(frozen=True)
class Axes:
    """The axes of a file: the layout of the movie, or the problem that there is none.

    letters: one a stored axis, "?" where nothing names it. named: whether the file or the
    user says which axis is time. notes: what was decided and may be wrong.
    """

    letters: str
    layout: Layout | None = None
    problem: str | None = None
    named: bool = False
    notes: tuple[str, ...] = ()


def letter_of(name: object) -> str:
    """Return the letter of an axis called `name`: T, Z, C, Y, X or S, "?" if it is none of them."""
    text = str(name or "").strip().lower()
    return _LETTER.get(text, _UNKNOWN)


def lay_out(
    shape: Sequence[int],
    names: Sequence[object] | None,
    asked: Asked,
    *,
    z_is_time: str | None = None,
) -> Axes:
    """Find the movie in an array of this shape.

    names: what the file calls its axes, None where it does not. asked: the user's axes, channel
    and z. z_is_time: why planes that the file calls z are frames, where they are.

    Raises `PerrinError` where the user's options do not fit the file.
    """
    shape = tuple(int(n) for n in shape)
    letters = "".join(map(letter_of, names)) if names else _UNKNOWN * len(shape)
    if len(letters) != len(shape) or _twice(letters):
        letters = _UNKNOWN * len(shape)
    notes: list[str] = []
    said = letters
    if asked.axes is not None:
        letters = _given(asked.axes, shape)
        known = [
            (a, b) for a, b, n in zip(letters, said, shape, strict=True) if n > 1 and b != _UNKNOWN
        ]
        if any(a != b for a, b in known):
            notes.append(f"axes {letters} were given and are used; the file says {said}")
    return _chosen(shape, letters, asked, notes, z_is_time=z_is_time)


def _twice(letters: str) -> bool:
    known = letters.replace(_UNKNOWN, "")
    return len(set(known)) < len(known)


def _given(axes: str, shape: tuple[int, ...]) -> str:
    """Return the user's letters, one a stored axis; axes of length 1 may be left out."""
    letters = axes.strip().upper().replace(",", "").replace(" ", "").replace("_", _UNKNOWN)
    odd = set(letters) - set(_WORDS) - {_UNKNOWN}
    if odd or _twice(letters) or not set("TYX") <= set(letters):
        raise PerrinError(
            f"--axes is {axes!r}; give one letter an axis, in stored order: T time, Y and X, and "
            "Z or C (channel) where there are any, as TYX, YXT or TCYX."
        )
    if len(letters) == len(shape):
        return letters
    if len(letters) == sum(n > 1 for n in shape):
        rest = iter(letters)
        return "".join(next(rest) if n > 1 else _UNKNOWN for n in shape)
    raise PerrinError(
        f"--axes {axes} names {len(letters)} axes, but the file has {len(shape)}: {shape}."
    )


def _chosen(
    shape: tuple[int, ...],
    letters: str,
    asked: Asked,
    notes: list[str],
    *,
    z_is_time: str | None,
) -> Axes:
    place = {letter: axis for axis, letter in enumerate(letters) if letter != _UNKNOWN}
    _drop_unneeded(place, shape, letters)
    long = [axis for axis, n in enumerate(shape) if n > 1 or axis in place.values()]
    unknown = [axis for axis in long if axis not in place.values()]
    if shape[-1:] and shape[-1] in _COLORS and len(unknown) == len(long) == 4:
        place["S"] = unknown.pop()
    named = "T" in place
    if "T" not in place and unknown and len(unknown) + sum(k in place for k in "YX") >= 3:
        place["T"] = unknown.pop(0)
    for letter in "YX":
        if letter not in place and unknown:
            place[letter] = unknown.pop(0)
    if "T" not in place and "Z" in place and z_is_time and "YX" in letters.replace("S", ""):
        notes.append(
            f"the file calls its {shape[place['Z']]} planes z (slices); they are taken as time, "
            f"because {z_is_time}"
        )
        place["T"] = place.pop("Z")
        named = True
    problem = _problem(shape, letters, place, unknown)
    fixed: list[tuple[int, int]] = []
    if problem is None:
        problem = _take_others(shape, letters, place, asked, fixed, notes)
    if problem is not None:
        return Axes(letters, problem=problem, notes=tuple(notes))
    kept = {place[letter] for letter in "TYX"} | {axis for axis, _ in fixed}
    fixed += [(axis, 0) for axis in range(len(shape)) if axis not in kept]
    layout = Layout(shape, place["T"], place["Y"], place["X"], tuple(sorted(fixed)))
    return Axes(letters, layout, named=named, notes=tuple(notes))


def _drop_unneeded(place: dict[str, int], shape: tuple[int, ...], letters: str) -> None:
    """Forget axes of length 1, y and x apart; time too if other axes may be it."""
    for letter in "ZCS":
        if letter in place and shape[place[letter]] == 1:
            del place[letter]
    others = [n for n, letter in zip(shape, letters, strict=True) if letter not in "TYX" and n > 1]
    if "T" in place and shape[place["T"]] == 1 and others:
        del place["T"]


def _problem(
    shape: tuple[int, ...], letters: str, place: dict[str, int], unknown: list[int]
) -> str | None:
    """Return why there is no movie in the axes, None where there is one."""
    size = " x ".join(map(str, shape))
    if not set("YX") <= set(place):
        return f"has the shape {size}: one image at most, and a movie has three axes, time, y and x"
    if unknown:
        return (
            f"has the shape {size} (axes {letters}), more than the three axes of a movie. Say "
            "which is what with --axes, as TCYX (T time, C channel, Z plane, Y, X), and choose "
            "with --channel or --z"
        )
    if "T" in place:
        return None
    how = f"If they are the frames of a movie, say --axes {_renamed(letters, place)}"
    if "C" in place and "Z" not in place:
        return (
            f"holds {shape[place['C']]} channels (axes {letters}), and nothing in it is time: "
            f"channels are no frames. {how}"
        )
    if "Z" in place and "C" not in place:
        return (
            f"holds {shape[place['Z']]} z slices (a z-stack, axes {letters}): z is not time. {how}"
        )
    if "S" in place and not {"Z", "C"} & set(place):
        return f"is one image in colors (shape {size}): a movie has three axes, time, y and x"
    if {"Z", "C"} <= set(place):
        return (
            f"has the shape {size} (axes {letters}): channels and z slices, and no time. Say "
            "which axis is time with --axes"
        )
    held = "one frame" if all(shape) else "no pixels"
    return f"has the shape {size}: it holds {held}; a movie has at least 2 and three axes"


def _renamed(letters: str, place: dict[str, int]) -> str:
    """Return the letters with the axis of planes called T."""
    axis = place.get("Z", place.get("C"))
    return "".join("T" if i == axis else ("_" if a == "T" else a) for i, a in enumerate(letters))


def _take_others(
    shape: tuple[int, ...],
    letters: str,
    place: dict[str, int],
    asked: Asked,
    fixed: list[tuple[int, int]],
    notes: list[str],
) -> str | None:
    """Choose one channel and plane as asked; return what must be asked for."""
    wanted = {"C": ("channel", asked.channel), "Z": ("z", asked.z), "S": ("channel", asked.channel)}
    for letter, (option, at) in wanted.items():
        if letter not in place:
            continue
        count = shape[place[letter]]
        if at is None and letter == "S":
            return (
                f"has the shape {shape}: color frames. A raw movie has one intensity a pixel; "
                f"choose one color with --channel 0 to {count - 1}, or save one channel"
            )
        if at is None:
            what = "channels" if letter == "C" else "z slices (planes)"
            return (
                f"holds {count} {what} at each time (axes {letters}); choose one with "
                f"--{option} 0 to {count - 1}"
            )
        if not 0 <= at < count:
            raise PerrinError(f"--{option} is {at}; the file has {count}, 0 to {count - 1}.")
        fixed.append((place[letter], at))
        notes.append(f"{option} {at} of {count} is used")
    for option, at, has in (
        ("channel", asked.channel, {"C", "S"} & set(place)),
        ("z", asked.z, {"Z"} & set(place)),
    ):
        if at and not has:
            raise PerrinError(f"--{option} {at} was given, but the file has only one ({option} 0).")
    return None

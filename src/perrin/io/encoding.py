"""How the frames of a vendor's file are stored: as they are, or as differences in time."""

from __future__ import annotations

from dataclasses import dataclass, field

import h5py
import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.difference import decode_in_place
from perrin.io.found import RAW, TIME_DIFFERENCE
from perrin.io.hdf5_filters import load_filters
from perrin.types import IntArray

MARK = "TIME_DIFFERENCE"
"""Value of the attribute `encoding` of difference-coded frames."""

KEYFRAME_INTERVAL = 100
"""Frames from one keyframe to the next, as the vendor writes them."""


@dataclass(frozen=True)
class Coded:
    """The encoding of some frames, None where the user has to say it (asks says why).

    keyframe, keys: the dataset of whole frames that verifies it, and their frame numbers.
    """

    encoding: str | None
    keyframe: str | None = None
    keys: IntArray | None = None
    note: str | None = None
    asks: dict[str, str] = field(default_factory=dict)


def find_encoding(file: h5py.File, name: str, *, asked: str | None) -> Coded:
    """Find how the frames `name` are stored: shown by keyframes, asked for, or as marked.

    Raises `PerrinError` where keyframes contradict what was asked or every encoding.
    """
    data = file[name]
    load_filters(data)
    mark = data.attrs.get("encoding")
    mark = mark.decode() if isinstance(mark, bytes) else mark
    if mark not in (None, "", MARK):
        raise PerrinError(
            f"{file.filename}: frames have the encoding {mark!r}; known is {MARK!r} only. "
            "A newer vendor format? Export the movie from the vendor's software."
        )
    shown = _shown_by_keyframes(file, name)
    if shown is not None:
        if asked not in (None, shown.encoding):
            raise PerrinError(
                f"{file.filename}: encoding={asked!r} was given, but the keyframes show that "
                f"the frames are {shown.encoding}; leave --encoding away."
            )
        return shown
    if asked is not None:
        return Coded(asked, note="the encoding was given; no keyframe verifies it")
    if mark == MARK and _too_short_to_show(file, name):
        return Coded(TIME_DIFFERENCE, note="the movie ends before a keyframe could verify it")
    if mark == MARK:
        why = f"the frames are marked {MARK}, but no keyframe is there to verify them"
    elif _looks_coded(data):
        why = "the second frame looks like a difference, and nothing in the file says so"
    else:
        return Coded(RAW)
    hint = f"{why}; give {TIME_DIFFERENCE} to decode them unverified, or {RAW}"
    return Coded(None, asks={"encoding": hint})


def _shown_by_keyframes(file: h5py.File, name: str) -> Coded | None:
    """Return the encoding under which the first later keyframe fits, None without one."""
    data, keyframe = file[name], _keyframe_name(name)
    keys = file.get(keyframe)
    if not isinstance(keys, h5py.Dataset) or keys.shape[1:] != data.shape[1:]:
        return None
    places = _places(keys, n_frames=len(data))
    for indices in places:
        j = int(np.flatnonzero(indices)[0])
        encoding = _fits(data, int(indices[j]), keys[j])
        if encoding is not None:
            return Coded(encoding, keyframe, indices)
    if places and "indices" in keys.attrs:
        raise PerrinError(
            f"{file.filename}: keyframe {j} matches frame {indices[j]} neither as stored nor "
            "decoded from differences: the file is damaged. Copy it again from where it was "
            "recorded."
        )
    return None


def _too_short_to_show(file: h5py.File, name: str) -> bool:
    """Whether the one keyframe that so short a movie has is there, at frame 0."""
    data, keys = file[name], file.get(_keyframe_name(name))
    short = len(data) <= KEYFRAME_INTERVAL
    return short and isinstance(keys, h5py.Dataset) and np.array_equal(keys[:1], data[:1])


def _keyframe_name(name: str) -> str:
    return name.removesuffix("frame") + "keyframe"


def _places(keys: h5py.Dataset, *, n_frames: int) -> list[IntArray]:
    """Return the frame numbers that the keyframes can have, those that verify something.

    The attribute `indices` says them. Without it: every hundredth frame, or that and the last
    one, or the first and the last, or the last (what public readers of .mp count on).
    """
    regular = np.arange(0, n_frames, KEYFRAME_INTERVAL, dtype=np.int64)
    last = np.array([n_frames - 1], dtype=np.int64)
    guesses = [regular, np.union1d(regular, last), np.union1d([0], last), last]
    if "indices" in keys.attrs:
        indices = np.atleast_1d(np.asarray(keys.attrs["indices"])).astype(np.int64)
        rising = bool(np.all(np.diff(indices) > 0))
        inside = indices.size > 0 and indices[0] >= 0 and indices[-1] < n_frames
        if len(indices) != len(keys) or not (rising and inside):
            raise PerrinError(
                f"{keys.file.filename}: {keys.name} holds {len(keys)} keyframes for {n_frames} "
                f"frames, but says they are at {indices.tolist()[:5]}...: the file is damaged."
            )
        guesses = [indices]
    return [guess for guess in guesses if len(guess) == len(keys) and guess[-1] > 0]


def _fits(data: h5py.Dataset, at: int, key: npt.NDArray[np.generic]) -> str | None:
    """Return the encoding under which frame `at` of `data` is `key`, None under neither."""
    if np.array_equal(data[at], key):
        return RAW
    frame = data[0]
    for start in range(1, at + 1, KEYFRAME_INTERVAL):
        block = data[start : min(start + KEYFRAME_INTERVAL, at + 1)]
        decode_in_place(block, previous=frame)
        frame = block[-1]
    return TIME_DIFFERENCE if np.array_equal(frame, key) else None


def _looks_coded(data: h5py.Dataset) -> bool:
    """Whether frame 1 scatters twice as much as frame 0, as wrapped differences do."""
    if len(data) < 2 or data.dtype.kind != "u":
        return False
    return bool(np.std(data[0]) < 0.5 * np.std(data[1]))

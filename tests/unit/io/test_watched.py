"""Frames without an image are noticed while a movie is read, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from perrin.io import open_movie
from perrin.io.held import held
from perrin.io.watched import Watched
from perrin.types import Array

KNOWN = {"pixel_nm": 100.0, "frame_rate_hz": 100.0}


def movie(count: int = 4100) -> Array:
    """So long that it is looked at here and there only when it is opened (over 16 MB)."""
    frames = np.random.default_rng(0).integers(900, 1100, (count, 40, 56), dtype=np.uint16)
    frames[count // 3 : count // 3 + 2] = 0
    frames[count // 2 + 7] = 65535
    frames[-5, 20:] = 0
    return frames


def _hdf5(path: Path, frames: Array) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", data=frames, chunks=(10, 40, 56))


WRITERS: dict[str, Callable[[Path, Array], None]] = {
    "a.npy": np.save,
    "a.tif": lambda path, frames: tifffile.imwrite(path, frames, photometric="minisblack"),
    "a.h5": _hdf5,
}


@pytest.mark.parametrize("name", WRITERS)
def test_black_frames_of_long_movies_are_named(name: str, tmp_path: Path) -> None:
    frames = movie()
    WRITERS[name](tmp_path / name, frames)
    with open_movie(tmp_path / name, **KNOWN) as opened:
        assert "without an image" not in opened.read_as
        kept = held(opened)
        for start in range(0, len(frames), 500):
            np.testing.assert_array_equal(
                kept.frames[start : start + 500], frames[start : start + 500]
            )
        for one in (opened, kept):
            assert "3 frames without an image, all pixels alike (0, 65535): 1366, 1367, 2057" in (
                one.read_as
            )
            assert "1 frame with rows of zeros in them: 4095" in one.read_as


def test_frames_that_were_named_at_opening_are_named_once(tmp_path: Path) -> None:
    frames = movie(60)
    np.save(tmp_path / "a.npy", frames)
    with open_movie(tmp_path / "a.npy", **KNOWN) as opened:
        before = opened.read_as
        assert "20, 21" in before
        opened.frames[:]
        assert opened.read_as.startswith(before)
        assert "without an image" not in opened.read_as


def test_dark_movies_with_lights_on_them_are_whole() -> None:
    frames = np.zeros((50, 64, 64), np.uint8)
    frames[np.arange(50), np.arange(50), 30] = 200
    watched = Watched()
    watched.look(0, frames)
    frames[:, ::2] += 9
    watched.look(50, frames)
    assert watched.said() == []

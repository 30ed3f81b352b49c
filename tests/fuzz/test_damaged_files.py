"""Damaged files end in a right result, a difference that is said, or one readable error.

Files are made and damaged when the test runs, by a seed: PERRIN_FUZZ is how many cases of each
kind of file there are (``make fuzz`` sets it to thousands), PERRIN_FUZZ_SEED where they start.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie
from perrin.io.tables import read_events
from perrin.io.tracks import read_tracks

sys.path.insert(0, str(Path(__file__).parent))
from damage import ANY, TEXT, cut

from files import EVENTS, FOLDERS, MOVIES, OTHERS, TRACKS

CASES = int(os.environ.get("PERRIN_FUZZ", "20"))
SEED = int(os.environ.get("PERRIN_FUZZ_SEED", "0"))
SECONDS = 30  # beyond what the second process may take on a busy machine
SURE = {"own_tracks.csv", "tracks.mat", "deflate.tif", "gzip.h5", "movie.mov", "pictures"}
"""Files whose content has checksums all over, so that no damage at all may go unnoticed."""
MEMORY_KIB = 1 << 20  # beyond what the process had before


class Late(BaseException):
    """A case that takes too long."""


@contextmanager
def bounded() -> Iterator[None]:
    """Fail a case that takes over `SECONDS` or over a gigabyte."""

    def late(_signal: int, _frame: object) -> None:
        raise Late

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < MEMORY_KIB, f"{taken} KiB"


def outcome(read: Callable[[], Any]) -> tuple[Any, str]:
    """Return what was read and "", or None and the error; anything else but PerrinError fails."""
    with bounded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read(), ""
        except PerrinError as error:
            said = str(error)
            assert "\n" not in said.strip(), said
            assert len(said) < 1500, said
            return None, said


def damage(path: Path, whole: bytes, number: int, kinds: tuple[Any, ...]) -> Any:
    """Write the file with a damage, and return its kind."""
    rng = np.random.default_rng([SEED, number])
    kind = kinds[number % len(kinds)]
    path.write_bytes(kind(whole, rng))
    return kind


def said_of(table: pd.DataFrame) -> str:
    return " ".join([str(table.attrs.get("read_as")), *table.attrs.get("notes", ())])


@pytest.mark.parametrize("name", EVENTS)
def test_event_tables(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    kinds = TEXT if path.suffix in (".csv", ".txt") else ANY
    EVENTS[name](path)
    whole, content = read_events(path), path.read_bytes()
    for number in range(CASES):
        kind = damage(path, content, number, kinds)
        read, error = outcome(lambda: read_events(path))
        outcome(lambda: inspect(path))
        at = f"{name} {kind.__name__} {SEED} {number}"
        if error:
            assert name in error, f"{at}: {error}"
            continue
        same = len(read) == len(whole) and np.allclose(  # to the digits that a row's check covers
            read["contrast"], whole["contrast"], rtol=1e-10, atol=0, equal_nan=True
        )
        noticeable = kind is cut and not _at_a_line(path)
        noticeable |= name.startswith("own")
        if noticeable and not same:
            assert said_of(read).replace(str(len(read)), "") != said_of(whole), at
            assert name != "own.csv" or _says_so(said_of(read)), f"{at}: {said_of(read)}"


def _at_a_line(path: Path) -> bool:
    """Whether a text ends where a line does, so that nothing shows that it was longer."""
    return path.read_bytes().rstrip(b"\0").endswith((b"\n", b"\r"))


def _says_so(said: str) -> bool:
    return any(
        word in said for word in ("cut", "line break", "row", "twice", "duplicate", "without")
    )


@pytest.mark.parametrize("name", TRACKS)
def test_track_tables(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    TRACKS[name](path)
    whole, content = read_tracks(path), path.read_bytes()
    for number in range(CASES):
        kind = damage(path, content, number, TEXT if path.suffix in (".csv", ".xml") else ANY)
        read, error = outcome(lambda: read_tracks(path))
        outcome(lambda: inspect(path))
        if error or _same_tracks(read, whole):
            continue
        at = f"{name} {kind.__name__} {SEED} {number}: {read.attrs['read_as']}"
        if name in SURE or (kind is cut and not _at_a_line(path)):
            assert _remarks(read) != _remarks(whole), at


def _same_tracks(read: pd.DataFrame, whole: pd.DataFrame) -> bool:
    known = ["particle", "frame", "x", "y"]
    attrs = ("length_nm", "frame_interval_s")
    return (
        list(read.columns) == list(whole.columns)
        and len(read) == len(whole)
        and np.allclose(read[known], whole[known], rtol=1e-10, atol=0, equal_nan=True)
        and all(read.attrs[name] == whole.attrs[name] for name in attrs)
    )


def _remarks(table: pd.DataFrame) -> str:
    """What the line says beside the counts: they alone are no warning."""
    return str(table.attrs["read_as"]).partition(";")[2]


@pytest.mark.parametrize("name", MOVIES)
def test_movies(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    MOVIES[name](path)
    whole, content = _seen(path, name), path.read_bytes()
    for number in range(CASES):
        kind = damage(path, content, number, ANY)
        _compare(path, name, whole, kind, f"{name} {kind.__name__} {SEED} {number}")


@pytest.mark.parametrize("name", FOLDERS)
def test_movies_that_are_folders(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    FOLDERS[name](path)
    whole = _seen(path, name)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    for number in range(CASES):
        rng = np.random.default_rng([SEED, number])
        file = files[int(rng.integers(len(files)))]
        content = file.read_bytes()
        kind = (*ANY, gone)[number % (len(ANY) + 1)]
        if kind is gone:
            file.unlink()
        else:
            file.write_bytes(kind(content, rng) if content else b"")
        _compare(path, name, whole, kind, f"{name} {file.name} {kind.__name__} {SEED} {number}")
        file.write_bytes(content)


def gone(content: bytes, rng: np.random.Generator) -> bytes:
    """Lose the whole file."""
    return b""


def _compare(path: Path, name: str, whole: Any, kind: Any, at: str) -> None:
    """Fail where other frames or numbers come out without a word, as far as it can be noticed."""
    outcome(lambda: inspect(path))
    read, error = outcome(lambda: _seen(path, name))
    if error:
        return
    same = read[0].shape == whole[0].shape and np.array_equal(read[0], whole[0])
    if same and read[2:] == whole[2:]:
        return
    if name in SURE or kind in (cut, gone):
        assert read[1] != whole[1], f"{at}: {read[1]}"


def _seen(path: Path, name: str) -> tuple[Any, ...]:
    dataset = "frames" if name.endswith(".h5") else None
    with open_movie(path, pixel_nm=80, frame_rate_hz=100, dataset=dataset) as movie:
        return movie.frames[:], movie.read_as, movie.pixel_nm, movie.frame_interval_s


@pytest.mark.parametrize("name", OTHERS)
def test_files_that_are_no_input(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    OTHERS[name](path)
    content = path.read_bytes()
    for number in range(CASES):
        damage(path, content, number, ANY)
        outcome(lambda: inspect(path))
        outcome(lambda: read_events(path))

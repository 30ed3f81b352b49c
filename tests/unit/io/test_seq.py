"""StreamPix' .seq files in the published layout, compared with pims, an independent reader."""

from __future__ import annotations

import pickle
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

T, HEIGHT, WIDTH, STEP_S = 12, 9, 14, 0.005


@pytest.fixture
def counts() -> np.ndarray[Any, Any]:
    return np.random.default_rng(4).integers(900, 1100, (T, HEIGHT, WIDTH)).astype("<u2")


def write_seq(
    path: Path,
    frames: np.ndarray[Any, Any],
    *,
    version: int = 5,
    steps_s: float | list[float] = STEP_S,
    **header: float,
) -> None:
    bits = 8 * frames.dtype.itemsize
    image = frames[0].nbytes
    start, micro = (8192, True) if version >= 5 else (1024, False)
    block = 512 * -(-(image + 8) // 512)
    said = {
        "width": WIDTH, "height": HEIGHT, "bits": bits, "real": bits, "image": image,
        "format": 100, "allocated": len(frames), "origin": 0, "block": block, "rate": 200.0,
        "compression": 0,
    } | header  # fmt: skip
    head = struct.pack("<I24sii512s", 0xFEED, "Norpix seq".encode("utf-16-le"), version, start, b"")
    *whole, compression = said.values()
    head += struct.pack("<9Id", *whole) + bytes(28) + struct.pack("<I", compression)
    times = 1_700_000_000 + np.cumsum([0.0, *np.broadcast_to(steps_s, len(frames) - 1)])
    blocks = []
    for frame, time in zip(frames, times, strict=True):
        us = round(time * 1e6)
        stamp = struct.pack("<IH", us // 10**6, us // 1000 % 1000)
        stamp += struct.pack("<H", us % 1000) if micro else b""
        blocks.append((frame.tobytes() + stamp).ljust(block, b"\7"))
    path.write_bytes(head.ljust(start, b"\0") + b"".join(blocks))


@pytest.mark.parametrize("version", [3, 5])
@pytest.mark.parametrize("dtype", ["u1", "<u2"])
def test_frames_and_times_are_those_that_pims_reads(
    version: int, dtype: str, counts: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        norpix = pytest.importorskip("pims.norpix_reader")
    frames = (counts // (16 if dtype == "u1" else 1)).astype(dtype)
    write_seq(tmp_path / "a.seq", frames, version=version)
    with norpix.NorpixSeq(str(tmp_path / "a.seq")) as oracle:
        theirs = np.stack([np.asarray(oracle[k]) for k in range(len(oracle))])
        times = oracle.dump_times_float()
    with open_movie(tmp_path / "a.seq", pixel_nm=100, contents="moving") as movie:
        np.testing.assert_array_equal(movie.frames[:], theirs)
        np.testing.assert_array_equal(movie.frames[:], frames)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(movie)).frames[3:7], theirs[3:7])  # noqa: S301
        assert movie.frame_interval_s == pytest.approx((times[-1] - times[0]) / (T - 1), rel=1e-5)
        assert movie.frame_interval_s == pytest.approx(STEP_S, rel=1e-6)
        assert "5 ms a frame (from the file)" in movie.read_as


def test_leaps_of_the_time_stamps_are_said_and_the_interval_asked_for(
    counts: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    steps = [STEP_S] * (T - 1)
    steps[6] *= 4
    write_seq(tmp_path / "a.seq", counts, steps_s=steps)
    with pytest.raises(PerrinError, match="--frame-rate-hz"):
        open_movie(tmp_path / "a.seq", pixel_nm=100)
    said = " ".join(inspect(tmp_path / "a.seq").notes)
    assert "leap 1 times (first from frame 6 to 7, by 20 ms, usually 5 ms)" in said


def test_a_rate_that_the_time_stamps_contradict_is_not_used(
    counts: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    write_seq(tmp_path / "a.seq", counts, rate=30.0)
    with open_movie(tmp_path / "a.seq", pixel_nm=100, contents="moving") as movie:
        assert movie.frame_interval_s == pytest.approx(STEP_S)
        assert "header says 30 frames a second, the time stamps 200" in movie.read_as


def test_a_stopped_recording_is_as_long_as_it_is(
    counts: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    write_seq(tmp_path / "a.seq", counts, allocated=40)
    with open_movie(tmp_path / "a.seq", pixel_nm=100, contents="moving") as movie:
        assert movie.n_frames == T
        assert "says 40 frames and holds 12" in movie.read_as
    content = (tmp_path / "a.seq").read_bytes()
    (tmp_path / "a.seq").write_bytes(content[:-700])  # in the middle of the last frame but one
    with open_movie(tmp_path / "a.seq", pixel_nm=100, contents="moving") as movie:
        assert movie.n_frames == T - 1


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"compression": 1}, "compressed SEQ.*TIFF stack"),
        ({"format": 200}, "image format 200.*TIFF stack"),
        ({"bits": 24}, "24 bits"),
        ({"image": 9}, "damaged SEQ header"),
        ({"width": 2**31}, "damaged SEQ header"),
        ({"block": 0}, "damaged SEQ header"),
    ],
)
def test_other_kinds_and_damaged_headers_are_refused(
    header: dict[str, int], said: str, counts: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    write_seq(tmp_path / "a.seq", counts, **header)
    with pytest.raises(PerrinError, match=said):
        open_movie(tmp_path / "a.seq", pixel_nm=100)


def test_a_file_cut_off_in_its_header_is_refused(
    counts: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    write_seq(tmp_path / "a.seq", counts)
    content = (tmp_path / "a.seq").read_bytes()
    for stop in (100, 8192, 8400):
        (tmp_path / "a.seq").write_bytes(content[:stop])
        with pytest.raises(PerrinError, match="cut off"):
            open_movie(tmp_path / "a.seq", pixel_nm=100)

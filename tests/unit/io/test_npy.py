from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


@pytest.mark.parametrize("order", [np.ascontiguousarray, np.asfortranarray])
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "u1", "f4", ">f8", "i4"])
def test_any_order_and_type_of_numbers(order, dtype, frames, tmp_path):
    stored = order((frames // 256).astype(dtype))
    np.save(tmp_path / "a.npy", stored)
    with open_movie(tmp_path / "a.npy", **GIVEN) as movie:
        assert movie.frames.dtype.isnative
        got = movie.frames[10:20]
        assert got.dtype == movie.frames.dtype
        assert got.flags.writeable
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, stored[10:20])


def test_reading_some_frames_costs_only_those(frames, tmp_path):
    np.save(tmp_path / "a.npy", np.tile(frames, (40, 1, 1)))
    with open_movie(tmp_path / "a.npy", **GIVEN) as movie:
        tracemalloc.start()
        movie.frames[5000:5010]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 3 * frames[:10].nbytes + 20_000


def test_what_it_does_not_say_is_asked_for(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    with pytest.raises(PerrinError, match=r"\(--frame-rate-hz\).*\(--pixel-nm\)"):
        open_movie(tmp_path / "a.npy")
    seen = inspect(tmp_path / "a.npy", frame_rate_hz=242.0)
    assert seen.missing == ("pixel_nm",)
    assert seen.frame_interval_s == 1 / 242
    assert seen.dtype == "uint16"


@pytest.mark.parametrize("size", [9, 60, 5000])
def test_a_truncated_file_is_refused(size, frames, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, frames)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(PerrinError, match=r"truncated|damaged"):
        open_movie(path, **GIVEN)


def test_python_objects_are_refused_without_being_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[[{}]]], dtype=object))
    with pytest.raises(PerrinError, match="holds Python objects"):
        open_movie(tmp_path / "a.npy", **GIVEN)


def test_inspect_shows_what_makes_a_file_no_movie(frames, tmp_path):
    ratio = (frames[1:] / frames[:-1] - 1).astype(np.float32)
    np.save(tmp_path / "a.npy", ratio)
    assert "looks ratiometric already" in inspect(tmp_path / "a.npy").problems[0]
    np.save(tmp_path / "a.npy", frames[0])
    assert "three axes" in inspect(tmp_path / "a.npy").problems[0]

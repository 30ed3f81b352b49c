"""Perrin's own decoders of HDF5's filters, against those of hdf5plugin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from perrin import PerrinError
from perrin.io import hdf5_filters, open_movie

hdf5plugin = pytest.importorskip("hdf5plugin")

STORED: dict[str, Any] = {
    "blosc": hdf5plugin.Blosc(),
    "blosc of Zstandard": hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    "bzip2": hdf5plugin.BZip2(),
    "lz4": hdf5plugin.LZ4(),
    "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle, lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle, lz4, small blocks": hdf5plugin.Bitshuffle(cname="lz4", nelems=64),
    "bitshuffle, Zstandard": hdf5plugin.Bitshuffle(cname="zstd"),
    "Zstandard": hdf5plugin.Zstd(clevel=9),
}
GIVEN: dict[str, Any] = {"frame_interval_s": 0.1, "pixel_nm": 10.0, "contents": "moving"}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("name", list(STORED))
def test_a_chunk_is_what_hdf5plugin_stored(name: str, dtype: str, tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 4, (1, 37, 41)).astype(dtype)  # no multiple of 8
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("movie", data=values, chunks=values.shape, **STORED[name])
        (number, _, options, _) = data.id.get_create_plist().get_filter(0)
        _, stored = data.id.read_direct_chunk((0, 0, 0))
    assert bytes(stored) != values.tobytes()
    made = hdf5_filters._DECODERS[number](bytes(stored), list(options))
    assert made == values.tobytes()


def test_files_are_read_and_written_without_hdf5plugin(tmp_path: Path) -> None:
    frames = np.random.default_rng(2).integers(90, 94, (9, 30, 33)).astype(np.uint16)
    for k, options in enumerate(STORED.values()):
        with h5py.File(tmp_path / f"{k}.h5", "w") as file:
            file.create_dataset("movie", data=frames, chunks=(1, 30, 33), shuffle=True, **options)
    np.save(tmp_path / "frames.npy", frames)
    script = """
import sys
sys.modules["hdf5plugin"] = None
import h5py, numpy as np
from pathlib import Path
from perrin.io import open_movie
from perrin.io.hdf5_filters import zstd_options
frames = np.load("frames.npy")
for path in sorted(Path().glob("*.h5")):
    with open_movie(path, frame_interval_s=0.1, pixel_nm=10.0, contents="moving") as movie:
        assert np.array_equal(movie.frames[:], frames), path
with h5py.File("made.h5", "w") as file:
    file.create_dataset("movie", data=frames, chunks=(1, 30, 33), **zstd_options())
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=120)
    with h5py.File(tmp_path / "made.h5") as file:
        assert file["movie"].id.get_storage_size() < frames.nbytes
        np.testing.assert_array_equal(file["movie"][:], frames)


def test_a_rare_filter_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = np.random.default_rng(4).normal(100, 1, (5, 30, 33)).astype(np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("movie", data=frames, chunks=(1, 30, 33), **hdf5plugin.Zfp())
    there = h5py.h5z.filter_avail
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: number != 32013 and there(number))
    with pytest.raises(PerrinError, match=r"movie is compressed with ZFP .*perrin\[hdf5\]"):
        open_movie(tmp_path / "a.h5", **GIVEN)
    monkeypatch.undo()
    with open_movie(tmp_path / "a.h5", **GIVEN) as movie:
        np.testing.assert_allclose(movie.frames[:], frames, rtol=0.1)


@pytest.mark.parametrize("lacks", ["hdf5plugin", "imagecodecs"])
def test_blosc_needs_imagecodecs_and_zstandard_does_not(lacks: str, tmp_path: Path) -> None:
    frames = np.random.default_rng(5).integers(90, 94, (5, 30, 33)).astype(np.uint16)
    for name in ("blosc", "Zstandard"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.create_dataset("movie", data=frames, chunks=(1, 30, 33), **STORED[name])
    script = f"""
import sys
from importlib import util
there = util.find_spec
util.find_spec = lambda name, *a: None if name == {lacks!r} else there(name, *a)
sys.modules["hdf5plugin"] = None
from perrin.io import open_movie
for name in ("Zstandard", "blosc"):
    open_movie(name + ".h5", frame_interval_s=0.1, pixel_nm=10.0, contents="moving").close()
"""
    run = [sys.executable, "-c", script]
    done = subprocess.run(
        run, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode == 0) == (lacks == "hdf5plugin")
    if lacks == "imagecodecs":
        assert "blosc.h5: /movie is compressed with Blosc" in done.stderr
        assert "pip install 'perrin[compressed]'" in done.stderr


def test_a_damaged_chunk_is_said(tmp_path: Path) -> None:
    frames = np.random.default_rng(3).integers(90, 110, (5, 30, 33)).astype(np.uint16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset(
            "movie", data=frames, chunks=(1, 30, 33), **hdf5_filters.zstd_options()
        )
        data.id.write_direct_chunk((2, 0, 0), b"no Zstandard at all")
    with pytest.raises(PerrinError, match=r"filter returned failure.*damaged"):
        open_movie(tmp_path / "a.h5", **GIVEN).close()


def test_a_chunk_cannot_grow_beyond_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    values = bytes(10_000)
    stored = hdf5_filters._zstd_encode(values, [])
    assert hdf5_filters._zstd(stored, []) == values
    with pytest.raises(ValueError, match="cut off"):
        hdf5_filters._zstd(stored[:-2], [])
    monkeypatch.setattr(hdf5_filters, "_MOST_BYTES", 9_999)
    with pytest.raises(ValueError, match="larger than a chunk"):
        hdf5_filters._zstd(stored, [])

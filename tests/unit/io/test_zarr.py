from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")
GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


@pytest.mark.parametrize("version", [2, 3])
def test_an_array_is_a_movie(version, frames, tmp_path):
    path = tmp_path / "movie"
    zarr.create_array(path, data=frames, chunks=(50, 12, 17), zarr_format=version)
    with open_movie(path, **GIVEN) as movie:
        assert movie.format == "zarr"
        np.testing.assert_array_equal(movie.frames[40:60], frames[40:60])
        again = pickle.loads(pickle.dumps(movie))  # noqa: S301  made right here
        np.testing.assert_array_equal(again.frames[3], frames[3])
    with pytest.raises(PerrinError, match="was closed"):
        movie.frames[0]


@pytest.mark.parametrize("version", [2, 3])
def test_an_array_in_a_group_is_named(version, frames, tmp_path):
    path = tmp_path / "group"
    group = zarr.create_group(path, zarr_format=version)
    group.create_array("raw/camera", data=frames)
    group.create_array("other", data=frames)
    group.create_array("times", data=np.arange(250.0))
    with pytest.raises(PerrinError, match=r"\(--dataset\).*raw/camera \(250, 12, 17\)"):
        open_movie(path, **GIVEN)
    assert inspect(path).missing == ("dataset", "frame_rate_hz", "pixel_nm")
    movie = open_movie(path, **GIVEN, dataset="raw/camera")
    np.testing.assert_array_equal(movie.frames[:], frames)
    with pytest.raises(PerrinError, match="no Zarr array 'nothing'"):
        open_movie(path, **GIVEN, dataset="nothing")


def test_a_group_without_a_movie_is_refused(tmp_path):
    zarr.create_group(tmp_path / "group").create_array("times", data=np.arange(250.0))
    with pytest.raises(PerrinError, match="no array has three axes"):
        open_movie(tmp_path / "group", **GIVEN)


def test_without_the_package_the_extra_is_named(frames, tmp_path, monkeypatch):
    zarr.create_array(tmp_path / "movie", data=frames)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(PerrinError, match=r"pip install 'perrin\[zarr\]'"):
        open_movie(tmp_path / "movie", **GIVEN)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("lost", [1, 4, 40])
def test_a_chunk_that_lacks_its_last_bytes_is_refused(zarr_format, lost, tmp_path):
    frames = np.random.default_rng(3).normal(1000, 10, (12, 16, 16)).astype(np.uint16)
    path = tmp_path / "a.zarr"
    blosc = {2: numcodecs.Blosc(cname="lz4"), 3: zarr.codecs.BloscCodec(cname="lz4")}[zarr_format]
    array = zarr.create_array(
        path, shape=frames.shape, chunks=(4, 16, 16), dtype="uint16", zarr_format=zarr_format,
        compressors=blosc,
    )  # fmt: skip
    array[:] = frames
    with open_movie(path, pixel_nm=70, frame_rate_hz=242, contents="moving") as movie:
        assert np.array_equal(movie.frames[:], frames)
    chunk = path / array.metadata.encode_chunk_key((1, 0, 0))
    chunk.write_bytes(chunk.read_bytes()[:-lost])
    with pytest.raises(PerrinError, match="1 of its chunks are cut off"):
        open_movie(path, pixel_nm=70, frame_rate_hz=242, contents="moving")

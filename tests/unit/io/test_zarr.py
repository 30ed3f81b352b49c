from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

zarr = pytest.importorskip("zarr")
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

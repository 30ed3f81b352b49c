from __future__ import annotations

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie
from perrin.io.difference import encode
from perrin.io.tables import read_events
from perrin.io.tracks import read_tracks

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


def test_any_dataset_is_a_movie_by_its_name(frames, write_hdf5):
    path = write_hdf5({"lab/camera1": frames, "lab/camera2": frames[::-1], "times": np.arange(9)})
    with pytest.raises(PerrinError, match=r"\(--dataset\).*lab/camera1 \(250, 12, 17\)"):
        open_movie(path, **GIVEN)
    assert "dataset" in inspect(path).missing
    with open_movie(path, **GIVEN, dataset="lab/camera2") as movie:
        assert movie.format == "hdf5"
        assert movie.provenance["dataset"] == "lab/camera2"
        np.testing.assert_array_equal(movie.frames[100:], frames[::-1][100:])
    assert inspect(path, dataset="lab/camera1", **GIVEN).missing == ()


@pytest.mark.parametrize("name", ["nothing", "lab"])
def test_a_name_that_is_no_dataset_is_refused_with_those_that_are(name, frames, write_hdf5):
    path = write_hdf5({"lab/camera": frames})
    with pytest.raises(PerrinError, match=f"no dataset '{name}'.*lab/camera"):
        open_movie(path, **GIVEN, dataset=name)


@pytest.mark.parametrize("shape", [(), (12,), (12, 17), (20, 2, 12, 17)])
def test_a_dataset_of_another_shape_is_refused(shape, frames, write_hdf5):
    path = write_hdf5({"camera": frames, "other": np.ones(shape)})
    with pytest.raises(PerrinError, match="three axes"):
        open_movie(path, **GIVEN, dataset="other")


def test_difference_coded_frames_are_decoded_when_told(frames, write_hdf5):
    path = write_hdf5({"camera": encode(frames)})
    assert inspect(path, dataset="camera", **GIVEN).missing == ("encoding",)
    movie = open_movie(path, **GIVEN, dataset="camera", encoding="time-difference")
    np.testing.assert_array_equal(movie.frames[150:], frames[150:])


def test_a_dataset_called_frame_is_not_taken_for_the_vendors(frames, write_hdf5):
    assert inspect(write_hdf5({"frame": frames})).format == "hdf5"


def test_a_file_of_events_is_no_movie(write_hdf5):
    path = write_hdf5({"contrasts": np.zeros(5), "x_coords": np.zeros(5)})
    with pytest.raises(PerrinError, match=r"no dataset has three axes.*perrin\.read_events"):
        open_movie(path)


def test_numbers_of_a_kind_that_is_none_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        kind = h5py.h5t.IEEE_F64LE.copy()
        kind.set_ebias(2**30)  # as four damaged bytes make it
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((5,)))
    for read in (inspect, read_events, read_tracks):
        with pytest.raises(PerrinError, match="the kind of values of /x cannot be read"):
            read(path)

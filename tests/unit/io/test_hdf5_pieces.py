"""HDF5 files whose frames are many datasets, or none: named in one short sentence."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import open_movie

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}
PIECES = {
    "an Imaris file": lambda t: f"DataSet/ResolutionLevel 0/TimePoint {t}/Channel 0/Data",
    "a BigDataViewer file": lambda t: f"t{t:05d}/s00/0/cells",
    "as 30 datasets of 1 x 12 x 17": lambda t: f"frames/{t:03d}",
}


def refusal(path) -> str:
    with pytest.raises(PerrinError) as refused:
        open_movie(path, **GIVEN)
    said = str(refused.value)
    assert len(said) < 1200
    return said


@pytest.mark.parametrize("what", PIECES)
def test_a_dataset_a_frame_is_named(what, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for t in range(30):
            file[PIECES[what](t)] = np.full((1, 12, 17), 7, np.uint16)
        if "BigData" in what:
            file["s00/resolutions"] = np.ones((1, 3))
    assert what in refusal(tmp_path / "a.h5")


def test_pictures_and_masks_are_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for t in range(30):
            file[f"frames/{t:03d}"] = np.full((12, 17), 7, np.uint16)
    assert "its frames as 30 datasets of 12 x 17 pixels" in refusal(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["mask"] = np.ones((30, 12, 17), bool)
    assert "true and false (a mask)" in refusal(tmp_path / "b.h5")


def test_of_many_movies_some_are_listed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for t in range(60):
            file[f"movie_{t}"] = np.full((30, 12, 17), 7, np.uint16)
    assert "and 48 more" in refusal(tmp_path / "a.h5")
    with open_movie(tmp_path / "a.h5", dataset="movie_7", **GIVEN) as movie:
        assert movie.n_frames == 30


def test_uneven_times_are_the_reason_why_the_interval_is_asked_for(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", data=np.full((30, 12, 17), 7, np.uint16))
        time = file.create_dataset("time", data=np.arange(30) * 0.004 + (np.arange(30) > 9))
        time.make_scale("time")
        time.attrs["units"] = "s"
        data.dims[0].attach_scale(time)
        for axis, label in enumerate("tyx"):
            data.dims[axis].label = label
    with pytest.raises(PerrinError, match=r"not evenly spaced \(steps of 0\.004 to 1\.004\)"):
        open_movie(tmp_path / "a.h5", pixel_nm=70.8)

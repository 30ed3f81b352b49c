"""What is time follows from names, never from order; what is no movie says why."""

from __future__ import annotations

import json
import re

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie
from perrin.io.found import Asked
from perrin.io.movies.axes import lay_out

zarr = pytest.importorskip("zarr")
GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


@given(st.permutations("TZCYX"), st.integers(0, 1), st.integers(0, 2))
def test_any_order_of_named_axes_gives_the_same_frames(order, channel, plane):
    sizes = {"T": 6, "Z": 3, "C": 2, "Y": 4, "X": 5}
    whole = np.arange(720).reshape(6, 3, 2, 4, 5)
    stored = np.transpose(whole, ["TZCYX".index(letter) for letter in order])
    axes = lay_out(stored.shape, order, Asked(channel=channel, z=plane))
    assert tuple(stored.shape) == tuple(sizes[letter] for letter in order)
    found = axes.layout.arrange(stored[axes.layout.key(1, 4)])
    np.testing.assert_array_equal(found, whole[1:4, plane, channel])


@pytest.mark.parametrize(
    ("shape", "names", "asked", "said"),
    [
        ((3, 9, 9), "CYX", {}, "3 channels.*channels are no frames.*--axes TYX"),
        ((7, 9, 9), "ZYX", {}, "7 z slices.*z is not time.*--axes TYX"),
        ((5, 2, 9, 9), "TCYX", {}, "2 channels at each time.*--channel 0 to 1"),
        ((5, 3, 9, 9), "TZYX", {}, "3 z slices.*--z 0 to 2"),
        ((5, 3, 9, 9), None, {}, "more than the three axes.*--axes"),
        ((5, 8, 9, 3), None, {}, "color frames"),
        ((9, 9), None, {}, "three axes"),
        ((1, 9, 9), "TYX", {}, None),
    ],
)
def test_what_is_no_movie_is_told_from_the_names(shape, names, asked, said):
    axes = lay_out(shape, names, Asked(**asked))
    if said is None:
        assert axes.layout is not None  # one frame is for the check of shapes
    else:
        assert re.search(said, axes.problem)


@pytest.mark.parametrize("axes", ["TY", "TTYX", "TQYX", "TCZYX"])
def test_axes_that_do_not_fit_are_refused(axes):
    with pytest.raises(PerrinError, match="--axes"):
        lay_out((5, 8, 9), None, Asked(axes=axes))


@pytest.mark.parametrize("asked", [{"channel": 2}, {"z": 1}, {"channel": -1}])
def test_a_channel_that_is_not_there_is_refused(asked):
    with pytest.raises(PerrinError, match=r"--channel|--z"):
        lay_out((5, 2, 9, 9), "TCYX", Asked(**({"channel": 0} | asked)))


def test_axes_of_length_1_are_dropped_in_every_format(frames, tmp_path):
    one = frames[:, None]
    np.save(tmp_path / "a.npy", one)
    zarr.create_array(tmp_path / "a.zarr", data=one[:, :, None])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["camera"] = one[..., None]
    tifffile.imwrite(tmp_path / "a.tif", one, metadata={"axes": "TCYX"})
    for name in ("a.npy", "a.zarr", "a.h5", "a.tif"):
        with open_movie(tmp_path / name, **GIVEN) as movie:
            np.testing.assert_array_equal(movie.frames[40:60], frames[40:60])


def test_time_last_by_name_in_every_format_that_names(frames, tmp_path):
    last = np.ascontiguousarray(np.moveaxis(frames, 0, 2))
    tifffile.imwrite(tmp_path / "a.tif", last, metadata={"axes": "YXT"})
    tifffile.imwrite(tmp_path / "b.tif", last, metadata={"axes": "YXT"}, compression="zlib")
    zarr.create_array(tmp_path / "3.zarr", data=last, dimension_names=["y", "x", "time"])
    two = zarr.create_array(tmp_path / "2.zarr", data=last, zarr_format=2)
    two.attrs["_ARRAY_DIMENSIONS"] = ["row", "column", "frame"]
    with h5py.File(tmp_path / "labels.h5", "w") as file:
        data = file.create_dataset("camera", data=last, chunks=(12, 17, 10))
        for axis, name in enumerate(("y", "x", "t")):
            data.dims[axis].label = name
    with h5py.File(tmp_path / "ilastik.h5", "w") as file:
        file["volume"] = last
        tags = {"axes": [{"key": key} for key in "yxt"]}
        file["volume"].attrs["axistags"] = json.dumps(tags)
    for name in ("a.tif", "b.tif", "3.zarr", "2.zarr", "labels.h5", "ilastik.h5"):
        with open_movie(tmp_path / name, **GIVEN) as movie:
            np.testing.assert_array_equal(movie.frames[40:60], frames[40:60], err_msg=name)
            assert "as named" in movie.read_as


def test_the_user_goes_before_the_file_and_it_is_said(frames, tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", frames[:30], ome=True, metadata={"axes": "ZYX"})
    with pytest.raises(PerrinError, match=r"z-stack.*--axes TYX"):
        open_movie(tmp_path / "a.ome.tif", **GIVEN)
    with open_movie(tmp_path / "a.ome.tif", **GIVEN, axes="TYX") as movie:
        np.testing.assert_array_equal(movie.frames[:], frames[:30])
        assert "the file says ZYX" in movie.read_as


def test_dimension_scales_give_interval_and_pixel(frames, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("camera", data=frames)
        axes = (("time", 1 / 242, "s"), ("y", 0.0708, "um"), ("x", 0.0708, "µm"))
        for axis, (name, step, unit) in enumerate(axes):
            file[name] = np.arange(frames.shape[axis]) * step
            file[name].attrs["units"] = unit
            file[name].make_scale(name)
            data.dims[axis].attach_scale(file[name])
    with open_movie(tmp_path / "a.h5") as movie:
        assert movie.frame_interval_s == pytest.approx(1 / 242)
        assert movie.pixel_nm == pytest.approx(70.8)


def ome_zarr(path, frames, version, unit="micrometer", scale=0.0708):
    axes = [
        {"name": "t", "type": "time", "unit": "millisecond"},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": unit},
        {"name": "x", "type": "space", "unit": unit},
    ]
    levels = [
        {"path": f"s{n}", "coordinateTransformations": [
            {"type": "scale", "scale": [1000 / 242, 1, scale * 2**n, scale * 2**n]}]}
        for n in range(2)
    ]  # fmt: skip
    image = [{"axes": axes, "datasets": levels}]
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3)
    group.attrs.update(
        {"multiscales": image} if version == "0.4" else {"ome": {"multiscales": image}}
    )
    group.create_array("s0", data=frames[:, None])
    group.create_array("s1", data=frames[:, None, ::2, ::2])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_gives_its_full_level_with_its_scale(version, frames, tmp_path):
    ome_zarr(tmp_path / "a", frames, version)
    with open_movie(tmp_path / "a") as movie:
        np.testing.assert_array_equal(movie.frames[:50], frames[:50])
        assert movie.frame_interval_s == pytest.approx(1 / 242)
        assert movie.pixel_nm == pytest.approx(70.8)
    half = inspect(tmp_path / "a", dataset="s1", pixel_nm=70.8)
    assert any("the file says 141.6" in note for note in half.notes)


def test_a_scale_of_one_all_over_is_none(frames, tmp_path):
    ome_zarr(tmp_path / "a", frames, "0.4")
    group = zarr.open_group(tmp_path / "a")
    image = group.attrs["multiscales"]
    image[0]["datasets"][0]["coordinateTransformations"][0]["scale"] = [1, 1, 1, 1]
    group.attrs["multiscales"] = image
    with pytest.raises(PerrinError, match=r"--pixel-nm.*no scale \(or 1 all over\)"):
        open_movie(tmp_path / "a")


def test_a_folder_of_bioformats2raw_is_read_without_a_warning(frames, tmp_path):
    ome_zarr(tmp_path / "a" / "0", frames, "0.4")
    zarr.open_group(tmp_path / "a", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    (tmp_path / "a" / "OME").mkdir()
    (tmp_path / "a" / "OME" / "METADATA.ome.xml").write_text("<OME/>")
    with open_movie(tmp_path / "a") as movie:
        assert movie.pixel_nm == pytest.approx(70.8)
    assert any("part of the Zarr folder 0" in note for note in inspect(tmp_path / "a/0/s1").notes)


@pytest.mark.parametrize(("shape", "time"), [((48, 48, 12), 2), ((40, 40, 9), 2)])
def test_a_square_with_time_last_is_noticed(shape, time, tmp_path):
    rng = np.random.default_rng(0)
    glass = 1000 * (1 + 0.1 * rng.standard_normal(shape[:2]))[..., None]
    np.save(tmp_path / "a.npy", rng.poisson(np.broadcast_to(glass, shape)).astype(np.uint16))
    with pytest.raises(PerrinError, match=r"time seems to be axis 2.*--axes YXT"):
        open_movie(tmp_path / "a.npy", **GIVEN)
    assert open_movie(tmp_path / "a.npy", **GIVEN, axes="YXT").n_frames == shape[time]


@pytest.mark.parametrize(
    ("shape", "doubtful"),
    [((32, 40, 12), True), ((300, 64, 32), False), ((12, 32, 40), False), ((30, 40, 30), False)],
)
def test_a_last_axis_that_is_the_shortest_is_said_of_moving_movies(shape, doubtful, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.random.default_rng(1).normal(1000, 10, shape).astype(np.uint16))
    with open_movie(path, pixel_nm=1, frame_rate_hz=1, contents="moving") as movie:
        assert doubtful == ("--axes YXT" in movie.read_as)

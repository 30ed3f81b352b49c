"""Frames of virtual datasets and external storage that are not there are no zeros."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import open_movie

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8, "follow_links": True}
SHAPE = (24, 12, 17)


def source(path, frames, *, chunks=None, written=12, length=12):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("d", (length, *frames.shape[1:]), "u2", chunks=chunks)
        data[:written] = frames[:written]


def virtual(folder, frames, *, mapped=12, rows=12, **second):
    source(folder / "one.h5", frames[:12])
    source(folder / "two.h5", frames[12:24], **second)
    layout = h5py.VirtualLayout(SHAPE, "u2")
    layout[:12] = h5py.VirtualSource("one.h5", "d", (12, 12, 17))
    if mapped:
        two = h5py.VirtualSource("two.h5", "d", (12, 12, 17))
        layout[12 : 12 + mapped, :rows] = two[:mapped, :rows]
    with h5py.File(folder / "m.h5", "w") as file:
        file.create_virtual_dataset("m", layout)
    return folder / "m.h5"


def test_a_whole_virtual_dataset_is_read(frames, tmp_path):
    path = virtual(tmp_path, frames)
    np.testing.assert_array_equal(open_movie(path, **GIVEN).frames[:], frames[:24])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mapped": 0}, "says 24 frames and holds 12 "),
        ({"mapped": 6}, "says 24 frames and holds 18 "),
        ({"rows": 7}, "says 24 frames and holds 12 "),
        ({"chunks": (3, 12, 17), "written": 6}, "lacks 2 of 4 chunks"),
        ({"length": 8, "written": 8}, "has the shape"),
        ({"written": 0}, "lacks 1 of 1"),
    ],
)
def test_what_no_source_gives_is_refused(options, said, frames, tmp_path):
    with pytest.raises(PerrinError, match=said):
        open_movie(virtual(tmp_path, frames, **options), **GIVEN)


def test_sources_in_the_same_file_are_looked_at_too(frames, tmp_path):
    layout = h5py.VirtualLayout(SHAPE, "u2")
    layout[:12] = h5py.VirtualSource(".", "a", (12, 12, 17))
    layout[12:] = h5py.VirtualSource(".", "b", (12, 12, 17))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["a"], file["b"] = frames[:12], frames[12:20]
        file.create_virtual_dataset("m", layout)
    with pytest.raises(PerrinError, match="has the shape"):
        open_movie(tmp_path / "m.h5", dataset="m", **GIVEN)


@pytest.mark.parametrize("short", [0, 4000])
def test_external_storage_that_is_cut_short_is_refused(short, frames, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = frames[:24].tobytes()
    (tmp_path / "raw.bin").write_bytes(content[: len(content) - short])
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("m", SHAPE, "u2", external=[("raw.bin", 0, len(content))])
    if not short:
        np.testing.assert_array_equal(open_movie("m.h5", **GIVEN).frames[:], frames[:24])
        return
    with pytest.raises(PerrinError, match="says 24 frames and holds 14 "):
        open_movie("m.h5", **GIVEN)


@pytest.mark.parametrize("kind", ["hdf5", "zarr"])
@pytest.mark.parametrize(("scale", "offset"), [(2.0, 100.0), (0.5, None), (None, 7)])
def test_scale_and_offset_of_attributes_are_applied_and_said(kind, scale, offset, frames, tmp_path):
    said = {"scale_factor": scale, "add_offset": offset}
    attributes = {name: value for name, value in said.items() if value is not None}
    path = tmp_path / "m"
    if kind == "hdf5":
        with h5py.File(path, "w") as file:
            file["m"] = frames
            file["m"].attrs.update(attributes)
    else:
        zarr = pytest.importorskip("zarr")
        array = zarr.create_array(store=path, shape=frames.shape, dtype="u2", chunks=(50, 12, 17))
        array[:] = frames
        array.attrs.update(attributes)
    movie = open_movie(path, frame_rate_hz=242.0, pixel_nm=70.8)
    np.testing.assert_allclose(movie.frames[:], frames * (scale or 1.0) + (offset or 0))
    assert any("add_offset" in note for note in movie.provenance["notes"])


def test_a_scale_that_is_no_number_is_refused(frames, tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["m"] = frames
        file["m"].attrs["scale_factor"] = "two"
    with pytest.raises(PerrinError, match="scale_factor"):
        open_movie(tmp_path / "m.h5", frame_rate_hz=242.0, pixel_nm=70.8)


def test_a_link_to_a_dataset_of_another_name_is_followed(frames, tmp_path):
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["data"] = frames
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["movie"] = h5py.ExternalLink("one.h5", "data")
    np.testing.assert_array_equal(open_movie(tmp_path / "m.h5", **GIVEN).frames[:], frames)

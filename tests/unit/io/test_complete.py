"""Whether a movie is all there is settled at opening; units, dead pixels, bounds, links."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie
from perrin.io.quantities import factor

zarr = pytest.importorskip("zarr")
GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


@pytest.mark.parametrize(
    ("unit", "nm"),
    [
        ("µm", 1e3), ("μm", 1e3), ("\\u00B5m", 1e3), ("micron", 1e3), ("um", 1e3), ("nm", 1),
        ("Å", 0.1), ("\u212b", 0.1), ("A", 0.1), ("angstrom", 0.1), ("pm", 1e-3), ("cm", 1e7),
        ("inch", 2.54e7), ("in", 2.54e7), ("[n_m]", 1), ("micrometer", 1e3), ("Mm", 1e15),
        ("furlong", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_units_of_length(unit, nm):
    assert factor(unit, "length") == (None if nm is None else pytest.approx(nm))


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        ("s", 1), ("sec", 1), ("ms", 1e-3), ("msec", 1e-3), ("ns", 1e-9), ("µs", 1e-6),
        ("min", 60), ("h", 3600), ("hours", 3600), ("millisecond", 1e-3), ("fortnight", None),
    ],
)  # fmt: skip
def test_units_of_time(unit, seconds):
    assert factor(unit, "time") == (None if seconds is None else pytest.approx(seconds))


def ome(path, frames, **said):
    tifffile.imwrite(path, frames, ome=True, metadata={"axes": "TYX", **said})


def test_an_unknown_unit_is_quoted_and_what_cannot_be_is_not_used(frames, tmp_path):
    imagej = {"axes": "TYX", "unit": "furlong", "finterval": 1e9}
    tifffile.imwrite(
        tmp_path / "a.tif", frames[:9], imagej=True, resolution=(14, 14), metadata=imagej
    )
    seen = inspect(tmp_path / "a.tif")
    assert {"pixel_nm", "frame_rate_hz"} <= set(seen.missing)
    assert any("furlong" in note for note in seen.notes)
    assert any("1e+09" in note and "cannot be" in note for note in seen.notes)


@pytest.mark.parametrize(
    "options", [{"pixel_nm": 1e9}, {"frame_rate_hz": 1e12}, {"frame_rate_hz": 1e-9}]
)
def test_what_cannot_be_is_refused_from_the_user(options, frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    with pytest.raises(PerrinError, match="cannot be"):
        open_movie(tmp_path / "a.npy", **{"pixel_nm": 70, "frame_rate_hz": 242} | options)


def test_rate_and_interval_may_not_contradict_each_other(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    with pytest.raises(PerrinError, match="contradict each other"):
        open_movie(tmp_path / "a.npy", pixel_nm=70, frame_rate_hz=100, frame_interval_s=0.1)
    with open_movie(tmp_path / "a.npy", pixel_nm=70, frame_interval_s=0.1) as movie:
        assert movie.frame_interval_s == 0.1


def test_time_stamps_give_the_interval_and_the_gaps(frames, tmp_path):
    stamps = np.arange(20) * 4.0
    stamps[12:] += 20
    planes = {"DeltaT": stamps.tolist(), "DeltaTUnit": ["ms"] * 20}
    ome(tmp_path / "a.ome.tif", frames[:20], Plane=planes)
    seen = inspect(tmp_path / "a.ome.tif")
    assert seen.frame_interval_s == pytest.approx(0.004)
    assert any("dropped in 1 place " in note for note in seen.notes)


@pytest.mark.parametrize("held", [25, 40])
def test_a_stopped_recording_is_as_long_as_it_is(held, frames, tmp_path):
    ome(tmp_path / "whole.ome.tif", frames[:40])
    with tifffile.TiffFile(tmp_path / "whole.ome.tif") as tiff:
        text = tiff.ome_metadata
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tiff:
        for number, frame in enumerate(frames[:held]):
            description = text.encode() if number == 0 else None
            tiff.write(frame, contiguous=False, metadata=None, description=description)
    seen = inspect(tmp_path / "a.ome.tif", **GIVEN)
    assert seen.shape == (held, 12, 17)
    assert any("says 40 frames and holds 25" in note for note in seen.notes) == (held == 25)
    with open_movie(tmp_path / "a.ome.tif", **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], frames[:held])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("shards", [None, (100, 12, 17)])
def test_chunks_that_are_not_there_are_no_zeros(version, shards, frames, tmp_path):
    if version == 2 and shards:
        pytest.skip("Zarr 2 has no shards")
    path = tmp_path / "a"
    array = zarr.create_array(
        path, shape=frames.shape, dtype=frames.dtype, chunks=(50, 12, 17), zarr_format=version,
        shards=shards,
    )  # fmt: skip
    array[:100] = frames[:100]
    with open_movie(path, **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], frames[:100])
        assert "says 250 frames and holds 100" in movie.read_as
    array[200:] = frames[200:]
    with pytest.raises(PerrinError, match="incomplete"):
        open_movie(path, **GIVEN)


def test_a_hole_inside_a_shard_is_seen(frames, tmp_path):
    array = zarr.create_array(
        tmp_path / "a", shape=(200, 12, 17), dtype=frames.dtype, chunks=(50, 12, 17),
        shards=(200, 12, 17),
    )  # fmt: skip
    array[:50], array[100:] = frames[:50], frames[100:200]
    with pytest.raises(PerrinError, match="1 chunks inside its shards"):
        open_movie(tmp_path / "a", **GIVEN)


def test_hdf5_chunks_that_were_never_written_are_no_zeros(frames, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("camera", frames.shape, frames.dtype, chunks=(50, 12, 17))
        data[:100] = frames[:100]
    with open_movie(tmp_path / "a.h5", **GIVEN) as movie:
        assert movie.n_frames == 100
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["camera"][200:] = frames[200:]
    with pytest.raises(PerrinError, match="chunks never written"):
        open_movie(tmp_path / "a.h5", **GIVEN)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("camera", frames.shape, frames.dtype)
    with pytest.raises(PerrinError, match="never written"):
        open_movie(tmp_path / "b.h5", **GIVEN)


def test_other_files_are_read_only_when_allowed_and_there(frames, tmp_path):
    for part in range(2):
        with h5py.File(tmp_path / f"part_{part}.h5", "w") as file:
            file["data"] = frames[100 * part : 100 * part + 100]
    layout = h5py.VirtualLayout((200, 12, 17), frames.dtype)
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for part in range(2):
            file[f"entry/data/data_{part:06}"] = h5py.ExternalLink(f"part_{part}.h5", "data")
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        for part in range(2):
            source = h5py.VirtualSource(f"part_{part}.h5", "data", (100, 12, 17))
            layout[100 * part : 100 * part + 100] = source
        file.create_virtual_dataset("movie", layout)
    for name in ("master.h5", "virtual.h5"):
        with pytest.raises(PerrinError, match="--follow-links"):
            open_movie(tmp_path / name, **GIVEN)
        with open_movie(tmp_path / name, **GIVEN, follow_links=True) as movie:
            np.testing.assert_array_equal(movie.frames[90:110], frames[90:110])
    (tmp_path / "part_1.h5").unlink()
    for name in ("master.h5", "virtual.h5"):
        with pytest.raises(PerrinError, match=r"incomplete.*part_1"):
            open_movie(tmp_path / name, **GIVEN, follow_links=True)


@pytest.mark.parametrize("value", [0, np.nan])
def test_a_dead_pixel_is_filled_and_said(value, frames, tmp_path):
    bad = frames.astype(np.float32 if value != 0 else np.uint16)
    bad[:, 5, 6] = value
    np.save(tmp_path / "a.npy", bad)
    with open_movie(tmp_path / "a.npy", **GIVEN) as movie:
        around = frames[:, 4:7, 5:8].astype(float).sum(axis=(1, 2)) - frames[:, 5, 6]
        np.testing.assert_allclose(movie.frames[:, 5, 6], around / 8, atol=0.51)
        rest = np.ones((12, 17), bool)
        rest[5, 6] = False
        np.testing.assert_array_equal(movie.frames[:][:, rest], frames[:, rest])
        assert "1 dead pixel" in movie.read_as
    bad[:, :3] = value
    np.save(tmp_path / "b.npy", bad)
    with pytest.raises(PerrinError, match="too many to fill in"):
        open_movie(tmp_path / "b.npy", **GIVEN)


def test_black_that_is_light_off_is_no_dead_pixel(tmp_path):
    spots = np.random.default_rng(1).poisson(2, (20, 30, 30)).astype(np.uint8)
    spots[:, 3, 3] = 0
    np.save(tmp_path / "a.npy", spots)
    with open_movie(tmp_path / "a.npy", **GIVEN, contents="moving") as movie:
        np.testing.assert_array_equal(movie.frames[:], spots)


def test_signed_numbers_of_imagej_are_what_they_stand_for(frames, tmp_path):
    said = {"axes": "TYX", "cf": 0, "c0": -32768.0, "c1": 1.0}
    stored = (frames.astype(np.int32) - 20_000 + 32_768).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stored, imagej=True, metadata=said)
    with open_movie(tmp_path / "a.tif", **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], frames.astype(np.int32) - 20_000)
        assert "c0" in movie.read_as


def test_frames_without_their_background_are_for_tracking_only(tmp_path):
    moving = np.random.default_rng(2).normal(0, 4, (30, 64, 64)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", moving, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(PerrinError, match="ratiometric"):
        open_movie(tmp_path / "a.tif", **GIVEN)
    with open_movie(tmp_path / "a.tif", **GIVEN, contents="moving") as movie:
        added = movie.frames[:] - moving
        assert movie.frames[:].min() > 0
        assert np.ptp(added) < 1e-3
        assert "counts are added" in movie.read_as


def test_one_call_a_frame_is_one_movie(frames, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for frame in frames[:30]:
            tiff.write(frame, contiguous=False)
    with open_movie(tmp_path / "a.tif", **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[5:9], frames[5:9])


@pytest.mark.parametrize("compression", ["lzw", "zstd"])
def test_compressed_pages_are_read(compression, frames, tmp_path):
    pytest.importorskip("imagecodecs")
    tifffile.imwrite(tmp_path / "a.tif", frames, compression=compression, metadata=None)
    with open_movie(tmp_path / "a.tif", **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], frames)


def test_entities_in_ome_metadata_are_refused(frames, tmp_path):
    text = (
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">&b;</OME>'
    )
    tifffile.imwrite(tmp_path / "a.tif", frames[:5], description=text, metadata=None)
    with pytest.raises(PerrinError, match="OME metadata that cannot be read"):
        inspect(tmp_path / "a.tif")


def test_sizes_that_no_camera_has_are_refused_before_reading(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(
            "camera", data=np.zeros((4, 1, 1)), maxshape=(None, None, None), chunks=(1, 64, 64)
        )
        file["camera"].resize((4, 200_000, 200_000))
    with pytest.raises(PerrinError, match=r"incomplete|more than a camera has"):
        open_movie(tmp_path / "a.h5", **GIVEN)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\xda\xce\xbe\x0a", "ND2"), (b"ZISRAWFILE\0", "CZI"), (b"p\0\0\0\1\0\0\0\x2a", "LIF"),
        (b"Andor Technology Multi", "SIF"), (b"PK\3\4", "xlsx"), (b"\x1f\x8b\x08", "gzip"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_with_the_way_out(head, said, tmp_path):
    (tmp_path / "a").write_bytes(head + bytes(20))
    with pytest.raises(PerrinError, match=f"{said}.*(TIFF stack|CSV|unpack)"):
        inspect(tmp_path / "a")


@pytest.mark.parametrize(("increment", "used"), [(4.02, 0.00402), (4.2, 0.0042), (5.0, None)])
def test_an_interval_that_time_stamps_contradict_is_said_or_asked_for(
    increment, used, frames, tmp_path
):
    planes = {"DeltaT": (np.arange(20) * 4.0).tolist(), "DeltaTUnit": ["ms"] * 20}
    told = {"TimeIncrement": increment, "TimeIncrementUnit": "ms"}
    ome(tmp_path / "a.ome.tif", frames[:20], Plane=planes, **told)
    seen = inspect(tmp_path / "a.ome.tif")
    assert seen.frame_interval_s == (None if used is None else pytest.approx(used))
    said = [note for note in seen.notes if "time stamps step by 4 ms" in note]
    assert bool(said) == (increment != 4.02)
    assert ("frame_rate_hz" in seen.missing) == (used is None)

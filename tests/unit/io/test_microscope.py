"""Movies of electron microscopes: written by other packages, read back as they were meant."""

from __future__ import annotations

import logging
import pickle
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

sys.path.insert(0, str(Path(__file__).parent))
from microscope_files import write_dm, write_mib, write_ser

pytest.importorskip("rsciio")

SHAPE = (20, 32, 48)
GIVEN = {"frame_interval_s": 0.0125, "pixel_nm": 0.5}


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("rsciio").setLevel(logging.CRITICAL)


@pytest.fixture
def counts():
    return np.random.default_rng(3).poisson(60, SHAPE).astype(np.uint8)


def hyperspy(data, names, units, scales):
    """A signal as rosettasciio's writers take it."""
    axes = [
        {
            "name": name, "units": unit, "scale": scale, "offset": 0.0, "size": size,
            "navigate": place < data.ndim - 2, "index_in_array": place, "is_binned": False,
            "_type": "UniformDataAxis",
        }
        for place, (name, unit, scale, size) in enumerate(
            zip(names, units, scales, data.shape, strict=True)
        )
    ]  # fmt: skip
    meta = {"General": {"title": "t"}, "Signal": {"signal_type": ""}}
    return {
        "data": data, "axes": axes, "metadata": meta, "original_metadata": {},
        "attributes": {"_lazy": False},
    }  # fmt: skip


AXES = (("time", "y", "x"), ("s", "nm", "nm"), (0.0125, 0.5, 0.5))


def same(movie, counts):
    np.testing.assert_array_equal(movie.frames[:], counts)
    np.testing.assert_array_equal(movie.frames[7:9], counts[7:9])


def test_mrc_by_mrcfile_with_its_pixel(counts, tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(counts.astype(np.int16))
        file.set_image_stack()
        file.voxel_size = 5.0
    with open_movie(tmp_path / "a.mrc", frame_rate_hz=80, contents="moving") as movie:
        same(movie, counts)
        assert movie.pixel_nm == pytest.approx(0.5)
        again = pickle.loads(pickle.dumps(movie))  # noqa: S301  made right here
        same(again, counts)
        again.close()
    with pytest.raises(PerrinError, match="was closed"):
        movie.frames[0]


def test_bytes_of_mrc_are_signed_unless_told(counts, tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    signed = counts.astype(np.int8) - np.int8(70)
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(signed)
    with open_movie(tmp_path / "a.mrc", **GIVEN, contents="moving") as movie:
        added = movie.frames[0].astype(int) - signed[0]
        assert (added == added[0, 0]).all()  # the level that negative values are lifted by
        assert "signed" in movie.read_as
    bright = (counts.astype(np.uint8) + np.uint8(80)).view(np.int8)
    with mrcfile.new(tmp_path / "b.mrc") as file:
        file.set_data(bright)
    assert any("--unsigned" in note for note in inspect(tmp_path / "b.mrc").notes)
    with open_movie(tmp_path / "b.mrc", **GIVEN, contents="moving", unsigned=True) as movie:
        same(movie, bright.view(np.uint8))


def test_an_mrc_file_shorter_than_it_says_is_refused(counts, tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(counts[:6].astype(np.int16))
        file.header.nz = 7
    with pytest.raises(PerrinError, match="says 7 frames and has room for 6"):
        inspect(tmp_path / "a.mrc")
    with mrcfile.mmap(tmp_path / "a.mrc", mode="r+", permissive=True) as file:
        file.header.nz = 0
    with pytest.raises(PerrinError, match="says 0 frames"):
        inspect(tmp_path / "a.mrc")


def test_the_name_of_an_mrc_file_does_not_matter(counts, tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(counts.astype(np.int16))
    (tmp_path / "a.mrc").rename(tmp_path / "movie")
    with open_movie(tmp_path / "movie", **GIVEN, contents="moving") as movie:
        same(movie, counts)


def test_the_pixel_of_tvips_is_asked_for(counts, tmp_path):
    from rsciio import tvips

    path = tmp_path / "a_000.tvips"
    tvips.file_writer(str(path), hyperspy(counts.astype(np.uint16), *AXES))
    seen = inspect(path)
    assert "pixel_nm" in seen.missing
    with open_movie(path, **GIVEN, contents="moving") as movie:
        same(movie, counts)


def test_ncem_as_rosettasciio_writes_it_with_axes_reversed(counts, tmp_path):
    from rsciio import emd

    emd.file_writer(str(tmp_path / "a.emd"), hyperspy(counts, *AXES))
    with h5py.File(tmp_path / "a.emd") as file:
        assert file["signals/t/data"].shape == SHAPE[::-1]
    with open_movie(tmp_path / "a.emd", contents="moving") as movie:
        same(movie, counts)
        assert movie.frame_interval_s == pytest.approx(0.0125)
        assert movie.pixel_nm == pytest.approx(0.5)


def test_ncem_as_ncempy_writes_it(counts, tmp_path):
    emd = pytest.importorskip("ncempy.io.emd")
    dims = (
        (np.arange(20) * 0.0125, "time", "[s]"),
        (np.arange(32) * 0.5, "y", "[n_m]"),
        (np.arange(48) * 0.5, "x", "[n_m]"),
    )
    with emd.fileEMD(str(tmp_path / "a.emd"), readonly=False) as file:
        file.put_emdgroup("movie", counts, dims)
    with open_movie(tmp_path / "a.emd", contents="moving") as movie:
        same(movie, counts)
        assert (movie.frame_interval_s, movie.pixel_nm) == pytest.approx((0.0125, 0.5))


def test_velox_has_time_last(counts, tmp_path):
    import json

    said = {
        "BinaryResult": {"PixelSize": {"width": "5e-10", "height": "5e-10"}, "PixelUnitX": "m"},
        "Scan": {"FrameTime": "0.0125"},
    }
    text = np.frombuffer(json.dumps(said).encode().ljust(400, b"\0"), np.uint8)
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("Data/Image/0123456789abcdef")
        group["Data"] = np.moveaxis(counts, 0, 2)
        group["Metadata"] = np.repeat(text[:, None], len(counts), axis=1)
    with open_movie(tmp_path / "a.emd", contents="moving") as movie:
        same(movie, counts)
        assert (movie.frame_interval_s, movie.pixel_nm) == pytest.approx((0.0125, 0.5))


def test_a_scan_of_diffraction_pictures_is_no_movie(counts, tmp_path):
    from rsciio import blockfile

    scan = np.ascontiguousarray(counts[:, :, :32]).reshape(4, 5, 32, 32)
    names = (("y", "x", "dy", "dx"), ("nm", "nm", "cm", "cm"), (1.0, 1.0, 1.0, 1.0))
    blockfile.file_writer(str(tmp_path / "a.blo"), hyperspy(scan, *names))
    with pytest.raises(PerrinError, match="--axes"):
        open_movie(tmp_path / "a.blo", **GIVEN, contents="moving")


@pytest.mark.parametrize("version", [3, 4])
def test_dm_as_ncempy_reads_it(version, counts, tmp_path):
    dm = pytest.importorskip("ncempy.io.dm")
    path = tmp_path / f"a.dm{version}"
    write_dm(path, counts, version=version, pixel_nm=0.5, interval_s=0.0125)
    other = dm.dmReader(str(path))
    np.testing.assert_array_equal(other["data"], counts)
    with open_movie(path, contents="moving") as movie:
        same(movie, counts)
        assert (movie.frame_interval_s, movie.pixel_nm) == pytest.approx((0.0125, 0.5))
        assert other["pixelSize"] == pytest.approx([movie.frame_interval_s, 0.5, 0.5])


def test_ser_as_ncempy_reads_it(counts, tmp_path):
    ser = pytest.importorskip("ncempy.io.ser")
    write_ser(tmp_path / "a.ser", counts, pixel_m=5e-9)
    other = ser.serReader(str(tmp_path / "a.ser"))
    np.testing.assert_array_equal(other["data"], counts)
    with open_movie(tmp_path / "a.ser", frame_interval_s=0.0125, contents="moving") as movie:
        same(movie, counts)
        assert movie.pixel_nm == pytest.approx(other["pixelSize"][0] * 1e9)
    assert inspect(tmp_path / "a.ser").missing == ("frame_rate_hz",)


def test_mib_from_the_bottom_row_upwards(counts, tmp_path):
    write_mib(tmp_path / "a.mib", counts)
    with open_movie(tmp_path / "a.mib", **GIVEN, contents="moving") as movie:
        same(movie, counts)
    assert set(inspect(tmp_path / "a.mib").missing) == {"pixel_nm", "frame_rate_hz"}


def test_blo_as_rosettasciio_writes_it(counts, tmp_path):
    from rsciio import blockfile

    row = np.ascontiguousarray(counts[:, :, :32])
    signal = hyperspy(row, ("x", "dy", "dx"), ("nm", "cm", "cm"), (1.0, 1.0, 1.0))
    blockfile.file_writer(str(tmp_path / "a.blo"), signal)
    told = {**GIVEN, "axes": "TYX", "contents": "moving"}  # a row of a scan may be no time
    with open_movie(tmp_path / "a.blo", **told) as movie:
        np.testing.assert_array_equal(movie.frames[:], row)


@pytest.mark.parametrize(
    "head", [b"\0\0\0\x03" + bytes(7) + b"\x01", b"II\x97\x01" + bytes(30), b"MQ1,000001,00384"]
)
def test_a_damaged_file_is_called_by_its_format(head, tmp_path):
    (tmp_path / "a").write_bytes(head)
    with pytest.raises(PerrinError, match=r"(DM3|SER|MIB).*TIFF stack"):
        inspect(tmp_path / "a")


def test_without_the_package_the_extra_is_named(counts, tmp_path, monkeypatch):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(counts.astype(np.int16))
    monkeypatch.setitem(sys.modules, "rsciio.mrc", None)
    with pytest.raises(PerrinError, match=r"pip install 'perrin\[em\]'"):
        inspect(tmp_path / "a.mrc")


def test_hyperspy_gets_the_pixel_of_our_tiff(counts, tmp_path):
    from rsciio import tiff

    from perrin.io.movie import Movie
    from perrin.io.movies.tiff_write import write_tiff

    movie = Movie.from_array(counts, **GIVEN, contents="moving")
    write_tiff(tmp_path / "a.tif", movie)
    (seen,) = tiff.file_reader(str(tmp_path / "a.tif"), force_read_resolution=True)
    sides = [(axis["units"], axis["scale"]) for axis in seen["axes"][1:]]
    assert sides == [("µm", pytest.approx(0.0005))] * 2
    with open_movie(tmp_path / "a.tif", contents="moving") as back:
        assert (back.pixel_nm, back.frame_interval_s) == pytest.approx((0.5, 0.0125))

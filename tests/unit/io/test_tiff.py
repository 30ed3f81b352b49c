from __future__ import annotations

import gc
import pickle
import warnings

import numpy as np
import pytest
import tifffile

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie
from perrin.io.movie import Movie

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}
PIXEL_UM = 0.0708


def plain(path, frames):
    tifffile.imwrite(path, frames)


def big(path, frames):
    tifffile.imwrite(path, frames, bigtiff=True, byteorder=">")


def imagej(path, frames):
    per_um = (1 / PIXEL_UM, 1 / PIXEL_UM)
    metadata = {"axes": "TYX", "finterval": 1 / 242, "unit": "um"}
    tifffile.imwrite(path, frames, imagej=True, resolution=per_um, metadata=metadata)


def ome(path, frames):
    metadata = {
        "axes": "TYX",
        "PhysicalSizeX": PIXEL_UM, "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 1000 * PIXEL_UM, "PhysicalSizeYUnit": "nm",
        "TimeIncrement": 1000 / 242, "TimeIncrementUnit": "ms",
    }  # fmt: skip
    tifffile.imwrite(path, frames, ome=True, metadata=metadata)


def pages(path, frames):
    with tifffile.TiffWriter(path) as tiff:
        for frame in frames:
            tiff.write(frame, contiguous=False, metadata=None)


def compressed(path, frames):
    tifffile.imwrite(path, frames, compression="zlib", metadata=None)


KINDS = [plain, big, imagej, ome, pages, compressed]


@pytest.mark.parametrize("write", KINDS)
def test_each_kind_gives_its_frames_in_native_order(write, frames, tmp_path):
    write(tmp_path / "movie", frames)  # no suffix: the bytes decide
    with open_movie(tmp_path / "movie", **GIVEN) as movie:
        assert movie.format == "tiff"
        assert movie.frames.dtype == np.dtype(np.uint16)
        assert movie.frames[5:9].dtype.isnative
        np.testing.assert_array_equal(movie.frames[:], frames)
        np.testing.assert_array_equal(movie.frames[120:122], frames[120:122])
        np.testing.assert_array_equal(movie.frames[-1], frames[-1])
        again: Movie = pickle.loads(pickle.dumps(movie))  # noqa: S301  made right here
        np.testing.assert_array_equal(again.frames[7:9], frames[7:9])
        again.close()
    with pytest.raises(PerrinError, match="was closed"):
        movie.frames[0]


@pytest.mark.parametrize("write", [imagej, ome])
def test_interval_and_pixel_come_from_metadata_with_units(write, frames, tmp_path):
    write(tmp_path / "movie.tif", frames)
    with open_movie(tmp_path / "movie.tif") as movie:
        assert movie.frame_interval_s == pytest.approx(1 / 242, rel=1e-6)
        assert movie.pixel_nm == pytest.approx(1000 * PIXEL_UM, rel=1e-6)
        assert movie.provenance["pixel_from"] == "file"


@pytest.mark.parametrize("write", [plain, pages])
def test_what_a_plain_stack_does_not_say_is_asked_for(write, frames, tmp_path):
    write(tmp_path / "movie.tif", frames)
    with pytest.raises(PerrinError, match=r"\(--frame-rate-hz\).*\(--pixel-nm\)"):
        open_movie(tmp_path / "movie.tif")
    assert inspect(tmp_path / "movie.tif").missing == ("frame_rate_hz", "pixel_nm")


def test_a_size_without_a_unit_or_not_square_is_no_pixel_size(frames, tmp_path):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames, imagej=True, resolution=(14, 14), metadata={"axes": "TYX"})
    assert "pixel_nm" in inspect(path).missing
    oblong = {"axes": "TYX", "unit": "um"}
    tifffile.imwrite(path, frames, imagej=True, resolution=(14, 10), metadata=oblong)
    assert "pixel_nm" in inspect(path).missing


def test_a_named_time_axis_is_believed(tmp_path):
    noise = np.random.default_rng(0).poisson(1000, (12, 17, 250)).astype(np.uint16)
    imagej(tmp_path / "named.tif", noise)
    assert open_movie(tmp_path / "named.tif").n_frames == 12
    plain(tmp_path / "unnamed.tif", noise)
    with pytest.raises(PerrinError, match=r"time seems to be axis 2"):
        open_movie(tmp_path / "unnamed.tif", **GIVEN)


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((20, 12, 17, 3), {"photometric": "rgb"}, "color frames"),
        ((20, 2, 12, 17), {}, "three axes"),
        ((12, 17), {}, "three axes"),
    ],
)
def test_color_several_channels_and_one_frame_are_refused(shape, options, said, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones(shape, np.uint8), **options)
    with pytest.raises(PerrinError, match=said):
        open_movie(tmp_path / "a.tif", **GIVEN)


@pytest.mark.parametrize("write", KINDS)
@pytest.mark.parametrize("size", [8, 200, 50_000])
def test_a_truncated_file_is_refused(write, size, frames, tmp_path):
    path = tmp_path / "a.tif"
    write(path, frames)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(PerrinError):
        open_movie(path, **GIVEN).frames[:]


@pytest.mark.parametrize("at", range(60_000, 60_600, 50))
def test_a_chain_of_pages_that_breaks_off_is_refused(at, frames, tmp_path):
    """Wherever it breaks: fewer frames than were recorded are not passed off as all."""
    path = tmp_path / "a.tif"
    pages(path, frames)
    path.write_bytes(path.read_bytes()[:at])
    with pytest.raises(PerrinError, match="truncated or damaged"):
        open_movie(path, **GIVEN)


@pytest.mark.parametrize(
    ("shape", "held"), [((30, 8, 1), "30 pages of 8 x 1"), ((5, 8, 6), "5 pages of 8 x 6")]
)
def test_pages_that_are_not_what_ome_metadata_describe_are_refused(shape, held, tmp_path):
    frames = np.arange(240, dtype=np.uint16).reshape(5, 6, 8)
    ome(tmp_path / "whole.tif", frames)
    with tifffile.TiffFile(tmp_path / "whole.tif") as whole:
        described = whole.ome_metadata.encode("utf-8")
    tifffile.imwrite(
        tmp_path / "odd.tif", frames.reshape(shape), photometric="minisblack",
        description=described, metadata=None,
    )  # fmt: skip
    with pytest.raises(PerrinError, match=f"contradicts itself.* 5 images of 6 x 8 .* {held}"):
        open_movie(tmp_path / "odd.tif", **GIVEN, contents="moving")


def test_pages_beyond_those_of_ome_metadata_are_said(frames, tmp_path):
    ome(tmp_path / "whole.tif", frames[:-2])
    assert not any("describe" in note for note in inspect(tmp_path / "whole.tif").notes)
    with tifffile.TiffFile(tmp_path / "whole.tif") as whole:
        described = whole.ome_metadata.encode("utf-8")
    tifffile.imwrite(
        tmp_path / "long.tif", frames, photometric="minisblack", description=described,
        metadata=None,
    )  # fmt: skip
    said = f"holds {len(frames)} images and its OME metadata describe {len(frames) - 2}"
    assert any(said in note for note in inspect(tmp_path / "long.tif").notes)


def test_difference_coding_is_not_for_tiff(frames, tmp_path):
    plain(tmp_path / "a.tif", frames)
    with pytest.raises(PerrinError, match="a TIFF movie is never difference-coded"):
        open_movie(tmp_path / "a.tif", **GIVEN, encoding="time-difference")


def micro_manager(folder, frames, dropped=()):
    """Write a run as Micro-Manager does, and return its file."""
    ndstorage = pytest.importorskip("ndstorage")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves a file open
        made = ndstorage.NDTiffDataset(
            str(folder), summary_metadata={"PixelSize_um": 0.08}, writable=True, name="a"
        )
        for time, frame in enumerate(frames):
            if time not in dropped:
                made.put_image({"time": time}, frame, {"ElapsedTime-ms": time * 40.0})
        made.finish()
        made.close()
        del made
        gc.collect()
    return next(folder.rglob("*.tif"))


def test_a_run_of_micro_manager_with_an_index(frames, tmp_path):
    path = micro_manager(tmp_path / "run", frames[:12])
    with open_movie(path, contents="moving") as movie:
        np.testing.assert_array_equal(movie.frames[:], frames[:12])
        assert (movie.pixel_nm, movie.frame_interval_s) == pytest.approx((80, 0.04))
    index = path.parent / "NDTiff.index"
    index.write_bytes(index.read_bytes()[: index.stat().st_size * 6 // 10])
    with pytest.raises(PerrinError, match=r"lists \d images and the file holds 12"):
        open_movie(path, contents="moving")


def test_frames_that_an_index_of_micro_manager_lacks_are_no_zeros(frames, tmp_path):
    path = micro_manager(tmp_path / "run", frames[:12], dropped=(3, 4))
    with pytest.raises(PerrinError, match=r"holds 10 whole ones.*frames 3, 4"):
        open_movie(path, contents="moving")


def test_a_compression_that_this_python_cannot_undo_says_what_to_install(
    frames, tmp_path, monkeypatch
):
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack", compression="zlib")

    def lacks(*args, **options):
        raise ModuleNotFoundError("No module named 'compression'")  # tifffile without imagecodecs

    with open_movie(tmp_path / "a.tif", **GIVEN) as movie:
        monkeypatch.setattr(tifffile.TiffFile, "asarray", lacks)
        with pytest.raises(PerrinError, match=r"perrin\[compressed\]"):
            movie.frames[:3]


@pytest.mark.parametrize(
    ("calibration", "said"),
    [({"cf": 1, "c0": 0, "c1": 1, "c2": 0.1}, "calibration function 1"), ({"cf": 20}, ""),
     ({"cf": 0, "c0": 0, "c1": 1}, "")],
)  # fmt: skip
def test_curved_calibrations_of_imagej_are_said(frames, tmp_path, calibration, said):
    metadata = {"axes": "TYX", "unit": "um", "finterval": 0.01, **calibration}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames, imagej=True, resolution=(10, 10), metadata=metadata)
    notes = " ".join(inspect(path).notes)
    assert said in notes
    assert bool(said) == ("not applied" in notes)

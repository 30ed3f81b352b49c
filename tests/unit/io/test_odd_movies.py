"""Movies with odd frames, headers that say less than there is, stray pictures: said or refused."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import tifffile

from perrin.errors import PerrinError
from perrin.io import Movie, inspect, open_movie

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}


def notes_of(path, **options):
    with open_movie(path, **GIVEN, **options) as movie:
        return " | ".join(movie.provenance["notes"])


@pytest.mark.parametrize("value", [0, 65_535])
@pytest.mark.parametrize("where", [slice(125, 126), slice(200, 250)])
def test_black_and_saturated_frames_are_said(value, where, frames, tmp_path):
    frames[where] = value
    np.save(tmp_path / "a.npy", frames)
    assert "frames of nothing but" in notes_of(tmp_path / "a.npy")
    tifffile.imwrite(tmp_path / "a.tif", frames)
    assert "frames of nothing but" in notes_of(tmp_path / "a.tif")


def test_frames_with_light_are_not_said(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    assert "nothing but" not in notes_of(tmp_path / "a.npy")


@pytest.mark.parametrize("at", [0, 5])
@pytest.mark.parametrize("value", [0, 60_000])
def test_one_odd_frame_says_nothing_of_the_axes(at, value, tmp_path):
    rng = np.random.default_rng(3)
    speckle = 1000 * (1 + 0.1 * rng.standard_normal((20, 28)))
    frames = rng.poisson(speckle, (24, 20, 28)).astype(np.uint16)
    frames[at] = value
    np.save(tmp_path / "a.npy", frames)
    assert open_movie(tmp_path / "a.npy", **GIVEN).n_frames == 24


def test_a_damaged_header_of_npy_is_called_that(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"'shape': (250", b"'shape': (((("))
    with pytest.raises(PerrinError, match=r"damaged \.npy header"):
        open_movie(tmp_path / "a.npy", **GIVEN)


def test_more_images_than_imagej_says_are_said(frames, tmp_path):
    said = "ImageJ=1.53t\nimages=100\nframes=100\n"
    tifffile.imwrite(tmp_path / "a.tif", frames, description=said, metadata=None)
    assert "holds 250 images and says 100" in notes_of(tmp_path / "a.tif")


def test_chunks_behind_the_end_of_a_zarr_array_are_said(frames, tmp_path):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        store=tmp_path / "a.zarr", shape=frames.shape, dtype="u2", chunks=(50, 12, 17)
    )
    array[:] = frames
    assert "chunks behind" not in notes_of(tmp_path / "a.zarr")
    metadata = tmp_path / "a.zarr" / "zarr.json"
    shape = '"shape": [\n    250,'
    assert shape in metadata.read_text()
    metadata.write_text(metadata.read_text().replace(shape, shape.replace("250", "150")))
    assert "chunks behind the 150 frames" in notes_of(tmp_path / "a.zarr")


def test_more_frames_than_the_header_of_mrc_says_are_said(frames, tmp_path):
    pytest.importorskip("rsciio")
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(frames)
    content = bytearray((tmp_path / "a.mrc").read_bytes())
    content[8:12] = (100).to_bytes(4, "little")
    (tmp_path / "a.mrc").write_bytes(content)
    assert "room for 250 frames and its header says 100" in notes_of(tmp_path / "a.mrc")


def test_300_dots_an_inch_are_no_pixel(frames, tmp_path):
    metadata = {"axes": "TYX", "unit": "inch", "finterval": 0.01}
    tifffile.imwrite(
        tmp_path / "a.tif", frames, imagej=True, resolution=(300, 300), metadata=metadata
    )
    seen = inspect(tmp_path / "a.tif")
    assert "pixel_nm" in seen.missing
    assert any("print or a screen" in note for note in seen.notes)


def test_a_pixel_of_an_electron_microscope_is_none_of_landings(frames, tmp_path):
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}
    metadata |= {f"PhysicalSize{axis}Unit": "nm" for axis in "XY"}
    tifffile.imwrite(tmp_path / "a.tif", frames, ome=True, metadata=metadata)
    with pytest.raises(PerrinError, match=r"--pixel-nm.*no movie of landings"):
        open_movie(tmp_path / "a.tif", frame_rate_hz=242.0)
    assert open_movie(tmp_path / "a.tif", frame_rate_hz=242.0, contents="moving").pixel_nm == 0.1
    assert open_movie(tmp_path / "a.tif", **GIVEN).pixel_nm == GIVEN["pixel_nm"]


def pictures(folder, frames, names):
    image = pytest.importorskip("PIL.Image")
    folder.mkdir()
    for name, frame in zip(names, frames, strict=True):
        image.fromarray(frame).save(folder / name)
    return folder


COUNTED = [f"i{at}.png" for at in range(24)]


@pytest.mark.parametrize("stray", ["i3 (1).png", "mean.png", "i3 copy.png"])
def test_a_stray_picture_is_refused_by_name(stray, frames, tmp_path):
    folder = pictures(tmp_path / "a", frames[:25], [*COUNTED, stray])
    with pytest.raises(PerrinError) as raised:
        open_movie(folder, **GIVEN)
    assert stray in str(raised.value)


def test_a_number_that_is_there_twice_is_refused(frames, tmp_path):
    folder = pictures(tmp_path / "a", frames[:25], [*COUNTED, "i03.png"])
    with pytest.raises(PerrinError, match=r"number 3 twice \(i0?3.png, i0?3.png\)"):
        open_movie(folder, **GIVEN)


def test_an_empty_picture_is_refused_by_name(frames, tmp_path):
    folder = pictures(tmp_path / "a", frames[:24], COUNTED)
    (folder / "i7.png").write_bytes(b"")
    with pytest.raises(PerrinError, match=r"i7.png is empty"):
        open_movie(folder, **GIVEN)


def test_names_without_numbers_have_one_note_of_their_order(frames, tmp_path):
    folder = pictures(tmp_path / "a", frames[:4], ["a.png", "bc.png", "def.png", "x.png"])
    assert "alphabet" in notes_of(folder)
    assert "by the numbers" not in notes_of(folder)


def test_a_video_that_leaps_in_time_or_ends_early_is_no_even_movie(tmp_path):
    av = pytest.importorskip("av")
    rng = np.random.default_rng(1)
    gray = rng.integers(60, 200, (40, 32, 48)).astype(np.uint8)

    def write(name, leap):
        with av.open(str(tmp_path / name), "w") as file:
            stream = file.add_stream("ffv1", rate=50)
            stream.width, stream.height, stream.pix_fmt = 48, 32, "gray"
            for at, one in enumerate(gray):
                frame = av.VideoFrame.from_ndarray(one, format="gray")
                frame.pts = at + (leap if at >= 20 else 0)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))

    write("even.mkv", 0)
    assert "incomplete" not in notes_of(tmp_path / "even.mkv")
    write("leap.mkv", 4)
    with pytest.raises(PerrinError, match="leap behind frame 19, as if about 4 frames"):
        open_movie(tmp_path / "leap.mkv", **GIVEN)
    content = (tmp_path / "even.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    assert "says 40 frames and holds" in notes_of(tmp_path / "cut.mkv")


def test_unsigned_bytes_of_mrc_are_asked_about_by_the_option(tmp_path):
    pytest.importorskip("rsciio")
    mrcfile = pytest.importorskip("mrcfile")
    rng = np.random.default_rng(2)
    counts = rng.poisson(rng.uniform(120, 150, (20, 28)), (24, 20, 28)).astype(np.uint8)
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(counts.view(np.int8))
    with pytest.raises(PerrinError, match="--unsigned"):
        open_movie(tmp_path / "a.mrc", **GIVEN)
    np.testing.assert_array_equal(
        open_movie(tmp_path / "a.mrc", unsigned=True, **GIVEN).frames[:], counts
    )


@pytest.mark.parametrize("dtype", ["f2", "g", ">f4"])
def test_odd_types_of_pixels_become_those_that_are_computed_with(dtype, frames, tmp_path):
    counts = (frames // 40).astype(dtype)
    np.save(tmp_path / "a.npy", counts)
    with open_movie(tmp_path / "a.npy", **GIVEN) as movie:
        assert movie.frames[:].dtype in (np.dtype("f4"), np.dtype("f8"))
        np.testing.assert_array_equal(movie.frames[:], counts)
    of_array = Movie.from_array(counts, frame_interval_s=0.004, pixel_nm=72)
    assert of_array.frames.dtype == movie.frames.dtype


def test_frames_that_are_there_twice_are_said(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames[np.repeat(np.arange(100), 2)])
    assert "8 are the frame before once more (1, 3, 5, 7, 9)" in notes_of(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", frames)
    assert "once more" not in notes_of(tmp_path / "a.npy")


@pytest.mark.parametrize("option", [{"frame_interval_s": 4.13}, {"frame_rate_hz": 0.242}])
def test_an_interval_in_milliseconds_is_refused_for_landings(option, frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    with pytest.raises(PerrinError, match=r"In milliseconds\? Then it is 0\.00413"):
        open_movie(tmp_path / "a.npy", pixel_nm=70.8, **option)
    assert open_movie(tmp_path / "a.npy", pixel_nm=70.8, contents="moving", **option).n_frames


def test_an_interval_of_seconds_in_the_file_is_asked_about_for_landings(frames, tmp_path):
    told = {"axes": "TYX", "finterval": 4.13}
    tifffile.imwrite(tmp_path / "a.tif", frames, imagej=True, metadata=told)
    with pytest.raises(PerrinError, match=r"--frame-rate-hz.*4\.13 s, which no movie"):
        open_movie(tmp_path / "a.tif", pixel_nm=70.8)
    assert inspect(tmp_path / "a.tif").frame_interval_s == 4.13
    assert open_movie(tmp_path / "a.tif", pixel_nm=70.8, frame_rate_hz=242).n_frames == 250


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("tracks.csv", "particle,frame,x,y\n0,0,1,1\n0,1,2,2\n", "it holds tracks of moving"),
        ("events.csv", "frame,contrast\n3,-0.003\n9,-0.004\n", "it holds event table"),
        ("cal.json", '{"gradient_per_kda": -4e-05, "offset": 0.0}', "perrin's own calibration"),
    ],
)
def test_a_table_given_as_a_movie_is_named(name, content, what, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(PerrinError, match=what):
        open_movie(tmp_path / name, **GIVEN)


def test_zip_archives_are_named_by_what_is_in_them(tmp_path):
    np.savez(tmp_path / "a.npz", frames=np.zeros(3))
    with pytest.raises(PerrinError, match=r"NumPy arrays \(\.npz\)"):
        open_movie(tmp_path / "a.npz", **GIVEN)
    with zipfile.ZipFile(tmp_path / "a.zarr.zip", "w") as archive:
        archive.writestr("a.zarr/.zarray", "{}")
    with pytest.raises(PerrinError, match="zipped Zarr folder: unpack"):
        open_movie(tmp_path / "a.zarr.zip", **GIVEN)

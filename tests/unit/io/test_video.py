"""Video and folders of pictures: frames come back exactly where the coding loses nothing."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

GIVEN = {"frame_rate_hz": 50.0, "pixel_nm": 65.0, "contents": "moving"}


@pytest.fixture
def gray():
    return np.random.default_rng(5).integers(20, 250, (12, 32, 48)).astype(np.uint8)


def encode(path, frames, codec, pixels, source):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format=source)))
        out.mux(stream.encode())


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.avi", "ffv1", "gray"), ("a.mkv", "ffv1", "gray"), ("a.mov", "png", "gray")],
)
def test_lossless_video_gives_its_frames(name, codec, pixels, gray, tmp_path):
    encode(tmp_path / name, gray, codec, pixels, "gray")
    with open_movie(tmp_path / name, **GIVEN) as movie:
        assert movie.format == "video"
        np.testing.assert_array_equal(movie.frames[:], gray)
        np.testing.assert_array_equal(movie.frames[9:11], gray[9:11])
        np.testing.assert_array_equal(movie.frames[2], gray[2])  # and back again
        again = pickle.loads(pickle.dumps(movie))  # noqa: S301  made right here
        np.testing.assert_array_equal(again.frames[3], gray[3])
        again.close()


def test_sixteen_bits_stay_sixteen_bits(gray, tmp_path):
    deep = gray.astype(np.uint16) * 257
    encode(tmp_path / "a.mkv", deep, "ffv1", "gray16le", "gray16le")
    with open_movie(tmp_path / "a.mkv", **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], deep)


def test_the_rate_of_playing_is_asked_about(gray, tmp_path):
    encode(tmp_path / "a.mp4", gray, "mpeg4", "yuv420p", "gray")
    seen = inspect(tmp_path / "a.mp4")
    assert "frame_rate_hz" in seen.missing
    assert any("changes pixel values" in note for note in seen.notes)
    with pytest.raises(PerrinError, match="plays 25 frames a second"):
        open_movie(tmp_path / "a.mp4", pixel_nm=65)
    with open_movie(tmp_path / "a.mp4", **GIVEN) as movie:
        assert movie.n_frames == len(gray)


def test_colors_need_a_channel(gray, tmp_path):
    colors = np.stack([gray, gray // 2, gray // 4], axis=-1)
    encode(tmp_path / "a.mkv", colors, "ffv1", "bgr0", "rgb24")
    with open_movie(tmp_path / "a.mkv", **GIVEN, channel=1) as movie:
        np.testing.assert_array_equal(movie.frames[:], gray // 2)
    with pytest.raises(PerrinError, match="--channel"):
        open_movie(tmp_path / "a.mkv", **GIVEN)


def test_a_damaged_video_and_one_without_the_package_are_named(gray, tmp_path, monkeypatch):
    (tmp_path / "a.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST" + bytes(40))
    with pytest.raises(PerrinError, match=r"AVI.*TIFF stack"):
        inspect(tmp_path / "a.avi")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(PerrinError, match=r"pip install 'perrin\[video\]'"):
        inspect(tmp_path / "a.avi")


@pytest.mark.parametrize("kind", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_folder_of_pictures_is_a_movie_by_the_numbers(kind, dtype, gray, tmp_path):
    frames = gray.astype(dtype) * dtype(3 if dtype is np.uint16 else 1)
    for number, frame in enumerate(frames):
        path = tmp_path / f"frame_{number}.{kind}"  # 10 comes behind 9, not behind 1
        if kind == "png":
            Image.fromarray(frame).save(path)
        else:
            tifffile.imwrite(path, frame)
    with open_movie(tmp_path, **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], frames)
        assert movie.frames.dtype == np.dtype(dtype)


def test_pictures_with_a_gap_or_of_two_series_are_no_movie(gray, tmp_path):
    for number in (0, 1, 2, 5, 6):
        Image.fromarray(gray[number]).save(tmp_path / f"frame_{number:03}.png")
    with pytest.raises(PerrinError, match="2 in between are missing \\("):
        open_movie(tmp_path, **GIVEN)
    for number in (3, 4):
        Image.fromarray(gray[number]).save(tmp_path / f"other_{number:03}.png")
    with pytest.raises(PerrinError, match="several series"):
        open_movie(tmp_path, **GIVEN)


def test_a_picture_of_another_size_is_named(gray, tmp_path):
    for number in range(5):
        Image.fromarray(gray[number][: 32 - (number == 3)]).save(tmp_path / f"{number}.png")
    with pytest.raises(PerrinError, match=r"3\.png is \(31, 48\)"):
        open_movie(tmp_path, **GIVEN)


def test_a_picture_whose_checksum_does_not_hold_is_damaged(gray, tmp_path):
    for number, frame in enumerate(gray):
        Image.fromarray(frame).save(tmp_path / f"f_{number}.png")
    content = bytearray((tmp_path / "f_3.png").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "f_3.png").write_bytes(content)
    with pytest.raises(PerrinError, match=r"f_3\.png.*checksum"):
        open_movie(tmp_path, **GIVEN)


def test_a_damaged_frame_of_a_video_is_refused(gray, tmp_path):
    encode(tmp_path / "a.mov", gray, "png", "gray", "gray")
    content = bytearray((tmp_path / "a.mov").read_bytes())
    at = content.index(b"IDAT") + 40
    content[at : at + 60] = bytes(60)
    (tmp_path / "a.mov").write_bytes(content)
    with pytest.raises(PerrinError, match=r"a\.mov"), open_movie(tmp_path / "a.mov", **GIVEN) as m:
        m.frames[:]

"""One odd or missing page of a TIFF movie is refused by its number, wherever it is."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from perrin.errors import PerrinError
from perrin.io import open_movie
from perrin.io.movies.tiff_pages import has_pages

GIVEN = {"frame_rate_hz": 242.0, "pixel_nm": 70.8}
ODD = {
    "size": lambda frame: frame[:10],
    "larger": lambda frame: np.pad(frame, ((0, 6), (0, 0))),
    "bits": lambda frame: (frame // 256).astype(np.uint8),
    "float": lambda frame: frame.astype(np.float32),
    "signed": lambda frame: (frame // 2).astype(np.int16),
}


def one_by_one(path, frames, odd_at=None, change=None, **odd):
    with tifffile.TiffWriter(path) as file:
        for at, frame in enumerate(frames):
            differs = at == odd_at
            file.write(
                change(frame) if differs and change else frame,
                contiguous=False,
                metadata=None,
                **(odd if differs else {}),
            )
    return path


@pytest.mark.parametrize(
    ("at", "kind"),
    [*((at, kind) for at in (10, 70) for kind in ODD), (95, "bits"), (95, "float"), (95, "signed")],
)
def test_a_page_of_another_kind_is_refused_by_number(at, kind, frames, tmp_path):
    path = one_by_one(tmp_path / "a.tif", frames[:96], at, ODD[kind])
    with pytest.raises(PerrinError, match=rf"page {at} |same movie"):
        open_movie(path, **GIVEN)


@pytest.mark.parametrize("at", [10, 70])
@pytest.mark.parametrize("odd", [{"compression": "zlib"}, {"photometric": "miniswhite"}])
def test_a_page_that_is_stored_otherwise_is_refused(at, odd, frames, tmp_path):
    path = one_by_one(tmp_path / "a.tif", frames[:96], at, **odd)
    with pytest.raises(PerrinError, match=rf"page {at} |same movie"):
        open_movie(path, **GIVEN)


@pytest.mark.parametrize("tag", ["StripOffsets", "StripByteCounts"])
@pytest.mark.parametrize("at", [11, 23])
def test_a_page_without_pixels_is_refused_by_number(tag, at, frames, tmp_path):
    path = one_by_one(tmp_path / "a.tif", frames[:24])
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages[at].tags[tag].offset
    content = bytearray(path.read_bytes())
    content[place + 8 : place + 12] = struct.pack("<I", 0)
    path.write_bytes(content)
    with pytest.raises(PerrinError, match=rf"page {at} .* no pixels"):
        open_movie(path, **GIVEN)


@pytest.mark.parametrize("at", [0, 1, 12])
def test_an_odd_image_among_single_ones_is_refused_by_number(at, frames, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number, frame in enumerate(frames[:24]):
            file.write(frame[:5] if number == at else frame, contiguous=False)
    with pytest.raises(PerrinError, match=rf"page {at} "):
        open_movie(tmp_path / "a.tif", **GIVEN)


def test_a_second_series_of_equal_frames_is_no_rest(frames, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(frames[:100])
        file.write(frames[100:150])
    with pytest.raises(PerrinError, match="same movie"):
        open_movie(tmp_path / "a.tif", **GIVEN)
    assert len(open_movie(tmp_path / "a.tif", dataset="0", **GIVEN).frames) == 100


def test_a_preview_behind_the_frames_is_no_frame(frames, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(frames)
        file.write(frames[0, ::2, ::2], subfiletype=1)
    assert open_movie(tmp_path / "a.tif", **GIVEN).n_frames == len(frames)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("rows", [None, 4])
def test_equal_pages_are_read_as_they_are(big, order, rows, frames, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=big, byteorder=order) as file:
        for frame in frames[:96]:
            file.write(frame, contiguous=False, metadata=None, rowsperstrip=rows)
    np.testing.assert_array_equal(open_movie(tmp_path / "a.tif", **GIVEN).frames[:], frames[:96])


def test_a_smaller_page_behind_each_frame_is_a_pyramid(frames, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for frame in frames[:24]:
            file.write(frame, contiguous=False, metadata=None)
            file.write(frame[::2, ::2], contiguous=False, metadata=None)
    with open_movie(tmp_path / "a.tif", **GIVEN) as movie:
        np.testing.assert_array_equal(movie.frames[:], frames[:24])


@pytest.mark.parametrize("how", ["at once", "imagej", "big", "page by page"])
def test_pages_are_counted(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames, path = np.zeros((30, 8, 9), np.uint16), tmp_path / "a.tif"
    if how == "page by page":
        with tifffile.TiffWriter(path) as out:
            for k, frame in enumerate(frames):
                out.write(frame, contiguous=False, description="x" * 9 * k)
    else:
        tifffile.imwrite(
            path, frames, photometric="minisblack", imagej=how == "imagej", bigtiff=how == "big"
        )
    for count in (2, 29, 30, 31, 60):
        with tifffile.TiffFile(path) as tiff:
            assert has_pages(tiff, count) == (count == 30)
    if how != "page by page":
        with tifffile.TiffFile(path) as tiff:
            monkeypatch.setattr(tifffile.tifffile.TiffPages, "__len__", lambda _self: 0)
            assert has_pages(tiff, 30)

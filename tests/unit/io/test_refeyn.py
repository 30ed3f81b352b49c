"""Vendor files of each generation, written here from the facts about their layout."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie
from perrin.io.difference import encode

FRAME = {"v2": "frame", "v3-AcqCam": "movie/frame", "v3-acq_camera": "movie/frame"}
TRUTH = {  # frame interval s, pixel nm, exposure ms, camera
    "v2": (5 / 1000, 4 * 19.3, 0.95, "Camera 2"),
    "v3-AcqCam": (5 / 495, 6 * 11.8, 1.9, "Camera 3"),
    "v3-acq_camera": (3 / 726, 6 * 11.8, 1.3, "Camera 4"),
}


@pytest.mark.parametrize("layout", FRAME)
def test_each_layout_gives_its_frames_and_effective_numbers(layout, layouts, frames, write_hdf5):
    path = write_hdf5(layouts[layout] | {FRAME[layout]: frames}, "no_suffix")
    interval, pixel, exposure, camera = TRUTH[layout]
    with open_movie(path) as movie:
        assert movie.frame_interval_s == pytest.approx(interval, rel=1e-12)
        assert movie.pixel_nm == pytest.approx(pixel, rel=1e-12)
        assert movie.format == "mp"
        assert movie.provenance["exposure_ms"] == exposure
        assert movie.provenance["camera"] == camera
        assert movie.provenance["pixel_from"] == "instrument"
        assert movie.provenance["encoding"] == "raw"
        np.testing.assert_array_equal(movie.frames[100:130], frames[100:130])


def test_the_sign_is_assumed_and_said_where_the_file_has_none(layouts, frames, write_hdf5):
    movie = open_movie(write_hdf5(layouts["v2"] | {"frame": frames}))
    assert movie.landing_sign == -1
    assert movie.provenance["landing_sign_from"] == "assumed"
    assert "landings are taken to be dark" in movie.provenance["notes"][0]


@pytest.mark.parametrize(("destructive", "sign"), [(False, 1), (True, -1)])
def test_constructive_interference_makes_landings_bright(
    destructive, sign, layouts, frames, write_hdf5
):
    flag = {"movie/configuration/scatter_interference_destructive": destructive}
    movie = open_movie(write_hdf5(layouts["v3-acq_camera"] | flag | {"movie/frame": frames}))
    assert movie.landing_sign == sign
    assert movie.provenance["landing_sign_from"] == "file"


@pytest.mark.parametrize("name", ["SamuxMP", "Refeyn TwoMP Auto", ""])
def test_the_pixel_of_another_instrument_is_asked_for(name, layouts, frames, write_hdf5):
    content = layouts["v3-acq_camera"] | {"movie/frame": frames}
    path = write_hdf5(content | {"movie/device_serials/InstrumentName": name})
    with pytest.raises(PerrinError, match=r"pixel_nm \(--pixel-nm\).*OneMP and the TwoMP only"):
        open_movie(path)
    assert inspect(path).missing == ("pixel_nm",)
    assert inspect(path, pixel_nm=72.0).missing == ()
    assert open_movie(path, pixel_nm=72.0).pixel_nm == 72.0


@pytest.mark.parametrize(
    ("field", "option", "said"),
    [
        ("frame_rate", "frame_rate_hz", "camera's frame rate"),
        ("frame_binning", "frame_rate_hz", "frame binning"),
        ("pixel_binning", "pixel_nm", "pixel binning"),
    ],
)
@pytest.mark.parametrize("value", [None, 0, float("nan")])
def test_what_a_file_does_not_say_is_asked_for_by_name(
    field, option, said, value, layouts, frames, write_hdf5
):
    content = layouts["v3-acq_camera"] | {"movie/frame": frames}
    name = f"movie/configuration/acq_camera/{field}"
    content.pop(name)
    if value is not None:
        content[name] = value
    path = write_hdf5(content)
    with pytest.raises(PerrinError, match=f"{option}.*{said}"):
        open_movie(path)
    assert inspect(path).missing == (option,)
    assert open_movie(path, **{option: 100.0}).provenance["encoding"] == "raw"


def test_given_numbers_go_first_and_contradictions_are_noted(layouts, frames, write_hdf5):
    path = write_hdf5(layouts["v3-acq_camera"] | {"movie/frame": frames})
    movie = open_movie(path, pixel_nm=84.4, frame_rate_hz=726)
    assert (movie.pixel_nm, movie.frame_interval_s) == (84.4, 1 / 726)
    text = " ".join(movie.provenance["notes"])
    assert "the file says 70.8" in text
    assert "the file says 242 (the camera ran at 726" in text
    close = open_movie(path, pixel_nm=70.81, frame_rate_hz=242.1)
    assert close.pixel_nm == 70.81
    assert not any("the file says" in note for note in close.provenance["notes"])


def test_time_stamps_that_contradict_the_camera_are_noted(layouts, frames, write_hdf5):
    content = layouts["v3-acq_camera"] | {"movie/frame": frames}
    step = 1e9 * 3 / 726
    stamps = np.arange(250)[:, None] * step + np.arange(3) * step / 3
    fine = open_movie(write_hdf5(content | {"movie/timeStack": stamps}))
    late = open_movie(write_hdf5(content | {"movie/timeStack": stamps * 1.02}, "late.mp"))
    assert not any("time stamps" in note for note in fine.provenance["notes"])
    assert any("time stamps are 4.215 ms apart" in note for note in late.provenance["notes"])


def coded(layout, frames, keys=None, mark=None, indices=True):
    """A file of difference-coded frames, marked or not, with whole frames at `keys` or not."""
    content = layout | {"movie/frame": encode(frames)}
    if mark:
        content["movie/frame@encoding"] = mark
    if keys is not None:
        content["movie/keyframe"] = frames[keys]
        if indices:
            content["movie/keyframe@indices"] = keys
    return content


KEYS = [
    [0, 100, 200],
    [100, 200],
    [0, 100, 200, 249],
    [0, 249],
    [249],
]


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("mark", [None, "TIME_DIFFERENCE", b"TIME_DIFFERENCE"])
def test_keyframes_show_that_frames_are_differences(keys, mark, layouts, frames, write_hdf5):
    path = write_hdf5(coded(layouts["v3-acq_camera"], frames, keys, mark))
    with open_movie(path) as movie:
        assert movie.provenance["encoding"] == "time-difference"
        assert movie.provenance["keyframes"] == len(keys)
        np.testing.assert_array_equal(movie.frames[:], frames)
        np.testing.assert_array_equal(movie.frames[120:133], frames[120:133])


@pytest.mark.parametrize("keys", [k for k in KEYS if k != [100, 200]])
def test_keyframes_without_indices_are_placed_where_they_verify(keys, layouts, frames, write_hdf5):
    path = write_hdf5(coded(layouts["v3-acq_camera"], frames, keys, indices=False))
    with open_movie(path) as movie:
        assert movie.provenance["keyframes"] == len(keys)
        np.testing.assert_array_equal(movie.frames[:], frames)


def test_keyframes_show_that_frames_are_raw(layouts, frames, write_hdf5):
    keys = {"movie/keyframe": frames[::100], "movie/keyframe@indices": [0, 100, 200]}
    path = write_hdf5(layouts["v3-acq_camera"] | {"movie/frame": frames} | keys)
    assert open_movie(path).provenance["encoding"] == "raw"
    with pytest.raises(PerrinError, match="keyframes show that the frames are raw"):
        open_movie(path, encoding="time-difference")


def test_an_early_keyframe_that_does_not_match_is_refused_on_opening(layouts, frames, write_hdf5):
    content = coded(layouts["v3-acq_camera"], frames, [0, 100, 200], "TIME_DIFFERENCE")
    content["movie/keyframe"][1, 3, 3] += 1
    path = write_hdf5(content)
    with pytest.raises(PerrinError, match="keyframe 1 matches frame 100 neither as stored nor"):
        open_movie(path)


def test_a_later_keyframe_that_does_not_match_is_refused_on_reading(layouts, frames, write_hdf5):
    content = coded(layouts["v3-acq_camera"], frames, [0, 100, 200], "TIME_DIFFERENCE")
    content["movie/frame"][150, 3, 3] += 1
    with open_movie(write_hdf5(content)) as movie:
        np.testing.assert_array_equal(movie.frames[:150], frames[:150])
        with pytest.raises(PerrinError, match=r"keyframe 2 .* frame 200 \(1 of 204 pixels"):
            movie.frames[150:]


def test_marked_frames_without_keyframes_need_an_explicit_encoding(layouts, frames, write_hdf5):
    path = write_hdf5(coded(layouts["v3-acq_camera"], frames, mark="TIME_DIFFERENCE"))
    with pytest.raises(PerrinError, match=r"encoding \(--encoding\).*no keyframe"):
        open_movie(path)
    assert inspect(path).missing == ("encoding",)
    with open_movie(path, encoding="time-difference") as movie:
        np.testing.assert_array_equal(movie.frames[:], frames)
        assert any("no keyframe verifies it" in note for note in movie.provenance["notes"])


def test_unmarked_frames_that_look_like_differences_are_refused(layouts, frames, write_hdf5):
    path = write_hdf5(layouts["v2"] | {"frame": encode(frames)})
    with pytest.raises(PerrinError, match=r"encoding.*looks like a difference"):
        open_movie(path)
    with open_movie(path, encoding="time-difference") as movie:
        np.testing.assert_array_equal(movie.frames[200:], frames[200:])
    with open_movie(path, encoding="raw") as movie:
        np.testing.assert_array_equal(movie.frames[200:], encode(frames)[200:])


def test_differences_are_not_hidden_by_naming_the_dataset(layouts, frames, write_hdf5):
    content = coded(layouts["v3-acq_camera"], frames, [0, 100, 200], "TIME_DIFFERENCE")
    movie = open_movie(
        write_hdf5(content), dataset="movie/frame", pixel_nm=70.8, frame_rate_hz=242
    )  # fmt: skip
    np.testing.assert_array_equal(movie.frames[:], frames)


def test_an_unknown_mark_and_an_unknown_encoding_are_refused(layouts, frames, write_hdf5):
    path = write_hdf5(coded(layouts["v3-acq_camera"], frames, mark="H264"))
    with pytest.raises(PerrinError, match="encoding 'H264'"):
        open_movie(path)
    with pytest.raises(PerrinError, match="encoding is 'zip'; give 'raw' or 'time-difference'"):
        open_movie(path, encoding="zip")


@pytest.mark.parametrize("indices", [[0, 100], [0, 200, 100], [0, 100, 250], [-1, 100, 200]])
def test_indices_that_no_keyframe_can_have_are_refused(indices, layouts, frames, write_hdf5):
    content = coded(layouts["v3-acq_camera"], frames, [0, 100, 200])
    with pytest.raises(PerrinError, match="the file is damaged"):
        open_movie(write_hdf5(content | {"movie/keyframe@indices": indices}))


def test_differences_of_signed_numbers_are_refused(layouts, frames, write_hdf5):
    content = layouts["v3-acq_camera"] | {"movie/frame": frames.astype(np.int32)}
    with pytest.raises(PerrinError, match="int32; difference-coded frames are unsigned"):
        open_movie(write_hdf5(content), encoding="time-difference")


@pytest.mark.parametrize("fraction", [0.2, 0.9, 0.999])
def test_a_truncated_file_is_said_to_be_one(fraction, layouts, frames, write_hdf5):
    path = write_hdf5(layouts["v3-acq_camera"] | {"movie/frame": frames})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(fraction * len(whole))])
    for read in (open_movie, inspect):
        with pytest.raises(PerrinError, match="truncated HDF5 file"):
            read(path)


def test_a_block_that_does_not_decompress_is_refused_with_its_frames(
    layouts, frames, write_hdf5, tmp_path
):
    path = write_hdf5(layouts["v3-acq_camera"])
    with h5py.File(path, "a") as file:
        data = file.create_dataset(
            "movie/frame", data=frames, chunks=(1, 12, 17), compression="gzip"
        )
        where = data.id.get_chunk_info(120)
    with path.open("r+b") as file:
        file.seek(where.byte_offset)
        file.write(b"\xff" * where.size)
    with open_movie(path) as movie:
        np.testing.assert_array_equal(movie.frames[:120], frames[:120])
        with pytest.raises(PerrinError, match="frames 110 to 129 of /movie/frame cannot be read"):
            movie.frames[110:130]


def test_inspect_says_what_the_file_is(layouts, frames, write_hdf5):
    seen = inspect(write_hdf5(layouts["v3-acq_camera"] | {"movie/frame": frames}, "x.dat"))
    assert (seen.kind, seen.format) == ("movie", "mp")
    assert seen.description == "Refeyn .mp, format 3, acq_camera metadata"
    assert (seen.shape, seen.dtype, seen.encoding) == ((250, 12, 17), "uint16", "raw")
    assert seen.frame_interval_s == pytest.approx(3 / 726)
    assert (seen.instrument, seen.landing_sign) == ("Refeyn TwoMP", -1)
    assert (seen.missing, seen.problems) == ((), ())

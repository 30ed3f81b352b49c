from __future__ import annotations

import dataclasses
import json
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie, write_mp, write_mpr
from perrin.io.hdf5_filters import ZSTD
from perrin.io.movie import LazyFrames, Movie


def write_compressed_mp(path, movie, **options):
    write_mp(path, movie, compressed=True, **options)


WRITERS = {"mp": write_mp, "mp-compressed": write_compressed_mp, "mpr": write_mpr}


@pytest.fixture(params=WRITERS)
def write(request):
    return WRITERS[request.param]


class Made(LazyFrames):
    """Frames that are made when they are asked for, so that no movie is held at once."""

    def __init__(self, n_frames, fail_at=None):
        super().__init__(Path("made"), (n_frames, 40, 60), np.dtype(np.uint16))
        self.fail_at = fail_at

    def _read(self, start, stop):
        if self.fail_at is not None and stop > self.fail_at:
            raise KeyboardInterrupt
        # shapes like a glass that is seen again and again: compresses, and is quick to make
        time = np.arange(start, stop, dtype=np.uint16)[:, None, None]
        glass = np.arange(2400, dtype=np.uint16).reshape(40, 60)
        return 30_000 + glass + time * np.uint16(7)

    def close(self):
        pass


def made(n_frames, **options):
    return Movie(Made(n_frames, **options), frame_interval_s=0.004, pixel_nm=70.8, landing_sign=-1)


def test_what_is_written_is_read_back(write, movie, tmp_path):
    write(tmp_path / "a", movie)
    with open_movie(tmp_path / "a") as again:
        np.testing.assert_array_equal(again.frames[:], movie.frames)
        assert again.frame_interval_s == pytest.approx(movie.frame_interval_s, rel=1e-12)
        assert again.pixel_nm == movie.pixel_nm
        assert again.instrument == movie.instrument
        for name in ("frame_binning", "exposure_ms", "camera"):
            assert again.provenance[name] == movie.provenance[name]
        assert again.provenance["camera_rate_hz"] == pytest.approx(726)
        assert again.provenance["pixel_binning"] == 6
        assert json.loads(json.dumps(again.provenance)) == again.provenance


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("n_frames", [2, 100, 101, 250])
def test_any_length_sign_pixel_and_rate_come_back(write, sign, n_frames, frames, tmp_path):
    movie = Movie.from_array(
        frames[:n_frames], frame_interval_s=1 / 243.7, pixel_nm=72.1234567, landing_sign=sign
    )
    write(tmp_path / "a", movie)
    with open_movie(tmp_path / "a") as again:
        np.testing.assert_array_equal(again.frames[:], movie.frames)
        assert again.frame_interval_s == pytest.approx(1 / 243.7, rel=1e-12)
        assert again.pixel_nm == 72.1234567
        assert again.landing_sign == sign
        assert again.provenance["landing_sign_from"] == "file"
        assert again.instrument is None


def test_a_file_can_be_rewritten_from_itself(write, movie, tmp_path):
    path = tmp_path / "a"
    write_mp(path, movie)
    with open_movie(path) as same:
        write(path, same, overwrite=True)
    with open_movie(path) as again:
        np.testing.assert_array_equal(again.frames[:], movie.frames)


def test_an_mpr_has_the_vendors_layout(movie, frames, tmp_path):
    info = {"sample": "ladder", "buffer": "PBS", "bufferpH": 7.4, "operatorName": "J. Perrin"}
    movie = dataclasses.replace(
        movie, landing_sign=1, provenance=movie.provenance | {"measurement_info": info}
    )
    write_mpr(tmp_path / "a.mpr", movie)
    with h5py.File(tmp_path / "a.mpr") as file:
        data = file["movie/frame"]
        assert file["format_version_number"][()] == 4
        assert data.dtype == np.uint16
        assert data.chunks == (1, 12, 17)
        assert data.attrs["encoding"] == "TIME_DIFFERENCE"
        filters = data._filters
        assert set(filters) == {"shuffle", str(ZSTD)}
        np.testing.assert_array_equal(np.cumsum(data[:], axis=0, dtype=np.uint16), frames)
        assert file["movie/keyframe"].attrs["indices"].tolist() == [0, 100, 200]
        np.testing.assert_array_equal(file["movie/keyframe"][:], frames[::100])
        stamps = file["movie/timeStack"][:]
        assert stamps.shape == (250, 3)
        np.testing.assert_allclose(np.diff(stamps.ravel()), 1e9 / 726)
        camera = file["movie/configuration/acq_camera"]
        assert camera["frame_rate"][()] == pytest.approx(726)
        assert camera["frame_binning"][()] == 3
        assert camera["pixel_binning"][()] == 6
        assert camera["exposure_time"][()] == 1.3
        assert camera["model"][()] == b"simulated"
        assert "image_size_name__is_none__" in camera
        assert not file["movie/configuration/scatter_interference_destructive"][()]
        assert file["movie/device_serials/InstrumentName"][()] == b"Refeyn TwoMP"
        assert file["movie/measurement_info/sample"][()] == b"ladder"
    seen = inspect(tmp_path / "a.mpr")
    assert seen.description == "Refeyn .mpr, format 4, acq_camera metadata"
    assert seen.format == "mpr"
    assert seen.encoding == "time-difference"
    assert seen.landing_sign == 1
    assert seen.details["measurement_info"] == info
    assert seen.notes == ()


def test_a_compressed_mp_ends_with_a_keyframe(movie, tmp_path):
    write_mp(tmp_path / "a.mp", movie, compressed=True)
    with h5py.File(tmp_path / "a.mp") as file:
        assert file["format_version_number"][()] == 3
        assert file["movie/keyframe"].attrs["indices"].tolist() == [0, 100, 200, 249]
        assert file["movie/frame"].id.get_storage_size() < movie.frames.nbytes


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint32, np.int64])
def test_frames_that_do_not_fit_are_refused_and_nothing_is_left(write, dtype, movie, tmp_path):
    wrong = dataclasses.replace(movie, frames=movie.frames.astype(dtype))
    with pytest.raises(PerrinError, match="the vendor's files hold uint16"):
        write(tmp_path / "a.mp", wrong)
    assert list(tmp_path.iterdir()) == []


def test_eight_bits_fit(write, movie, tmp_path):
    small = dataclasses.replace(movie, frames=(movie.frames // 256).astype(np.uint8))
    write(tmp_path / "a.mp", small)
    with open_movie(tmp_path / "a.mp") as again:
        np.testing.assert_array_equal(again.frames[:], small.frames)


def test_an_interrupted_writer_leaves_the_old_file_and_nothing_else(write, movie, tmp_path):
    path = tmp_path / "a.mp"
    write_mp(path, movie)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write(path, made(500, fail_at=300), overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp"]


def _peak(action):
    tracemalloc.start()
    action()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def _read_in_chunks(path):
    with open_movie(path) as movie:
        for start in range(0, movie.n_frames, 200):
            movie.frames[start : start + 200]


def test_memory_does_not_grow_with_the_movie(write, tmp_path):
    """Written from frames made on demand and read in chunks: ten times as long, the same."""
    peaks = {}
    for n_frames in (400, 4000):
        path = tmp_path / str(n_frames)
        movie = made(n_frames)
        peaks[n_frames] = (
            _peak(lambda path=path, movie=movie: write(path, movie)),
            _peak(lambda path=path: _read_in_chunks(path)),
        )
    assert peaks[4000][0] < 1.3 * peaks[400][0]
    assert peaks[4000][1] < 1.3 * peaks[400][1]
    assert peaks[4000][1] < 3 * 200 * 40 * 60 * 2

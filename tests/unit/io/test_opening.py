"""What a file is comes from its bytes; what is no movie is said to be what it is."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import perrin.io
from perrin.errors import PerrinError
from perrin.io import inspect, open_movie, write_mp
from perrin.io.sniff import sniff


@pytest.mark.parametrize("read", [open_movie, inspect])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"%PDF-1.7\0\xff\xfe", r"starts with 25 50 44 46 .*%PDF"),
        (b"\0" * 100, "no known kind"),
        (b"\xff\xd8\xff\xe0", "no known kind"),
    ],
)
def test_an_unknown_file_is_refused_with_what_was_seen(read, content, said, tmp_path):
    path = tmp_path / "movie.mp"
    path.write_bytes(content)
    with pytest.raises(PerrinError, match=said):
        read(path)


@pytest.mark.parametrize("read", [open_movie, inspect])
def test_missing_files_and_folders_are_refused(read, tmp_path):
    with pytest.raises(PerrinError, match="does not exist"):
        read(tmp_path / "nothing.mp")
    with pytest.raises(PerrinError, match=r"is a folder, and not a Zarr one"):
        read(tmp_path)
    (tmp_path / "f_0.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(PerrinError, match="a folder of JPEG pictures"):
        read(tmp_path)
    (tmp_path / "a.nc").write_bytes(b"CDF\x02" + bytes(60))
    with pytest.raises(PerrinError, match="a classic NetCDF file"):
        read(tmp_path / "a.nc")


def test_hdf5_behind_a_user_block_is_found(frames, tmp_path):
    with h5py.File(tmp_path / "a", "w", userblock_size=1024) as file:
        file["camera"] = frames
    assert sniff(tmp_path / "a") == "hdf5"


def test_text_is_sent_to_the_reader_of_tables(tmp_path):
    path = tmp_path / "eventsFitted.csv"
    path.write_text("frame_indices,contrasts\n1,-0.002\n", encoding="utf-8")
    with pytest.raises(
        PerrinError, match=r"is not a movie: it holds event table.*perrin\.read_events"
    ):
        open_movie(path)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("pixel_nm", 0, "pixel_nm is 0; it must be a positive number of nanometers"),
        ("pixel_nm", float("inf"), "pixel_nm is inf"),
        ("frame_rate_hz", -5.0, "frame_rate_hz is -5.0; it must be a positive number of hertz"),
        ("landing_sign", 2, "landing_sign is 2; give -1"),
        ("encoding", "zip", "encoding is 'zip'"),
    ],
)
def test_impossible_options_are_refused(option, value, said, movie, tmp_path):
    write_mp(tmp_path / "a.mp", movie)
    for read in (open_movie, inspect):
        with pytest.raises(PerrinError, match=said):
            read(tmp_path / "a.mp", **{option: value})


def test_a_dataset_of_a_format_without_any_is_refused(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    with pytest.raises(PerrinError, match="dataset='x' was given, but a npy file has none"):
        open_movie(tmp_path / "a.npy", dataset="x")


def test_a_given_sign_goes_first_and_is_noted(movie, tmp_path):
    write_mp(tmp_path / "a.mp", movie)
    with open_movie(tmp_path / "a.mp", landing_sign=1) as bright:
        assert bright.landing_sign == 1
        assert bright.provenance["landing_sign_from"] == "given"
        assert "the file says -1" in bright.provenance["notes"][0]


@pytest.mark.parametrize(
    ("name", "rows"),
    [("demo.h5", 2069), ("eventsFitted.csv", 330), ("fitres_10_11_2_rep1.parquet", 1402)],
)
def test_inspect_knows_event_tables(name, rows, shared_data):
    seen = inspect(shared_data / "mass-photometry" / name)
    assert (seen.kind, seen.shape, seen.missing) == ("events", (rows,), ())
    assert seen.details["rows"] == rows


def test_the_names_of_io_are_there_and_load_late(run_apart):
    assert all(hasattr(perrin.io, name) for name in perrin.io.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        perrin.io.nothing  # noqa: B018
    code = "import perrin.io, sys; print(sorted({'h5py', 'pandas', 'numba'} & set(sys.modules)))"
    assert run_apart(code).strip() == "[]"


def test_inspect_says_what_commands_say(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    seen = inspect(tmp_path / "a.npy")
    assert seen.read_as.startswith(f"read as {len(frames)} frames of 12 x 17 pixels")
    assert "pixel not known, frame interval not known" in seen.read_as
    told = {"pixel_nm": 70, "frame_rate_hz": 242}
    with open_movie(tmp_path / "a.npy", **told) as movie:
        assert movie.read_as.startswith(inspect(tmp_path / "a.npy", **told).read_as)


def test_whatever_a_library_raises_for_a_damaged_file_is_one_error(frames, tmp_path):
    np.save(tmp_path / "a.npy", frames)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:20] + b"(((((((" + content[27:])
    with pytest.raises(PerrinError, match=r"a\.npy"):
        inspect(tmp_path / "a.npy")
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text('{"zarr_format": 3, ')
    with pytest.raises(PerrinError, match=r"a\.zarr"):
        inspect(folder)

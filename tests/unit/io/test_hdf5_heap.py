"""Damaged heaps of texts are refused before the HDF5 library sees them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.hdf5 import hdf5_file
from perrin.io.hdf5_heap import check_heaps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with texts of different lengths, which lie in a heap."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("names", (40,), h5py.string_dtype())[:] = ["n" * k for k in range(40)]
        file["numbers"] = np.arange(9)
    return tmp_path / "a.h5"


def test_a_heap_with_a_text_longer_than_itself_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    first_length = content.index(b"GCOL") + 16 + 8
    content[first_length : first_length + 8] = (10**6).to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(PerrinError, match="heap of texts"), hdf5_file(path):
        pass


def test_whole_files_and_others_pass(path: Path, tmp_path: Path) -> None:
    check_heaps(path)
    with hdf5_file(path) as file:
        assert file["names"].asstr()[7] == "n" * 7
    for number, content in enumerate((b"", b"\x89HDF\r\n\x1a\n", b"GCOL\1\0\0\0" * 9)):
        other = tmp_path / f"{number}"
        other.write_bytes(content)
        check_heaps(other)


def test_a_heap_that_is_cut_off_ends(path: Path) -> None:
    content = path.read_bytes()
    for stop in range(content.index(b"GCOL"), content.index(b"GCOL") + 40):
        path.write_bytes(content[:stop])
        check_heaps(path)

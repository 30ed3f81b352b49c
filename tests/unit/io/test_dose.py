"""The dose of electrons is quoted as the file says it, or said not to be there."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from perrin.io import open_movie
from perrin.io.movies.dose import NOT_SAID, dose_said

sys.path.insert(0, str(Path(__file__).parent))
from microscope_files import write_dm

COUNTS = np.random.default_rng(1).integers(900, 1100, (6, 8, 10)).astype(np.uint16)
SAID = {"Acquisition": {"Dose rate": [{"Calibration": "12.5"}], "Doses": -1}, "Exposure": 3}
GIVEN = {"pixel_nm": 0.5, "frame_rate_hz": 80.0}


def _read_as(path: Path) -> str:
    with open_movie(path, **GIVEN, contents="moving") as movie:  # type: ignore[arg-type]
        return movie.read_as


def test_numbers_under_names_with_dose_are_quoted_with_their_places() -> None:
    assert dose_said(SAID) == [
        "dose of electrons, as the file says it: Acquisition.Dose rate.0.Calibration 12.5"
    ]
    for none in ({}, None, {"Dose": 0}, {"Dose": "unknown"}, {"dose": float("inf")}):
        assert dose_said(none) == [NOT_SAID]


@pytest.mark.parametrize("dose", [None, "30.5"])
def test_velox(dose: str | None, tmp_path: Path) -> None:
    said = {"Detectors": {"Detector-0": {"DoseRate": dose} if dose else {}}}
    text = np.frombuffer(json.dumps(said).encode().ljust(200, b"\0"), np.uint8)
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("Data/Image/0123456789abcdef")
        group["Data"] = np.moveaxis(COUNTS, 0, 2)
        group["Metadata"] = np.repeat(text[:, None], len(COUNTS), axis=1)
    wanted = f"Detectors.Detector-0.DoseRate {dose}" if dose else NOT_SAID
    assert wanted in _read_as(tmp_path / "a.emd")


@pytest.mark.parametrize("bits", [1 << 6, 0])
def test_mrc_by_the_fields_that_mrcfile_names(bits: int, tmp_path: Path) -> None:
    mrcfile = pytest.importorskip("mrcfile")
    pytest.importorskip("rsciio")
    path = tmp_path / "a.mrc"
    header = np.zeros(1, mrcfile.dtypes.get_ext_header_dtype(b"FEI1"))
    header["Bitmask 1"], header["Dose"] = bits, 2.5e20
    with mrcfile.new(path) as file:
        file.set_data(COUNTS)
        file.set_extended_header(header)
        file.header.exttyp = b"FEI1"
    assert ("250 a nm2" if bits else NOT_SAID) in _read_as(path)
    assert struct.unpack_from("<d", path.read_bytes(), 1024 + 92) == (2.5e20,)


def test_dm_without_a_dose(tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    write_dm(tmp_path / "a.dm4", COUNTS, version=4, pixel_nm=0.5, interval_s=0.0125)
    assert NOT_SAID in _read_as(tmp_path / "a.dm4")

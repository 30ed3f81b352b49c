"""Small movies, and files in the layouts that the vendor's software writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from perrin.io.movie import Movie


@pytest.fixture
def frames() -> np.ndarray[Any, Any]:
    """250 frames of 12 x 17 pixels: fixed speckle with shot noise, as a camera sees glass."""
    rng = np.random.default_rng(11)
    glass = 30_000 * (1 + 0.01 * rng.standard_normal((12, 17)))
    return rng.poisson(glass, (250, 12, 17)).astype(np.uint16)


@pytest.fixture
def movie(frames: np.ndarray[Any, Any], two_mp: Callable[..., Movie]) -> Movie:
    """The same as a movie of a TwoMP."""
    return two_mp(frames)


Writer = Callable[..., Path]


@pytest.fixture
def write_hdf5(tmp_path: Path) -> Writer:
    """Write datasets by name (and attributes as `name@attribute`) to an HDF5 file."""

    def write(contents: dict[str, Any], name: str = "movie.mp") -> Path:
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, value in contents.items():
                if "@" not in key:
                    file[key] = value
            for key, value in contents.items():
                if "@" in key:
                    dataset, attribute = key.split("@")
                    file[dataset].attrs[attribute] = value
        return path

    return write


V2 = {
    "configuration/Devices/AcqCam/Height": 12,
    "configuration/Devices/AcqCam/Width": 17,
    "configuration/Devices/AcqCam/FrameRate": 1000.0,
    "configuration/Devices/AcqCam/ExposureTime": 0.95,
    "configuration/Devices/AcqCam/CameraName": b"Camera 2",
    "configuration/Engines/AcqMovieEngine/FrameBinning": 5,
    "configuration/Engines/AcqMovieEngine/PixelBinning": 4,
    "device_info/InstrumentName": b"Refeyn OneMP",
}
V3_ACQCAM = {
    "format_version_number": 3,
    "movie/configuration/Devices/AcqCam/Height": 12,
    "movie/configuration/Devices/AcqCam/Width": 17,
    "movie/configuration/Devices/AcqCam/FrameRate": 495.0,
    "movie/configuration/Devices/AcqCam/ExposureTime": 1.9,
    "movie/configuration/Devices/AcqCam/SoftwareFrameBinning": 5,
    "movie/configuration/Devices/AcqCam/SoftwarePixelBinning": 6,
    "movie/configuration/Devices/AcqCam/CameraName": b"Camera 3",
    "movie/device_info/InstrumentName": b"Refeyn TwoMP",
}
V3_ACQ_CAMERA = {
    "format_version_number": 3,
    "movie/configuration/acq_camera/frame_rate": 726.0,
    "movie/configuration/acq_camera/frame_binning": np.int32(3),
    "movie/configuration/acq_camera/pixel_binning": np.int32(6),
    "movie/configuration/acq_camera/exposure_time": 1.3,
    "movie/configuration/acq_camera/model": "Camera 4",
    "movie/device_serials/InstrumentName": "Refeyn TwoMP",
}


@pytest.fixture
def layouts() -> dict[str, dict[str, Any]]:
    """The metadata of each generation of files, as facts about the format say it."""
    return {"v2": dict(V2), "v3-AcqCam": dict(V3_ACQCAM), "v3-acq_camera": dict(V3_ACQ_CAMERA)}

"""Refeyn movies: .mp (format 2 and 3, two layouts of the metadata) and .mpr (format 4).

All are HDF5. The stored frame rate is the camera's and the pixel the camera's too: both are
binned before storage. The size of an unbinned pixel is not in the file; it follows from the
instrument where that is known, and is asked for otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from perrin.errors import PerrinError
from perrin.io.encoding import Coded, find_encoding
from perrin.io.found import RAW, Asked, Found
from perrin.io.hdf5 import coded_frames, hdf5_file, scalar, sources_problem, written
from perrin.io.movies.axes import Layout as Axes3

UNBINNED_PIXEL_NM = {"onemp": 19.3, "twomp": 11.8}
"""Camera pixel in the sample, by instrument (without the maker's name, lower case)."""

PIXEL_ATTRIBUTE = "perrin_pixel_nm"
"""Attribute of the frames in files that perrin wrote: the vendor's layout has no place."""

_FORMAT_OF_MPR = 4  # first format_version_number of .mpr


@dataclass(frozen=True)
class Layout:
    """Where one generation of files keeps what is asked for."""

    name: str
    root: str
    camera: str
    rate: str
    exposure: str
    model: str
    frame_binning: str
    pixel_binning: str
    instrument: str


ACQ_CAMERA = Layout(
    name="acq_camera metadata",
    root="movie/",
    camera="movie/configuration/acq_camera",
    rate="movie/configuration/acq_camera/frame_rate",
    exposure="movie/configuration/acq_camera/exposure_time",
    model="movie/configuration/acq_camera/model",
    frame_binning="movie/configuration/acq_camera/frame_binning",
    pixel_binning="movie/configuration/acq_camera/pixel_binning",
    instrument="movie/device_serials/InstrumentName",
)
_LAYOUTS = (
    ACQ_CAMERA,
    Layout(
        name="AcqCam metadata",
        root="movie/",
        camera="movie/configuration/Devices/AcqCam",
        rate="movie/configuration/Devices/AcqCam/FrameRate",
        exposure="movie/configuration/Devices/AcqCam/ExposureTime",
        model="movie/configuration/Devices/AcqCam/CameraName",
        frame_binning="movie/configuration/Devices/AcqCam/SoftwareFrameBinning",
        pixel_binning="movie/configuration/Devices/AcqCam/SoftwarePixelBinning",
        instrument="movie/device_info/InstrumentName",
    ),
    Layout(
        name="AcqMovieEngine metadata",
        root="",
        camera="configuration/Devices/AcqCam",
        rate="configuration/Devices/AcqCam/FrameRate",
        exposure="configuration/Devices/AcqCam/ExposureTime",
        model="configuration/Devices/AcqCam/CameraName",
        frame_binning="configuration/Engines/AcqMovieEngine/FrameBinning",
        pixel_binning="configuration/Engines/AcqMovieEngine/PixelBinning",
        instrument="device_info/InstrumentName",
    ),
)


def unbinned_pixel_nm(instrument: str | None) -> float | None:
    """Return the camera pixel in the sample, nanometers, None where it is not known."""
    name = (instrument or "").casefold().removeprefix("refeyn").strip()
    return UNBINNED_PIXEL_NM.get(name)


def is_refeyn(file: h5py.File) -> bool:
    """Whether an open HDF5 file has frames where Refeyn's software puts them."""
    return _frame_name(file) is not None


def _frame_name(file: h5py.File) -> str | None:
    # a bare "frame" can be anybody's: Refeyn's comes with the configuration
    for name, beside in (("movie/frame", "movie"), ("frame", "configuration")):
        node = file.get(name)
        if isinstance(node, h5py.Dataset) and node.ndim == 3 and beside in file:
            return name
    return None


def find_refeyn(path: Path, asked: Asked) -> Found:
    """Find the movie of a Refeyn file.

    Raises `PerrinError` where keyframes say that neither encoding is right.
    """
    with hdf5_file(path) as file:
        name = _frame_name(file)
        if name is None:
            raise PerrinError(f"{path} holds neither movie/frame nor frame; no Refeyn movie.")
        layout = _layout(file, name)
        settings = _settings(file, layout)
        version = scalar(file, "format_version_number")
        sign = scalar(file, "movie/configuration/scatter_interference_destructive")
        own_pixel = file[name].attrs.get(PIXEL_ATTRIBUTE)
        stored, note, problem = _stored(file[name], path, asked)
        coded = Coded(RAW) if problem else find_encoding(file, name, asked=asked.encoding)
        notes = [note for note in (coded.note, _clock(file, settings), note) if note]
        details = settings | {
            "format_version": version,
            "layout": layout.name,
            "dataset": name,
            "keyframes": 0 if coded.keys is None else len(coded.keys),
            **_measurement(file),
        }
    unbinned, binning = settings["unbinned_pixel_nm"], settings["pixel_binning"]
    pixel_nm = unbinned * binning if unbinned and binning else None
    is_mpr = isinstance(version, int) and version >= _FORMAT_OF_MPR
    return Found(
        path=path,
        format="mpr" if is_mpr else "mp",
        description=f"Refeyn {'.mpr' if is_mpr else '.mp'}, format {version or 2}, {layout.name}",
        frames=None if problem else coded_frames(path, name, coded, stored),
        axes_named=True,
        axes="TYX",
        stored_shape=stored.shape,
        problem=problem,
        frame_interval_s=_interval(settings),
        pixel_nm=pixel_nm if own_pixel is None else float(own_pixel),
        pixel_from="instrument" if own_pixel is None else "file",
        landing_sign=None if sign is None else (-1 if sign else 1),
        instrument=settings["instrument"],
        encoding=coded.encoding,
        details={key: value for key, value in details.items() if value is not None},
        notes=tuple(notes),
        asks=_asks(settings, pixel_nm=pixel_nm if own_pixel is None else own_pixel) | coded.asks,
    )


def _stored(data: h5py.Dataset, path: Path, asked: Asked) -> tuple[Axes3, str | None, str | None]:
    """Return the layout of the frames that are there, a note, and a problem."""
    if asked.axes is not None or asked.channel or asked.z:
        raise PerrinError(
            f"{path}: a Refeyn movie has one channel, (time, y, x); leave --axes, --channel and "
            "--z away."
        )
    if data.ndim != 3:
        raise PerrinError(f"{path}: {data.name} has the shape {data.shape}, not (time, y, x).")
    layout = Axes3(tuple(data.shape), 0, 1, 2)
    problem = sources_problem(data, path, follow=asked.follow_links)
    return written(data, layout) if problem is None else (layout, None, problem)


def _layout(file: h5py.File, name: str) -> Layout:
    """Return the layout whose camera the file has, or else the one its frames point to."""
    fitting = [layout for layout in _LAYOUTS if f"{layout.root}frame" == name]
    return next((layout for layout in fitting if layout.camera in file), fitting[0])


def _settings(file: h5py.File, layout: Layout) -> dict[str, Any]:
    instrument = scalar(file, layout.instrument)
    name = str(instrument) if instrument else None
    return {
        "instrument": name,
        "camera": scalar(file, layout.model),
        "camera_rate_hz": _positive(scalar(file, layout.rate)),
        "frame_binning": _positive(scalar(file, layout.frame_binning)),
        "pixel_binning": _positive(scalar(file, layout.pixel_binning)),
        "unbinned_pixel_nm": unbinned_pixel_nm(name),
        "exposure_ms": _positive(scalar(file, layout.exposure)),
    }


def _positive(value: str | float | None) -> float | None:
    """Return `value` if it is a usable number; zero and text count as not there."""
    if isinstance(value, str | bool) or value is None:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _interval(settings: dict[str, Any]) -> float | None:
    rate, binning = settings["camera_rate_hz"], settings["frame_binning"]
    return float(binning / rate) if rate and binning else None


def _asks(settings: dict[str, Any], *, pixel_nm: float | None) -> dict[str, str]:
    asks = {}
    if _interval(settings) is None:
        names = {"camera_rate_hz": "the camera's frame rate", "frame_binning": "the frame binning"}
        missing = " and ".join(text for key, text in names.items() if settings[key] is None)
        asks["frame_rate_hz"] = f"the file does not say {missing}"
    if pixel_nm is None and settings["unbinned_pixel_nm"] is not None:
        asks["pixel_nm"] = "the file does not say the pixel binning"
    elif pixel_nm is None:
        asks["pixel_nm"] = (
            "the file does not hold it, and it is known for the OneMP and the TwoMP only, "
            f"not for the instrument {settings['instrument']!r}"
        )
    return asks


def _measurement(file: h5py.File) -> dict[str, Any]:
    """What the operator typed in, and whether the vendor's own events are there too."""
    info = file.get("movie/measurement_info")
    names = list(info) if isinstance(info, h5py.Group) else []
    said = {name: scalar(file, f"movie/measurement_info/{name}") for name in names}
    events = file.get("analysis/events/events_fitted/contrasts")
    return {
        "measurement_info": {k: v for k, v in said.items() if v is not None} or None,
        "events_in_file": int(events.size) if isinstance(events, h5py.Dataset) else None,
    }


def _clock(file: h5py.File, settings: dict[str, Any]) -> str | None:
    """Say where the time stamps (ns) of the frames contradict the camera's settings."""
    stack, interval = file.get("movie/timeStack"), _interval(settings)
    if not isinstance(stack, h5py.Dataset) or interval is None or stack.shape[0] < 2:
        return None
    ends = np.asarray(stack[:: stack.shape[0] - 1], dtype=np.float64).reshape(2, -1)[:, 0]
    stamped = float(ends[1] - ends[0]) / (stack.shape[0] - 1) * 1e-9
    if abs(stamped / interval - 1) <= 1e-3:
        return None
    return (
        f"the time stamps are {stamped * 1e3:.4g} ms apart, the camera's settings say "
        f"{interval * 1e3:.4g} ms; the settings are used (were frames dropped?)"
    )

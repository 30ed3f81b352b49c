"""HyperSpy's own files: axes, interval and pixel by their groups axis-0, axis-1, axis-2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from perrin.io import inspect, open_movie

FRAMES = np.random.default_rng(1).normal(1000, 10, (12, 16, 20)).astype(np.uint16)
NANOMETERS = (("time", "s", 0.05), ("y", "nm", 100.0), ("x", "nm", 100.0))
AXES: dict[str, tuple[tuple[str, str, float], ...]] = {
    "named": NANOMETERS,
    "micrometers": (("time", "ms", 50.0), ("height", "µm", 0.1), ("width", "µm", 0.1)),
    "units alone": tuple(("<undefined>", unit, scale) for _, unit, scale in NANOMETERS),
}


def dictionary(axes: tuple[tuple[str, str, float], ...]) -> dict[str, Any]:
    """Return the movie as rosettasciio takes it."""
    described = [
        {"_type": "UniformDataAxis", "name": name, "units": unit, "scale": scale, "offset": 0.0,
         "size": size, "navigate": at == 0, "index_in_array": at}
        for at, ((name, unit, scale), size) in enumerate(zip(axes, FRAMES.shape, strict=True))
    ]  # fmt: skip
    known: dict[str, Any] = {"General": {"title": "m"}, "Signal": {"signal_type": ""}}
    empty: tuple[str, ...] = ("original_metadata", "learning_results", "tmp_parameters", "models")
    return {key: {} for key in (*empty, "package_info")} | {
        "data": FRAMES, "axes": described, "metadata": known, "package": "hyperspy",
        "package_version": "2", "attributes": {"_lazy": False, "ragged": False},
    }  # fmt: skip


@pytest.mark.parametrize("kind", AXES)
def test_hspy_as_rosettasciio_writes_it(kind: str, tmp_path: Path) -> None:
    hspy = pytest.importorskip("rsciio.hspy")
    path = tmp_path / "a.hspy"
    hspy.file_writer(str(path), dictionary(AXES[kind]))
    with open_movie(path, contents="moving") as movie:
        np.testing.assert_array_equal(movie.frames[:], FRAMES)
        assert movie.frame_interval_s == pytest.approx(0.05)
        assert movie.pixel_nm == pytest.approx(100)
        assert "axes TYX (as named)" in movie.read_as


def test_time_is_where_its_axis_is(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    with h5py.File(path, "w") as file:
        group = file.create_group("Experiments/m")
        group["data"] = np.moveaxis(FRAMES, 0, 2)
        for at, axis in enumerate((1, 2, 0)):
            name, unit, scale = NANOMETERS[axis]
            one = group.create_group(f"axis-{at}")
            one.attrs.update({"name": name, "units": unit, "scale": scale})
    with open_movie(path, contents="moving") as movie:
        np.testing.assert_array_equal(movie.frames[:], FRAMES)


def test_zspy(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.zspy"
    root = zarr.open_group(str(path), mode="w", zarr_format=2)
    group = root.create_group("Experiments").create_group("m")
    group.create_array("data", data=FRAMES, chunks=(4, 16, 20))
    for at, (name, unit, scale) in enumerate(NANOMETERS):
        group.create_group(f"axis-{at}").attrs.update({"name": name, "units": unit, "scale": scale})
    seen = inspect(path)
    assert (seen.frame_interval_s, seen.pixel_nm, seen.missing) == (0.05, 100, ())


def test_axes_without_names_and_units_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    with h5py.File(path, "w") as file:
        group = file.create_group("Experiments/m")
        group["data"] = FRAMES
        for at in range(3):
            named = {"name": "<undefined>", "units": "<undefined>", "scale": 1.0}
            group.create_group(f"axis-{at}").attrs.update(named)
    seen = inspect(path)
    assert seen.missing == ("frame_rate_hz", "pixel_nm")
    assert seen.details["axes_named"] is False


def test_matlabs_reversed_axes_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["movie"] = FRAMES.transpose(0, 2, 1)
        file["movie"].attrs["MATLAB_class"] = np.bytes_("uint16")
    assert "--axes TXY" in str(inspect(path).notes)
    seen = inspect(path, axes="TXY")
    assert seen.shape == FRAMES.shape
    assert "MATLAB" not in str(seen.notes)

"""Small valid files of the kinds that perrin reads, made by code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import tifffile

from perrin.io.tables import write_events


def _events() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    contrast = -rng.normal(0.0026, 0.0002, 40)
    return pd.DataFrame(
        {
            "measurement": pd.Series(["a"] * 40, dtype="str"),
            "event": np.arange(40),
            "frame": np.arange(40) * 7 + 30,
            "x_px": rng.uniform(5, 90, 40),
            "y_px": rng.uniform(5, 30, 40),
            "contrast": contrast,
            "mass_kda": contrast / -4e-5,
            "retained": np.arange(40) % 5 != 0,
        }
    )


def _vendor() -> pd.DataFrame:
    events = _events()
    names = {"frame": "frame_indices", "contrast": "contrasts", "mass_kda": "masses_kDa"}
    return events[[*names, "x_px", "y_px"]].rename(columns=names | {"x_px": "x_coords"})


def _tracks() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = []
    for particle in range(3):
        steps = rng.normal(0, 0.5, (15, 2)).cumsum(axis=0) + 20
        rows += [(particle, k, *steps[k]) for k in range(15)]
    return pd.DataFrame(rows, columns=["particle", "frame", "x", "y"])


def _movie() -> np.ndarray:
    light = np.random.default_rng(3).normal(1000, 10, (12, 16, 16))
    return light.astype(np.uint16)


def _discovermp_csv(path: Path) -> None:
    footer = "\n# Refeyn DiscoverMP 2.3.0; Refeyn Ltd\n# Time created: 2020-11-20\n"
    path.write_text(_vendor().to_csv(index=False) + footer)


def _discovermp_h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, values in _vendor().items():
            file[str(name)] = values.to_numpy()
        model = file.create_group("calibration")
        model["gradient"], model["offset"] = -4e-5, 0.0
        model["labels/__is_list__"] = 0
        model["labels/0"] = "M1"
        file["app_info/version"] = "2024.1.0"


def _hdf5_movie(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["frames"] = _movie()


def _imagej(path: Path) -> None:
    tifffile.imwrite(path, _movie(), imagej=True, metadata={"axes": "TYX", "finterval": 0.01})


def _zarr(path: Path) -> None:
    import zarr

    zarr.create_array(store=str(path), data=_movie(), chunks=(4, 16, 16))


def _json(path: Path) -> None:
    path.write_text('{"format_version": 1, "gradient_per_kda": -4e-05, "offset": 0.0}')


EVENTS: dict[str, Callable[[Path], None]] = {
    "own.csv": lambda path: write_events(_events(), path),
    "own.h5": lambda path: write_events(_events(), path),
    "own.parquet": lambda path: write_events(_events(), path),
    "fitted.csv": _discovermp_csv,
    "export.h5": _discovermp_h5,
    "named.csv": lambda path: _vendor().to_csv(path, index=False),
    "semicolons.csv": lambda path: _vendor().to_csv(path, index=False, sep=";", decimal=","),
    "utf16.txt": lambda path: _vendor().to_csv(path, index=False, sep="\t", encoding="utf-16"),
    "named.parquet": lambda path: _vendor().to_parquet(path),
}
"""How each kind of event table is written, by the name of its file."""
TRACKS: dict[str, Callable[[Path], None]] = {
    "tracks.csv": lambda path: _tracks().to_csv(path, index=False),
    "tracks.parquet": lambda path: _tracks().to_parquet(path),
    "tracks.npy": lambda path: np.save(path, _tracks()[["x", "y", "frame", "particle"]]),
}
MOVIES: dict[str, Callable[[Path], None]] = {
    "movie.npy": lambda path: np.save(path, _movie()),
    "movie.tif": lambda path: tifffile.imwrite(path, _movie()),
    "imagej.tif": _imagej,
    "movie.h5": _hdf5_movie,
    "movie.zarr": _zarr,
}
OTHERS: dict[str, Callable[[Path], None]] = {"calibration.json": _json}

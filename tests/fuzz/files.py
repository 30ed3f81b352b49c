"""Small valid files of the kinds that perrin reads, made by code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import tifffile

from perrin.io.tables import write_events
from perrin.io.track_formats import write_napari, write_trackmate, write_tracks_csv


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


def _ome_zarr(path: Path) -> None:
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    group.create_array("0", data=_movie(), chunks=(4, 16, 16))
    scale = {"type": "scale", "scale": [0.01, 0.08, 0.08]}
    units = ("second", "micrometer", "micrometer")
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": a, "unit": u} for a, u in zip("tyx", units, strict=True)],
            "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
        }
    ]


def _pictures(path: Path) -> None:
    from PIL import Image

    path.mkdir()
    for number, frame in enumerate(_movie()):
        Image.fromarray(frame).save(path / f"f_{number}.png")


def _micro_manager(path: Path) -> None:
    path.mkdir()
    said: dict[str, object] = {"Summary": {"Frames": 12, "PixelSize_um": 0.08, "Interval_ms": 10}}
    for number, frame in enumerate(_movie()):
        tifffile.imwrite(path / f"img_{number:09d}_Default_000.tif", frame)
        said[f"FrameKey-{number}-0-0"] = {"ElapsedTime-ms": 10.0 * number, "Frame": number}
    (path / "metadata.txt").write_text(json.dumps(said))


def _ome(path: Path) -> None:
    told = {"axes": "TYX", "PhysicalSizeX": 0.08, "PhysicalSizeY": 0.08, "TimeIncrement": 0.01}
    tifffile.imwrite(path, _movie(), ome=True, photometric="minisblack", metadata=told)


def _mrc(path: Path) -> None:
    import mrcfile

    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(_movie().astype(np.int16))
        file.voxel_size = 800.0


def _video(path: Path) -> None:
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("png", rate=25)
        stream.height, stream.width, stream.pix_fmt = 16, 16, "gray"
        for frame in (_movie() >> 3).astype(np.uint8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        out.mux(stream.encode())


def _compressed(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", data=_movie(), chunks=(4, 16, 16), compression="gzip")


def _own_tracks(path: Path) -> None:
    told = {"x_se": 0.1, "y_se": 0.1, "pixel_nm": 80.0, "frame_interval_s": 0.01, "exposure": 0.5}
    write_tracks_csv(_tracks().assign(**told), path)


def _spots(path: Path) -> None:
    write_trackmate(_tracks(), path, pixel_nm=80.0, frame_interval_s=0.01)


def _btrack(path: Path) -> None:
    tracks = _tracks()
    with h5py.File(path, "w") as file:
        file["objects/obj_type_1/coords"] = tracks[["frame", "x", "y"]].assign(z=0).to_numpy()
        file["tracks/obj_type_1/tracks"] = np.arange(len(tracks))
        file["tracks/obj_type_1/map"] = np.array([[15 * k, 15 * k + 15] for k in range(3)])


def _matlab(path: Path) -> None:
    from scipy.io import savemat

    rows = _tracks()[["x", "y", "frame", "particle"]].to_numpy()
    savemat(path, {"tracks": rows}, do_compression=True)


def _record(table: pd.DataFrame, path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["locs"] = table.to_records(index=False)


def _level_4(path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"tracks": _tracks()[["x", "y", "frame", "particle"]].to_numpy()}, format="4")


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
    "record.h5": lambda path: _record(_vendor(), path),
    "named.parquet": lambda path: _vendor().to_parquet(path),
}
"""How each kind of event table is written, by the name of its file."""
TRACKS: dict[str, Callable[[Path], None]] = {
    "own_tracks.csv": _own_tracks,
    "tracks.csv": lambda path: _tracks().to_csv(path, index=False),
    "tracks.xml": _spots,
    "tracks.parquet": lambda path: _tracks().to_parquet(path),
    "tracks.npy": lambda path: np.save(path, _tracks()[["x", "y", "frame", "particle"]]),
    "napari.npy": lambda path: write_napari(_tracks(), path),
    "tracks.mat": _matlab,
    "level4.mat": _level_4,
    "tracks.feather": lambda path: _tracks().to_feather(path),
    "btrack.h5": _btrack,
    "record.h5": lambda path: _record(_tracks(), path),
}
MOVIES: dict[str, Callable[[Path], None]] = {
    "movie.npy": lambda path: np.save(path, _movie()),
    "movie.tif": lambda path: tifffile.imwrite(path, _movie(), photometric="minisblack"),
    "deflate.tif": lambda path: tifffile.imwrite(
        path, _movie(), photometric="minisblack", compression="zlib"
    ),
    "imagej.tif": _imagej,
    "movie.ome.tif": _ome,
    "movie.h5": _hdf5_movie,
    "gzip.h5": _compressed,
    "movie.mrc": _mrc,
    "movie.mov": _video,
}
FOLDERS: dict[str, Callable[[Path], None]] = {
    "movie.zarr": _zarr,
    "ome.zarr": _ome_zarr,
    "pictures": _pictures,
    "micro_manager": _micro_manager,
}
"""Movies that are folders of files."""
OTHERS: dict[str, Callable[[Path], None]] = {"calibration.json": _json}

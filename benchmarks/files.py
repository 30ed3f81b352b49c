"""How fast each movie format is read.

One simulated 60 s movie, 14,500 frames of 151 x 38 uint16 (166 MB of pixels, preset ``bsa``), in
every format that `perrin.open_movie` reads. Timed: opening, and reading all frames in the
pieces of 1,024 that the analysis takes. The files are in the system's cache, so this is the
work of the reader, not of the disk.

Run: ``python benchmarks/files.py`` (about a minute).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import tifffile
import zarr

from _measure import keep_to_two_cores, megabytes, print_table, timed
from perrin import Movie, open_movie, write_mp, write_mpr
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

SEGMENT_FRAMES = 1024
REPEATS = 5


def main() -> None:
    """Print the table."""
    keep_to_two_cores()
    movie, _ = simulate_movie(preset("bsa"), seconds=60, seed=1)
    rows = []
    with tempfile.TemporaryDirectory(prefix="perrin-bench-") as folder:
        for name, (file_name, write) in FORMATS.items():
            path = Path(folder, file_name)
            write(path, movie)
            timing = timed(partial(read, path, movie), repeats=REPEATS)
            rows.append((name, megabytes(size_of(path)), timing))
    print_table(("format", "file", "opened and read"), rows)


def read(path: Path, movie: Movie) -> None:
    """Open a file and read all its frames, a piece at a time."""
    with open_movie(
        path,
        pixel_nm=movie.pixel_nm,
        frame_rate_hz=1 / movie.frame_interval_s,
        landing_sign=movie.landing_sign,
        dataset="frames" if path.suffix == ".h5" else None,
    ) as opened:
        for start in range(0, opened.n_frames, SEGMENT_FRAMES):
            opened.frames[start : start + SEGMENT_FRAMES]


def write_hdf5(path: Path, movie: Movie) -> None:
    """Write a dataset of an HDF5 file of nobody's layout."""
    with h5py.File(path, "w") as file:
        file["frames"] = movie.frames[:]


def write_zarr(path: Path, movie: Movie) -> None:
    """Write a Zarr array, 128 frames a chunk, zarr's own compression."""
    array = zarr.create_array(
        path, shape=movie.frames.shape, chunks=(128, movie.height, movie.width), dtype="uint16"
    )
    array[:] = movie.frames[:]


FORMATS: dict[str, tuple[str, Callable[[Path, Movie], object]]] = {
    ".mp, plain": ("plain.mp", write_mp),
    ".mp, compressed": (
        "compressed.mp",
        lambda path, movie: write_mp(path, movie, compressed=True),
    ),
    ".mpr": ("movie.mpr", write_mpr),
    "TIFF, plain": ("plain.tif", lambda path, movie: tifffile.imwrite(path, movie.frames[:])),
    "TIFF, deflate": (
        "deflate.tif",
        lambda path, movie: tifffile.imwrite(path, movie.frames[:], compression="zlib"),
    ),
    "NumPy .npy": ("movie.npy", lambda path, movie: np.save(path, movie.frames[:])),
    "HDF5 dataset": ("movie.h5", write_hdf5),
    "Zarr, compressed": ("movie.zarr", write_zarr),
}


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())


if __name__ == "__main__":
    main()

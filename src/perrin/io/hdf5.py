"""Movies in HDF5: any dataset by its name, and what the vendor's readers share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  registers the Zstandard filter (32015) with HDF5
import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.difference import DifferenceCoded
from perrin.io.encoding import Coded, find_encoding
from perrin.io.found import RAW, TIME_DIFFERENCE, Found
from perrin.io.movie import LazyFrames

Array = npt.NDArray[Any]


def open_hdf5(path: Path) -> h5py.File:
    """Open `path` for reading; `PerrinError` where HDF5 cannot, a truncated file included."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path, error) from error


@contextmanager
def hdf5_file(path: Path) -> Iterator[h5py.File]:
    """As `open_hdf5`, closed at the end; a failing read inside is a `PerrinError` too."""
    with open_hdf5(path) as file:
        try:
            yield file
        except (OSError, RuntimeError) as error:  # what HDF5 raises for broken blocks
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> PerrinError:
    kind = "a truncated" if "truncated" in str(error) else "a damaged"
    return PerrinError(
        f"{path} is {kind} HDF5 file: {error}. Copy it again from where it was recorded."
    )


class Hdf5Frames(LazyFrames):
    """Frames stored as they are in the dataset `dataset`."""

    def __init__(self, path: Path, dataset: str) -> None:
        self._file = open_hdf5(path)
        self.dataset = dataset
        self._data = self._file[dataset]
        super().__init__(path, self._data.shape, self._data.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dataset)

    def _read(self, start: int, stop: int) -> Array:
        return self._stored(self._data, start, stop)

    def _stored(self, data: h5py.Dataset, start: int, stop: int) -> Array:
        if not self._file:
            raise PerrinError(f"{self.path}: the movie was closed; open it again to read frames.")
        frames: Array = np.empty((stop - start, *self.shape[1:]), data.dtype)
        try:
            data.read_direct(frames, np.s_[start:stop])
        except OSError as error:
            raise PerrinError(
                f"{self.path}: frames {start} to {stop - 1} of {data.name} cannot be read: "
                f"{error}. The file is damaged; copy it again from where it was recorded."
            ) from error
        return frames

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._file.close()


class DifferenceFrames(Hdf5Frames):
    """Frames stored as differences in time, decoded in bounded memory.

    keyframe: name of the dataset of whole frames, and keys: the frame number of each; None
    where the file has none (then nothing verifies the decoding). Raises `PerrinError` on
    reading past a keyframe that differs.
    """

    def __init__(
        self,
        path: Path,
        dataset: str,
        keyframe: str | None = None,
        keys: npt.NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(path, dataset)
        self.keyframe = keyframe
        self.keys = keys
        if self.dtype.kind != "u":
            self.close()
            raise PerrinError(
                f"{path}: {dataset} holds {self.dtype}; difference-coded frames are unsigned "
                f"integers. Open it with encoding={RAW!r}."
            )
        whole = self._file[keyframe] if keyframe else None
        self._coded = DifferenceCoded(
            read=lambda start, stop: self._stored(self._data, start, stop),
            read_key=lambda index: self._stored(whole, index, index + 1)[0],
            keys=keys,
            name=str(path),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dataset, self.keyframe, self.keys)

    def _read(self, start: int, stop: int) -> Array:
        return self._coded.decode(start, stop)


def scalar(file: h5py.File, name: str) -> str | int | float | bool | None:
    """Return the single value of a dataset as a Python object, None where there is none."""
    node = file.get(name)
    if not isinstance(node, h5py.Dataset) or node.size != 1:
        return None
    value = np.asarray(node[()]).reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip("\0 ")
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def arrays(file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Return name and shape of each dataset that could be a movie."""
    found: dict[str, tuple[int, ...]] = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and node.ndim == 3 and node.dtype.kind in "uif":
            found[name] = node.shape

    file.visititems(visit)
    return found


def find_hdf5(path: Path, *, dataset: str | None, encoding: str | None) -> Found:
    """Find the dataset `dataset` of an HDF5 file that is no vendor's.

    Raises `PerrinError` where it is not there or where the file holds no movie.
    """
    with hdf5_file(path) as file:
        candidates = arrays(file)
        listed = ", ".join(f"{name} {shape}" for name, shape in candidates.items()) or "none"
        if dataset is None and not candidates:
            raise PerrinError(
                f"{path} is an HDF5 file without a movie: no dataset has three axes. "
                f"It holds {', '.join(list(file)[:8]) or 'nothing'}. "
                "Event tables are read with perrin.read_events."
            )
        if dataset is not None and not isinstance(file.get(dataset), h5py.Dataset):
            raise PerrinError(
                f"{path} has no dataset {dataset!r}; datasets with three axes: {listed}."
            )
        coded = Coded(RAW)
        if dataset is not None and file[dataset].ndim == 3:
            coded = find_encoding(file, dataset, asked=encoding)
    if dataset is None:
        return Found(
            path=path,
            format="hdf5",
            description="HDF5",
            frames=None,
            axes_named=False,
            notes=(f"datasets with three axes: {listed}",),
            asks={"dataset": f"which dataset is the movie; there are: {listed}"},
        )
    return Found(
        path=path,
        format="hdf5",
        description=f"HDF5, dataset {dataset}",
        frames=coded_frames(path, dataset, coded),
        axes_named=False,
        encoding=coded.encoding,
        details={"dataset": dataset},
        notes=(coded.note,) if coded.note else (),
        asks=coded.asks,
    )


def coded_frames(path: Path, dataset: str, coded: Coded) -> Hdf5Frames:
    """Return the frames of `dataset`, decoded where they are differences."""
    if coded.encoding == TIME_DIFFERENCE:
        return DifferenceFrames(path, dataset, coded.keyframe, coded.keys)
    return Hdf5Frames(path, dataset)

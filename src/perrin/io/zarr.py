"""Movies in a Zarr folder (needs the extra `zarr`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.io.found import Found, refuse_encoding
from perrin.io.movie import LazyFrames

Array = npt.NDArray[Any]


class ZarrFrames(LazyFrames):
    """Frames in the array `dataset` of a Zarr folder ("" for a folder that is an array)."""

    def __init__(self, path: Path, dataset: str) -> None:
        self.dataset = dataset
        self._array = _open(path, dataset)
        super().__init__(path, tuple(self._array.shape), np.dtype(self._array.dtype))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dataset)

    def _read(self, start: int, stop: int) -> Array:
        if self._array is None:
            raise PerrinError(f"{self.path}: the movie was closed; open it again to read frames.")
        return np.asarray(self._array[start:stop])

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._array = None


def find_zarr(path: Path, *, dataset: str | None, encoding: str | None) -> Found:
    """Find the movie in a Zarr folder: the array that it is, or the one named `dataset`.

    Raises `PerrinError` where there is none, or without the package zarr.
    """
    refuse_encoding(encoding, path, "Zarr")
    root = _open(path, "")
    if dataset is None and hasattr(root, "members"):
        listed = ", ".join(
            f"{name} {tuple(node.shape)}"
            for name, node in root.members(max_depth=None)
            if getattr(node, "ndim", 0) == 3
        )
        if not listed:
            raise PerrinError(f"{path} is a Zarr folder without a movie: no array has three axes.")
        return Found(
            path=path,
            format="zarr",
            description="Zarr group",
            frames=None,
            axes_named=False,
            notes=(f"arrays with three axes: {listed}",),
            asks={"dataset": f"which array is the movie; there are: {listed}"},
        )
    return Found(
        path=path,
        format="zarr",
        description=f"Zarr array{f' {dataset}' if dataset else ''}",
        frames=ZarrFrames(path, dataset or ""),
        axes_named=False,
        details={"dataset": dataset} if dataset else {},
    )


def _open(path: Path, dataset: str) -> Any:
    """Return the Zarr array or group `dataset` of the folder."""
    try:
        import zarr
    except ImportError as error:
        raise PerrinError(
            f"{path} is a Zarr folder, and the package zarr is not installed: "
            "pip install 'perrin[zarr]'."
        ) from error
    try:
        return zarr.open(path, path=dataset or None, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise PerrinError(f"{path}: no Zarr array {dataset!r} can be read: {error}.") from error

"""Movies in a file of plain pixels: NumPy's .npy, and what TIFF shares with it."""

from __future__ import annotations

import mmap
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movies.axes import Layout, lay_out
from perrin.io.movies.frames import LaidOutFrames, closed
from perrin.types import Array


class MappedFrames(LaidOutFrames):
    """Frames that lie one behind the other in a file, from byte `offset` on."""

    def __init__(
        self,
        path: Path,
        layout: Layout,
        stored: np.dtype[Any],
        offset: int,
        order: Literal["C", "F"] = "C",
    ) -> None:
        super().__init__(path, layout, stored)
        self._arguments = (path, layout, stored, offset, order)
        shape = layout.shape
        if layout.held is not None and layout.time == 0:
            shape = (layout.held, *shape[1:])
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._map: Array | None = np.ndarray(shape, stored, mapped, offset, order=order)
        except (OSError, ValueError, TypeError) as error:
            raise PerrinError(
                f"{path} is truncated or damaged: {layout.shape} pixels of {stored} do not fit in "
                f"{path.stat().st_size} bytes ({error}). Copy it again from its source."
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def _read(self, start: int, stop: int) -> Array:
        if self._map is None:
            raise closed(self.path)
        if self.layout.plain:
            return np.array(self._map[start:stop], dtype=self.dtype, order="C")
        block = self._map[self.layout.key(start, stop)]
        # a copy in memory: a view would keep the file mapped and break when it changes
        return np.array(self.layout.arrange(block), dtype=self.dtype, order="C")

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        self._map = None


def find_npy(path: Path, asked: Asked) -> Found:
    """Find the movie in a .npy file. Raises `PerrinError` for a damaged header."""
    refuse_encoding(asked.encoding, path, ".npy")
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, by_column, dtype = header(file)
            offset = file.tell()
    except (
        ValueError,
        OverflowError,
        RecursionError,
        MemoryError,
        SyntaxError,
        TokenError,
    ) as error:
        raise PerrinError(
            f"{path} has a damaged .npy header: {error}. Copy it again from its source."
        ) from error
    if dtype.hasobject:
        raise PerrinError(f"{path} holds Python objects, not pixels; save an array of numbers.")
    if dtype.names or dtype.kind not in "uifb":
        raise PerrinError(f"{path} holds {dtype}; a movie holds real numbers, (time, y, x).")
    axes = lay_out(shape, None, asked)
    frames = None
    if axes.layout is not None:
        frames = MappedFrames(path, axes.layout, dtype, offset, "F" if by_column else "C")
    return Found(
        path=path,
        format="npy",
        description="NumPy array",
        frames=frames,
        axes_named=axes.named,
        axes=axes.letters,
        stored_shape=tuple(shape),
        problem=axes.problem,
        notes=axes.notes,
    )

"""A movie whose pixels are averaged in squares, as a camera bins them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perrin.errors import PerrinError
from perrin.io.movie import ArrayFrames, FrameSource, Movie
from perrin.types import Array

_LEAST_PX = 16  # rows and columns that have to be left


class BinnedFrames(ArrayFrames):
    """Means (T, Y // n, X // n) of n x n pixels of another source, 32-bit floats."""

    def __init__(self, source: FrameSource, n: int) -> None:
        frames, height, width = source.shape
        self.shape = (frames, height // n, width // n)
        self.dtype = np.dtype(np.float32)
        self._source = source
        self._n = n

    def _read(self, start: int, stop: int) -> Array:
        _, height, width = self.shape
        n = self._n
        whole = self._source[start:stop][:, : height * n, : width * n]
        squares = whole.reshape(len(whole), height, n, width, n)
        means: Array = squares.mean(axis=(2, 4), dtype=np.float64).astype(np.float32)
        return means


def binned(movie: Movie, n: int) -> Movie:
    """Return the movie with n x n pixels averaged into one that is n times as large.

    Rows and columns that do not fill a square are left out; a note says so, and the pixel size
    of the result is that of the large pixels. Raises `PerrinError` where too few are left.
    """
    if n == 1:
        return movie
    _, height, width = movie.frames.shape
    if min(height, width) // n < _LEAST_PX:
        raise PerrinError(
            f"{movie.name}: binning {n} x {n} leaves {height // n} x {width // n} pixels of "
            f"{height} x {width}; {_LEAST_PX} each way are needed. Bin less."
        )
    said = f"binned {n} x {n} to {height // n} x {width // n} px"
    if height % n or width % n:
        said += f" ({height % n} rows and {width % n} columns left out)"
    notes = [*movie.provenance.get("notes", ()), said]
    return replace(
        movie,
        frames=BinnedFrames(movie.frames, n),
        pixel_nm=movie.pixel_nm * n,
        provenance={**movie.provenance, "notes": notes},
    )

"""The movie as it is shown with its tracks: the whole field in compressed pictures.

Their size is bounded: a long movie is shown in every so many frames, a large one in larger
pixels. What is drawn over them is drawn where it is looked at.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from perrin.io.movie import Movie
from perrin.tracking.background import contrast
from perrin.types import Array, Float32Array, FloatArray, IntArray

MOST_BYTES = 3_400_000
"""Of all pictures together: in base64 a third more."""
_QUALITY = 60
_SHADES = (0.2, 99.8)  # percentiles of the pixels that are black and white
_LOOKED_AT = 8  # frames that shades and size are taken from
_SPARE = 0.95  # of the bytes, for frames that compress less than those


@dataclass(frozen=True)
class Clip:
    """Pictures of F frames, contrast from `low` (black) to `high` (white).

    frame (F,): their numbers. averaged: camera pixels each way that are one of a picture.
    start (F + 1,), data (N,) uint8: picture k is the JPEG file data[start[k] : start[k + 1]].
    """

    frame: IntArray
    averaged: int
    low: float
    high: float
    start: IntArray
    data: Array

    def picture(self, k: int) -> bytes:
        """Return the JPEG file of picture k."""
        return self.data[self.start[k] : self.start[k + 1]].tobytes()


def shown_clip(
    movie: Movie, mean: Float32Array, *, frames: int, most_bytes: int = MOST_BYTES
) -> Clip | None:
    """Return at most `frames` frames, evenly spaced, in at most `most_bytes`; None for 0 frames.

    mean: (Y, X), the mean background.
    """
    if not frames:
        return None
    number = np.arange(0, movie.n_frames, -(-movie.n_frames // frames))
    some = number[np.linspace(0, len(number) - 1, _LOOKED_AT).astype(int)]
    averaged = 0
    low = high = size = np.inf
    while size * len(number) > _SPARE * most_bytes and averaged < min(mean.shape) // 2:
        averaged += 1
        shown = _shown(movie, mean, some, averaged)
        low, high = (float(value) for value in np.percentile(shown, _SHADES))
        size = float(np.mean([len(_jpeg(image, low, high)) for image in shown]))
    files = [
        _jpeg(image, low, high)
        for k in range(0, len(number), _LOOKED_AT)
        for image in _shown(movie, mean, number[k : k + _LOOKED_AT], averaged)
    ]
    start = np.cumsum([0, *map(len, files)])
    return Clip(number, averaged, low, high, start, np.frombuffer(b"".join(files), np.uint8))


def _shown(movie: Movie, mean: Float32Array, number: IntArray, averaged: int) -> Float32Array:
    """Return the contrast (F, Y, X) of frames in larger pixels."""
    frames = [_averaged(movie.frames[k : k + 1][0], averaged) for k in number]
    return contrast(np.stack(frames), _averaged(mean, averaged).astype(np.float32), sign=1)


def _averaged(image: Array, size: int) -> FloatArray | Array:
    """Return an image (Y, X) in squares of `size` pixels; what is left at the far edges goes."""
    if size == 1:
        return image
    rows, columns = (n // size for n in image.shape)
    inner = image[: rows * size, : columns * size]
    whole = inner.dtype.kind in "iu"
    down = np.add.reduceat(
        inner, np.arange(0, rows * size, size), axis=0, dtype=np.int64 if whole else np.float64
    )
    return np.add.reduceat(down, np.arange(0, columns * size, size), axis=1) / size**2


def _jpeg(image: Float32Array, low: float, high: float) -> bytes:
    from PIL import Image

    shades = np.clip((image - low) * (255 / max(high - low, 1e-12)), 0, 255)
    held = io.BytesIO()
    Image.fromarray(np.rint(shades).astype(np.uint8)).save(held, "JPEG", quality=_QUALITY)
    return held.getvalue()

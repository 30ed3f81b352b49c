"""Pixels that do not see: dead, hot, flickering and saturated ones are found and filled.

One such pixel reaches everything that is filtered in space, and a dead one (0 counts) has no
ratio at all. Each is replaced, in every frame, by what a parabola through the living pixels of
its 5 x 5 neighborhood has in its place: exact for a smooth spot as wide as the PSF.

What is looked for, in frames from all over the movie:

dead, hot
    light of half or one and a half times that of the neighborhood (speckle is 1e-2);
flickering
    changes from frame to frame of four times those of the other pixels in a tenth of the frames;
saturated
    more than 1% of the frames at the highest count, where counts pile up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import ArrayFrames, FrameSource, Movie
from perrin.types import Array, BoolArray, FloatArray

_BLOCKS, _BLOCK_FRAMES = 4, 48
_LOWEST, _HIGHEST = 0.5, 1.5
_FLICKER = 4.0
_OFTEN = 0.01
_PILED, _LEAST_PILED = 2.0, 20  # over the count below; a tail of noise falls
_MOST = 0.1  # of the field can be filled
_REACH_PX = 2
_LEAST_LIVING = 10  # for the six numbers of a parabola


@dataclass(frozen=True)
class BadPixels:
    """Which pixels do not see, each (Y, X), and the fraction of counts that were saturated."""

    dead: BoolArray
    hot: BoolArray
    flickering: BoolArray
    saturated: BoolArray
    saturated_fraction: float

    @property
    def any(self) -> BoolArray:
        """Pixels that are filled (Y, X)."""
        found: BoolArray = self.dead | self.hot | self.flickering | self.saturated
        return found

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        names = ("dead", "hot", "flickering", "saturated")
        return {name: int(getattr(self, name).sum()) for name in names}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know; nothing where all pixels see."""
        if not self.any.any():
            return ()
        said = ", ".join(f"{number} {name}" for name, number in self.counts.items() if number)
        text = f"{said} of {self.any.size} pixels: filled from their neighbors in every frame"
        if self.saturated_fraction > 0:
            text += f". {self.saturated_fraction:.2%} of all counts are saturated: use less light"
        return (text,)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return {**self.counts, "saturated_fraction": self.saturated_fraction}


class FilledFrames(ArrayFrames):
    """Frames (T, Y, X) of another source whose bad pixels are filled as they are read."""

    def __init__(self, source: FrameSource, bad: BoolArray) -> None:
        self.shape = source.shape
        self.dtype = source.dtype
        self._source = source
        self._bad = np.flatnonzero(bad)
        self._from, self._weights = _fillers(bad)

    def _read(self, start: int, stop: int) -> Array:
        frames = np.array(self._source[start:stop])
        flat = frames.reshape(len(frames), -1)
        for pixel, others, weights in zip(self._bad, self._from, self._weights, strict=True):
            value = flat[:, others] @ weights
            flat[:, pixel] = np.rint(np.maximum(value, 0)) if self.dtype.kind in "ui" else value
        return frames


def without_bad_pixels(movie: Movie) -> tuple[Movie, BadPixels]:
    """Return the movie with its bad pixels filled (itself where there are none), and which.

    Raises `PerrinError` where more than a tenth of the field is bad: there is no movie left.
    """
    found = find_bad_pixels(movie)
    fraction = float(found.any.mean())
    if fraction > _MOST:
        said = ", ".join(f"{number} {name}" for name, number in found.counts.items())
        raise PerrinError(
            f"{fraction:.0%} of the pixels of {movie.name} do not see ({said}): too many to fill. "
            "Where the light saturates the camera, use less; cut dark margins off."
        )
    if fraction == 0:
        return movie, found
    return replace(movie, frames=FilledFrames(movie.frames, found.any)), found


def find_bad_pixels(movie: Movie) -> BadPixels:
    """Look for bad pixels in up to 192 frames from all over a movie."""
    from scipy.ndimage import median_filter

    starts = np.linspace(0, max(movie.n_frames - _BLOCK_FRAMES, 0), _BLOCKS).astype(int)
    blocks = [np.asarray(movie.frames[k : k + _BLOCK_FRAMES]) for k in np.unique(starts)]
    sample = np.concatenate(blocks)
    mean = sample.mean(axis=0, dtype=np.float64)
    around = median_filter(mean, size=5, mode="nearest")
    dead, hot = mean < _LOWEST * around, mean > _HIGHEST * around
    change = _changes(blocks)
    usual = float(np.median(change))
    flickering: BoolArray = change > (_FLICKER * usual if usual > 0 else np.inf)
    at_most = _piled(sample)
    saturated: BoolArray = at_most.mean(axis=0) > _OFTEN
    return BadPixels(
        dead=dead,
        hot=hot & ~saturated,
        flickering=flickering & ~dead & ~hot & ~saturated,
        saturated=saturated,
        saturated_fraction=float(at_most.mean()),
    )


def _changes(blocks: list[Array]) -> FloatArray:
    """Change (Y, X) from frame to frame that a tenth exceed: a molecule changes but one frame.

    Over the root of the pixel's light, and with the power of the laser out.
    """
    steps = []
    for block in blocks:
        light = block.astype(np.float32)
        light /= np.maximum(np.median(light, axis=(1, 2), keepdims=True), 1e-12)
        steps.append(np.abs(np.diff(light, axis=0)))
    mean = np.mean([block.mean(axis=0) for block in blocks], axis=0)
    relative = mean / max(float(np.median(mean)), 1e-12)
    change = np.quantile(np.concatenate(steps), 0.9, axis=0)
    return np.asarray(change / np.sqrt(np.maximum(relative, 0.05)), np.float64)


def _piled(sample: Array) -> BoolArray:
    """Which counts (T, Y, X) are the highest one, where counts pile up there."""
    most = sample.max()
    highest: NDArray[np.bool_] = sample == most
    count = int(highest.sum())
    lower = sample[sample < most]
    below = int((lower == lower.max()).sum()) if lower.size else 0
    piled = count >= _LEAST_PILED and count > _PILED * below and lower.size > 0
    return highest if piled else np.zeros(sample.shape, np.bool_)


def _fillers(bad: BoolArray) -> tuple[list[NDArray[np.int64]], list[FloatArray]]:
    """Of each bad pixel the living ones that it is filled from, and their weights."""
    height, width = bad.shape
    others: list[NDArray[np.int64]] = []
    weights: list[FloatArray] = []
    for y, x in np.argwhere(bad):
        for reach in range(_REACH_PX, max(height, width)):
            top, left = max(0, y - reach), max(0, x - reach)
            ys, xs = np.nonzero(~bad[top : y + reach + 1, left : x + reach + 1])
            if len(ys) >= _LEAST_LIVING:
                break
        down, right = ys + top - y, xs + left - x
        others.append((ys + top) * width + xs + left)
        weights.append(_parabola_weights(down.astype(float), right.astype(float)))
    return others, weights


def _parabola_weights(down: FloatArray, right: FloatArray) -> FloatArray:
    """Weights whose sum of values at these distances is their parabola's value at 0."""
    near = np.exp(-0.5 * (down**2 + right**2))  # the nearest ones say most
    design = np.column_stack([np.ones_like(down), down, right, down**2, right**2, down * right])
    solved: FloatArray = np.linalg.pinv(design * near[:, None])[0] * near
    return np.asarray(solved / solved.sum())

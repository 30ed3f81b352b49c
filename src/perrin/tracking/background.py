"""The background: a running median over time, in bounded memory, that says what it swallowed.

Frames at a regular spacing are the samples. For a block of frames the background is the
median of the samples in a window around it, each divided by its own level first, so that the
light may flicker. A particle that rests longer than half a window is part of the median, and
one that moves slowly biases it; so the caller hands in what makes the samples clean of the
particles that are known (`clean`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.settings.tracking import MedianSettings

Image = NDArray[np.float32]
Clean = Callable[[int, Image], None]

_BLOCKS = 4  # blocks in a window: the light changes little within one
_LEVEL_PIXELS = 8000  # of a frame that its light is taken from
_CLIP = 3.0  # standard deviations beyond which a pixel is no light
_TILES = 6  # across the shorter side, for the spatial background
_LEAST_TILE = 32  # pixels


@dataclass(frozen=True)
class Block:
    """Frames first to stop and the background (Y, X) of them all.

    own: the median of the samples among these frames alone, None where there are none; middle:
    their mean frame.
    """

    first: int
    stop: int
    image: Image
    own: Image | None
    middle: float


def sample_frames(n_frames: int, settings: MedianSettings) -> NDArray[np.int64]:
    """Return the numbers of the frames that the medians are taken from."""
    step = max(1, min(settings.window_frames, n_frames) // settings.samples)
    return np.arange(step // 2, n_frames, step)


def backgrounds(
    movie: Movie, settings: MedianSettings, *, clean: Clean | None = None
) -> Iterator[Block]:
    """Yield the background of one block of frames after the other.

    clean(frame, image): divides the known particles out of a sample, in place. No more than a
    window of samples is held. Raises `PerrinError` for frames without light.
    """
    frames = sample_frames(movie.n_frames, settings)
    inside = min(settings.samples, len(frames))
    length = max(1, min(settings.window_frames, movie.n_frames) // _BLOCKS)
    held: dict[int, Image] = {}
    done: tuple[int, ...] = ()
    image = np.empty((movie.height, movie.width), np.float32)
    for first in range(0, movie.n_frames, length):
        stop = min(movie.n_frames, first + length)
        middle = np.searchsorted(frames, 0.5 * (first + stop - 1))
        start = int(np.clip(middle - inside // 2, 0, len(frames) - inside))
        wanted = tuple(int(frame) for frame in frames[start : start + inside])
        if wanted != done:
            held = {frame: image for frame, image in held.items() if frame in wanted}
            for frame in wanted:
                if frame not in held:
                    held[frame] = _sample(movie, frame, clean)
            image = median([held[frame] for frame in wanted])
            done = wanted
        inner = [frame for frame in wanted if first <= frame < stop]
        own = median([held[frame] for frame in inner]) if inner else None
        yield Block(first, stop, image, own, float(np.mean(inner or wanted)))


def _sample(movie: Movie, frame: int, clean: Clean | None) -> Image:
    image = np.asarray(movie.frames[frame : frame + 1][0], dtype=np.float32)
    every = _every(image.shape)
    level = float(np.median(image[::every, ::every]))
    if not level > 0:
        raise PerrinError(
            f"{movie.name}: frame {frame} is black (its median is {level:g} counts). "
            "Was the shutter closed? Cut the frames without light off the movie."
        )
    image = image / np.float32(level)
    if clean is not None:
        clean(frame, image)
    return image


def median(images: list[Image]) -> Image:
    """Return the median of each pixel over some images (Y, X)."""
    stack = np.stack(images)
    out = np.empty(stack.shape[1:], np.float32)
    _median(stack, out)
    return out


def contrast(frames: NDArray[Any], background: Image, *, sign: int) -> Image:
    """Return sign * (frames / background / light - 1), (T, Y, X).

    The light of a frame is its level against the background and a surface of second order over
    the field, fitted without what stands out: it may flicker, and wander over the field.
    """
    height, width = background.shape
    every = _every(background.shape)
    y, x = np.arange(0, height, every), np.arange(0, width, every)
    ratios = np.asarray(frames[:, ::every, ::every] / background[::every, ::every], np.float32)
    ratios = ratios.reshape(len(frames), -1)
    level = np.median(ratios, axis=1, keepdims=True)
    ratios /= np.where(level > 0, level, 1)
    ratios -= 1
    spread = 1.4826 * np.median(np.abs(ratios), axis=1, keepdims=True)
    np.clip(ratios, -_CLIP * spread, _CLIP * spread, out=ratios)
    down = np.repeat(y / height - 0.5, len(x))
    across = np.tile(x / width - 0.5, len(y))
    terms = np.stack([np.ones_like(down), across, down, across**2, across * down, down**2])
    surface = (ratios @ np.linalg.pinv(terms).astype(np.float32)).astype(np.float32)
    out = np.empty(frames.shape, np.float32)
    _contrast(frames, background, np.float32(sign), level[:, 0].astype(np.float32), surface, out)
    return out


def _every(shape: tuple[int, ...]) -> int:
    """Return the spacing of the pixels, each way, that the light of a frame is taken from."""
    return max(1, int(np.sqrt(shape[0] * shape[1] / _LEVEL_PIXELS)))


def surroundings(image: Image) -> Image:
    """Return an image (Y, X) without anything small in it: medians of tiles, interpolated.

    A particle that covers less than half a tile does not count, moving or not.
    """
    from scipy.ndimage import map_coordinates

    height, width = image.shape
    tile = max(_LEAST_TILE, min(height, width) // _TILES)
    rows = np.array_split(np.arange(height), max(1, height // tile))
    columns = np.array_split(np.arange(width), max(1, width // tile))
    coarse = np.array([[np.median(image[np.ix_(r, c)]) for c in columns] for r in rows])
    if min(coarse.shape) >= 3:  # on in a straight line beyond the middle of the outer tiles
        coarse = np.pad(coarse, 1, mode="reflect", reflect_type="odd")
    else:
        coarse = np.pad(coarse, 1, mode="edge")
    at_y = _place(height, [float(r.mean()) for r in rows])
    at_x = _place(width, [float(c.mean()) for c in columns])
    places = np.meshgrid(at_y, at_x, indexing="ij")
    return np.asarray(map_coordinates(coarse, places, order=1, mode="nearest"), np.float32)


def _place(size: int, middles: list[float]) -> NDArray[np.float64]:
    """Return where each pixel lies among the middles of the tiles and one more at both ends."""
    first, last = 2 * middles[0] - (middles[1:] or [size])[0], 2 * middles[-1]
    last = last - middles[-2] if len(middles) > 1 else float(size)
    known = [first, *middles, last]
    return np.interp(np.arange(size), known, np.arange(len(known)))


@njit(cache=True, parallel=True)
def _median(stack, out):  # type: ignore[no-untyped-def]
    """Median over the first axis, by insertion: quick for some tens of values."""
    count, height, width = stack.shape
    middle = count // 2
    for y in prange(height):
        values = np.empty(count, np.float32)
        for x in range(width):
            for n in range(count):
                value = stack[n, y, x]
                at = n
                while at > 0 and values[at - 1] > value:
                    values[at] = values[at - 1]
                    at -= 1
                values[at] = value
            if count % 2:
                out[y, x] = values[middle]
            else:
                out[y, x] = np.float32(0.5) * (values[middle - 1] + values[middle])


@njit(cache=True, parallel=True, fastmath=True)
def _contrast(frames, background, sign, level, surface, out):  # type: ignore[no-untyped-def]
    n_frames, height, width = frames.shape
    one = np.float32(1.0)
    for t in prange(n_frames):
        s = surface[t]
        scale = one / level[t] if level[t] > 0.0 else np.float32(0.0)
        for y in range(height):
            down = np.float32(y / height - 0.5)
            first = one + s[0] + s[2] * down + s[5] * down * down
            second = s[1] + s[4] * down
            for x in range(width):
                across = np.float32(x) / np.float32(width) - np.float32(0.5)
                light = first + (second + s[3] * across) * across
                expected = background[y, x] * light
                out[t, y, x] = sign * (np.float32(frames[t, y, x]) * scale / expected - one)

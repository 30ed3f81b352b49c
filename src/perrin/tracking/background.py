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
from functools import lru_cache

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.settings.tracking import MedianSettings
from perrin.stats import MAD_TO_SD, robust_sd
from perrin.types import Array, Float32Array, FloatArray, IntArray

Clean = Callable[[int, Float32Array], None]

_BLOCKS = 4  # blocks in a window: the light changes little within one
_LEVEL_PIXELS = 4000  # of a frame that its light is taken from
_CLIP = 3.0  # standard deviations beyond which a pixel is no light
_TILES = 6  # across the shorter side, for the spatial background
_LEAST_TILE = 32  # pixels
_WINDOW_EXTENTS = 5.0  # of a particle: a window whose median it does not reach


@dataclass(frozen=True)
class Block:
    """Frames first to stop and the background (Y, X) of them all.

    own: the median of the samples among these frames alone, None where there are none; middle:
    their mean frame.
    """

    first: int
    stop: int
    image: Float32Array
    own: Float32Array | None
    middle: float


def sample_frames(n_frames: int, settings: MedianSettings) -> IntArray:
    """Return the numbers of the frames that the medians are taken from."""
    step = max(1, min(settings.window_frames, n_frames) // settings.samples)
    return np.arange(step // 2, n_frames, step)


def backgrounds(
    movie: Movie, settings: MedianSettings, *, clean: Clean | None = None, every: int = 1
) -> Iterator[Block]:
    """Yield the background of one block of frames after the other, or of every so many.

    clean(frame, image): divides the known particles out of a sample, in place. No more than a
    window of samples is held. Raises `PerrinError` for frames without light.
    """
    frames = sample_frames(movie.n_frames, settings)
    inside = min(settings.samples, len(frames))
    length = max(1, min(settings.window_frames, movie.n_frames) // _BLOCKS)
    held: dict[int, Float32Array] = {}
    done: tuple[int, ...] = ()
    image = np.empty((movie.height, movie.width), np.float32)
    for first in range(0, movie.n_frames, length * every):
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


def _sample(movie: Movie, frame: int, clean: Clean | None) -> Float32Array:
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


def median(images: list[Float32Array]) -> Float32Array:
    """Return the mean of the middle fifth of each pixel over some images (Y, X).

    As robust as the median, and not one of the few counts that a low dose has.
    """
    stack = np.stack(images)
    out = np.empty(stack.shape[1:], np.float32)
    _median(stack, _exchanges(len(stack)), out)
    return out


def contrast(frames: Array, background: Float32Array, *, sign: int) -> Float32Array:
    """Return sign * (frames / background / light - 1), (T, Y, X).

    The light of a frame is its level against the background and a surface of second order over
    the field, fitted without what stands out: it may flicker, and wander over the field. Pixels
    that see nothing have no contrast.
    """
    height, width = background.shape
    every = _every(background.shape)
    counts, behind = (a[..., ::every, ::every] for a in (frames, background))
    alive = behind.ravel() > 0
    ratios = np.empty((len(frames), alive.size), np.float32)
    ratios[:, alive] = counts.reshape(len(frames), -1)[:, alive] / behind.ravel()[alive]
    if not alive.all():
        ratios[:, ~alive] = np.median(ratios[:, alive], axis=1, keepdims=True)
    level = np.empty(len(frames), np.float32)
    _levels(ratios, level)
    surface = ratios @ _to_surface(height, width, every)
    out = np.empty(frames.shape, np.float32)
    _contrast(frames, background, np.float32(sign), level, surface, out)
    return out


@lru_cache(maxsize=4)
def _to_surface(height: int, width: int, every: int) -> Float32Array:
    """Return what values at every so many pixels are multiplied with for a surface (K, 6)."""
    y, x = np.mgrid[0:height:every, 0:width:every].reshape(2, -1)
    down, across = y / height - 0.5, x / width - 0.5
    terms = np.stack([np.ones_like(down), across, down, across**2, across * down, down**2])
    return np.linalg.pinv(terms).astype(np.float32)


def _every(shape: tuple[int, ...]) -> int:
    """Return the spacing of the pixels, each way, that the light of a frame is taken from."""
    return max(1, int(np.sqrt(shape[0] * shape[1] / _LEVEL_PIXELS)))


def blocks_of(movie: Movie, settings: MedianSettings) -> int:
    """Return the number of blocks of `backgrounds`."""
    return -(-movie.n_frames // max(1, min(settings.window_frames, movie.n_frames) // _BLOCKS))


def unevenness(frames: Float32Array) -> float:
    """Return the robust standard deviation of the level over tiles of frames (T, Y, X)."""
    return robust_sd(np.stack([tiles_of(frame) for frame in frames]))


def flattened(frames: Float32Array, *, extent_px: float) -> Float32Array:
    """Return contrast (T, Y, X) less its level around each pixel: clouds are no particles.

    The level is the median of a window of about five times `extent_px`, the distance from the
    center of a particle to its edge.
    """
    from scipy.ndimage import gaussian_filter, median_filter

    step = max(1, int(np.ceil(extent_px / 2)))  # of a window of some ten cells: quick
    size = 2 * int(np.ceil(_WINDOW_EXTENTS * extent_px / step / 2)) + 1
    height, width = frames.shape[1:]
    rows, columns = (np.array_split(np.arange(n), max(1, n // step)) for n in (height, width))
    down = _weights(height, [float(r.mean()) for r in rows])
    across = _weights(width, [float(c.mean()) for c in columns])
    out = np.empty_like(frames)
    for frame, flat in zip(frames, out, strict=True):
        coarse = np.add.reduceat(frame, [r[0] for r in rows], axis=0)
        coarse = np.add.reduceat(coarse, [c[0] for c in columns], axis=1)
        coarse /= np.outer([len(r) for r in rows], [len(c) for c in columns])
        level = gaussian_filter(median_filter(coarse, size, mode="nearest"), size / 5)
        flat[:] = frame - (down @ np.pad(level, 1, mode="edge") @ across.T).astype(np.float32)
    return out


def tiles_of(image: Float32Array) -> FloatArray:
    """Return the medians (J, I) of the tiles of an image (Y, X).

    A particle that covers less than half a tile does not count, moving or not.
    """
    rows, columns = (_tiled(size, image.shape) for size in image.shape)
    return np.array(
        [[np.median(image[r[0] : r[-1] + 1, c[0] : c[-1] + 1]) for c in columns] for r in rows]
    )


def surroundings(tiles: FloatArray, shape: tuple[int, ...]) -> Float32Array:
    """Return an image of `shape` (Y, X) without anything small in it: its tiles, interpolated."""
    height, width = shape
    rows, columns = _tiled(height, shape), _tiled(width, shape)
    coarse = tiles
    if min(coarse.shape) >= 3:  # on in a straight line beyond the middle of the outer tiles
        coarse = np.pad(coarse, 1, mode="reflect", reflect_type="odd")
    else:
        coarse = np.pad(coarse, 1, mode="edge")
    down = _weights(height, [float(r.mean()) for r in rows])
    across = _weights(width, [float(c.mean()) for c in columns])
    return np.asarray(down @ coarse @ across.T, np.float32)


def _tiled(size: int, shape: tuple[int, ...]) -> list[IntArray]:
    """Return the pixels of each tile along an axis of `size`, in an image of `shape` (Y, X)."""
    tile = max(_LEAST_TILE, min(shape) // _TILES)
    return np.array_split(np.arange(size), max(1, size // tile))


def _weights(size: int, middles: list[float]) -> FloatArray:
    """Return the weights (size, M + 2) of the tiles in each pixel, and of one more at both ends."""
    first, last = 2 * middles[0] - (middles[1:] or [size])[0], 2 * middles[-1]
    last = last - middles[-2] if len(middles) > 1 else float(size)
    known = [first, *middles, last]
    each = np.eye(len(known))
    return np.stack([np.interp(np.arange(size), known, one) for one in each], axis=1)


def _exchanges(count: int) -> IntArray:
    """Return the pairs (K, 2) of places that Batcher's odd-even merge sort compares in turn."""
    pairs = []
    power = 1
    while power < count:
        step = power
        while step:
            for start in range(step % power, count - step, 2 * step):
                pairs += [
                    (place, place + step)
                    for place in range(start, min(start + step, count - step))
                    if place // (2 * power) == (place + step) // (2 * power)
                ]
            step //= 2
        power *= 2
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@njit(cache=True, nogil=True, fastmath=True)
def _median(stack, pairs, out):  # type: ignore[no-untyped-def]
    """Middle of the first axis: a row of pixels is sorted at once, with no branches."""
    count, height, width = stack.shape
    least = (2 * count) // 5
    for y in range(height):
        rows = stack[:, y].copy()
        for n in range(len(pairs)):
            low, high = rows[pairs[n, 0]], rows[pairs[n, 1]]
            for x in range(width):
                one, other = low[x], high[x]
                low[x], high[x] = min(one, other), max(one, other)
        middle = rows[least].copy()
        for n in range(least + 1, count - least):
            for x in range(width):
                middle[x] += rows[n, x]
        for x in range(width):
            out[y, x] = middle[x] / np.float32(count - 2 * least)


@njit(cache=True, nogil=True)
def _levels(ratios, level):  # type: ignore[no-untyped-def]
    """Take the median of each row (T,); leave the relative rest, clipped, in its place."""
    for t in range(len(ratios)):
        row = ratios[t]
        level[t] = np.median(row)
        row /= level[t] if level[t] > 0.0 else np.float32(1.0)
        row -= np.float32(1.0)
        limit = np.float32(_CLIP * MAD_TO_SD) * np.median(np.abs(row))
        for n in range(len(row)):
            row[n] = min(max(row[n], -limit), limit)


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # exact quotients
def _contrast(frames, background, sign, level, surface, out):  # type: ignore[no-untyped-def]
    n_frames, height, width = frames.shape
    across = (np.arange(width) / width - 0.5).astype(np.float32)
    one = np.float32(1.0)
    for t in range(n_frames):
        s0, s1, s2, s3, s4, s5 = surface[t]
        scale = sign / level[t] if level[t] > 0.0 else np.float32(0.0)
        for y in range(height):
            down = np.float32(y / height - 0.5)
            first = one + s0 + (s2 + s5 * down) * down
            second = s1 + s4 * down
            counts, behind, row = frames[t, y], background[y], out[t, y]
            for x in range(width):
                light = first + (second + s3 * across[x]) * across[x]
                seen = scale * np.float32(counts[x]) / (behind[x] * light) - sign
                row[x] = seen if behind[x] > 0.0 else np.float32(0.0)  # a dead pixel says nothing

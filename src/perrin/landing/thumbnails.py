"""The one cutter: space-time stacks and thumbnails around events.

The fit, the classifier and the simulator's training data all come from `cut_stacks`
followed by `perrin.landing.ratiometric.ratiometric`: a network never sees in use what it
could not have seen in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.exchange import PsfExchange
from perrin.landing.light import light_field
from perrin.landing.ratiometric import ratiometric
from perrin.threads import over_rows
from perrin.types import Array, BoolArray, Float32Array, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

THUMBNAIL_PX = 17
CHUNK_FRAMES = 1024
_STACK_BYTES = 64 << 20  # stacks of one chunk are cut in batches of about this size


@dataclass(frozen=True)
class Thumbnails:
    """Ratiometric thumbnails of events."""

    values: Float32Array
    """(N, T, 17, 17): contrast, negative for a landing; 0 where the thumbnail leaves the field."""
    inside: BoolArray
    """(N, 17, 17): whether a pixel lies in the field of view."""
    rows: IntArray
    """(N,): the event (row of the table that was asked for) each thumbnail belongs to: events too
    near the start or end of the movie have none."""


def half_length(n_avg: int) -> int:
    """Ratiometric frames before the landing frame in a thumbnail: 20, or n_avg if longer."""
    return max(20, n_avg)


def frames_around(n_avg: int) -> tuple[int, int]:
    """Frames before and after the landing frame that its thumbnail is made of."""
    half = half_length(n_avg)
    return half + n_avg, half - 1 + n_avg


def cut_thumbnails(
    movie: Movie,
    *,
    frame: IntArray,
    y_px: FloatArray,
    x_px: FloatArray,
    n_avg: int,
) -> Thumbnails:
    """Cut ratiometric frames k-20 ... k+19 (k-n ... k+n-1 for n_avg > 20), 17 x 17 pixels.

    The landing frame k is at index 20 and the nearest pixel to (y, x) at [8, 8].
    """
    values, inside, rows = [], [], []
    places: Places = {"frame": frame, "y_px": y_px, "x_px": x_px}
    for batch in iter_event_stacks(movie, places, n_avg=n_avg):
        values.append(np.float32(-movie.landing_sign) * ratiometric(batch.stacks, n_avg=n_avg))
        inside.append(batch.inside)
        rows.append(batch.rows)
    if not values:
        shape = (0, 2 * half_length(n_avg), THUMBNAIL_PX, THUMBNAIL_PX)
        return Thumbnails(
            np.empty(shape, np.float32),
            np.empty((0, THUMBNAIL_PX, THUMBNAIL_PX), bool),
            np.empty(0, np.int64),
        )
    return Thumbnails(np.concatenate(values), np.concatenate(inside), np.concatenate(rows))


@dataclass(frozen=True)
class StackBatch:
    """Normalized intensity around some events."""

    rows: IntArray
    """(N,): which events."""
    stacks: Float32Array
    """(N, before + 1 + after, size, size): frames divided by the plane of their light
    (`perrin.landing.light`); 1 beyond the field."""
    inside: BoolArray
    """(N, size, size): whether a pixel lies in the field of view."""


class Places(TypedDict):
    """Landing frame and position in pixels of N events, (N,) each."""

    frame: IntArray
    y_px: FloatArray
    x_px: FloatArray


def places_of(events: pd.DataFrame) -> Places:
    """Return where and when the events of a table are, as what cuts stacks takes it."""
    return {
        "frame": events["frame"].to_numpy(np.int64),
        "y_px": events["y_px"].to_numpy(float),
        "x_px": events["x_px"].to_numpy(float),
    }


def iter_event_stacks(
    movie: Movie, places: Places, *, n_avg: int, exchange: PsfExchange | None = None
) -> Iterator[StackBatch]:
    """Yield the stacks that the thumbnails of events are made of: what networks are shown.

    exchange: brings them to the PSF that the networks have learned.
    """
    before, after = frames_around(n_avg)
    margin = 0 if exchange is None else exchange.margin_px
    size = THUMBNAIL_PX + 2 * margin
    for batch in iter_stacks(movie, places, before=before, after=after, size=size):
        if exchange is None:
            yield batch
            continue
        y, x = places["y_px"][batch.rows], places["x_px"][batch.rows]
        stacks, inside = exchange.apply(
            batch.stacks,
            batch.inside,
            before=before,
            dx_px=x - np.rint(x),
            dy_px=y - np.rint(y),
        )
        yield StackBatch(batch.rows, stacks, inside)


def iter_stacks(
    movie: Movie, places: Places, *, before: int, after: int, size: int
) -> Iterator[StackBatch]:
    """Yield the stacks of all events whose frames lie in the movie, in order of time.

    Parameters
    ----------
    movie : Movie
        Read once, a bounded number of frames at a time.
    places : Places
        Landing frames and positions (N,); the pixel nearest to a position is the middle one.
    before, after : int
        Frames before and after the landing frame.
    size : int
        Side of the stack in pixels, odd.

    """
    if size % 2 == 0 or size < 1:
        raise PerrinError(f"the side of a stack is {size} px; it must be odd to have a middle")
    frame, y_px, x_px = places["frame"], places["y_px"], places["x_px"]
    order = np.flatnonzero((frame >= before) & (frame + after < movie.n_frames))
    order = order[np.argsort(frame[order], kind="stable")]
    per_batch = max(1, _STACK_BYTES // (4 * (before + after + 1) * size * size))
    cursor = 0
    while cursor < len(order):
        first = int(frame[order[cursor]]) - before
        stop = min(movie.n_frames, first + before + after + CHUNK_FRAMES)
        last = int(np.searchsorted(frame[order], stop - after, side="left"))
        chunk = movie.frames[first:stop]
        light = light_field(chunk, first_frame=first)
        for begin in range(cursor, last, per_batch):
            rows = order[begin : min(begin + per_batch, last)]
            stacks, inside = cut_stacks(
                chunk,
                frame=frame[rows] - first,
                y_px=y_px[rows],
                x_px=x_px[rows],
                before=before,
                after=after,
                size=size,
                light=light,
            )
            yield StackBatch(rows, stacks, inside)
        cursor = last


def iter_contrasts(
    movie: Movie, events: pd.DataFrame, *, n_avg: int, size: int
) -> Iterator[StackBatch]:
    """Yield the ratiometric frame (N, size, size) of all events at their landing, in batches.

    As `iter_stacks`, with `n_avg` frames averaged on each side; a landing is negative.
    """
    places = places_of(events)
    for batch in iter_stacks(movie, places, before=n_avg, after=n_avg, size=size):
        frames = ratiometric(batch.stacks, n_avg=n_avg)[:, 0] * -movie.landing_sign
        yield StackBatch(batch.rows, frames, batch.inside)


def cut_stacks(
    frames: Array,
    *,
    frame: IntArray,
    y_px: FloatArray,
    x_px: FloatArray,
    before: int,
    after: int,
    size: int,
    light: FloatArray,
) -> tuple[Float32Array, BoolArray]:
    """Cut (N, before + 1 + after, size, size) out of frames (T, Y, X); see `StackBatch`.

    light (T, 3): the planes of the frames.
    """
    row = np.rint(y_px).astype(np.int64)
    column = np.rint(x_px).astype(np.int64)
    stacks = np.empty((len(frame), before + after + 1, size, size), np.float32)
    first = frame.astype(np.int64) - before
    over_rows(_cut, len(frame), frames, light, first, row, column, stacks)
    offset = np.arange(size) - size // 2
    rows_inside = _within(row[:, None] + offset, frames.shape[1])
    columns_inside = _within(column[:, None] + offset, frames.shape[2])
    return stacks, rows_inside[:, :, None] & columns_inside[:, None, :]


def _within(index: IntArray, length: int) -> BoolArray:
    inside: BoolArray = (index >= 0) & (index < length)
    return inside


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(start, stop, frames, light, first, row, column, stacks):  # type: ignore[no-untyped-def]
    _, length, size, _ = stacks.shape
    _, height, width = frames.shape
    for e in range(start, stop):
        top = row[e] - size // 2
        left = column[e] - size // 2
        for t in range(length):
            frame = first[e] + t
            for y in range(size):
                j = top + y
                level = light[frame, 0] + light[frame, 1] * j
                for x in range(size):
                    i = left + x
                    if j < 0 or i < 0 or j >= height or i >= width:
                        stacks[e, t, y, x] = 1.0
                    else:
                        stacks[e, t, y, x] = frames[frame, j, i] / (level + light[frame, 2] * i)

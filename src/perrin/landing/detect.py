"""Detection of landing and unbinding events.

1. Every ratiometric frame goes through the matched filter of the PSF
   (`perrin.landing.matched`): each pixel holds a least-squares contrast.
2. The noise of that contrast is measured: its median absolute deviation in each frame, away
   from obvious events (drift and vibration come and go), times a map of how noisy each pixel
   is over the movie (the flanks of bright speckles). Local extrema beyond
   ``spatial_threshold`` of that noise, of either sign, are candidates.
3. From the strongest to the weakest, a candidate is a duplicate if what the stronger events
   explain at its place and time (PSF response times the triangle of the ratiometric step)
   leaves less than the threshold. This also removes the rings of bright events.
4. The landing frame is the change point of the matched trace over 2 n_avg frames each way
   (`perrin.landing.change`): it finds the arrival of a molecule that leaves again, where the
   ratiometric contrast only has a plateau. The signal-to-noise ratio of that step must exceed
   ``temporal_threshold``: a molecule that stays shows it for twice as long, a fluctuation
   does not.
5. Two candidates of one sign that date to the same landing (within 2 frames and 3 px) are one.
6. Events whose 13 x 13 window leaves the field, or with fewer than n_avg + 1 frames before or
   after them, take part in steps 1 to 3 but are left out of the result: neither their fit nor
   their noise would be comparable.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.change import best_steps
from perrin.landing.light import evened, light_field
from perrin.landing.matched import MARGIN_PX, WINDOW_PX, MatchedFilter
from perrin.landing.noise import NoiseMap, extrema, frame_noise
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import CHUNK_FRAMES, Places, iter_stacks
from perrin.optics.psf import Psf
from perrin.settings.landing import DetectionSettings
from perrin.threads import in_threads
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray, Progress

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_FRAMES = 64
_CANDIDATE_FRACTION = 0.7  # of the threshold: what is kept until the noise map is known
_EXPLAINED_SLACK = 0.25  # of a stronger event: how well its shape in space and time is known
_SAME_FRAMES, _SAME_PX = 2, 3.0  # candidates this close in time and space are one landing


@dataclass(frozen=True)
class _Candidates:
    """Local extrema of the matched-filter movie, one row each."""

    frame: IntArray
    row: IntArray
    column: IntArray
    contrast: FloatArray
    noise: FloatArray

    def take(self, rows: IntArray) -> _Candidates:
        """Only these rows, in this order."""
        return _Candidates(
            self.frame[rows],
            self.row[rows],
            self.column[rows],
            self.contrast[rows],
            self.noise[rows],
        )


def detect(
    movie: Movie,
    *,
    n_avg: int,
    psf: Psf,
    settings: DetectionSettings | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Find landing and unbinding events in a movie.

    Parameters
    ----------
    movie : Movie
        Read in chunks; memory does not grow with its length.
    n_avg : int
        Frames averaged on each side.
    psf : Psf
        Point-spread function for this pixel size.
    settings : DetectionSettings, optional
        Thresholds in units of the measured noise.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    Returns
    -------
    DataFrame, one row an event in order of time
        ``frame``, ``y_px``, ``x_px`` (pixel centers), ``contrast`` (matched filter, negative
        for a landing), ``contrast_noise`` (its measured noise), ``snr_spatial``,
        ``snr_temporal``.

    Raises
    ------
    PerrinError
        If the movie is too short or too small, or the PSF is for another pixel size.

    """
    settings = settings or DetectionSettings()
    psf.check_pixel(movie.pixel_nm)
    _check_size(movie, n_avg)
    matched = MatchedFilter.of(psf)
    threshold = settings.spatial_threshold
    found = _candidates(movie, n_avg=n_avg, matched=matched, threshold=threshold, report=progress)
    found = found.take(_strongest(found, matched.response, n_avg, threshold))
    found = found.take(np.flatnonzero(_comparable(found, movie, n_avg)))
    frame, snr_temporal = _change_points(movie, found, n_avg=n_avg, matched=matched)
    events = _table(found, frame=frame, snr_temporal=snr_temporal)
    strong = snr_temporal >= settings.temporal_threshold
    events = events[strong & ~_repeated(events)]
    return events.sort_values(["frame", "y_px", "x_px"], ignore_index=True)


def _table(found: _Candidates, *, frame: IntArray, snr_temporal: FloatArray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "frame": frame,
            "y_px": found.row.astype(float),
            "x_px": found.column.astype(float),
            "contrast": found.contrast,
            "contrast_noise": found.noise,
            "snr_spatial": np.abs(found.contrast) / found.noise,
            "snr_temporal": snr_temporal,
        }
    )


def _check_size(movie: Movie, n_avg: int) -> None:
    if movie.n_frames < 2 * n_avg + 3:
        raise PerrinError(
            f"the movie has {movie.n_frames} frames; with n_avg = {n_avg} at least "
            f"{2 * n_avg + 3} are needed. Use a longer movie or a smaller n_avg."
        )
    if min(movie.height, movie.width) < WINDOW_PX + 2:
        raise PerrinError(
            f"the field is {movie.width} x {movie.height} px; at least {WINDOW_PX + 2} px each "
            "way are needed. If the axes are in another order, transpose to (time, y, x)."
        )


def _comparable(found: _Candidates, movie: Movie, n_avg: int) -> BoolArray:
    """Whether the window lies in the field and the extremum is not cut off by an end."""
    inside = (found.row >= MARGIN_PX) & (found.row < movie.height - MARGIN_PX)
    inside &= (found.column >= MARGIN_PX) & (found.column < movie.width - MARGIN_PX)
    whole = (found.frame > n_avg) & (found.frame < movie.n_frames - n_avg - 1)
    result: BoolArray = inside & whole
    return result


def _repeated(events: pd.DataFrame) -> BoolArray:
    """Whether a stronger event (an earlier row) of the same sign has the same place and time."""
    from scipy.spatial import cKDTree

    place = np.stack(
        [
            events["frame"] / (_SAME_FRAMES + 0.5),
            events["y_px"] / _SAME_PX,
            events["x_px"] / _SAME_PX,
            np.sign(events["contrast"]) * 10.0,
        ],
        axis=1,
    )
    repeated = np.zeros(len(events), np.bool_)
    for first, second in sorted(cKDTree(place).query_pairs(1.0, p=np.inf)):
        repeated[second] |= not repeated[first]
    return repeated


def _candidates(
    movie: Movie,
    *,
    n_avg: int,
    matched: MatchedFilter,
    threshold: float,
    report: Progress | None,
) -> _Candidates:
    """Local extrema above the threshold, with the noise at their place and time."""
    inner = (..., slice(MARGIN_PX, -MARGIN_PX), slice(MARGIN_PX, -MARGIN_PX))
    noise_map = NoiseMap(movie.height - 2 * MARGIN_PX, movie.width - 2 * MARGIN_PX)
    parts: list[tuple[IntArray, FloatArray]] = []
    chunk_frames = max(CHUNK_FRAMES, 8 * n_avg)
    for begin in range(n_avg, movie.n_frames - n_avg, chunk_frames):
        end = min(begin + chunk_frames, movie.n_frames - n_avg)
        # As far as an event reaches on each side, so that chunks do not show in the result.
        first, last = max(begin - n_avg, n_avg), min(end + n_avg, movie.n_frames - n_avg)
        contrast = _contrast(movie, first, last, n_avg=n_avg, matched=matched)
        noise, free = frame_noise(contrast[inner], n_avg)
        places = extrema(contrast, noise * (_CANDIDATE_FRACTION * threshold))
        places = places[(places[:, 0] >= begin - first) & (places[:, 0] < end - first)]
        t, y, x = places.T
        parts.append((places + np.array([first, 0, 0]), np.stack([contrast[t, y, x], noise[t]], 1)))
        step = slice(begin - first, end - first, n_avg)
        noise_map.add(contrast[inner][step], noise[step], free[step])
        if report is not None:
            report(end / movie.n_frames)
    where = np.concatenate([place for place, _ in parts])
    values = np.concatenate([value for _, value in parts])
    whole_map = np.pad(noise_map.values(), MARGIN_PX, mode="edge")
    noise = values[:, 1] * whole_map[where[:, 1], where[:, 2]]
    strong = np.abs(values[:, 0]) >= threshold * noise
    where, noise = where[strong], noise[strong]
    signed = values[strong, 0] * -movie.landing_sign
    return _Candidates(where[:, 0], where[:, 1], where[:, 2], signed, noise)


def _contrast(
    movie: Movie, first: int, last: int, *, n_avg: int, matched: MatchedFilter
) -> Float32Array:
    """Matched-filter contrast of frames [first, last), in blocks that stay in a core's cache."""
    frames = movie.frames[first - n_avg : last + n_avg]
    contrast = np.empty((last - first, movie.height, movie.width), np.float32)
    block = max(_BLOCK_FRAMES, 8 * n_avg)

    def fill(start: int) -> None:
        part = frames[start : start + block + 2 * n_avg]
        even = evened(part, light_field(part, first_frame=first - n_avg + start))
        contrast[start : start + block] = matched.apply(ratiometric(even, n_avg=n_avg))

    deque(in_threads(fill, range(0, last - first, block)), maxlen=0)
    return contrast


def _strongest(found: _Candidates, response: FloatArray, n_avg: int, threshold: float) -> IntArray:
    """Rows that remain when each candidate must show more than the stronger ones explain."""
    by_time = np.argsort(found.frame, kind="stable")
    rank = np.argsort(-np.abs(found.contrast[by_time]) / found.noise[by_time], kind="stable")
    frame = found.frame[by_time]
    kept = _explain(
        frame,
        np.searchsorted(frame, frame - n_avg),
        np.searchsorted(frame, frame + n_avg, side="right"),
        found.row[by_time],
        found.column[by_time],
        found.contrast[by_time],
        found.noise[by_time] * threshold,
        rank,
        response,
        n_avg,
    )
    rows: IntArray = by_time[kept]
    return rows


def _change_points(
    movie: Movie, found: _Candidates, *, n_avg: int, matched: MatchedFilter
) -> tuple[IntArray, FloatArray]:
    """Landing frame of each candidate, and the signal-to-noise ratio of its step.

    The trace is the matched-filter contrast of each single frame at the candidate's pixel,
    over 2 n_avg frames either way; change points up to n_avg away are tried. Candidates too
    near the ends for that keep their frame.
    """
    frame = found.frame.copy()
    snr = np.full(len(frame), np.nan)
    raw_sign = np.sign(found.contrast) * -movie.landing_sign
    noise = found.noise * np.sqrt(n_avg / 2)  # of a single frame
    kernel = matched.kernel.astype(np.float32)
    for reach in (n_avg, 0):
        todo = np.flatnonzero(np.isnan(snr))
        places: Places = {
            "frame": found.frame[todo],
            "y_px": found.row[todo].astype(float),
            "x_px": found.column[todo].astype(float),
        }
        side = n_avg + reach
        for batch in iter_stacks(movie, places, before=side, after=side, size=WINDOW_PX):
            rows = todo[batch.rows]
            relative = batch.stacks / batch.stacks.mean(axis=1, keepdims=True)
            trace = np.einsum("ntyx,yx->nt", relative, kernel)
            shift, snr[rows] = best_steps(
                trace, sign=raw_sign[rows], noise=noise[rows], reach=reach
            )
            frame[rows] += shift
    return frame, snr


@njit(cache=True)
def _explain(  # type: ignore[no-untyped-def]
    frame, first, last, row, column, contrast, limit, rank, response, n_avg
):
    """Indices of the candidates kept; all inputs in order of time, `rank` strongest first.

    first, last: of those near each in time, last exclusive.
    """
    count = len(frame)
    reach = response.shape[0] // 2
    explained = np.zeros(count)
    slack = np.zeros(count)
    kept, number = np.empty(count, np.int64), 0
    for e in rank:
        left = contrast[e] - explained[e]
        if abs(left) < limit[e] + slack[e]:
            continue
        kept[number] = e
        number += 1
        for c in range(first[e], last[e]):
            dy, dx = row[c] - row[e], column[c] - column[e]
            if abs(dy) > reach or abs(dx) > reach:
                continue
            # The landing phase is not known: on average half a frame of the step is missing.
            fraction = 1.0 - max(abs(frame[c] - frame[e]) - 0.5, 0.0) / n_avg
            explained[c] += left * fraction * response[reach + dy, reach + dx]
            if dy * dy + dx * dx <= MARGIN_PX * MARGIN_PX:
                slack[c] += abs(left) * (_EXPLAINED_SLACK * fraction + 0.5 / n_avg)
    return kept[:number]

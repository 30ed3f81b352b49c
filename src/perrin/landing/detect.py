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
4. The landing frame is the change point of the matched trace with the least squares, the
   landing frame itself free between the two levels: it finds the arrival of a molecule that
   leaves again, where the ratiometric contrast only has a plateau. The step over its scatter
   must exceed ``temporal_threshold``.
5. Events whose 13 x 13 window leaves the field, or with fewer than n_avg frames before or
   after them, are not detected: neither their fit nor their noise would be comparable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.matched import MARGIN_PX, WINDOW_PX, MatchedFilter
from perrin.landing.ratiometric import frame_means, ratiometric
from perrin.landing.thumbnails import CHUNK_FRAMES, iter_stacks
from perrin.optics.psf import Psf
from perrin.settings.landing import DetectionSettings

if TYPE_CHECKING:
    import pandas as pd

_CANDIDATE_SHARE = 0.7  # of the threshold: what is kept until the noise map is known
_MAD_TO_SD = 1.4826
_CLIP = 3.0
_PRIOR_SAMPLES = 50.0  # the noise map starts from 1 with this weight
_OBVIOUS = 5.0  # times the first guess of the noise: left out of the second
_LEAST_SHARE = 0.1  # of the pixels must remain for the second guess
_EXPLAINED_SLACK = 0.25  # of a stronger event: how well its shape in space and time is known


@dataclass(frozen=True)
class _Candidates:
    """Local extrema of the matched-filter movie, one row each."""

    frame: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    contrast: NDArray[np.float64]
    noise: NDArray[np.float64]


def detect(
    movie: Movie,
    *,
    n_avg: int,
    psf: Psf,
    settings: DetectionSettings | None = None,
    progress: Callable[[float], None] | None = None,
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
        Called with the share done, 0 to 1.

    Returns
    -------
    DataFrame, one row an event in order of time
        ``frame``, ``y_px``, ``x_px`` (pixel centres), ``contrast`` (matched filter, negative
        for a landing), ``contrast_noise`` (its measured noise), ``snr_spatial``,
        ``snr_temporal``.

    Raises
    ------
    PerrinError
        If the movie is too short or too small, or the PSF is for another pixel size.

    """
    import pandas as pd

    settings = settings or DetectionSettings()
    psf.check_pixel(movie.pixel_nm)
    _check_size(movie, n_avg)
    matched = MatchedFilter.of(psf)
    threshold = settings.spatial_threshold
    found = _candidates(movie, n_avg=n_avg, matched=matched, threshold=threshold, report=progress)
    keep = _strongest(found, matched.response, n_avg, threshold)
    frame, snr_temporal = _change_points(
        movie, found.frame[keep], found.row[keep], found.column[keep], n_avg=n_avg, matched=matched
    )
    events = pd.DataFrame(
        {
            "frame": frame,
            "y_px": found.row[keep].astype(float),
            "x_px": found.column[keep].astype(float),
            "contrast": found.contrast[keep],
            "contrast_noise": found.noise[keep],
            "snr_spatial": np.abs(found.contrast[keep]) / found.noise[keep],
            "snr_temporal": snr_temporal,
        }
    )
    events = events[events["snr_temporal"] >= settings.temporal_threshold]
    return events.sort_values(["frame", "y_px", "x_px"], ignore_index=True)


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


def _candidates(
    movie: Movie,
    *,
    n_avg: int,
    matched: MatchedFilter,
    threshold: float,
    report: Callable[[float], None] | None,
) -> _Candidates:
    """Local extrema above the threshold, with the noise at their place and time."""
    height, width = movie.height - 2 * MARGIN_PX, movie.width - 2 * MARGIN_PX
    clipped, samples = np.zeros((height, width)), np.zeros((height, width))
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    chunk_frames = max(CHUNK_FRAMES, 8 * n_avg)
    for begin in range(n_avg, movie.n_frames - n_avg, chunk_frames):
        end = min(begin + chunk_frames, movie.n_frames - n_avg)
        # As far as an event reaches on each side, so that chunks do not show in the result.
        first, last = max(begin - n_avg, n_avg), min(end + n_avg, movie.n_frames - n_avg)
        frames = movie.frames[first - n_avg : last + n_avg]
        contrast = matched.apply(ratiometric(frames, n_avg=n_avg, frame_mean=frame_means(frames)))
        noise, free = _frame_noise(contrast, n_avg)
        places = _extrema(contrast, noise * (_CANDIDATE_SHARE * threshold))
        places = places[(places[:, 0] >= begin - first) & (places[:, 0] < end - first)]
        t, y, x = places.T
        corner = np.array([first, MARGIN_PX, MARGIN_PX])
        parts.append((places + corner, np.stack([contrast[t, y, x], noise[t]], 1)))
        step = slice(begin - first, end - first, n_avg)
        _add_clipped(contrast[step], noise[step], free[step], clipped, samples)
        if report is not None:
            report(end / movie.n_frames)
    where = np.concatenate([place for place, _ in parts])
    values = np.concatenate([value for _, value in parts])
    ratio = clipped / np.maximum(samples, 1)
    ratio /= max(float(np.median(ratio)), np.finfo(float).tiny)
    noise_map = np.sqrt((samples * ratio**2 + _PRIOR_SAMPLES) / (samples + _PRIOR_SAMPLES))
    noise = values[:, 1] * noise_map[where[:, 1] - MARGIN_PX, where[:, 2] - MARGIN_PX]
    strong = np.abs(values[:, 0]) >= threshold * noise
    where, noise = where[strong], noise[strong]
    signed = values[strong, 0] * -movie.landing_sign
    return _Candidates(where[:, 0], where[:, 1], where[:, 2], signed, noise)


def _frame_noise(
    contrast: NDArray[np.float32], n_avg: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Robust standard deviation of each matched-filter frame, and the pixels it rests on.

    contrast (T, Y, X) gives noise (T,) and free (T, Y, X). The first guess takes all pixels,
    the second leaves out those within half a window and n_avg frames of an extremum beyond
    five times the first.
    """
    floor = float(np.finfo(np.float32).eps)
    free = np.ones(contrast.shape, np.bool_)
    first = np.maximum(_MAD_TO_SD * _medians(contrast, free, 0.0), floor)
    _cover(free, _extrema(contrast, _OBVIOUS * first), n_avg)
    second = _MAD_TO_SD * _medians(contrast, free, _LEAST_SHARE)
    return np.maximum(np.where(np.isnan(second), first, second), floor), free


def _strongest(
    found: _Candidates, response: NDArray[np.float64], n_avg: int, threshold: float
) -> NDArray[np.int64]:
    """Rows that remain when each candidate must show more than the stronger ones explain."""
    by_time = np.argsort(found.frame, kind="stable")
    rank = np.argsort(-np.abs(found.contrast[by_time]) / found.noise[by_time], kind="stable")
    kept = _explain(
        found.frame[by_time],
        found.row[by_time],
        found.column[by_time],
        found.contrast[by_time],
        found.noise[by_time] * threshold,
        rank,
        response,
        n_avg,
    )
    rows: NDArray[np.int64] = by_time[kept]
    return rows


def _change_points(
    movie: Movie,
    frame: NDArray[np.int64],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    *,
    n_avg: int,
    matched: MatchedFilter,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Landing frame and step-over-scatter of each candidate.

    The trace is the matched-filter contrast of each single frame at the candidate's pixel,
    over n_avg + n_avg // 2 frames either way; change points up to n_avg // 2 away are tried.
    Candidates too near the ends for that keep their frame and use the frames there are.
    """
    refined = frame.copy()
    t_value = np.zeros(len(frame))
    reach = n_avg // 2
    for extra in (reach, 0):
        todo = np.flatnonzero(t_value == 0.0)
        half = n_avg + extra
        for batch in iter_stacks(
            movie,
            frame=frame[todo],
            y_px=row[todo].astype(float),
            x_px=column[todo].astype(float),
            before=half,
            after=half,
            size=WINDOW_PX,
        ):
            trace = np.einsum("ntyx,yx->nt", batch.stacks, matched.kernel.astype(np.float32))
            sign = np.sign(_step(trace, half, n_avg))
            shift, t_value[todo[batch.rows]] = _best_step(trace.astype(float), sign, n_avg, extra)
            refined[todo[batch.rows]] += shift
    return refined, t_value


def _step(trace: NDArray[np.float32], at: int, n_avg: int) -> NDArray[np.float64]:
    after = trace[:, at + 1 : at + 1 + n_avg].mean(axis=1, dtype=float)
    before = trace[:, at - n_avg : at].mean(axis=1, dtype=float)
    step: NDArray[np.float64] = after - before
    return step


@njit(cache=True, parallel=True)
def _medians(contrast, free, least_share):  # type: ignore[no-untyped-def]
    """Median of |contrast| over the free pixels of each frame; NaN where too few are free."""
    n_frames, height, width = contrast.shape
    medians = np.full(n_frames, np.nan)
    for t in prange(n_frames):
        values = np.empty(height * width, np.float32)
        count = 0
        for y in range(height):
            for x in range(width):
                if free[t, y, x]:
                    values[count] = abs(contrast[t, y, x])
                    count += 1
        if count > least_share * height * width:
            medians[t] = np.median(values[:count])
    return medians


@njit(cache=True)
def _cover(free, places, n_avg):  # type: ignore[no-untyped-def]
    """Mark the surroundings of each place (t, y, x) as not free."""
    n_frames, height, width = free.shape
    for e in range(len(places)):
        t, y, x = places[e]
        for j in range(max(y - MARGIN_PX, 0), min(y + MARGIN_PX + 1, height)):
            for i in range(max(x - MARGIN_PX, 0), min(x + MARGIN_PX + 1, width)):
                if (j - y) ** 2 + (i - x) ** 2 <= MARGIN_PX * MARGIN_PX:
                    for k in range(max(t - n_avg, 0), min(t + n_avg + 1, n_frames)):
                        free[k, j, i] = False


@njit(cache=True)
def _extrema(contrast, threshold):  # type: ignore[no-untyped-def]
    """Rows (t, y, x) beyond +/- threshold[t] that no neighbor of 3 x 3 x 3 exceeds."""
    n_frames, height, width = contrast.shape
    found = []
    for t in range(n_frames):
        limit = threshold[t]
        for y in range(height):
            for x in range(width):
                value = contrast[t, y, x]
                if abs(value) < limit or not _is_extremum(contrast, t, y, x):
                    continue
                found.append((t, y, x))
    out = np.empty((len(found), 3), np.int64)
    for i in range(len(found)):
        out[i, 0], out[i, 1], out[i, 2] = found[i]
    return out


@njit(cache=True)
def _is_extremum(contrast, t, y, x):  # type: ignore[no-untyped-def]
    """Whether no neighbor exceeds it; of equal ones the first in time, y, x counts."""
    n_frames, height, width = contrast.shape
    size = abs(contrast[t, y, x])
    sign = np.sign(contrast[t, y, x])
    for k in range(max(t - 1, 0), min(t + 2, n_frames)):
        for j in range(max(y - 1, 0), min(y + 2, height)):
            for i in range(max(x - 1, 0), min(x + 2, width)):
                other = sign * contrast[k, j, i]
                earlier = (k, j, i) < (t, y, x)
                if other > size or (earlier and other == size):
                    return False
    return True


@njit(cache=True)
def _add_clipped(contrast, noise, free, total, samples):  # type: ignore[no-untyped-def]
    """Add min(|contrast| / noise, 3) of the free pixels to (Y, X) sums, and count them."""
    n_frames, height, width = contrast.shape
    for t in range(n_frames):
        for y in range(height):
            for x in range(width):
                if free[t, y, x]:
                    total[y, x] += min(abs(contrast[t, y, x]) / noise[t], _CLIP)
                    samples[y, x] += 1.0


@njit(cache=True)
def _explain(frame, row, column, contrast, limit, rank, response, n_avg):  # type: ignore[no-untyped-def]
    """Indices of the candidates kept; all inputs in order of time, `rank` strongest first."""
    count = len(frame)
    reach = response.shape[0] // 2
    explained = np.zeros(count)
    slack = np.zeros(count)
    kept = []
    for e in rank:
        left = abs(contrast[e] - explained[e])
        if left < limit[e] + slack[e]:
            continue
        kept.append(e)
        first = np.searchsorted(frame, frame[e] - n_avg)
        last = np.searchsorted(frame, frame[e] + n_avg, side="right")
        for c in range(first, last):
            dy, dx = row[c] - row[e], column[c] - column[e]
            if abs(dy) > reach or abs(dx) > reach:
                continue
            # The landing phase is not known: on average half a frame of the step is missing.
            share = 1.0 - max(abs(frame[c] - frame[e]) - 0.5, 0.0) / n_avg
            explained[c] += contrast[e] * share * response[reach + dy, reach + dx]
            if dy * dy + dx * dx <= MARGIN_PX * MARGIN_PX:
                slack[c] += abs(contrast[e]) * (_EXPLAINED_SLACK * share + 0.5 / n_avg)
    out = np.empty(len(kept), np.int64)
    for i in range(len(kept)):
        out[i] = kept[i]
    return out


@njit(cache=True)
def _best_step(trace, sign, n_avg, reach):  # type: ignore[no-untyped-def]
    """Shift of the best change point from the middle, and its step over its scatter.

    trace (N, T): squared error around one level before and one after is least at the best
    change point; the frame of the change itself costs nothing while it lies between the
    two levels. Only steps of the given sign count.
    """
    count, length = trace.shape
    middle = length // 2
    shift = np.zeros(count, np.int64)
    t_value = np.zeros(count)
    for e in range(count):
        least = np.inf
        for h in range(middle - reach, middle + reach + 1):
            before = trace[e, :h].mean()
            after = trace[e, h + 1 :].mean()
            if (after - before) * sign[e] <= 0:
                continue
            error = ((trace[e, :h] - before) ** 2).sum() + ((trace[e, h + 1 :] - after) ** 2).sum()
            low, high = min(before, after), max(before, after)
            error += (trace[e, h] - min(max(trace[e, h], low), high)) ** 2
            if error < least:
                least = error
                shift[e] = h - middle
        h = middle + shift[e]
        left, right = trace[e, h - n_avg : h], trace[e, h + 1 : h + 1 + n_avg]
        scatter = ((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum()
        degrees = max(2 * n_avg - 2, 1)
        error_of_step = np.sqrt(scatter / degrees * 2.0 / n_avg)
        t_value[e] = abs(right.mean() - left.mean()) / max(error_of_step, 1e-12)
    return shift, t_value

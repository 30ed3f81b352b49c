"""Mean squared displacement of each track and of all together, with errors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from perrin.types import FloatArray, IntArray

_MOST_LAGS = 30
_SHARE = 4  # of a track's length: longer lags average too few displacements
_LEAST_TRACKS = 3  # for a mean over tracks with an error

COLUMNS = ("particle", "lag_frames", "lag_s", "msd_um2", "msd_se_um2", "noise_um2", "displacements")
"""Columns of the table; ``particle`` is -1 in the rows of all tracks together."""


def msd_table(tracks: pd.DataFrame, *, pixel_nm: float, frame_interval_s: float) -> pd.DataFrame:
    """Return the mean squared displacement (x and y together) of each track and of all.

    tracks: ``particle``, ``frame``, ``x``, ``y`` (px) and their errors; gaps are missing rows. The
    error of one track is that of Brownian motion with overlapping displacements (Qian, Sheetz and
    Elson, Biophys. J. 60, 910 (1991)): it is too small for motion that differs along the track.
    That of all is the scatter between tracks, each weighted by its displacements. ``noise_um2`` is
    what localization errors add; it is not subtracted.
    """
    unit = (pixel_nm / 1000) ** 2
    rows: list[tuple[float, ...]] = []
    for number, frame, place, error in _by_particle(tracks):
        noise = 2 * float((error**2).sum(axis=1).mean())
        for lag, msd, se, count in _curve(frame - frame[0], place):
            rows.append(
                (
                    number,
                    lag,
                    lag * frame_interval_s,
                    msd * unit,
                    se * unit,
                    noise * unit,
                    count,
                )
            )
    own = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"particle": np.int64, "lag_frames": np.int64, "displacements": np.int64}
    )
    return pd.concat([own, _together(own)], ignore_index=True) if len(own) else own


def _by_particle(
    tracks: pd.DataFrame,
) -> Iterator[tuple[int, IntArray, FloatArray, FloatArray]]:
    """Yield number, frames (L,), places and errors (L, 2) of each track, in order."""
    table = tracks.sort_values(["particle", "frame"], kind="stable")
    particle, frame = (table[name].to_numpy(np.int64) for name in ("particle", "frame"))
    place, error = (table[names].to_numpy(float) for names in (["x", "y"], ["x_se", "y_se"]))
    first = np.flatnonzero(np.diff(particle, prepend=particle[:1] - 1))
    for start, stop in pairwise([*first.tolist(), len(particle)]):
        here = slice(start, stop)
        yield int(particle[start]), frame[here], place[here], error[here]


def _curve(index: IntArray, place: FloatArray) -> list[tuple[int, float, float, int]]:
    """Return lag, mean squared displacement, its error and the number of displacements."""
    length = int(index[-1]) + 1
    filled = np.full((length, 2), np.nan)
    filled[index] = place
    found = []
    for lag in range(1, min(_MOST_LAGS, max(1, length // _SHARE)) + 1):
        square = ((filled[lag:] - filled[:-lag]) ** 2).sum(axis=1)
        square = square[np.isfinite(square)]
        count = len(square)
        if count:
            msd = float(square.mean())
            found.append((lag, msd, msd * _relative_error(lag, count), count))
    return found


def _relative_error(lag: int, count: int) -> float:
    """Return the relative error of the mean of `count` overlapping displacements in two axes."""
    n, k = float(lag), float(count)
    if count >= lag:  # the variance of one axis is twice that of both together
        one = (4 * n**2 * k + 2 * k + n - n**3) / (6 * n * k**2)
    else:
        one = 1 + (k**3 - 4 * n * k**2 + 4 * n - k) / (6 * n**2 * k)
    return float(np.sqrt(one))


def _together(own: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all tracks together, for lags that enough of them have."""
    rows = []
    for lag, part in own.groupby("lag_frames"):
        if len(part) < _LEAST_TRACKS:
            continue
        weight = part["displacements"].to_numpy(float)
        weight /= weight.sum()
        value = part["msd_um2"].to_numpy(float)
        mean = float(weight @ value)
        more = len(part) / (len(part) - 1)
        se = float(np.sqrt(more * ((weight * (value - mean)) ** 2).sum()))
        noise = float(weight @ part["noise_um2"].to_numpy(float))
        count = int(part["displacements"].sum())
        rows.append((-1, lag, part["lag_s"].iloc[0], mean, se, noise, count))
    return pd.DataFrame(rows, columns=list(COLUMNS))

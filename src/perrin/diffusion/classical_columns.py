"""Classical columns of tracks, and what the table of tracks hands over about its camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perrin.diffusion import classical
from perrin.diffusion.likelihood import fit_fbm
from perrin.diffusion.tables import CLASSICAL
from perrin.diffusion.windows import Track
from perrin.types import FloatArray

_CLASSICAL = [column.name for column in CLASSICAL]
_MOST = 1000  # positions that the exact likelihood is asked for


def classical_columns(
    tracks: Sequence[Track], *, length: float, frame_interval: float
) -> pd.DataFrame:
    """Return the CLASSICAL and HANDED_OVER columns of tracks, a row each.

    NaN where a track is too short or never moves. length, frame_interval: of the scale.
    """
    own = [_classical(track, length, frame_interval) for track in tracks]
    return pd.DataFrame(own, columns=_CLASSICAL).assign(**_handed_over(tracks, length))


def _handed_over(tracks: Sequence[Track], length: float) -> dict[str, FloatArray]:
    """Return the HANDED_OVER columns."""
    error = np.array([track.noise for track in tracks])
    steps = [classical.displacements(track.positions, track.seen, lag=1) for track in tracks]
    square = np.array([(step**2).mean() if step.size else np.nan for step in steps])
    return {
        "localisation_se": error * length,
        "fraction_noise_known": 2 * error**2 / np.where(square > 0, square, np.nan),
        "exposure": np.array([track.exposure for track in tracks]),
    }


def _classical(track: Track, length: float, frame_interval: float) -> dict[str, float]:
    """Return the CLASSICAL columns of a track."""
    positions, seen = track.positions * length, track.seen
    lags = np.arange(1, max(4, min(len(seen) // 10, 30)) + 1)
    msd, pairs = classical.tamsd(positions, seen, lags=lags)
    fit = classical.fit_tamsd(msd, pairs, lags=lags, dims=positions.shape[1])
    moves = np.ptp(positions[seen], axis=0).any()
    known = track.noise * length if track.noise >= 0 else None
    fbm = None
    if moves and 4 <= seen.sum() <= _MOST:
        fbm = fit_fbm(
            positions,
            seen,
            noisy=known != 0.0,
            noise_sigma=known or None,
            exposure=float(np.nan_to_num(track.exposure)),
        )
    short, long = (classical.p_variation(positions, seen, p=4.0, lag=lag) for lag in (1, 4))
    values = (
        *(fit.alpha, fit.D / frame_interval**fit.alpha, fit.offset),
        float(classical.velocity_autocorrelation(positions, seen, lags=[1])[0]),
        classical.step_kurtosis(positions, seen),
        float(np.log(short / long)) if short > 0 and long > 0 else np.nan,
        *((fbm.alpha, fbm.alpha_se, fbm.noise_sigma) if fbm else (np.nan,) * 3),
    )
    return dict(zip(_CLASSICAL, values, strict=True))

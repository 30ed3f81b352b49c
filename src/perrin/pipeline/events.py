"""From a movie to the events in it: found and fitted, no masses yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from perrin.io.held import held
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.fit import fit
from perrin.landing.neighbors import nearest_neighbor_px
from perrin.optics.psf import Psf
from perrin.settings.landing import LandingSettings
from perrin.tables import check_events, order_columns
from perrin.types import Progress


def find_events(
    movie: Movie,
    *,
    settings: LandingSettings,
    psf: Psf,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Detect and fit: the events table of a movie, without masses."""
    movie = held(movie)
    fraction = (lambda done: progress(0.8 * done)) if progress is not None else None
    found = detect(
        movie, n_avg=settings.n_avg, psf=psf, settings=settings.detection, progress=fraction
    )
    events = fit(movie, found, fit_n_avg=settings.n_avg_of_fit, psf=psf)
    if progress is not None:
        progress(0.95)
    frame = events["frame"].to_numpy(np.int64)
    events["measurement"] = movie.measurement
    events["event"] = np.arange(len(events))
    events["time_s"] = frame * movie.frame_interval_s
    events["neighbor_px"] = nearest_neighbor_px(
        frame=frame,
        y_px=events["y_px"].to_numpy(float),
        x_px=events["x_px"].to_numpy(float),
        within_frames=2 * settings.n_avg,
    )
    events["retained"] = events["label"] == ""
    events["thumbnail_index"] = np.int64(-1)
    return check_events(order_columns(events))


def recorded_settings(movie: Movie, settings: LandingSettings) -> dict[str, Any]:
    """What a calibration must share with a measurement."""
    return {
        "n_avg": settings.n_avg_of_fit,
        "frame_interval_s": movie.frame_interval_s,
        "pixel_nm": movie.pixel_nm,
        "instrument": movie.instrument,
    }

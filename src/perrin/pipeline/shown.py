"""What is shown of a movie besides its events: density, drift, examples, one busy frame."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.io.movie import Movie
from perrin.landing.light import evened, light_field
from perrin.landing.matched import MARGIN_PX
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import Thumbnails, cut_thumbnails
from perrin.mass.results import Spectrum
from perrin.mass.time_course import LandingDensity, PeakDrift, landing_density, peak_drift
from perrin.pipeline.measurement import Snapshot
from perrin.settings.landing import LandingSettings

EXAMPLES_PER_SIGN = 100
EXAMPLES_PER_LABEL = 40
_DENSITY_BINS = 20


def density_of(movie: Movie, events: pd.DataFrame, settings: LandingSettings) -> LandingDensity:
    """Return how many landings there were per area and time, along the measurement."""
    landing = events[events["contrast"] < 0]
    height, width = movie.height - 2 * MARGIN_PX, movie.width - 2 * MARGIN_PX
    start = settings.n_avg * movie.frame_interval_s
    stop = (movie.n_frames - settings.n_avg) * movie.frame_interval_s
    times = landing["time_s"].to_numpy(float)
    return landing_density(
        np.clip(times, start, stop),  # a change point may lie up to n_avg frames before
        start_s=start,
        stop_s=stop,
        area_um2=height * width * (movie.pixel_nm / 1000) ** 2,
        bin_s=(stop - start) / _DENSITY_BINS,
    )


def drifts_of(events: pd.DataFrame, spectrum: Spectrum) -> tuple[PeakDrift | None, ...]:
    """Return how far each peak of a spectrum moves along the measurement; None: cannot be told."""
    kept = events[events["retained"] & (events["contrast"] < 0)]
    in_kda = spectrum.unit == "kDa"
    values = kept["mass_kda"] if in_kda else -kept["contrast"]
    return tuple(
        peak_drift(
            kept["time_s"].to_numpy(float),
            values.to_numpy(float),
            low=peak.low,
            high=peak.high,
            unit=spectrum.unit,
        )
        for peak in spectrum.peaks
    )


def cut_examples(movie: Movie, events: pd.DataFrame, settings: LandingSettings) -> Thumbnails:
    """Example thumbnails, evenly over the measurement; their row goes to ``thumbnail_index``.

    Up to 100 landings and 100 unbindings; of scored events up to 40 of each label and sign.
    """
    sign = np.sign(events["contrast"].to_numpy(float))
    group = pd.Series(sign)
    most = EXAMPLES_PER_SIGN
    if "score_binder" in events.columns:
        group, most = group.astype(str) + events["label"], EXAMPLES_PER_LABEL
    chosen = [np.empty(0, np.int64)]
    for _, part in group[sign != 0].groupby(group):
        rows = part.index.to_numpy()
        pick = np.linspace(0, len(rows) - 1, min(len(rows), most))
        chosen.append(rows[np.rint(pick).astype(np.int64)])
    rows = np.concatenate(chosen)
    thumbnails = cut_thumbnails(
        movie,
        frame=events["frame"].to_numpy(np.int64)[rows],
        y_px=events["y_px"].to_numpy(float)[rows],
        x_px=events["x_px"].to_numpy(float)[rows],
        n_avg=settings.n_avg,
    )
    index = events["thumbnail_index"].to_numpy(np.int64).copy()
    index[rows[thumbnails.rows]] = np.arange(len(thumbnails.rows))
    events["thumbnail_index"] = index
    return Thumbnails(thumbnails.values, thumbnails.inside, rows[thumbnails.rows])


def busiest_frame(movie: Movie, events: pd.DataFrame, settings: LandingSettings) -> Snapshot:
    """The ratiometric frame that shows most events, each at a good part of its contrast."""
    n_avg = settings.n_avg
    frames = np.sort(events["frame"].to_numpy(np.int64))
    if len(frames):
        near = np.searchsorted(frames, frames + n_avg // 2, side="right") - np.searchsorted(
            frames, frames - n_avg // 2
        )
        middle = int(frames[np.argmax(near)])
    else:
        middle = movie.n_frames // 2
    middle = min(max(middle, n_avg), movie.n_frames - n_avg - 1)
    stretch = movie.frames[middle - n_avg : middle + n_avg + 1]
    values = ratiometric(evened(stretch, light_field(stretch)), n_avg=n_avg)[0]
    return Snapshot(middle, values * np.float32(-movie.landing_sign), movie.pixel_nm)

"""False alarms and recall of the detection: where the default thresholds come from.

Thresholds are chosen on one set of seeds and judged on another:

1. Ten blank minutes (preset ``buffer``) and two minutes each of 42 and 66 kDa binders at one
   landing a um^2 and second, detected permissively. For each pair of thresholds: false events
   a minute and recall.
2. The default thresholds on fresh seeds: ten blank minutes with the Poisson upper limit, and
   recall of landings with no other within 6 px and 2 n_avg frames.

Run: ``python benchmarks/detection.py`` (about two minutes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from perrin.landing.detect import detect
from perrin.landing.matched import MARGIN_PX
from perrin.optics.psf import Psf
from perrin.settings.landing import DetectionSettings
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

N_AVG = 10
ISOLATED_PX = 6.0
FOUND_PX, FOUND_FRAMES = 3.0, 5
LOW = DetectionSettings(spatial_threshold=4.8, temporal_threshold=0.0)


@dataclass(frozen=True)
class Trial:
    """Detected events of a movie and, of each isolated landing, the event that found it."""

    minutes: float
    events: pd.DataFrame
    landings: int
    found_by: NDArray[np.int64]


def blank(seed: int, settings: DetectionSettings = LOW) -> Trial:
    """One minute in which nothing lands."""
    movie, _ = simulate_movie(preset("buffer"), seconds=60, seed=seed)
    psf = Psf.analytic(pixel_nm=movie.pixel_nm)
    return Trial(1.0, detect(movie, n_avg=N_AVG, psf=psf, settings=settings), 0, np.empty(0, int))


def busy(mass_kda: float, seed: int, settings: DetectionSettings = LOW) -> Trial:
    """One minute of binders of one mass, one landing a um^2 and second."""
    assay = LandingAssay(species=(Species(mass_kda=mass_kda, abundance=1.0),), density=1.0)
    movie, truth = simulate_movie(assay, seconds=60, seed=seed)
    psf = Psf.analytic(pixel_nm=movie.pixel_nm)
    events = detect(movie, n_avg=N_AVG, psf=psf, settings=settings)
    place = truth[["frame", "y_px", "x_px"]].to_numpy(float)
    size = (movie.n_frames, movie.height, movie.width)
    alone = place[isolated(place) & accepted(place, size)]
    return Trial(1.0, events, len(alone), finders(alone, events))


def isolated(place: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether no other landing lies within 6 px and 2 n_avg frames; place (N, 3): t, y, x."""
    alone = np.ones(len(place), bool)
    for i, (t, y, x) in enumerate(place):
        near = np.abs(place[:, 0] - t) <= 2 * N_AVG
        near &= np.hypot(place[:, 1] - y, place[:, 2] - x) <= ISOLATED_PX
        alone[i] = near.sum() == 1
    return alone


def accepted(place: NDArray[np.float64], size: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Whether a landing is where events are accepted: inside the borders and the ends."""
    t, y, x = place.T
    inside = (y >= MARGIN_PX) & (y <= size[1] - 1 - MARGIN_PX)
    inside &= (x >= MARGIN_PX) & (x <= size[2] - 1 - MARGIN_PX)
    return inside & (t > N_AVG + 1) & (t < size[0] - N_AVG - 2)


def finders(place: NDArray[np.float64], events: pd.DataFrame) -> NDArray[np.int64]:
    """Row of the event that found each landing, -1 for none."""
    landing = (events["contrast"] < 0).to_numpy()
    at = events[["frame", "y_px", "x_px"]].to_numpy(float)
    rows = np.full(len(place), -1)
    for i, (t, y, x) in enumerate(place):
        near = landing & (np.abs(at[:, 0] - t) <= FOUND_FRAMES)
        near &= np.hypot(at[:, 1] - y, at[:, 2] - x) <= FOUND_PX
        if near.any():
            rows[i] = np.flatnonzero(near)[0]
    return rows


def passing(events: pd.DataFrame, spatial: float, temporal: float) -> NDArray[np.bool_]:
    """Whether each event is above both thresholds."""
    return ((events["snr_spatial"] >= spatial) & (events["snr_temporal"] >= temporal)).to_numpy()


def recall(trials: list[Trial], spatial: float, temporal: float) -> float:
    """Share of the isolated landings found."""
    found = sum(
        int(passing(t.events, spatial, temporal)[t.found_by[t.found_by >= 0]].sum())
        for t in trials
    )
    return found / sum(t.landings for t in trials)


def upper_limit(count: int) -> float:
    """95% upper limit of a Poisson mean."""
    return float(chi2.ppf(0.95, 2 * (count + 1)) / 2)


def main() -> None:
    """Print both tables."""
    blanks = [blank(seed) for seed in range(100, 110)]
    light = [busy(42, seed) for seed in (200, 201)]
    heavy = [busy(66, seed) for seed in (300, 301)]
    print("| spatial | temporal | false a minute | recall 42 kDa | recall 66 kDa |")
    print("|---|---|---|---|---|")
    for spatial in (4.8, 5.0, 5.2, 5.4, 5.6):
        for temporal in (0.0, 5.0, 5.5, 6.0, 6.5, 7.0):
            false = sum(int(passing(t.events, spatial, temporal).sum()) for t in blanks) / 10
            print(
                f"| {spatial} | {temporal} | {false:.1f} | {recall(light, spatial, temporal):.3f} "
                f"| {recall(heavy, spatial, temporal):.3f} |"
            )
    default = DetectionSettings()
    false = sum(len(blank(seed, default).events) for seed in range(500, 510))
    print(f"\ndefault ({default.spatial_threshold}, {default.temporal_threshold}), fresh seeds:")
    print(f"false events in 10 blank minutes: {false}, at most {upper_limit(false) / 10:.2f} a minute")
    for mass in (42, 66):
        trials = [busy(mass, seed, default) for seed in (600 + mass, 700 + mass)]
        share = recall(trials, 0.0, 0.0)
        print(f"recall at {mass} kDa: {share:.3f} of {sum(t.landings for t in trials)}")


if __name__ == "__main__":
    main()

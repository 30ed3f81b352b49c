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
from perrin.optics.psf import Psf
from perrin.settings.landing import DetectionSettings
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.matching import is_accepted, is_isolated, match_landings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

N_AVG = 10
LOW = DetectionSettings(spatial_threshold=4.8, temporal_threshold=0.0)


@dataclass(frozen=True)
class Trial:
    """Detected events of a minute and, for each isolated landing, the event it found or -1."""

    events: pd.DataFrame
    found: NDArray[np.int64]


def blank(seed: int, settings: DetectionSettings = LOW) -> Trial:
    """One minute in which nothing lands."""
    movie, _ = simulate_movie(preset("buffer"), seconds=60, seed=seed)
    psf = Psf.analytic(pixel_nm=movie.pixel_nm)
    return Trial(detect(movie, n_avg=N_AVG, psf=psf, settings=settings), np.empty(0, int))


def busy(mass_kda: float, seed: int, settings: DetectionSettings = LOW) -> Trial:
    """One minute of binders of one mass, one landing a um^2 and second."""
    assay = LandingAssay(species=(Species(mass_kda=mass_kda, abundance=1.0),), density=1.0)
    movie, truth = simulate_movie(assay, seconds=60, seed=seed)
    psf = Psf.analytic(pixel_nm=movie.pixel_nm)
    events = detect(movie, n_avg=N_AVG, psf=psf, settings=settings)
    alone = truth[is_isolated(truth, n_avg=N_AVG) & is_accepted(truth, movie, n_avg=N_AVG)]
    return Trial(events, match_landings(alone, events))


def passing(events: pd.DataFrame, spatial: float, temporal: float) -> NDArray[np.bool_]:
    """Whether each event is above both thresholds."""
    return ((events["snr_spatial"] >= spatial) & (events["snr_temporal"] >= temporal)).to_numpy()


def recall(trials: list[Trial], spatial: float, temporal: float) -> float:
    """Fraction of the isolated landings found."""
    found = sum(
        int(passing(t.events, spatial, temporal)[t.found[t.found >= 0]].sum()) for t in trials
    )
    return found / sum(len(t.found) for t in trials)


def upper_limit(count: float) -> float:
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
    false = sum(len(blank(seed, default).events) for seed in range(1500, 1510))
    print(f"\ndefault ({default.spatial_threshold}, {default.temporal_threshold}), fresh seeds:")
    print(
        f"false events in 10 blank minutes: {false}, at most {upper_limit(false) / 10:.2f} a minute"
    )
    for mass in (42, 66):
        trials = [busy(mass, seed, default) for seed in (1600 + mass, 1700 + mass)]
        fraction = recall(trials, 0.0, 0.0)
        print(f"recall at {mass} kDa: {fraction:.3f} of {sum(len(t.found) for t in trials)}")


if __name__ == "__main__":
    main()

"""The landing simulator: thumbnails a second, a 60 s movie, and how real its noise looks.

- *thumbnails*: `simulate_thumbnails` with the full background model, five classes, n_avg = 10,
  two threads; texture and set-up included.
- *movie*: ``simulate_landings`` of the preset ``bsa``, 60 s, to a ``.mp`` file, in a new process.
- *noise*: binders of one mass at 0.3 per um^2 and second, twelve minutes each, detected and fitted
  by `perrin`; isolated ones (no other within 16 px and 60 frames) against their truth.
- *suboptimal*: unbinders, rollers, wobblers and neighbors of 180 kDa in equal parts.
- *presets*: whole measurements, every event, as `perrin.mass` describes the spectrum.

Run: ``python benchmarks/simulate.py`` (about five minutes).
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from _measure import (
    CORES,
    Row,
    keep_to_two_cores,
    megabytes,
    print_goals,
    print_table,
    run_child,
    timed,
)
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.fit import fit, fit_patches
from perrin.mass.resolution import fit_peak, valley_to_peak
from perrin.optics.psf import Psf
from perrin.settings.simulation import (
    LandingAssay,
    MassPrior,
    Species,
    ThumbnailSettings,
)
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset
from perrin.simulate.thumbnails import simulate_thumbnails

N_AVG = 10
PER_KDA = -3.8e-5
PSF = Psf.analytic(pixel_nm=72.0)
TIMES = (5, 10, 15, 19, 24, 29, 34, 40)
ISOLATED_FRAMES = 60  # no other landing this close in time, nor 16 px in space
MOVIES = 12


def main() -> None:
    """Print the tables."""
    keep_to_two_cores()
    print_goals([*speed(), *noise(), suboptimal()])
    print()
    integration_time()
    print()
    print_goals(presets())


def speed() -> list[Row]:
    """Time and memory."""
    settings = ThumbnailSettings()
    count = 8192
    timing = timed(
        lambda: simulate_thumbnails(count, settings=settings, seed=1, workers=CORES), repeats=3
    )
    rate = count / timing.wall_s
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "from pathlib import Path; from perrin.simulate.movie import simulate_landings; "
            "from perrin.simulate.presets import preset; simulate_landings(preset('bsa'), "
            f"seconds=60, seed=1, out=Path({str(Path(folder, 'bsa.mp'))!r}))"
        )
        start = time.perf_counter()
        child = run_child([sys.executable, "-c", code])
        wall = time.perf_counter() - start
    return [
        Row("thumbnails a second, 2 cores", f"{rate:.0f}", "2000", rate >= 2000),
        Row("60 s movie to a file", f"{wall:.1f} s", "15 s", wall <= 15),
        Row("its memory", megabytes(child.peak_bytes), "1 GB", child.peak_bytes < 1e9),
    ]


def noise() -> list[Row]:
    """Fitted error, fraction within 5%, resolving power at 40 ms."""
    narrow, _ = weighed(180.0, width_kda=0.0, fit_n_avg=(N_AVG,))
    wide, se = weighed(180.0, width_kda=4.3, fit_n_avg=(N_AVG,))
    heavy, _ = weighed(360.0, width_kda=4.3, fit_n_avg=(N_AVG,))
    close = float(np.mean(np.abs(narrow[N_AVG] / 180 - 1) < 0.05))
    power_180, power_360 = power(wide[N_AVG], 180), power(heavy[N_AVG], 360)
    within = f"{100 * close:.1f}% of {len(narrow[N_AVG])}"
    return [
        Row("fitted contrast error at 40 ms", f"{se:.2f} kDa", "4 to 6 kDa", 4 <= se <= 6),
        Row("180 kDa binders within 5%, no width", within, "85%", close >= 0.85),
        Row("resolving power at 180 kDa, 40 ms", f"{power_180:.2f}", "9.5 to 10.5"),
        Row("resolving power at 360 kDa, 40 ms", f"{power_360:.2f}", "16 to 18"),
    ]


def integration_time() -> None:
    """Print noise and resolving power at 360 kDa against integration time."""
    masses, _ = weighed(360.0, width_kda=4.3, fit_n_avg=TIMES)
    rows = [
        (f"{n_avg * 3 / 0.726:.0f} ms", f"{found.std():.2f} kDa", f"{power(found, 360):.2f}")
        for n_avg, found in masses.items()
    ]
    print_table(("integration", "standard deviation at 360 kDa", "resolving power"), rows)


def suboptimal() -> Row:
    """Fraction of suboptimal 180 kDa events within 5%, fitted where they landed."""
    settings = ThumbnailSettings(
        classes={"unbinder": 0.25, "neighbors": 0.25, "roller": 0.25, "wobbler": 0.25},
        masses=MassPrior(low_kda=180, middle_kda=180, high_kda=180),
    )
    found = simulate_thumbnails(
        4000, settings=settings, seed=3, centering="detector", workers=CORES
    )
    patches = found.thumbnails[:, 20, 2:15, 2:15]
    fitted = fit_patches(patches, psf=PSF, inside=found.inside[:, 2:15, 2:15])
    close = np.abs(fitted.contrast / (PER_KDA * 180) - 1) < 0.05
    parts = ", ".join(
        f"{name} {100 * close[found.labels == name].mean():.0f}%"
        for name in ("unbinder", "neighbors", "roller", "wobbler")
    )
    return Row(
        "suboptimal 180 kDa events within 5%",
        f"{100 * close.mean():.0f}% ({parts})",
        "the paper: about 30%",
    )


def presets() -> list[Row]:
    """Figures of whole measurements, before any filtering."""
    dynamin = every_mass(preset("dynamin"), seconds=60, seeds=range(6))
    antibody = every_mass(preset("antibody"), seconds=60, seeds=range(3))
    hsp27 = every_mass(preset("hsp27"), seconds=60, seeds=range(8))
    dense = every_mass(preset("dynamin", density=34.6), seconds=6, seeds=range(6))
    modes = 22.8 * np.arange(6, 17, 2)
    valleys = []
    for left, right in pairwise(modes):
        valley = valley_to_peak(hsp27, left=left, right=right, kernel=3.0)
        valleys.append("none" if valley is None else f"{valley.ratio:.2f}")
    return [
        Row("dynamin, 180 kDa", f"{power(dynamin, 180):.1f}", "10"),
        Row("dynamin, 360 kDa", f"{power(dynamin, 360):.1f}", "17"),
        Row("antibody, 150 kDa", f"{power(antibody, 150, mode=145):.1f}", "3.9 +/- .5"),
        Row("hsp27, valley-to-peak", " ".join(valleys), ".69 .42 .38 .38 .5"),
        Row("dynamin at 34.6, 360 kDa", f"{power(dense, 360, mode=350):.1f}", "5.3 +/- .3"),
    ]


def weighed(
    mass_kda: float, *, width_kda: float, fit_n_avg: tuple[int, ...]
) -> tuple[dict[int, NDArray[np.float64]], float]:
    """Masses of isolated binders by integration, and the median error of the first."""
    species = (Species(mass_kda=mass_kda, abundance=1, width_kda=width_kda),)
    assay = LandingAssay(species=species, density=0.3, decay_s=None)
    masses: dict[int, list[NDArray[np.float64]]] = {n: [] for n in fit_n_avg}
    errors = []
    for seed in range(MOVIES):
        movie, truth = simulate_movie(assay, seconds=60, seed=1000 + seed)
        events = detect(movie, n_avg=N_AVG, psf=PSF)
        alone = truth[isolated(truth)]
        tree = cKDTree(events[["x_px", "y_px", "frame"]])
        apart, row = map(
            np.asarray, tree.query(alone[["x_px", "y_px", "frame"]], distance_upper_bound=6)
        )
        for n_avg in fit_n_avg:
            fitted = fit(movie, events, fit_n_avg=n_avg, psf=PSF).iloc[row[np.isfinite(apart)]]
            fitted = fitted.dropna(subset="contrast_se")
            masses[n_avg].append(fitted["contrast"].to_numpy() / PER_KDA)
            errors.append(fitted["contrast_se"].median() / -PER_KDA)
    return {n: np.concatenate(parts) for n, parts in masses.items()}, float(np.median(errors))


def isolated(truth: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether no other molecule lands close in space and time."""
    places = truth[["x_px", "y_px", "frame"]].to_numpy() / [16.0, 16.0, ISOLATED_FRAMES]
    near = cKDTree(places).query_ball_point(places, 1.0, p=np.inf, return_length=True)
    return np.asarray(near == 1)


def every_mass(assay: LandingAssay, *, seconds: float, seeds: range) -> NDArray[np.float64]:
    """Masses of all events of some measurements."""
    parts = []
    for seed in seeds:
        movie, _ = simulate_movie(assay, seconds=seconds, seed=seed)
        parts.append(_masses(movie))
    return np.concatenate(parts)


def _masses(movie: Movie) -> NDArray[np.float64]:
    fitted = fit(movie, detect(movie, n_avg=N_AVG, psf=PSF), fit_n_avg=N_AVG, psf=PSF)
    return fitted.dropna(subset="contrast_se")["contrast"].to_numpy() / PER_KDA


def power(masses: NDArray[np.float64], near: float, *, mode: float | None = None) -> float:
    """Resolving power of the peak near a mass."""
    peak = fit_peak(masses, mode=mode or near, low=0.7 * near, high=1.3 * near, bin_width=5.0)
    return np.nan if peak is None else peak.mean / peak.fwhm


if __name__ == "__main__":
    main()

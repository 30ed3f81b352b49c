r"""The same movie through PiSCAT's nearest equivalent and through perrin, side by side.

PiSCAT 1.1.4: power normalization, differential rolling average, difference of Gaussians in
every frame, 2D Gaussian fit of every localization (steps and settings of its tutorial on
protein detection; parallel where it can be). perrin: `detect` and `fit`, which also measure
the noise, merge what belongs to one landing and date it; what PiSCAT does after the fit
(linking, filters) is not counted. Both start from the frames in memory and have two cores; both
look for the weakest contrast that perrin accepts by default. Movie: ``bsa``, one landing per
um^2 and second, 14,500 frames of 151 x 38.

PiSCAT needs an environment of its own, named by the variable PERRIN_PISCAT_ENV; without it
this benchmark is skipped. A plain ``pip install piscat`` is 4.3 GB and pins packages that do
not exist for Python 3.11 (PySide6 6.2.3); its own code and what the modules used here import
are 1.4 GB and do::

    python3.11 -m venv $PERRIN_PISCAT_ENV
    $PERRIN_PISCAT_ENV/bin/pip install --no-deps piscat==1.1.4
    $PERRIN_PISCAT_ENV/bin/pip install "numpy<2" "pandas<2" "scikit-image<0.25" \
        "opencv-python-headless<4.11" pyside6-essentials scipy numba joblib tqdm matplotlib \
        pywavelets ipywidgets networkx astropy flifile h5py imageio-ffmpeg requests trackpy wget

Run: ``PERRIN_PISCAT_ENV=/some/folder python benchmarks/against_piscat.py``.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TypedDict

import numpy as np
from scipy.ndimage import gaussian_filter

from _measure import Row, keep_to_two_cores, print_goals, run_child, skip, timed
from perrin import LandingSettings, Movie, Psf
from perrin.landing.detect import detect
from perrin.landing.fit import fit
from perrin.landing.light import evened, light_field
from perrin.landing.ratiometric import ratiometric
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

SETTINGS = LandingSettings()
REPEATS = 5
GOAL = 10.0
SIGMA_PER_FWHM = 0.4247
SIGMA_RATIO = 1.1


class PiscatRun(TypedDict):
    """What the child prints: seconds of each step, in order, and how much it found."""

    seconds: dict[str, float]
    localizations: int


def main() -> None:
    """Print the table."""
    environment = os.environ.get("PERRIN_PISCAT_ENV")
    if not environment:
        skip("PERRIN_PISCAT_ENV does not name an environment with PiSCAT (see the docstring)")
    keep_to_two_cores()
    movie, _ = simulate_movie(preset("bsa", density=1.0), seconds=60, seed=1)
    psf = Psf.analytic(pixel_nm=movie.pixel_nm)
    found = detect(movie, n_avg=SETTINGS.n_avg, psf=psf)
    weakest = SETTINGS.detection.spatial_threshold * float(found["contrast_noise"].median())
    theirs = run_piscat(Path(environment).absolute(), movie, psf, weakest)
    frames = movie.frames[:]
    rolling = timed(
        lambda: ratiometric(evened(frames, light_field(frames)), n_avg=SETTINGS.n_avg),
        repeats=REPEATS,
    )
    detection = timed(lambda: detect(movie, n_avg=SETTINGS.n_avg, psf=psf), repeats=REPEATS)
    fits = timed(lambda: fit(movie, found, fit_n_avg=SETTINGS.n_avg, psf=psf), repeats=REPEATS)
    power, average, gaussians, gaussian_fits = theirs["seconds"].values()
    found_s, fitted_s = detection.wall_s, fits.wall_s
    ratio = (power + average + gaussians + gaussian_fits) / (found_s + fitted_s)
    print_goals(
        [
            compared("normalization and ratiometric movie", power + average, rolling.wall_s),
            compared("movie to found events", power + average + gaussians, found_s),
            Row(
                "fits",
                f"PiSCAT {gaussian_fits:.1f} s for {theirs['localizations']} localizations "
                f"(a landing counts in every frame that shows it), perrin {fitted_s:.2f} s for "
                f"{len(found)} events",
            ),
            Row(
                "movie to fitted events",
                f"PiSCAT {power + average + gaussians + gaussian_fits:.0f} s, perrin "
                f"{found_s + fitted_s:.2f} s: {ratio:.0f} times as fast",
                f"{GOAL:.0f} times",
                ratio >= GOAL,
            ),
        ]
    )


def run_piscat(environment: Path, movie: Movie, psf: Psf, weakest: float) -> PiscatRun:
    """Run PiSCAT in its environment; seconds of each step and the number of localizations."""
    sigma = psf.fwhm_px() * SIGMA_PER_FWHM
    threshold = weakest * blob_response(psf, sigma)
    with tempfile.TemporaryDirectory(prefix="perrin-bench-") as folder:
        inner = Path(folder, "work")  # PiSCAT writes its settings beside the working folder
        inner.mkdir()
        np.save(inner / "movie.npy", movie.frames[:])
        child = run_child(
            (
                environment / "bin" / "python",
                Path(__file__).with_name("_piscat_side.py"),
                "movie.npy",
                str(SETTINGS.n_avg),
                str(sigma),
                str(threshold),
            ),
            cwd=inner,
            TQDM_DISABLE="1",
        )
    result: PiscatRun = json.loads(child.output.rstrip().splitlines()[-1])
    return result


def blob_response(psf: Psf, sigma: float) -> float:
    """Height of a unit event in scikit-image's difference of Gaussians."""
    image = psf.image(37)
    difference = gaussian_filter(image, sigma) - gaussian_filter(image, sigma * SIGMA_RATIO)
    return float(difference[18, 18]) / (SIGMA_RATIO - 1)


def compared(what: str, theirs_s: float, ours_s: float) -> Row:
    """One step of both."""
    return Row(
        what,
        f"PiSCAT {theirs_s:.1f} s, perrin {ours_s:.2f} s: {theirs_s / ours_s:.0f} times as fast",
    )


if __name__ == "__main__":
    main()

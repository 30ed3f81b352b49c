"""Simulate a measurement, analyze it, and compare what was found with the truth.

    python simulate_and_check.py FOLDER

Writes ``FOLDER/simulated.mp`` and ``FOLDER/simulated.truth.csv``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import perrin
from perrin import LandingAssay, Species, simulate_landings
from perrin.simulate.matching import is_accepted, match_landings

SECONDS = 10
ASSAY = LandingAssay(
    species=(
        Species(mass_kda=150, abundance=0.7, name="antibody"),
        Species(mass_kda=300, abundance=0.3, name="dimer"),
    ),
    density=0.8,  # landings per um^2 and second
    motions={"binder": 0.8, "unbinder": 0.2},
)


def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    truth = simulate_landings(
        ASSAY, seconds=SECONDS, seed=1, out=folder / "simulated.mp", overwrite=True
    )
    with perrin.open_movie(folder / "simulated.mp") as movie:
        # The simulator's own line; an experiment has a calibrant for this.
        line = perrin.Calibration(gradient_per_kda=ASSAY.instrument.contrast_per_kda, offset=0)
        measured = perrin.analyze_landings(movie, line, classifier=None)
        # Molecules that stay, alone, away from the edges of the field and of the movie.
        fair = truth[(truth["class"] == "binder") & is_accepted(truth, movie, n_avg=10)]

    row = match_landings(fair, measured.events)  # -1: not found
    found = row >= 0
    error = measured.events["mass_kda"].to_numpy()[row[found]] - fair["mass_kda"].to_numpy()[found]
    print(f"found {found.sum()} of {len(fair)} isolated binders")
    print(f"mass error: median {np.median(error):+.1f} kDa, spread {error.std():.1f} kDa")
    for peak in measured.spectrum.peaks:
        print(f"peak at {peak.mode.value:.0f} kDa, {peak.counts} landings")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

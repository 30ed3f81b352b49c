"""From two movies, a calibrant and a sample, to masses.

    python movie_to_masses.py FOLDER

FOLDER holds ``calibrant.mp`` and ``sample.mp``. The results go to ``FOLDER/results``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import perrin

LADDER_KDA = (90, 180, 360, 540)  # masses in the calibrant; here dynamin


def main(folder: Path) -> None:
    # The calibrant first: without a calibration its spectrum is one of contrast.
    with perrin.open_movie(folder / "calibrant.mp") as movie:
        calibrant = perrin.analyze_landings(movie)
    ladder = perrin.calibrate_from_events(
        calibrant.events, LADDER_KDA, recorded=calibrant.recorded, source="calibrant.mp"
    )
    print(ladder.match)
    calibration = ladder.calibration
    calibration.save(folder / "calibration.json", overwrite=True)

    # The sample: landings that the classifier trusts. A generator of random numbers gives every
    # figure an interval.
    with perrin.open_movie(folder / "sample.mp") as movie:
        sample = perrin.analyze_landings(
            movie,
            calibration=calibration,
            model=perrin.ClassifierModel.load("default"),
            rng=np.random.default_rng(0),
        )
    # Same integration, pixel and frame interval?
    perrin.check_recorded(calibration, sample.recorded)

    for peak in sample.spectrum.peaks:
        mode = peak.mode
        print(f"{mode.value:6.1f} kDa ({mode.low:.1f} to {mode.high:.1f}), {peak.counts} landings")

    # The events are a pandas table: sort, filter and plot them as you like.
    events = sample.events[sample.events["retained"]]
    heaviest = events.nlargest(3, "mass_kda")
    print(heaviest[["time_s", "x_px", "y_px", "mass_kda", "mass_se_kda"]].round(2).to_string())

    perrin.write_results(
        folder / "results", [sample], inputs=[folder / "sample.mp"], overwrite=True
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

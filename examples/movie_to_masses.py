"""From two movies, a calibrant and a sample, to masses.

    python movie_to_masses.py FOLDER

FOLDER holds ``calibrant.mp`` and ``sample.mp``. The results go to ``FOLDER/results``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import perrin

LADDER_KDA = (90, 180, 360, 540)  # masses in the calibrant; here dynamin


def main(folder: Path) -> None:
    # The calibrant first. Look at how its peaks were read.
    with perrin.open_movie(folder / "calibrant.mp") as movie:
        calibration = perrin.calibrate(movie, LADDER_KDA)
    print(calibration.reading)
    calibration.save(folder / "calibration.json", overwrite=True)

    # The sample: landings that the classifier trusts, every figure with an interval. A calibration
    # that was recorded with another integration, pixel or frame interval is refused.
    with perrin.open_movie(folder / "sample.mp") as movie:
        sample = perrin.analyze_landings(movie, calibration)

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

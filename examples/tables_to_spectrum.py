"""From event tables of any program to spectra, overlaid.

    python tables_to_spectrum.py FOLDER

FOLDER holds tables (``.csv``, ``.h5``, ``.parquet``) of DiscoverMP, perrin or others. Each
becomes a spectrum; the results go to ``FOLDER/spectra``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import perrin


def main(folder: Path) -> None:
    tables = sorted(p for p in folder.iterdir() if p.suffix in {".csv", ".h5", ".parquet"})
    settings = perrin.SpectrumSettings(range_kda=(-1500, 1500))
    measurements: list[perrin.LandingsResult] = []
    for path in tables:
        events = perrin.read_events(path)
        print(f"{path.name}: {events.attrs['format']}, {len(events)} events")
        for note in events.attrs["notes"]:
            print(f"  note: {note}")
        measurements += perrin.fit_spectrum(events, spectrum_settings=settings)

    for measurement in measurements:
        spectrum = measurement.spectrum
        peaks = ", ".join(
            f"{p.mode.value:.0f} kDa ({p.fraction.value:.0%})" for p in spectrum.peaks
        )
        print(f"{measurement.name}: {peaks}")
        for valley in spectrum.valleys:
            print(f"  valley at {valley.position:.0f} kDa: {valley.ratio.value:.2f} of the peak")

    perrin.write_results(folder / "spectra", measurements, inputs=tables, overwrite=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

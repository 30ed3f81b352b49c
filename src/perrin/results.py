"""A results folder: events, figures, thumbnails and a summary, written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from perrin.errors import PerrinError
from perrin.io.output_folder import SUMMARY, output_folder, written_folder
from perrin.io.plain import plain
from perrin.io.tables import write_events
from perrin.landing.persistence import late_ratios
from perrin.pipeline import LandingsResult, told_apart
from perrin.provenance import provenance
from perrin.report import figures, persistence_figures, quantifier_figures, score_figures
from perrin.report.page import write_report
from perrin.report.style import save_figure
from perrin.tables import landings_and_unbindings, order_columns

_RESIDUALS = {"fit_error": "Fit error", "fit_residual": "Fit residual RMS"}  # ours wins


def write_results(
    folder: str | os.PathLike[str],
    measurements: Sequence[LandingsResult],
    *,
    inputs: Sequence[str | Path] = (),
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write everything that came out of some measurements into one folder.

    ``events.csv`` (DiscoverMP's columns first) and ``events.h5`` (full precision) hold all
    events of all measurements; ``summary.json`` all figures with their units, the settings,
    versions and the hash of each input; ``thumbnails.npz`` example thumbnails of movies;
    ``figures/`` SVG and PNG; ``report.html`` all of it to look at; ``species.csv`` what each
    spectrum found. With a classifier,
    ``tradeoff.csv`` says what each threshold keeps and ``removed.csv`` what was removed at each
    mass; where events were looked at again, ``persistence.csv`` says what was still there;
    ``abundances.csv`` has corrected fractions, if these were asked for. Nothing appears until
    everything is written. `run` is what else is needed to repeat it, such as the command and
    the seed.

    Raises `PerrinError` if the folder exists (see `perrin.io.output_folder`) or nothing was
    measured.
    """
    target = output_folder(folder, overwrite=overwrite, inputs=inputs)
    if not measurements:
        raise PerrinError("there are no measurements to write")
    measurements = told_apart(measurements)
    with written_folder(target) as partial:
        events = _all_events(measurements)
        write_events(events, partial / "events.csv")
        write_events(events, partial / "events.h5")
        _write_thumbnails(partial / "thumbnails.npz", measurements)
        _write_filter_tables(partial, measurements)
        _species(measurements).to_csv(partial / "species.csv", index=False)
        _write_optional(
            partial / "persistence.csv",
            {m.name: m.persistence.groups for m in measurements if m.persistence is not None},
        )
        _write_optional(
            partial / "abundances.csv",
            {m.name: m.abundances for m in measurements if m.abundances is not None},
        )
        _write_figures(partial / "figures", measurements)
        summary = summarize(measurements, inputs=inputs, run=run)
        text = json.dumps(plain(summary), indent=2, allow_nan=False)
        (partial / SUMMARY).write_text(text + "\n", encoding="utf-8")
        write_report([partial], partial / "report.html")
    return target.shown


def summarize(
    measurements: Sequence[LandingsResult],
    *,
    inputs: Sequence[str | Path] = (),
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All figures of some measurements, with what is needed to make them again."""
    return {
        **provenance(inputs, run),
        "measurements": [
            _summary(measurement)
            | ({"figures": _file_name(measurement.name)} if len(measurements) > 1 else {})
            for measurement in measurements
        ],
    }


def _summary(measurement: LandingsResult) -> dict[str, Any]:
    events = measurement.events
    landings, unbindings = landings_and_unbindings(events)
    main, spectrum = next(iter(measurement.spectra.items()))
    summary: dict[str, Any] = {
        "name": measurement.name,
        **({"read_as": measurement.read_as} if measurement.read_as else {}),
        "events": len(events),
        "landings": landings,
        "unbindings": unbindings,
        "retained": int(events["retained"].sum()),
        "recorded": dict(measurement.recorded),
        "reported_spectrum": main,
        "species": [one.to_dict(spectrum.unit) for one in spectrum.species],
        "spectrum": measurement.spectrum.to_dict(),
        "spectrum_settings": measurement.spectrum_settings.model_dump(mode="json"),
        "notes": list(measurement.notes),
    }
    if measurement.classification is not None and measurement.unfiltered is not None:
        summary["classification"] = measurement.classification.to_dict()
        summary["spectrum_before"] = measurement.unfiltered.to_dict()
    if measurement.quantification is not None:
        summary["quantification"] = measurement.quantification.to_dict()
    if measurement.abundances is not None:
        summary["abundances"] = measurement.abundances.to_dict("records")
    if measurement.persistence is not None:
        summary["persistence"] = measurement.persistence.to_dict()
    if measurement.calibration is not None:
        summary["calibration"] = measurement.calibration.model_dump(mode="json")
    if measurement.settings is not None:
        summary["settings"] = measurement.settings.model_dump(mode="json")
    if measurement.psf is not None:
        summary["psf"] = {"pixel_nm": measurement.psf.pixel_nm, **measurement.psf.card}
    if measurement.density is not None:
        summary["landing_density"] = measurement.density.to_dict()
        summary["peak_drifts"] = [
            None if drift is None else drift.to_dict() for drift in measurement.drifts
        ]
    return summary


def _all_events(measurements: Sequence[LandingsResult]) -> pd.DataFrame:
    """One table; -1 stands for whole numbers and flags that a measurement's file lacks."""
    parts = [measurement.events.copy() for measurement in measurements]
    kinds = {name: part[name].dtype.kind for part in parts for name in part.columns}
    for part in parts:
        part.attrs = {}
        for name, kind in kinds.items():
            if kind in "iub" and name not in part.columns:
                part[name] = np.int64(-1)
    events = order_columns(pd.concat(parts, ignore_index=True))
    for name, kind in kinds.items():
        if kind == "b" and events[name].dtype == object:
            events[name] = events[name].astype(np.int64)
    calibrations = {m.calibration for m in measurements}
    if len(calibrations) == 1 and (calibration := calibrations.pop()) is not None:
        events.attrs["calibration"] = calibration.model_dump(mode="json")
    return events


def _species(measurements: Sequence[LandingsResult]) -> pd.DataFrame:
    """One row for each species of each spectrum, those of the reported spectrum first."""
    rows = [
        {"measurement": measurement.name, "spectrum": name, "main": place == 0}
        | one.to_dict(spectrum.unit)
        for measurement in measurements
        for place, (name, spectrum) in enumerate(measurement.spectra.items())
        for one in spectrum.species
    ]
    return pd.DataFrame(rows, columns=None if rows else ["measurement", "spectrum", "main"])


def _write_thumbnails(path: Path, measurements: Sequence[LandingsResult]) -> None:
    sets = [(m.name, m.thumbnails) for m in measurements if m.thumbnails is not None]
    if not sets:
        return
    arrays: dict[str, Any] = {"measurements": np.array([name for name, _ in sets])}
    for index, (_, thumbnails) in enumerate(sets):
        arrays[f"values_{index}"] = thumbnails.values  # noqa: PD011
        arrays[f"inside_{index}"] = thumbnails.inside
        arrays[f"event_{index}"] = thumbnails.rows
    np.savez_compressed(path, **arrays)


def _write_filter_tables(folder: Path, measurements: Sequence[LandingsResult]) -> None:
    """``tradeoff.csv`` and ``removed.csv`` of all measurements with a classifier."""
    sorted_out = {m.name: m.classification for m in measurements if m.classification is not None}
    if not sorted_out:
        return
    for name in ("tradeoff", "removed"):
        tables = {key: getattr(value, name) for key, value in sorted_out.items()}
        joined = pd.concat(tables, names=["measurement"]).reset_index(level=0)
        joined.to_csv(folder / f"{name}.csv", index=False)


def _write_optional(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write one table for all measurements that have it, if any has."""
    if tables:
        joined = pd.concat(tables, names=["measurement"]).reset_index(level=0)
        joined.to_csv(path, index=False)


def _write_figures(folder: Path, measurements: Sequence[LandingsResult]) -> None:
    folder.mkdir()
    spectra = {m.name: m.spectrum for m in measurements}
    save_figure(figures.spectrum_figure(spectra), folder / "spectrum")
    for measurement in measurements:
        own = folder if len(measurements) == 1 else folder / _file_name(measurement.name)
        own.mkdir(exist_ok=True)
        if len(measurements) > 1:
            alone = {measurement.name: measurement.spectrum}
            save_figure(figures.spectrum_figure(alone), own / "spectrum")
        for name, figure in _figures_of(measurement).items():
            save_figure(figure, own / name)


def _figures_of(measurement: LandingsResult) -> dict[str, Figure]:
    """What can be drawn of a measurement besides its spectrum, by file name."""
    events, unit = measurement.events, measurement.spectrum.unit
    masses = events["mass_kda"] if unit == "kDa" else -events["contrast"]
    made: dict[str, Figure] = {}
    if "time_s" in events.columns:
        made["events_in_time"] = figures.events_in_time_figure(
            events["time_s"], masses, unit=unit, density=measurement.density
        )
    if measurement.calibration is not None and measurement.calibration.points:
        made["calibration"] = figures.calibration_figure(measurement.calibration)
    for column, meaning in _RESIDUALS.items():
        if column in events.columns:
            made["mass_residual"] = figures.mass_residual_figure(
                masses,
                events[column],
                retained=events["retained"],
                unit=unit,
                residual_name=meaning,
            )
    if measurement.classification is not None and measurement.unfiltered is not None:
        made |= score_figures.all_figures(
            measurement.classification,
            events,
            before=measurement.unfiltered,
            after=measurement.spectrum,
        )
    if measurement.quantification is not None:
        made |= quantifier_figures.all_figures(
            measurement.quantification, events, filtered=measurement.spectrum
        )
    if measurement.persistence is not None:
        made["persistence"] = persistence_figures.persistence_figure(
            late_ratios(events), persistence_ms=measurement.persistence.persistence_ms
        )
    if measurement.snapshot is not None and measurement.settings is not None:
        shown = measurement.snapshot
        near = (events["frame"] - shown.frame).abs() <= measurement.settings.n_avg // 2
        made["ratiometric_frame"] = figures.ratiometric_frame_figure(
            shown.values,
            pixel_nm=shown.pixel_nm,
            x_px=events["x_px"][near],
            y_px=events["y_px"][near],
            contrast=events["contrast"][near],
        )
    return made


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "measurement"

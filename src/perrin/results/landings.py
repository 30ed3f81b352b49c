"""The results folder of landings: events, spectra, thumbnails, tables and figures."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from perrin.errors import PerrinError
from perrin.io.cells import without_formulas
from perrin.io.tables import read_events, write_events
from perrin.landing.classifier.classification import Classification
from perrin.landing.classifier.prevalence import ClassPrevalence
from perrin.landing.patterns import MovingPatterns
from perrin.landing.persistence import PersistenceResult, late_ratios
from perrin.landing.pixels import BadPixels
from perrin.landing.quantifier.agreement import Agreement, Bin
from perrin.landing.quantifier.quantification import Quantification
from perrin.landing.quantifier.surface import Surface
from perrin.landing.whitening import NoiseFilter
from perrin.mass.calibration import Calibration
from perrin.mass.errors import ErrorSpectrum
from perrin.mass.mixture import Component, Mixture
from perrin.mass.results import ComponentEstimate, Estimate, Peak, Spectrum, Valley
from perrin.mass.time_course import LandingDensity, PeakDrift
from perrin.optics.psf import Psf
from perrin.pipeline import LandingsResult, Snapshot
from perrin.pipeline.checks import Verdict
from perrin.pipeline.instrument import Instrument
from perrin.report import figures, persistence_figures, quantifier_figures, score_figures
from perrin.report.calibration_figure import calibration_figure
from perrin.report.page.folders import read_fields, read_thumbnails
from perrin.report.style import save_figure
from perrin.results.folder import FIGURES
from perrin.results.stored import as_schema, restore, schema_of, store
from perrin.settings.landing import LandingSettings
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import landings_and_unbindings, order_columns
from perrin.types import NetworkId

KIND = "landings"
_KNOWN = (
    Agreement,
    BadPixels,
    Bin,
    Calibration,
    ClassPrevalence,
    Classification,
    Component,
    ComponentEstimate,
    ErrorSpectrum,
    Estimate,
    Instrument,
    LandingDensity,
    LandingSettings,
    LandingsResult,
    Mixture,
    MovingPatterns,
    NetworkId,
    NoiseFilter,
    Peak,
    PeakDrift,
    PersistenceResult,
    Psf,
    Quantification,
    ScoreSettings,
    Snapshot,
    Spectrum,
    SpectrumSettings,
    Surface,
    Valley,
    Verdict,
)
_RESIDUALS = {"fit_error": "Fit error", "fit_residual": "Fit residual RMS"}  # ours wins


def write_landings(
    folder: Path, measurements: Sequence[LandingsResult], *, single: bool, draw: bool
) -> None:
    """Write events, tables, thumbnails and figures of some measurements into a folder.

    ``events.csv`` (DiscoverMP's columns first) and ``events.h5`` (full precision) hold all
    events of all measurements, ``species.csv`` what each spectrum found; ``thumbnails.npz``
    examples of movies, ``field.npz`` the field around all events. With a classifier,
    ``tradeoff.csv`` says what each threshold keeps and ``removed.csv`` what was removed at each
    mass; where events were looked at again, ``persistence.csv`` says what was still there;
    ``abundances.csv`` has corrected fractions, if these were asked for; ``calibration.json`` is
    the calibration that all share. single: `read_landings` gives one result, not a tuple. draw:
    write the figures.
    """
    events = _all_events(measurements)
    write_events(events, folder / "events.csv")
    write_events(events, folder / "events.h5")
    _write_arrays(
        folder / "thumbnails.npz",
        {
            m.name: {"values": shown.values, "inside": shown.inside, "event": shown.rows}  # noqa: PD011
            for m in measurements
            if (shown := m.thumbnails) is not None
        },
    )
    _write_arrays(
        folder / "field.npz", {m.name: vars(m.field) for m in measurements if m.field is not None}
    )
    _write_filter_tables(folder, measurements)
    without_formulas(_species(measurements)).to_csv(folder / "species.csv", index=False)
    _write_optional(
        folder / "persistence.csv",
        {m.name: m.persistence.groups for m in measurements if m.persistence is not None},
    )
    _write_optional(
        folder / "abundances.csv",
        {m.name: m.abundances for m in measurements if m.abundances is not None},
    )
    calibration = _only_calibration(measurements)
    if calibration is not None:
        calibration.save(folder / "calibration.json")
    bare = [
        replace(m, events=schema_of(m.events), thumbnails=None, field=None) for m in measurements
    ]
    store(folder, KIND, bare[0] if single else tuple(bare), _KNOWN)
    if draw:
        _write_figures(folder / FIGURES, measurements)


def read_landings(folder: Path) -> LandingsResult | tuple[LandingsResult, ...]:
    """Return the results that were written: one, or as many as were given together."""
    found = restore(folder, _KNOWN)
    table = read_events(folder / "events.h5")
    shown = read_thumbnails(folder / "thumbnails.npz")
    around = read_fields(folder / "field.npz")

    def whole(bare: LandingsResult) -> LandingsResult:
        own = table[table["measurement"] == bare.name]
        try:
            events = as_schema(own, bare.events)
        except (KeyError, ValueError) as error:
            raise PerrinError(
                f"{folder / 'events.h5'} is not the table that was written with these results "
                f"({error})."
            ) from error
        return replace(
            bare, events=events, thumbnails=shown.get(bare.name), field=around.get(bare.name)
        )

    if isinstance(found, LandingsResult):
        return whole(found)
    return tuple(whole(one) for one in found)


def _only_calibration(measurements: Sequence[LandingsResult]) -> Calibration | None:
    """The calibration that all share; None where they differ or have none."""
    calibrations = {m.calibration for m in measurements}
    return calibrations.pop() if len(calibrations) == 1 else None


def summarize_landings(measurements: Sequence[LandingsResult]) -> dict[str, Any]:
    """Return all figures of some measurements, units in the names."""
    return {
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
        summary["psf"] = {
            "pixel_nm": measurement.psf.pixel_nm,
            "sha256": hashlib.sha256(measurement.psf.coefficients.tobytes()).hexdigest(),
            **measurement.psf.card,
        }
    for name in ("instrument", "verdict"):
        if (found := getattr(measurement, name)) is not None:
            summary[name] = found.to_dict()
    if measurement.density is not None:
        summary["landing_density"] = measurement.density.to_dict()
        summary["peak_drifts"] = [
            None if drift is None else drift.to_dict() for drift in measurement.drifts
        ]
    return summary


def _all_events(measurements: Sequence[LandingsResult]) -> pd.DataFrame:
    """One table; -1 stands for whole numbers and flags that a measurement's file lacks.

    What no quantifier has seen is not out of distribution: its ``contrast_pred`` is NaN.
    """
    parts = [measurement.events.copy() for measurement in measurements]
    kinds = {name: part[name].dtype.kind for part in parts for name in part.columns}
    for part in parts:
        part.attrs = {}
        for name, kind in kinds.items():
            if kind in "iub" and name not in part.columns:
                part[name] = False if name == "out_of_distribution" else np.int64(-1)
    events = order_columns(pd.concat(parts, ignore_index=True))
    for name, kind in kinds.items():
        if kind == "b" and events[name].dtype == object:
            events[name] = events[name].astype(np.int64)
    calibration = _only_calibration(measurements)
    if calibration is not None:
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


def _write_arrays(path: Path, measured: Mapping[str, Mapping[str, Any]]) -> None:
    """Write arrays by measurement and name as .npz, if any measurement has them."""
    if measured:
        arrays = {
            f"{name}_{place}": array
            for place, own in enumerate(measured.values())
            for name, array in own.items()
        }
        arrays["measurements"] = np.array(list(measured))
        with ZipFile(path, "w") as archive:
            for name, array in arrays.items():
                array, whole = np.asarray(array), io.BytesIO()
                np.lib.format.write_array(whole, array, allow_pickle=False)
                # noise in floats is not made smaller, and little is made much smaller by more work
                how = ZIP_STORED if array.dtype.kind == "f" else ZIP_DEFLATED
                entry = ZipInfo(f"{name}.npy")  # of no time: the same arrays are the same file
                archive.writestr(entry, whole.getbuffer(), how, compresslevel=1)


def _write_filter_tables(folder: Path, measurements: Sequence[LandingsResult]) -> None:
    """``tradeoff.csv`` and ``removed.csv`` of all measurements with a classifier."""
    sorted_out = {m.name: m.classification for m in measurements if m.classification is not None}
    if not sorted_out:
        return
    for name in ("tradeoff", "removed"):
        tables = {key: getattr(value, name) for key, value in sorted_out.items()}
        joined = pd.concat(tables, names=["measurement"]).reset_index(level=0)
        without_formulas(joined).to_csv(folder / f"{name}.csv", index=False)


def _write_optional(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write one table for all measurements that have it, if any has."""
    if tables:
        joined = pd.concat(tables, names=["measurement"]).reset_index(level=0)
        without_formulas(joined).to_csv(path, index=False)


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
        made["calibration"] = calibration_figure(measurement.calibration)
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

"""A results folder: events, figures, thumbnails and a summary, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.atomic import folder_written_whole
from perrin.io.tables import write_events
from perrin.pipeline import Measurement
from perrin.report import figures

SUMMARY = "summary.json"
_HASH_BYTES = 1 << 22


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise `PerrinError` if results cannot go to `folder`; ask before any long work.

    A folder that holds a perrin summary is replaced with `overwrite`; any other folder with
    something in it never is.
    """
    if folder.is_file():
        raise PerrinError(f"{folder} is a file; results need a folder. Choose another --out.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / SUMMARY).is_file():
        raise PerrinError(
            f"{folder} holds files that are not perrin's results; they will not be replaced. "
            "Choose another --out."
        )
    if not overwrite:
        raise PerrinError(
            f"{folder} already holds results. Choose another --out, or replace them with "
            "--overwrite."
        )


def write_results(
    folder: str | Path,
    measurements: Sequence[Measurement],
    *,
    inputs: Sequence[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """Write everything that came out of some measurements into one folder.

    ``events.csv`` (DiscoverMP's columns first) and ``events.h5`` (full precision) hold all
    events of all measurements; ``summary.json`` all figures with their units, the settings,
    versions and the hash of each input; ``thumbnails.npz`` example thumbnails of movies;
    ``figures/`` SVG and PNG. Nothing appears until everything is written.

    Raises `PerrinError` if the folder exists (see `check_folder`) or nothing was measured.
    """
    folder = Path(folder)
    check_folder(folder, overwrite=overwrite)
    if not measurements:
        raise PerrinError("there are no measurements to write")
    with folder_written_whole(folder) as partial:
        events = _all_events(measurements)
        write_events(events, partial / "events.csv")
        write_events(events, partial / "events.h5")
        _write_thumbnails(partial / "thumbnails.npz", measurements)
        _write_figures(partial / "figures", measurements)
        summary = summarise(measurements, inputs=inputs)
        text = json.dumps(_plain(summary), indent=2, allow_nan=False)
        (partial / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return folder


def summarise(
    measurements: Sequence[Measurement], *, inputs: Sequence[str | Path] = ()
) -> dict[str, Any]:
    """All figures of some measurements, with what is needed to make them again."""
    return {
        "perrin_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "inputs": [_fingerprint(Path(path)) for path in inputs],
        "measurements": [_summary(measurement) for measurement in measurements],
    }


def _summary(measurement: Measurement) -> dict[str, Any]:
    events = measurement.events
    summary: dict[str, Any] = {
        "name": measurement.name,
        "events": len(events),
        "landings": int((events["contrast"] < 0).sum()),
        "unbindings": int((events["contrast"] > 0).sum()),
        "retained": int(events["retained"].sum()),
        "recorded": dict(measurement.recorded),
        "spectrum": measurement.spectrum.to_dict(),
        "spectrum_settings": measurement.spectrum_settings.model_dump(mode="json"),
        "notes": list(measurement.notes),
    }
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


def _fingerprint(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of an input file (a folder, such as Zarr, has its name only)."""
    if not path.is_file():
        return {"name": path.name}
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BYTES):
            digest.update(block)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _plain(value: Any) -> Any:
    """JSON's own types; NaN and infinity, which JSON lacks, become null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Path):
        return value.name
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _all_events(measurements: Sequence[Measurement]) -> pd.DataFrame:
    parts = []
    for measurement in measurements:
        part = measurement.events.copy()
        part.attrs = {}
        parts.append(part)
    events = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    calibrations = {m.calibration for m in measurements}
    if len(calibrations) == 1 and (calibration := calibrations.pop()) is not None:
        events.attrs["calibration"] = calibration.model_dump(mode="json")
    return events


def _write_thumbnails(path: Path, measurements: Sequence[Measurement]) -> None:
    sets = [(m.name, m.thumbnails) for m in measurements if m.thumbnails is not None]
    if not sets:
        return
    arrays: dict[str, Any] = {"measurements": np.array([name for name, _ in sets])}
    for index, (_, thumbnails) in enumerate(sets):
        arrays[f"values_{index}"] = thumbnails.values.astype(np.float32)
        arrays[f"inside_{index}"] = thumbnails.inside
        arrays[f"event_{index}"] = thumbnails.rows
    np.savez_compressed(path, **arrays)


def _write_figures(folder: Path, measurements: Sequence[Measurement]) -> None:
    folder.mkdir()
    spectra = {m.name: m.spectrum for m in measurements}
    figures.save_figure(figures.spectrum_figure(spectra), folder / "spectrum")
    for measurement in measurements:
        own = folder if len(measurements) == 1 else folder / _file_name(measurement.name)
        own.mkdir(exist_ok=True)
        for name, figure in _figures_of(measurement).items():
            figures.save_figure(figure, own / name)


def _figures_of(measurement: Measurement) -> dict[str, Any]:
    events, made = measurement.events, {}
    if "time_s" in events.columns and events["time_s"].notna().any():
        made["events_in_time"] = figures.events_in_time_figure(events)
    if measurement.calibration is not None and measurement.calibration.points:
        made["calibration"] = figures.calibration_figure(measurement.calibration)
    if "fit_residual" in events.columns and events["fit_residual"].notna().any():
        made["mass_residual"] = figures.mass_residual_figure(events)
    if measurement.snapshot is not None:
        made["ratiometric_frame"] = figures.ratiometric_frame_figure(measurement.snapshot, events)
    return made


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "measurement"

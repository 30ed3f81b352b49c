"""Affinity from the folder of a batch: its counts by species and its concentrations."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perrin.batch.folder import original_changed, read_asked
from perrin.batch.run import BatchResult, read_batch
from perrin.batch.sheet import concentration
from perrin.batch.species import Window, parse_species
from perrin.errors import PerrinError
from perrin.io.output_folder import OutputFolder, output_folder
from perrin.mass.affinity import CONCENTRATION_ERROR, EFFICIENCY_ERROR, Titration
from perrin.mass.affinity_estimate import Affinity, estimate_affinity
from perrin.mass.affinity_model import Model, observed, parse_model
from perrin.results.folder import provenance, results_folder
from perrin.stats import normal_quantile
from perrin.types import FloatArray


def fit_affinity(
    folder: str | os.PathLike[str] | BatchResult,
    model: str,
    *,
    efficiency_error: float = EFFICIENCY_ERROR,
    concentration_error: float = CONCENTRATION_ERROR,
    confidence: float = 0.95,
) -> Affinity:
    """Return the dissociation constants of a titration that was run as a batch: `perrin affinity`.

    folder: of `perrin.run_batch`, or what that or `perrin.read_batch` returned; its species are
    named as those of the model, and it has a column of total concentrations for each component,
    as ``A_nM``. model: ``A+B=AB``, ``A+A=AA``, ``A+B=AB+AB=A2B2``, ``competition`` (A+B=AB,
    A+C=AC) or other reactions of two species.
    efficiency_error: standard deviation of the log efficiency with which the landings of each
    species are counted, each by itself; the fractions that a simulation retained
    (``correct_fractions``) shift what is expected. concentration_error: that of the log
    concentration of each stock. Rows that failed are left out.

    Raises `PerrinError` for a folder of something else, columns or species that are missing, and
    too few wells.
    """
    titration, wells = read_titration(
        folder,
        parse_model(model),
        efficiency_error=efficiency_error,
        concentration_error=concentration_error,
    )
    return _estimate(titration, wells, confidence=confidence)


def _estimate(titration: Titration, wells: pd.DataFrame, *, confidence: float) -> Affinity:
    """Fit the constants, and note which rows of the sheet are in no well, and why."""
    found = estimate_affinity(titration, confidence=confidence)
    left_out = wells.attrs["left_out"]
    notes = [f"left out: {', '.join(left_out)}"] if left_out else []
    return replace(found, notes=(*found.notes, *notes))


def read_titration(
    folder: str | os.PathLike[str] | BatchResult,
    model: Model,
    *,
    efficiency_error: float = EFFICIENCY_ERROR,
    concentration_error: float = CONCENTRATION_ERROR,
) -> tuple[Titration, pd.DataFrame]:
    """Return the counts of a batch as a titration, and a table of the wells it is made of."""
    for name, value in (("efficiency", efficiency_error), ("concentration", concentration_error)):
        if not 0 <= value < 2:
            raise PerrinError(f"--{name}-error is {value:g}; give a relative error from 0 to 2")
    path = folder.folder if isinstance(folder, BatchResult) else Path(folder)
    asked = read_asked(path)
    if original_changed(asked):
        raise PerrinError(
            f"{asked.sheet.path} changed since {path} was made of it; its concentrations would "
            f"not be used. Run the batch again: perrin batch {asked.sheet.path} --out {path}"
        )
    if asked.species is None:
        raise PerrinError(
            f"the species of {path} have no names; run it again with those of the model, as "
            f'perrin batch {path} --species "A:66,AB:216"'
        )
    windows = [w for w in parse_species(asked.species) if set(w.members) & set(model.species)]
    seen = observed(model, [window.members for window in windows])
    table, counts = _counts(path, windows)
    totals = _totals(counts, model, path)
    relative, error = _efficiency(path, windows, efficiency_error)
    wells = counts.reset_index(drop=True)
    names = tuple(window.name for window in windows)
    numbers = wells[[f"{name}_count" for name in names]].to_numpy(np.float64)
    used = (numbers.sum(axis=1) > 0) & (totals.sum(axis=1) > 0)
    titration = Titration.of(
        model,
        totals,
        numbers,
        seen=seen,
        windows=names,
        efficiency=relative,
        efficiency_error=error,
        concentration_error=concentration_error,
    )
    wells = wells[used].reset_index(drop=True)
    wells.attrs["left_out"] = _left_out(table, wells)
    return titration, wells


def _left_out(table: pd.DataFrame, wells: pd.DataFrame) -> list[str]:
    """The rows of the batch that are no well of the titration, each with its reason."""
    said = []
    for row in table[~table["row"].isin(wells["row"])].to_dict("records"):
        why = "no landings of these species" if row["status"] == "ok" else row["status"]
        why = "no masses" if row["unit"] == "contrast" else why
        said.append(f"row {row['row']} ({row['name']}: {why})")
    return said


def _counts(path: Path, windows: Sequence[Window]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All rows, and those that can be counted, with a column of counts for each window."""
    table = read_batch(path).measurements
    missing = [w.name for w in windows if f"{w.name}_count" not in table.columns]
    if missing:
        raise PerrinError(
            f"{path} has no counts of {', '.join(missing)}: no row with masses ended well, or the "
            f"batch was not run to its end. Run it again: perrin batch {path}"
        )
    counted = table["status"].isin(["ok", "no events"]) & table[f"{windows[0].name}_count"].notna()
    return table, table[counted]


def _totals(table: pd.DataFrame, model: Model, path: Path) -> FloatArray:
    """Total concentrations (W, C) in nM."""
    columns: dict[str, str] = {}
    for column in table.columns:
        found = concentration(str(column), "1")
        if found is not None:
            columns[found[0]] = str(column)
    missing = [name for name in model.components if name not in columns]
    if missing:
        raise PerrinError(
            f"the sheet of {path} has no column {missing[0]}_nM, the total concentration of "
            f"{missing[0]} in {model}. Add it to the sheet, and run perrin batch again."
        )
    found_totals = np.full((len(table), len(model.components)), np.nan)
    for place, name in enumerate(model.components):
        unit = concentration(columns[name], "1")
        assert unit is not None  # noqa: S101 - it was found by this
        found_totals[:, place] = table[columns[name]].to_numpy(np.float64) * unit[1]
    for line, row in zip(table["row"], found_totals, strict=True):
        if np.isnan(row).any():
            name = model.components[int(np.flatnonzero(np.isnan(row))[0])]
            raise PerrinError(f"row {line} of the sheet has no {columns[name]}; 0 is written as 0")
    return found_totals


def _efficiency(
    path: Path, windows: Sequence[Window], error: float
) -> tuple[FloatArray, FloatArray]:
    """Efficiency (O,) as simulations gave it (1 where none did), and error (O,) of its log."""
    relative, errors = np.ones(len(windows)), np.full(len(windows), error)
    told: list[list[tuple[float, float]]] = [[] for _ in windows]
    for record in sorted((path / "rows").glob("*/row.json")):
        found = json.loads(record.read_text(encoding="utf-8"))["found"]
        for one in found.get("abundances") or ():
            mass = float(str(one["species"]).split(" ")[0])
            for place, window in enumerate(windows):
                if window.low <= mass < window.high and one["retention"]:
                    told[place].append(_log_with_sd(one))
    if all(told):
        for place, values in enumerate(told):
            logs, sds = np.array(values).T
            relative[place] = float(np.exp(np.median(logs)))
            errors[place] = float(np.hypot(error, np.median(sds)))
    return relative, errors


def _log_with_sd(one: Mapping[str, Any]) -> tuple[float, float]:
    low, high = max(one["retention_low"], 1e-6), max(one["retention_high"], 1e-6)
    sd = np.log(high / low) / (2 * normal_quantile(0.95))
    return float(np.log(one["retention"])), float(sd)


def write_affinity(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    model: str,
    *,
    command: Sequence[str] = (),
    overwrite: bool = False,
    **options: float,
) -> Affinity:
    """Fit the affinity of a batch and write it into one folder, whole or not at all.

    ``summary.json`` holds ``kd_nM``, ``kd_nM_low`` and ``kd_nM_high`` (null where they are not
    told) and all else of the fit, ``wells.csv`` counts, expected counts and residuals of each
    well, ``curve.csv`` what is expected between them, ``figures/`` the fitted curve with its
    residuals. The options and errors are those of `fit_affinity` and `perrin.io.output_folder`.
    """
    target = output_folder(out, overwrite=overwrite, inputs=[Path(folder)])
    known = {k: v for k, v in options.items() if k != "confidence"}
    titration, wells = read_titration(folder, parse_model(model), **known)
    found = _estimate(titration, wells, confidence=options.get("confidence", 0.95))
    _write(target, found, wells, folder=Path(folder), command=command)
    return found


def _write(
    target: OutputFolder,
    found: Affinity,
    wells: pd.DataFrame,
    *,
    folder: Path,
    command: Sequence[str],
) -> None:
    from perrin.report.affinity_figures import affinity_figure, curve_of
    from perrin.report.style import save_figure

    summary = {
        **provenance(command=command, inputs=[folder / "measurements.csv", folder / "sheet.csv"]),
        **found.to_dict(),
    }
    with results_folder(target, summary) as partial:
        _wells(found, wells).to_csv(partial / "wells.csv", index=False)
        curve = curve_of(found)
        if curve is not None:
            curve.to_csv(partial / "curve.csv", index=False)
        (partial / "figures").mkdir()
        save_figure(affinity_figure(found), partial / "figures" / "affinity")


def _wells(found: Affinity, wells: pd.DataFrame) -> pd.DataFrame:
    """What was counted in each well, what was expected, and the residuals."""
    data = found.titration
    table = wells[["row", "name", "sample", "replicate"]].copy()
    of = data.counts.sum(axis=1)
    for place, name in enumerate(data.model.components):
        table[f"{name}_nM"] = data.totals[:, place]
    for place, name in enumerate(data.windows):
        table[f"{name}_count"] = data.counts[:, place].astype(np.int64)
        table[f"{name}_expected"] = of * found.expected[:, place]
        table[f"{name}_residual"] = found.residuals[:, place]
    return table

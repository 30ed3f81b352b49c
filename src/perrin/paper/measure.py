"""One simulated measurement through the pipeline, with the truth of every event; kept on disk.

A finished measurement is one small file, written whole: a run that was stopped goes on with
those that it finds. A file that was made with other settings, another network or another
version is measured again.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin._version import __version__
from perrin.io.movie import Movie
from perrin.io.output import written_file
from perrin.models.classifier import ClassifierModel
from perrin.pipeline.simulated import Measured, analyze, refit_column
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.simulation import LandingAssay
from perrin.simulate.movie import simulate_movie


def measure(planned: PlannedMeasurement, *, model: ClassifierModel, folder: Path) -> Measured:
    """Return a measurement from its file in `folder`, or simulate, analyze and store it."""
    path = folder / f"{planned.name}.npz"
    key = {
        "planned": planned.model_dump(mode="json"),
        "model": model.bundle.card.sha256,
        "perrin_version": __version__,
    }
    stored = _load(path, key)
    if stored is not None:
        return stored
    start = time.process_time()
    movie, truth = _simulated(planned.assay.model_dump_json(), planned.seconds, planned.seed)
    measured = analyze(movie, truth, planned=planned, model=model)
    measured = replace(measured, cpu_s=time.process_time() - start)
    _save(path, measured, key)
    return measured


@lru_cache(maxsize=1)
def _simulated(assay: str, seconds: float, seed: int) -> tuple[Movie, pd.DataFrame]:
    """The movie, kept until the next one: several analyses of one follow each other."""
    return simulate_movie(LandingAssay.model_validate_json(assay), seconds=seconds, seed=seed)


def refitted(measured: Measured, n_avg: int) -> Measured:
    """The measurement with the masses of another integration of the fit."""
    mass = measured.events[refit_column(n_avg)].to_numpy(float)
    able = measured.events["fitted"].to_numpy(bool) & np.isfinite(mass)
    single = measured.events["single"].to_numpy(bool) & able
    events = measured.events.assign(mass_kda=mass, fitted=able, single=single)
    return replace(measured, events=events)


def _save(path: Path, measured: Measured, key: dict[str, Any]) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "key": np.array(json.dumps(key, sort_keys=True)),
        "numbers": np.array([measured.seconds, measured.area_um2, measured.cpu_s]),
        "fractions": np.array(json.dumps(measured.fractions)),
    }
    for group, table in (("event", measured.events), ("molecule", measured.molecules)):
        for name in table.columns:
            values = table[name].to_numpy()
            arrays[f"{group}/{name}"] = values.astype(str) if values.dtype == object else values
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_file(path, overwrite=True) as partial:
        np.savez_compressed(partial, allow_pickle=False, **arrays)


def _load(path: Path, key: dict[str, Any]) -> Measured | None:
    """The measurement in a file, or None: no file, an unreadable one, or made otherwise."""
    try:
        # opened here: numpy leaves a broken file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) != json.dumps(key, sort_keys=True):
                return None
            tables = {
                group: pd.DataFrame(
                    {
                        name.removeprefix(f"{group}/"): stored[name]
                        for name in stored.files
                        if name.startswith(f"{group}/")
                    }
                )
                for group in ("event", "molecule")
            }
            fractions = json.loads(str(stored["fractions"]))
            seconds, area, cpu_s = map(float, stored["numbers"])
    except (FileNotFoundError, BadZipFile, KeyError, ValueError, EOFError):
        return None
    return Measured(path.stem, tables["event"], tables["molecule"], fractions, seconds, area, cpu_s)

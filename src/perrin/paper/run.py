"""Run experiments: measure what is not measured yet, analyze, write tables and figures.

The folder has ``settings.json``, ``measurements/NAME/`` (a file each) and a folder for every
experiment, written whole. Stopped, a run goes on where it was; run again, it measures nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.manifest import is_as_written, read_manifest, write_manifest
from perrin.io.output import written_file
from perrin.io.output_folder import SUMMARY, output_folder
from perrin.models.classifier import ClassifierModel
from perrin.paper import (
    antibody,
    bsa,
    density,
    dynamin,
    hsp27,
    integration,
    protein_a,
    selection,
)
from perrin.paper.core import Context, Experiment, Findings
from perrin.paper.measure import measure
from perrin.paper.settings import ExperimentSettings
from perrin.report.style import save_figure
from perrin.results.folder import provenance, results_folder

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("bsa", "BSA: optimal and suboptimal landings", bsa.plan, bsa.analyze, bsa.then),
        Experiment("dynamin", "Dynamin: firm binding", dynamin.plan, dynamin.analyze),
        Experiment("hsp27", "HSP27: overlapping oligomers", hsp27.plan, hsp27.analyze),
        Experiment("antibody", "Antibody: hardly any binding", antibody.plan, antibody.analyze),
        Experiment("protein-a", "Protein A: low mass", protein_a.plan, protein_a.analyze),
        Experiment("density", "Landing density", density.plan, density.analyze),
        Experiment("integration", "Integration time", integration.plan, integration.analyze),
        Experiment(
            "selection", "Selection bias", selection.plan, selection.analyze, selection.then
        ),
    )
}
_SETTINGS = "settings.json"
_GOALS = "goals.csv"
_OWN = (_SETTINGS, _GOALS)
"""What lies beside the folders of the experiments; `manifest.json` lists both."""
_MEASUREMENTS = "measurements"


@dataclass(frozen=True)
class Ran:
    """One experiment that was run: what it found, and the CPU time that it took, s.

    ``measuring_s`` is that of all its measurements, those of earlier runs included;
    ``analyzing_s`` that of what was made of them.
    """

    experiment: Experiment
    findings: Findings
    measuring_s: float
    analyzing_s: float


def run_experiments(
    names: Sequence[str],
    *,
    out: Path,
    settings: ExperimentSettings,
    model: ClassifierModel,
    command: Sequence[str] = (),
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> list[Ran]:
    """Run the experiments called `names` and write their results into the folder `out`.

    Each gets a folder with ``goals.csv``, its tables as CSV, its figures and ``summary.json``;
    ``goals.csv`` beside them gathers the goals of all that were run so far. `overwrite`:
    measure again where the settings are others, which replaces the results of these experiments;
    `command` is what was typed.

    Raises `PerrinError` for an unknown experiment, a folder that holds something else, or
    measurements made with other settings.
    """
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise PerrinError(
            f"there is no experiment {unknown[0]!r}; there are {', '.join(EXPERIMENTS)}"
        )
    _prepare(out, names, settings, overwrite=overwrite)
    plans = {name: EXPERIMENTS[name].plan(settings) for name in names}
    whole, done = sum(one.seconds for plan in plans.values() for one in plan), 0.0
    finished = []
    for name, plan in plans.items():
        rng = np.random.default_rng(np.random.SeedSequence([settings.seed, len(plan)]))
        context = Context(settings, model, rng)
        measured = []
        for one in plan:
            measured.append(measure(one, model=model, folder=out / _MEASUREMENTS / name))
            done += one.seconds
            if progress is not None:
                progress(done / whole)
        then = EXPERIMENTS[name].then
        more = () if then is None else then(measured, context)
        measured += [measure(m, model=model, folder=out / _MEASUREMENTS / name) for m in more]
        start = time.process_time()
        found = EXPERIMENTS[name].analyze(measured, context)
        measuring_s = sum(one.cpu_s for one in measured)
        ran = Ran(EXPERIMENTS[name], found, measuring_s, time.process_time() - start)
        about = _about(context, command) | {"measurements": [*plan, *more]}
        _write(out / name, ran, about=about)
        _gather(out, settings)
        finished.append(ran)
    return finished


def _prepare(
    out: Path, names: Sequence[str], settings: ExperimentSettings, *, overwrite: bool
) -> None:
    """Make the folder ready; never mix measurements of different settings."""
    if out.is_file():
        raise PerrinError(f"{out} is a file; results need a folder. Choose another --out.")
    path = out / _SETTINGS
    if out.is_dir() and any(out.iterdir()):
        files = read_manifest(out)
        if files is None or _SETTINGS not in files or not (out / _MEASUREMENTS).is_dir():
            raise PerrinError(
                f"{out} holds files that are not of perrin's experiments; they will not be "
                "replaced. Choose another --out."
            )
        for own in _OWN:
            known = own in files and is_as_written(out, own, files)
            if os.path.lexists(out / own) and not known:
                raise PerrinError(
                    f"{out / own} was changed since perrin wrote it; it will not be replaced. "
                    "Move it away, or choose another --out."
                )
        same = json.loads(path.read_text(encoding="utf-8")) == settings.model_dump(mode="json")
        if not same and not overwrite:
            raise PerrinError(
                f"{out} holds measurements made with other settings (see {_SETTINGS} there). "
                "Choose another --out, or throw them away with --overwrite."
            )
    for name in names:
        if (out / name).exists():
            output_folder(out / name, overwrite=True)
    (out / _MEASUREMENTS).mkdir(parents=True, exist_ok=True)
    with written_file(path, overwrite=True) as partial:
        partial.write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
    write_manifest(out, only=_OWN)


def _about(context: Context, command: Sequence[str]) -> dict[str, Any]:
    settings, network = context.settings, context.model.bundle.identity
    made = provenance(command=command, seed=settings.seed, networks=[network])
    return made | {"settings": settings.model_dump(mode="json")}


def _write(folder: Path, ran: Ran, *, about: Mapping[str, Any]) -> None:
    """Write the results of one experiment, whole or not at all."""
    found = ran.findings
    summary = {
        **about,
        "experiment": ran.experiment.name,
        "title": ran.experiment.title,
        "goals": [vars(goal) for goal in found.goals],
        "comparable": found.comparable,
        "notes": list(found.notes),
        "measuring_cpu_s": ran.measuring_s,
        "analyzing_cpu_s": ran.analyzing_s,
        "measurements": [planned.model_dump(mode="json") for planned in about["measurements"]],
    }
    with results_folder(folder, summary, overwrite=True) as partial:
        for name, table in found.tables.items():
            table.to_csv(partial / f"{name}.csv", index=False)
        pd.DataFrame([vars(goal) for goal in found.goals]).to_csv(partial / _GOALS, index=False)
        for name, figure in found.figures.items():
            save_figure(figure, partial / name)


def _gather(out: Path, settings: ExperimentSettings) -> None:
    """Write the goals of all experiments that were run with these settings into one table."""
    parts = [
        pd.read_csv(out / name / _GOALS, keep_default_na=False).assign(experiment=name)
        for name in EXPERIMENTS
        if (out / name / _GOALS).is_file() and _settings_of(out / name) == settings
    ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "experiment", table.pop("experiment"))
    with written_file(out / _GOALS, overwrite=True) as partial:
        table.to_csv(partial, index=False)
    write_manifest(out, only=_OWN)


def _settings_of(folder: Path) -> ExperimentSettings:
    made = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["settings"]
    return ExperimentSettings.model_validate(made)

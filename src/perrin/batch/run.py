"""A sheet from its rows to the tables over them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from perrin.batch import folder as folders
from perrin.batch.check import Plan, plan
from perrin.batch.executors import Executor, InProcess
from perrin.batch.folder import Asked
from perrin.batch.job import set_aside_damaged
from perrin.batch.motion_page import figures_of, render_motion
from perrin.batch.motion_tables import motion_tables
from perrin.batch.page import drawn_of, render_batch
from perrin.batch.replicates import replicates_table
from perrin.batch.settings import Kind
from perrin.batch.sheet import Sheet, read_sheet
from perrin.batch.species import Window, parse_species
from perrin.batch.tables import NO_MASSES, Measured, measurements_table, species_of, species_table
from perrin.errors import PerrinError
from perrin.io.cells import with_plain_texts, without_formulas
from perrin.io.output_folder import OutputFolder, output_folder
from perrin.results.folder import provenance, results_folder, save_figures
from perrin.types import NetworkId, Progress

Say = Callable[[str], None]


TABLES: dict[Kind, tuple[str, ...]] = {
    "landings": ("measurements", "species", "replicates"),
    "diffusion": ("measurements", "conditions", "differences", "time_courses"),
}
"""Tables of each kind of batch."""


@dataclass(frozen=True)
class BatchResult:
    """What came out of a sheet: its folder, and the tables that lie in it.

    ran: how many rows were run now; stopped: why not all of them were, empty if all were. species
    and replicates are those of landings; conditions, differences and time_courses of motion.
    """

    folder: Path
    measurements: pd.DataFrame
    ran: int
    stopped: str = ""
    species: pd.DataFrame = field(default_factory=pd.DataFrame)
    replicates: pd.DataFrame = field(default_factory=pd.DataFrame)
    conditions: pd.DataFrame = field(default_factory=pd.DataFrame)
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    time_courses: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each status, ``ok`` first."""
        found = Counter(self.measurements["status"])
        order = ("ok", "no events", "failed", "not run")
        return {status: found[status] for status in order if found[status]}


def run_batch(
    sheet: Sheet | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    kind: Kind = "landings",
    species: str | None = None,
    executor: Executor | None = None,
    stop_on_error: bool = False,
    overwrite: bool = False,
    command: Sequence[str] = (),
    progress: Progress | None = None,
    say: Say | None = None,
    **defaults: Any,
) -> BatchResult:
    """Run every row of a sheet by itself, and write the tables over all of them: `perrin batch`.

    Rows that are finished in `out`, from the same files, settings and networks, are not run
    again; a row that fails or holds no events is a row with its status, and the others go on.

    kind: masses of what lands ("landings"), or what moves the particles ("diffusion"): then the
    samples of the sheet are conditions, its rows movies or tables of tracks, and there are no
    species. sheet: a row for each measurement, or the path of one (`perrin.read_sheet`). out:
    folder for the results; one of an earlier run is gone on with. species: windows of mass by
    name, as ``A:66,B:150,AB:216``; without it those that all samples together show. executor:
    who runs the rows, this process by default. stop_on_error: stop at the first row that fails.
    overwrite: run rows again whose files, settings or networks have changed, and make tables
    without rows and columns that the sheet of an earlier run had. command: what was typed, kept
    with the results. progress, say: called with the fraction done, and with a sentence for each
    row that did not end well. defaults: settings of all rows, by the names of
    `perrin.batch.RowSettings`.

    Raises `PerrinError` before anything is run for all that is wrong with the sheet, row by row.
    """
    if kind == "diffusion" and species is not None:
        raise PerrinError("species are of landings: leave them out for --kind diffusion.")
    given = parse_species(species) if species is not None else ()
    if not isinstance(sheet, Sheet):
        sheet = read_sheet(sheet, **defaults)
    asked = Asked(sheet, kind, dict(defaults), species)
    say = say or (lambda _: None)
    changes = _changes(asked, Path(out), overwrite=overwrite)
    target, planned = _planned(asked, Path(out), overwrite=overwrite)
    if changes:
        say(f"the tables in {out} are made again: {'; '.join(changes)}")
    work = _Work(planned, progress or (lambda _: None), say)
    stopped = work.do(executor or InProcess(), stop_on_error=stop_on_error)
    return _write(target, asked, work, given, command=command, stopped=stopped)


def _changes(asked: Asked, out: Path, *, overwrite: bool) -> list[str]:
    """What the tables of an earlier run will say otherwise; lost rows and columns are refused."""
    if not folders.is_batch(out):
        return []
    folders.check_own_tables(out)
    lost, changes = folders.replaced_by(out, asked)
    if lost and not overwrite:
        raise PerrinError(
            f"the tables in {out} would lose {', '.join(lost)}, which the sheet no longer has. "
            "Choose another --out, or make them again without with --overwrite."
        )
    return [*changes, *(f"without {what}" for what in lost)]


def _planned(asked: Asked, out: Path, *, overwrite: bool) -> tuple[OutputFolder, Plan]:
    """Check everything, and only then make the folder."""
    inputs = [row.path for row in asked.sheet.rows]
    known = folders.is_batch(out)
    target = output_folder(out, overwrite=overwrite or known, inputs=inputs)
    rows = target.path / folders.ROWS
    planned = plan(
        asked.sheet, rows, kind=asked.kind, overwrite=overwrite, space=target.path.parent
    )
    return folders.start(out, asked, overwrite=overwrite, inputs=inputs), planned


class _Work:
    """The rows in hand: what is done of them, and who is told."""

    def __init__(self, planned: Plan, progress: Progress, say: Say) -> None:
        self.plan = planned
        self.outcomes = dict(planned.finished)
        self.ran = 0
        self._progress, self.say = progress, say

    def do(self, executor: Executor, *, stop_on_error: bool) -> str:
        """Run what is to be run; return why it stopped before the end, empty if it did not."""
        jobs = self.plan.to_run
        if self.outcomes:
            self.say(f"{len(self.outcomes)} of {len(self.plan.jobs)} rows are finished already")
        for job in jobs:
            aside = set_aside_damaged(job)
            if aside is not None:
                self.say(
                    f"row {job.line} ({job.path.name}): its results changed since perrin wrote "
                    f"them; they are made again, and those that changed are in {aside}"
                )
        lines = {job.name: job for job in jobs}
        ending = executor.run(jobs, within=lambda part: self._progress(self._done(part, len(jobs))))
        try:
            for outcome in ending:
                self.outcomes[outcome.name] = outcome
                self.ran += 1
                self._progress(self._done(0.0, len(jobs)))
                if outcome.status != "ok":
                    job = lines[outcome.name]
                    said = f"row {job.line} ({job.path.name}): {outcome.status}"
                    self.say(f"{said}: {outcome.reason}" if outcome.reason else said)
                if outcome.status == "failed" and stop_on_error:
                    return f"row {lines[outcome.name].line} failed: {outcome.reason}"
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            close = getattr(ending, "close", None)
            if close is not None:
                close()
        return ""

    def _done(self, part: float, of: int) -> float:
        return (self.ran + min(max(part, 0.0), 1.0)) / of if self.ran < of else 1.0


@dataclass(frozen=True)
class _Made:
    """What is made over all rows of one kind of batch; page: from what the summary says."""

    tables: dict[str, pd.DataFrame]
    windows: Sequence[Window]
    page: Callable[[dict[str, Any]], str]
    figures: Callable[[], dict[str, Figure]]
    said: str = ""


def _landings(
    sheet: Sheet, measured: Sequence[Measured], given: Sequence[Window], _folder: Path
) -> _Made:
    windows = species_of(measured, given)
    species = species_table(sheet, measured, windows)
    replicates = replicates_table(sheet, measured, species)
    return _Made(
        {
            "measurements": measurements_table(sheet, measured, species),
            "species": species,
            "replicates": replicates,
        },
        windows,
        lambda about: render_batch(sheet, measured, windows, species, replicates, about=about),
        lambda: drawn_of(measured),
        _said_of_massless(measured) if windows else "",
    )


def _said_of_massless(measured: Sequence[Measured]) -> str:
    rows = [str(one.row) for one in measured if one.massless]
    more = f" and {len(rows) - 4} more" if len(rows) > 4 else ""
    named = f"{', '.join(rows[:4])}{more}"
    told = f"{named}: {NO_MASSES}. Give a calibration, for all or in a column calibration"
    return told if rows else ""


def _motion(
    sheet: Sheet, measured: Sequence[Measured], given: Sequence[Window], folder: Path
) -> _Made:
    tables = motion_tables(sheet, measured, folder)
    return _Made(
        vars(tables),
        given,
        lambda about: render_motion(sheet.path.stem, tables, about=about),
        lambda: figures_of(tables),
    )


def _write(
    target: OutputFolder,
    asked: Asked,
    work: _Work,
    given: Sequence[Window],
    *,
    command: Sequence[str],
    stopped: str,
) -> BatchResult:
    """Write the tables over all rows that there are, and return them."""
    measured = [Measured(row, work.outcomes.get(row.name)) for row in asked.sheet.rows]
    make = _motion if asked.kind == "diffusion" else _landings
    made = make(asked.sheet, measured, given, target.path)
    if made.said:
        work.say(made.said)
    found = BatchResult(target.shown, ran=work.ran, stopped=stopped, **made.tables)
    summary = _summary(asked, measured, made.windows, found, command=command)
    with results_folder(target, summary) as partial:
        folders.write_asked(partial, asked)
        _write_tables(partial, found, asked.kind)
        (partial / "report.html").write_text(made.page(summary), encoding="utf-8")
        save_figures(partial, made.figures())
    return found


def _write_tables(folder: Path, found: BatchResult, kind: Kind) -> None:
    for name in TABLES[kind]:
        table = without_formulas(getattr(found, name))
        table.to_csv(folder / f"{name}.csv", index=False)


def _summary(
    asked: Asked,
    measured: Sequence[Measured],
    windows: Sequence[Window],
    found: BatchResult,
    *,
    command: Sequence[str],
) -> dict[str, Any]:
    seeds = {row.settings.seed for row in asked.sheet.rows}
    return {
        **provenance(
            command=command,
            seed=seeds.pop() if len(seeds) == 1 else None,
            networks=_networks(measured),
        ),
        "kind": asked.kind,
        "rows": len(measured),
        "status": found.counts,
        "species": [vars(window) for window in windows],
        "species_from": "all samples together" if asked.species is None else "given",
        "inputs": [
            {"row": one.row.line, "name": one.row.name, "status": one.status}
            | ({} if one.outcome is None else {"identity": one.outcome.identity})
            for one in measured
        ],
    }


def _networks(measured: Sequence[Measured]) -> list[NetworkId]:
    """Return the networks of all rows, each once."""
    found: dict[NetworkId, None] = {}
    for one in measured:
        used = {} if one.outcome is None else one.outcome.identity.get("networks", {})
        for use, sha256 in used.items():
            name = str(getattr(one.row.settings, use, "default"))
            found[NetworkId(use if name == "default" else name, use, sha256)] = None
    return list(found)


def read_batch(folder: str | os.PathLike[str]) -> BatchResult:
    """Return the tables of a batch that was run. Raises `PerrinError` for any other folder."""
    path = Path(folder)
    names = TABLES[folders.read_asked(path).kind]
    tables: dict[str, Any] = {name: _table(path, name) for name in names}
    return BatchResult(path, ran=0, **tables)


def _table(path: Path, name: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path / f"{name}.csv", dtype={"sample": str, "replicate": str})
    except (OSError, ValueError) as error:
        raise PerrinError(
            f"{path / name}.csv cannot be read ({error}). Run it to its end: perrin batch {path}"
        ) from error
    return with_plain_texts(table)

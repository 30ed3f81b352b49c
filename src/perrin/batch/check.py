"""Everything about a sheet that can be wrong before a row is run, and the jobs if nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from perrin.batch.job import ChangedError, Job, Outcome, finished, networks_of
from perrin.batch.motion import problems_of_tracks
from perrin.batch.settings import MOVIE, Kind
from perrin.batch.sheet import Row, Sheet, raise_problems
from perrin.errors import PerrinError
from perrin.io.disk import check_space
from perrin.io.output_folder import SUMMARY

_BYTES_OF_A_ROW = {"movie": 8_000_000}
_TIMES_ITS_TABLE = 6
_OTHER_ROW = 2_000_000


@dataclass(frozen=True)
class Plan:
    """The jobs of a sheet in its order, and how those ended that need not be run again."""

    jobs: tuple[Job, ...]
    finished: dict[str, Outcome] = field(default_factory=dict)

    @property
    def to_run(self) -> tuple[Job, ...]:
        """The jobs that are not finished."""
        return tuple(job for job in self.jobs if job.name not in self.finished)


def plan(sheet: Sheet, rows: Path, *, kind: Kind, overwrite: bool, space: Path) -> Plan:
    """Check a sheet and return what is to be done; results of the rows lie below `rows`.

    Raises `PerrinError` that names all rows with a problem: files and calibrations that are not
    there or are something else, numbers that a movie lacks, networks, a row that is there twice,
    no room on the disk of `space`, and (without `overwrite`) results made of something else.
    """
    jobs: list[Job] = []
    problems: list[str] = []
    done: dict[str, Outcome] = {}
    loaded: dict[Path, str | None] = {}
    for row in sheet.rows:
        try:
            job = _job(row, rows, kind=kind)
            jobs.append(job)
            own = [f"{row}: {problem}" for problem in _problems(job, loaded)]
            problems += own
            outcome = None if own else _finished(job, overwrite=overwrite)
            if outcome is not None:
                done[job.name] = outcome
        except (PerrinError, OSError) as error:
            problems.append(f"{row}: {error}")
    problems += _twice(sheet)
    raise_problems(sheet.path, problems)
    check_space(space, sum(_bytes(job) for job in jobs if job.name not in done))
    return Plan(tuple(jobs), done)


def _finished(job: Job, *, overwrite: bool) -> Outcome | None:
    try:
        return finished(job)
    except ChangedError as changed:
        if overwrite:
            return None
        raise PerrinError(
            f"its results were made with something else ({changed} changed). Run it again with "
            "--overwrite, or choose another --out."
        ) from changed


def _job(row: Row, rows: Path, *, kind: Kind) -> Job:
    return Job(
        name=row.name,
        path=row.path,
        place=rows / row.name,
        kind=kind,
        input_kind=input_kind(row.path),
        settings=row.settings,
        line=row.line,
    )


def input_kind(path: Path) -> str:
    """What a file is, by its first bytes. Raises `PerrinError` where it is no input."""
    from perrin.io.inspecting import is_table
    from perrin.io.kinds import what_it_is
    from perrin.io.sniff import sniff

    if not path.exists():
        raise PerrinError(f"there is no {path}")
    if path.is_dir() and (path / SUMMARY).is_file():
        return "results"
    if not is_table(path, sniff(path)):
        return "movie"
    other = what_it_is(path)
    if other is not None:
        raise PerrinError(f"it is {other}")
    return "table"


def _problems(job: Job, loaded: dict[Path, str | None]) -> Iterator[str]:
    for name, file in (("calibration", job.settings.calibration), ("psf", job.settings.psf)):
        if file is not None:
            if file not in loaded:
                loaded[file] = _unloadable(name, file)
            if (problem := loaded[file]) is not None:
                yield problem
    own = job.folder.resolve()
    yield from (
        f"{file} lies in the results of this row, which replace it: copy it out of them"
        for file in job.inputs
        if own in file.resolve().parents
    )
    networks_of(job)  # raises for a name that is not there
    if job.input_kind == "movie":
        yield from _problems_of_movie(job)
    if job.kind == "diffusion":
        yield from problems_of_tracks(job)
    if job.settings.threshold is not None and job.settings.precision is not None:
        yield "threshold and precision are both given: leave one of them away"


def _unloadable(name: str, file: Path) -> str | None:
    from perrin.mass.calibration import Calibration
    from perrin.optics.psf import Psf

    try:
        Calibration.load(file) if name == "calibration" else Psf.load(file)
    except (PerrinError, OSError) as error:
        return str(error) if file.exists() else f"there is no {name} {file}"
    return None


def _problems_of_movie(job: Job) -> Iterator[str]:
    from perrin.io import inspect

    seen = inspect(
        job.path,
        contents="moving" if job.kind == "diffusion" else "landings",
        **{name: getattr(job.settings, name) for name in MOVIE},
    )
    if seen.kind != "movie":
        yield f"it is no input: {seen.description}"
    for name in seen.missing:
        yield f"the movie does not say it: give --{name.replace('_', '-')}, or a column {name}"
    yield from seen.problems


def _twice(sheet: Sheet) -> Iterator[str]:
    """Rows that would count the same measurement twice."""
    seen: dict[tuple[str, str], Row] = {}
    for row in sheet.rows:
        key = (str(row.path), row.settings.model_dump_json())
        if key in seen:
            yield f"{row}: the same file with the same settings as in row {seen[key].line}"
        seen.setdefault(key, row)


def _bytes(job: Job) -> int:
    """About what the results of a row take on the disk."""
    size = _BYTES_OF_A_ROW.get(job.input_kind, _OTHER_ROW)
    return size if job.path.is_dir() else max(size, min(_TIMES_ITS_TABLE * _size(job), 10 * size))


def _size(job: Job) -> int:
    return job.path.stat().st_size

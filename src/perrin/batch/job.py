"""One row as a job: plain data that any process can be given, and what came out of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from perrin._version import __version__
from perrin.batch.settings import Kind, RowSettings
from perrin.errors import PerrinError
from perrin.io.disk import sha256_of
from perrin.io.manifest import changed, is_as_written, read_manifest
from perrin.io.output import moved_aside, written_file
from perrin.io.output_folder import SUMMARY
from perrin.io.plain import plain
from perrin.results.folder import fingerprint
from perrin.types import Progress

Status = Literal["ok", "no events", "failed"]


@dataclass(frozen=True)
class Job:
    """One row: what is read, how, and the place (a folder) of its results.

    input_kind: "movie", "table" or "results".
    """

    name: str
    path: Path
    place: Path
    kind: Kind
    input_kind: str
    settings: RowSettings
    line: int

    @property
    def folder(self) -> Path:
        """The results folder of the row."""
        return self.place / "results"

    @property
    def inputs(self) -> list[Path]:
        """All files that are read for the row."""
        more = (self.settings.calibration, self.settings.psf)
        return [self.path, *(path for path in more if path is not None)]

    @property
    def record(self) -> Path:
        """The file that says that the row is finished, and what was found; written last."""
        return self.place / "row.json"


@dataclass(frozen=True)
class Outcome:
    """How a row ended: its status, the reason where it failed, and what was found.

    identity: what decided the result (settings, networks, hashes of the files); found: what the
    tables and pictures over all rows are made of; fresh: whether the row ran now.
    """

    name: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
    identity: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    fresh: bool = True


def identity_of(job: Job) -> dict[str, Any]:
    """What decides the result of a row besides its input: settings, networks, version."""
    settings = job.settings.model_dump(mode="json")
    for name in ("calibration", "psf"):
        file: Path | None = getattr(job.settings, name)
        settings[name] = None if file is None else sha256_of(file)
    return {
        "perrin": __version__,
        "kind": job.kind,
        "input_kind": job.input_kind,
        "settings": settings,
        "networks": networks_of(job),
    }


def networks_of(job: Job) -> dict[str, str]:
    """The hash of each network that the row uses, by what it is for."""
    if job.kind == "diffusion":
        chosen = {"mixture": "default", "kinds": "default"}
    elif job.input_kind == "movie":
        chosen = {"classifier": job.settings.classifier, "quantifier": job.settings.quantifier}
    else:
        return {}
    return {use: _network_hash(use, name) for use, name in chosen.items() if name != "none"}


_hashes: dict[tuple[str, str], str] = {}  # of networks, in this process


def _network_hash(use: str, name: str) -> str:
    from perrin.models.bundle import bundle_folder, read_card

    if (use, name) not in _hashes:
        folder = bundle_folder(use if name == "default" else name)
        _hashes[use, name] = read_card(folder).sha256
    return _hashes[use, name]


def finished(job: Job) -> Outcome | None:
    """Return how a row ended earlier, if neither its input nor anything else changed since.

    Failed rows are run again. Raises `ChangedError` for finished results of something else.
    """
    try:
        stored = json.loads(job.record.read_text(encoding="utf-8"))
        outcome = Outcome(**stored, fresh=False)
    except (OSError, ValueError, TypeError):
        return None
    if outcome.status == "failed":
        return None
    now = identity_of(job)
    before = {key: outcome.identity.get(key) for key in now}
    changed = _differences(before, now)
    if outcome.identity.get("input") != fingerprint(job.path):
        changed.insert(0, "the file")
    if changed:
        raise ChangedError(", ".join(changed))
    return outcome if outcome.status == "no events" or _is_whole(job.folder) else None


def _is_whole(folder: Path) -> bool:
    """Whether all that perrin wrote into a results folder is there, as it wrote it."""
    files = read_manifest(folder)
    if not files:
        return False
    return all(is_as_written(folder, name, files) for name in files)


def set_aside_damaged(job: Job) -> Path | None:
    """Move results that are no longer as perrin wrote them to a name beside; return it."""
    if not job.folder.is_dir() or not any(job.folder.iterdir()):
        return None
    files = read_manifest(job.folder)
    if files is not None and not changed(job.folder, files):
        return None
    return moved_aside(job.folder, job.folder)


class ChangedError(PerrinError):
    """The results of a row are there and were made of something else; the message says of what."""


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    names = []
    for key, value in now.items():
        other = before[key]
        if value == other:
            continue
        if isinstance(value, dict) and isinstance(other, dict):
            names += [name for name in {**value, **other} if value.get(name) != other.get(name)]
        else:
            names.append(key)
    return names


def run_job(job: Job, progress: Progress | None = None) -> Outcome:
    """Run one row and write its results, whole or not at all; a failure is an outcome too.

    What is finished already is not run again, so that a job may be given to two processes.
    """
    try:
        known = finished(job)
    except ChangedError:
        known = None
    if known is not None:
        return known
    from perrin.batch import landings, motion

    analyze = motion.analyze if job.kind == "diffusion" else landings.analyze
    start = time.monotonic()
    job.place.mkdir(parents=True, exist_ok=True)
    try:
        status, found = analyze(job, progress)
        reason = ""
    except (PerrinError, OSError, MemoryError) as error:
        status, found, reason = "failed", {}, _said(error, job)
    except Exception as error:  # a fault of perrin's is one row's too, and is said
        status, found, reason = "failed", {}, f"unexpected {type(error).__name__}: {error}"
    seconds = time.monotonic() - start
    identity = {} if status == "failed" else identity_of(job) | {"input": _input(job)}
    outcome = Outcome(job.name, status, reason, seconds, identity, found)
    return _recorded(job, outcome)


def _input(job: Job) -> dict[str, Any]:
    """Name, size and hash of what was read, as its results say; else hashed now."""
    try:
        summary = json.loads((job.folder / SUMMARY).read_text(encoding="utf-8"))
        found: dict[str, Any] = summary["inputs"][0]
    except (OSError, ValueError, KeyError, IndexError):
        return fingerprint(job.path)
    return found


def _said(error: Exception, job: Job) -> str:
    """What is wrong; the file by its name, as its row has it, and not by where it lies."""
    said = str(error) if isinstance(error, PerrinError) else f"{type(error).__name__}: {error}"
    return said.replace(str(job.path), job.path.name)


def _recorded(job: Job, outcome: Outcome) -> Outcome:
    stored = asdict(outcome)
    stored.pop("fresh")
    text = json.dumps(plain(stored), allow_nan=False)
    with written_file(job.record, overwrite=True) as partial:
        partial.write_text(text, encoding="utf-8")
    return Outcome(**json.loads(text))

"""Folders that can be gone on with: tracked movies, batches, tracks of a challenge."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perrin.andi2.folder import files_of
from perrin.app.tasks import Kind, tasks_for
from perrin.batch.folder import is_batch, read_asked
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.app.looking import Look


def folder_kind(path: Path) -> Kind | None:
    """Return what a folder is that something can be done with; None for all else."""
    if not path.is_dir():
        return None
    if is_batch(path):
        return "batch"
    if (path / "summary.json").is_file() and (path / "tracks.csv").is_file():
        return None if (path / "trajectories.csv").is_file() else "tracked"
    return "challenge" if next(files_of(path), None) is not None else None


def as_tracked(path: Path, tracks: Look) -> Look:
    """Describe the folder of a tracked movie, whose tracks are described already."""
    try:
        inputs = json.loads((path / "summary.json").read_text(encoding="utf-8"))["inputs"]
        movie = [("movie", str(inputs[0]["name"]))]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        movie = []
    return replace(
        tracks,
        kind="tracked",
        description="tracks of a movie",
        facts=(*tracks.facts, *movie),
        tasks=tuple(tasks_for("tracked")),
    )


def as_batch(path: Path, plain: Look) -> Look:
    """Describe the folder of a batch."""
    try:
        asked = read_asked(path)
    except PerrinError as error:
        return replace(plain, description=str(error))
    if asked.kind != "landings":
        return replace(plain, description=f"{path.name} is a batch of motion: see its report.")
    facts = (("rows", str(len(asked.sheet.rows))), ("sheet", asked.sheet.path.name))
    tasks = tuple(tasks_for("batch"))
    return replace(plain, kind="batch", description="a batch", facts=facts, tasks=tasks)


def as_challenge(path: Path, plain: Look) -> Look:
    """Describe a folder of the second AnDi challenge."""
    files = list(files_of(path))
    experiments = {one.parent.name for one in files}
    facts = (("experiments", str(len(experiments))), ("fields of view", str(len(files))))
    words = "tracks of the second AnDi challenge"
    tasks = tuple(tasks_for("challenge"))
    return replace(plain, kind="challenge", description=words, facts=facts, tasks=tasks)

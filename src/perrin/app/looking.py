"""What a file is, as the app shows it; the same functions as ``perrin inspect``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perrin.app.folders import as_batch, as_challenge, as_tracked, folder_kind
from perrin.app.tasks import LANDINGS, OF_A_MOVIE, Task, tasks_for
from perrin.batch.sheet import read_sheet
from perrin.errors import PerrinError
from perrin.io import inspect
from perrin.io.tracks import read_tracks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perrin.app.choices import Choices
    from perrin.app.tasks import Kind


@dataclass(frozen=True)
class Look:
    """Kind of a file (None: not readable), facts by name, options that it lacks, sentences.

    tasks: what can be done with it; certain: whether the first of them is what it was made for.
    """

    kind: Kind | None
    description: str
    facts: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    certain: bool = True


def look(path: Path, choices: Choices) -> Look:
    """Say what a file is and what is missing, given the choices; never raises for bad content."""
    given: dict[str, Any] = {name: getattr(choices, name) for name in OF_A_MOVIE}
    if (kind := folder_kind(path)) is not None:
        return _as_folder(path, kind, choices)
    if _is_sheet(path):
        return _as_sheet(path)
    try:
        seen = inspect(path, **given)
    except (PerrinError, OSError) as error:
        return _as_tracks(path, choices) or Look(None, str(error))
    except Exception as error:  # no file, however broken, may end the app
        return Look(None, f"{path.name} cannot be read: {error}")
    if seen.kind == "tracks":
        return _as_tracks(path, choices) or Look(None, seen.description)
    if seen.kind == "other":
        return Look(None, f"{path.name} is no movie and no table: {seen.description}")
    if seen.kind == "events":
        found = tuple(tasks_for("events"))
        return Look("events", seen.description, tuple(seen.facts()), (), seen.notes, found)
    found = tuple(
        tasks_for("movie", pixel_nm=seen.pixel_nm, frame_interval_s=seen.frame_interval_s)
    )
    if LANDINGS not in found:
        seen = inspect(path, contents="moving", **given)
    return Look(
        "movie",
        seen.description,
        tuple(seen.facts()),
        tuple(seen.missing),
        (*seen.problems, *seen.notes),
        found,
        certain=len(found) == 1 or seen.format in ("mp", "mpr"),
    )


def together(looks: Sequence[Look]) -> Look | None:
    """Return what several files are that go the same road; those that cannot be read are left out.

    None for no files.
    """
    good = [seen for seen in looks if seen.kind is not None]
    if len(looks) < 2 or not good:
        return looks[-1] if looks else None
    if len({seen.kind for seen in good}) > 1:
        return Look(None, "Files of different kinds do not go into one analysis.")
    last = good[-1]
    common = tuple(task for task in last.tasks if all(task in seen.tasks for seen in good))
    if not common:
        return Look(None, "These movies are of different kinds: some cannot be of landings.")
    return Look(
        last.kind,
        f"{len(good)} files, the last of them: {last.description}",
        last.facts,
        tuple(dict.fromkeys(name for seen in good for name in seen.missing)),
        tuple(dict.fromkeys(sentence for seen in good for sentence in seen.sentences)),
        common,
        certain=all(seen.certain for seen in good),
    )


def _is_sheet(path: Path) -> bool:
    """Whether a file is a CSV whose first column is called file."""
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open(encoding="utf-8-sig") as stream:
            return stream.readline(1000).split(",")[0].strip().strip('"') == "file"
    except (OSError, UnicodeDecodeError):
        return False


def _as_folder(path: Path, kind: Kind, choices: Choices) -> Look:
    """Look at a folder that something can be done with."""
    if kind == "tracked":
        tracks = _as_tracks(path, choices)
        if tracks is None:
            return Look(None, f"{path.name} holds no tracks that can be read.")
        return as_tracked(path, tracks)
    plain = Look(None, path.name)
    return as_batch(path, plain) if kind == "batch" else as_challenge(path, plain)


def _as_sheet(path: Path) -> Look:
    try:
        sheet = read_sheet(path)
    except PerrinError as error:
        return Look(None, str(error))
    absent = [row.path.name for row in sheet.rows if not row.path.exists()]
    if absent:
        return Look(None, f"{path.name} names files that are not there: {', '.join(absent)}.")
    samples = {row.sample for row in sheet.rows}
    facts = (("rows", str(len(sheet.rows))), ("samples", str(len(samples))))
    return Look("sheet", "a sheet of measurements", facts, tasks=tuple(tasks_for("sheet")))


def _as_tracks(path: Path, choices: Choices) -> Look | None:
    """Look at a file as tracks; None where it holds none."""
    try:
        tracks = read_tracks(path)
    except (PerrinError, OSError):
        return None
    attrs = tracks.attrs
    missing = []
    if choices.units is None:
        if choices.pixel_nm is None and attrs["length_nm"] is None:
            missing.append("pixel_nm")
        if choices.frame_interval_s is None and attrs["frame_interval_s"] is None:
            missing.append("frame_interval_s")
    counted = (
        ("tracks", str(tracks["particle"].nunique())),
        ("positions", str(len(tracks))),
        ("frames", str(int(tracks["frame"].max()) + 1 if len(tracks) else 0)),
    )
    return Look(
        "tracks",
        "tracks of moving particles",
        counted,
        tuple(missing),
        tasks=tuple(tasks_for("tracks")),
    )

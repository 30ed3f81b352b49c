"""What a file is, as the app shows it; the same functions as ``perrin inspect``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perrin.app.choices import OF_A_MOVIE
from perrin.errors import PerrinError
from perrin.io import inspect
from perrin.io.tracks import read_tracks

if TYPE_CHECKING:
    from perrin.app.choices import Choices, Kind


@dataclass(frozen=True)
class Look:
    """Kind of a file (None: not readable), facts by name, options that it lacks, sentences."""

    kind: Kind | None
    description: str
    facts: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


def look(path: Path, choices: Choices) -> Look:
    """Say what a file is and what is missing, given the choices; never raises for bad content."""
    given: dict[str, Any] = {name: getattr(choices, name) for name in OF_A_MOVIE}
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
        return Look("events", seen.description, tuple(seen.facts()), (), seen.notes)
    return Look(
        "movie",
        seen.description,
        tuple(seen.facts()),
        tuple(seen.missing),
        (*seen.problems, *seen.notes),
    )


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
    return Look("tracks", "tracks of moving particles", counted, tuple(missing))

"""Saying what any file is: a movie, events, tracks, or something of perrin's own."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

from perrin.errors import PerrinError
from perrin.io.found import Contents, Found, Given, Numbers, no_landings, settle
from perrin.io.keywords import MovieKeywords, split, takes_movie_keywords
from perrin.io.kinds import folder_of_many
from perrin.io.movie import LazyFrames
from perrin.io.opening import close, find, look_at
from perrin.io.read_as import movie_line
from perrin.io.sniff import Kind, head_of, sniff
from perrin.notebook import Shown


@dataclass(frozen=True, repr=False)
class Inspection(Shown):
    """What a file is and what is missing before it can be analyzed.

    kind: "movie", "events", "tracks", or "other" for what is no input (description says what
    it is). missing: names of the options of `open_movie` that must be given. problems: why it
    would be refused. notes: what one should know. read_as: the line that commands say, what was
    understood (of a movie without the notes). Numbers that the file does not say are None.
    """

    path: Path
    kind: str
    format: str
    description: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    frame_interval_s: float | None = None
    pixel_nm: float | None = None
    landing_sign: int | None = None
    instrument: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    read_as: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def _facts(self) -> dict[str, str]:
        facts = {"file": self.path.name, "kind": f"{self.kind}, {self.description}"}
        facts |= {} if self.read_as is None else {"contents": self.read_as}
        lists = {"missing": self.missing, "problems": self.problems, "notes": self.notes}
        return facts | {name: "; ".join(texts) for name, texts in lists.items() if texts}

    def facts(self) -> list[tuple[str, str]]:
        """Return what was seen, as names and texts for people."""
        if self.kind == "movie":
            return _movie_facts(self)
        return _table_facts(self.details) if self.kind == "events" else _other_facts(self.details)


@takes_movie_keywords
def inspect(path: str | os.PathLike[str], **keywords: Unpack[MovieKeywords]) -> Inspection:
    """Say what a file is, its numbers, and what is missing.

    The keywords are those of `open_movie`. Raises `PerrinError` only where the file cannot be
    read at all or is of no known kind.
    """
    path = Path(path)
    many = folder_of_many(path)
    if many is not None:
        return _other(path, many)
    kind = sniff(path)
    if kind == "text" and (other := _perrins_own(path)) is not None:
        return other
    asked, given = split(keywords)
    if asked.dataset is None and is_table(path, kind):
        return _inspect_table(path, kind, given)
    found = find(path, asked)
    try:
        if kind == "npy" and found.frames is None and (tracks := _tracks_in(path, given)):
            return tracks
        return _movie(found, given, asked.contents)
    finally:
        close(found)


def _movie(found: Found, given: Given, contents: Contents) -> Inspection:
    numbers = settle(found, given, contents="moving")
    unlike = no_landings(numbers.frame_interval_s, numbers.pixel_nm)
    contents = "moving" if unlike else contents
    if contents == "landings":
        numbers = settle(found, given, contents=contents)
    looked = look_at(found, contents)
    frames = found.frames
    for_landings = tuple(f"for landings: {one}" for one in looked.only_landings)
    return Inspection(
        path=found.path,
        kind="movie",
        format=found.format,
        description=found.description,
        shape=found.stored_shape if frames is None else frames.shape,
        dtype=None if frames is None else str(frames.dtype),
        frame_interval_s=numbers.frame_interval_s,
        pixel_nm=numbers.pixel_nm,
        landing_sign=numbers.landing_sign if contents == "landings" else None,
        instrument=found.instrument,
        encoding=found.encoding,
        missing=tuple(numbers.missing),
        problems=(*looked.problems, *(for_landings or ())),
        notes=(*(f"{why}: for `perrin track`" for why in unlike.values()), *numbers.notes,
               *looked.notes),
        read_as=None if frames is None else _line(found, frames, numbers),
        details={**found.details, "axes": found.axes, "axes_named": found.axes_named,
                 "sources": numbers.sources, "laid_out": frames is not None},
    )  # fmt: skip


def _line(found: Found, frames: LazyFrames, numbers: Numbers) -> str:
    said = {f"{name}_from": source for name, source in numbers.sources.items()}
    return movie_line(
        frames.shape,
        frames.dtype,
        pixel_nm=numbers.pixel_nm,
        frame_interval_s=numbers.frame_interval_s,
        said={**said, "axes": found.axes, "axes_named": found.axes_named},
    )


def _movie_facts(seen: Inspection) -> list[tuple[str, str]]:
    facts = []
    laid_out = seen.details.get("laid_out", True)
    axes = str(seen.details.get("axes") or "")
    if seen.shape is not None:
        size = " x ".join(str(n) for n in seen.shape)
        names = "time, y, x" if laid_out else ", ".join(axes)
        facts.append(("shape", f"{size} ({names})" + (f", {seen.dtype}" if seen.dtype else "")))
    if laid_out and axes and axes != "TYX":
        by = "named" if seen.details.get("axes_named") else "not named: taken in this order"
        facts.append(("axes", f"{axes.replace('?', '_')} as stored, {by}"))
    if seen.frame_interval_s is not None:
        rate = 1 / seen.frame_interval_s
        facts.append(
            ("frame interval", f"{seen.frame_interval_s * 1e3:.4g} ms ({rate:.4g} a second)")
        )
    if seen.pixel_nm is not None:
        facts.append(("pixel", f"{seen.pixel_nm:.4g} nm"))
    if seen.landing_sign is not None:
        facts.append(("a landing is", "darker" if seen.landing_sign < 0 else "brighter"))
    if seen.instrument:
        facts.append(("instrument", seen.instrument))
    if seen.encoding:
        facts.append(("encoding", seen.encoding))
    return facts


def _table_facts(details: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("events", f"{details['rows']} usable of {details['rows_in_file']}"),
        ("measurements", ", ".join(details["measurements"])),
        ("columns", ", ".join(details["columns"])),
        ("calibration", "embedded" if details["calibration"] else "none in the file"),
    ]
    if details["missing"]:
        facts.append(("without", ", ".join(details["missing"])))
    return facts


def _other_facts(details: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in details.items()]


def is_table(path: Path, kind: Kind) -> bool:
    """Whether a file of this kind holds a table (events or tracks), not a movie."""
    if kind in ("text", "parquet", "feather", "mat"):
        return True
    if kind == "npy":
        return b"'descr': [" in head_of(path)[:128]  # rows of named fields
    if kind != "hdf5":
        return False
    from perrin.io.hdf5 import arrays, hdf5_file
    from perrin.io.refeyn import is_refeyn

    with hdf5_file(path) as file:
        contrasts = file.visit(lambda name: name if name.endswith("contrasts") else None)
        return not is_refeyn(file) and bool(contrasts or not arrays(file))


def _inspect_table(path: Path, kind: Kind, given: Given) -> Inspection:
    """Say what a table is; events and tracks are told apart by what their readers take."""
    if kind in ("mat", "npy"):
        return _inspect_tracks(path, given)
    why: Exception | None = None
    tracks = None
    try:
        tracks = _inspect_tracks(path, given)
    except (PerrinError, OSError) as error:
        why = error
    try:
        events = _inspect_events(path, given)
    except PerrinError:
        if tracks is not None:
            return tracks
        if isinstance(why, PerrinError) and (_of_tracks(str(why)) or _places(path)):
            raise why from None
        raise
    # both can be read: tracks have contrasts too, events have no identity
    return events if tracks is None or "contrasts" in _head_line(path, kind) else tracks


def _of_tracks(why: str) -> bool:
    """Whether the reader of tracks found its columns, or knows the table, and refused it then."""
    return "looks like" in why or not any(
        said in why for said in ("hold no ", "no table of tracks")
    )


def _places(path: Path) -> bool:
    """Whether the first line of a text names x and y and no contrast, as tables of tracks do."""
    names = set(re.split(r"[^a-z]+", _head_line(path, "text")))
    return {"x", "y"} <= names and not names & {"contrast", "contrasts", "mass", "masses"}


def _tracks_in(path: Path, given: Given) -> Inspection | None:
    try:
        return _inspect_tracks(path, given)
    except PerrinError:
        return None


def _head_line(path: Path, kind: Kind) -> str:
    text = head_of(path).decode("utf-8", "replace") if kind == "text" else "contrasts"
    return text.partition("\n")[0].lower()


def _inspect_tracks(path: Path, given: Given) -> Inspection:
    from perrin.io.tracks import read_tracks

    tracks = read_tracks(path, pixel_nm=given.pixel_nm, frame_interval_s=given.interval_s())
    attrs = tracks.attrs
    missing = []
    if attrs.get("length_nm") is None:
        missing.append("pixel_nm")
    if attrs.get("frame_interval_s") is None:
        missing.append("frame_interval_s")
    return Inspection(
        path=path,
        kind="tracks",
        format="tracks",
        description="tracks of moving particles: for perrin diffusion",
        shape=(len(tracks),),
        missing=tuple(missing),
        notes=tuple(attrs.get("notes", ())),
        details={
            "tracks": tracks["particle"].nunique(),
            "positions": len(tracks),
        },
        read_as=attrs.get("read_as"),
    )


def _inspect_events(path: Path, given: Given) -> Inspection:
    from perrin.io.tables import describe_events

    details = dict(describe_events(path, landing_sign=given.landing_sign))
    version = f", {details['version']}" if details["version"] else ""
    return Inspection(
        path=path,
        kind="events",
        format=details["format"],
        description=f"event table, {details['format']}{version}",
        shape=(details["rows"],),
        notes=tuple(details["notes"]),
        read_as=details["read_as"],
        details=details,
    )


def _perrins_own(path: Path) -> Inspection | None:
    """Recognize what perrin writes and takes as no input: calibrations, summaries, reports."""
    head = head_of(path).lstrip()
    if head[:1] == b"{":
        try:
            said = json.loads(path.read_text("utf-8"))
        except (ValueError, OSError):
            return None
        return _json(path, said) if isinstance(said, dict) else None
    if head[:15].lower().startswith((b"<!doctype html", b"<html")):
        what = "a report of perrin" if b"perrin" in head else "a web page"
        return _other(path, f"{what} (HTML): open it in a browser. It is no input of a command")
    header = _head_line(path, "text").lstrip("\ufeff")
    columns = {name.strip() for name in re.split("[,;\t]", header)}
    measured = "contrast" in header or "mass" in header or "frame" in columns
    if "file" in columns and columns & {"sample", "replicate"} and not measured:
        return _other(path, "a sheet of many measurements: run it with perrin batch")
    return None


def _json(path: Path, said: dict[str, Any]) -> Inspection | None:
    if "gradient_per_kda" in said:
        return _other(
            path,
            "perrin's own calibration: give it with --calibration",
            {
                "gradient": f"{said['gradient_per_kda']:.4g} per kDa",
                "made from": said.get("source"),
            },
        )
    if "measurements" in said:
        return _other(path, "a summary of perrin's results: the tables are beside it")
    if "model" in said or "task" in said:
        return _other(path, "a card of a network: give its folder with --model")
    return None


def _other(path: Path, description: str, details: dict[str, Any] | None = None) -> Inspection:
    return Inspection(
        path=path, kind="other", format="perrin", description=description, details=details or {}
    )

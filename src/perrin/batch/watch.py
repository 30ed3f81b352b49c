"""A folder that is watched: each measurement is analyzed as it is recorded."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from perrin.batch.check import input_kind
from perrin.batch.executors import Executor
from perrin.batch.run import BatchResult, run_batch
from perrin.batch.sheet import Sheet, sheet_of, template
from perrin.errors import PerrinError
from perrin.types import Progress

POLL_S = 2.0
"""A file is taken when its size and time stay the same for so long."""
Seen = tuple[int, int]


def watch(
    folder: str | os.PathLike[str],
    like: Sheet,
    out: str | os.PathLike[str],
    *,
    species: str | None = None,
    executor: Executor | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
    wait: Callable[[], None] = lambda: time.sleep(POLL_S),
    **defaults: Any,
) -> BatchResult | None:
    """Run a batch again whenever a measurement has been recorded, until Ctrl-C; the last result.

    folder: files that end like those of `like` are taken once they no longer grow. like: a sheet
    whose columns the new rows get, with the cells that all of its rows share. wait: called between
    two looks; the others as in `run_batch`. Raises `PerrinError` for a folder that is none.
    """
    options: dict[str, Any] = {"executor": executor, "command": command, "progress": progress}
    place = Path(folder).resolve()
    if not place.is_dir():
        raise PerrinError(f"--watch {folder}: there is no such folder")
    ends = {row.path.suffix.lower() for row in like.rows}
    before: dict[Path, Seen] = {}
    taken: list[Path] = []
    refused: set[Path] = set()
    result: BatchResult | None = None
    try:
        while True:
            now = _files(place, ends)
            still = [p for p, seen in now.items() if before.get(p) == seen and seen[0]]
            fresh = [p for p in still if p not in taken and p not in refused]
            good = _inputs(fresh, refused, say)
            if good:
                taken += good
                sheet = sheet_like(like, taken, place, **defaults)
                result = run_batch(sheet, out, species=species, say=say, **options, **defaults)
                say(f"{', '.join(path.name for path in good)}: {_counts(result)}")
                if result.stopped:
                    return result
            before = now
            wait()
    except KeyboardInterrupt:
        return result


def _files(place: Path, ends: Iterable[str]) -> dict[Path, Seen]:
    """Files of these kinds with size and time, the oldest first."""
    found: dict[Path, Seen] = {}
    for path in place.iterdir():
        if path.suffix.lower() in ends and not path.name.startswith("."):
            try:
                seen = path.stat()
            except FileNotFoundError:
                continue
            found[path] = (seen.st_size, seen.st_mtime_ns)
    return dict(sorted(found.items(), key=lambda one: (one[1][1], one[0])))


def _inputs(fresh: Sequence[Path], refused: set[Path], say: Callable[[str], None]) -> list[Path]:
    """Those of the files that can be read; the others are said once, and left."""
    good = []
    for path in fresh:
        try:
            input_kind(path)
            good.append(path)
        except (PerrinError, OSError) as error:
            refused.add(path)
            say(f"{path.name} is left out: {error}")
    return good


def sheet_like(like: Sheet, files: Sequence[Path], place: Path, **defaults: Any) -> Sheet:
    """Return a sheet of these files with the columns of `like`, and the cells its rows share."""
    cells = _shared(like)
    told = list(csv.DictReader(io.StringIO(template([str(path) for path in files]))))
    written = io.StringIO()
    columns = list(dict.fromkeys(["file", "sample", "replicate", *like.columns]))
    writer = csv.DictWriter(written, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in told:
        named = {name: row[name] for name in ("file", "sample", "replicate")}
        writer.writerow(dict.fromkeys(columns, "") | cells | named)
    return sheet_of(written.getvalue(), place / "watched.csv", **defaults)


def _shared(like: Sheet) -> dict[str, str]:
    """Cells that all rows of a sheet share; files by their absolute paths."""
    first = like.rows[0]
    found = {
        name: first.others[name]
        for name in like.others
        if len({row.others[name] for row in like.rows}) == 1
    }
    for name in like.columns:
        told = {getattr(row.settings, name, None) for row in like.rows}
        if name in type(first.settings).model_fields and len(told) == 1:
            value = told.pop()
            found[name] = "" if value is None else str(value)
    return found


def _counts(result: BatchResult) -> str:
    return ", ".join(f"{number} {status}" for status, number in result.counts.items())

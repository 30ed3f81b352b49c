"""Hidden folders in which outputs are made before they get their names.

A staging folder lies in the folder of its output, so that a rename gives the name. Its own name
says the machine and the process, so that the next run can clear what a dead one left. A run that
is about to put things in place writes first, in ``place.json``, what it will do; whoever finds
that of a dead run finishes it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perrin.io import disk

_NAME = re.compile(re.escape(disk.WORKING) + r"(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}")
_JOURNAL = "place.json"
say = logging.getLogger("perrin")
"""Says in a line what was cleared; goes to standard error where nobody asked otherwise."""
_own: set[str] = set()  # staging folders of this process, by absolute name

Finish = Callable[[Path, dict[str, Any]], None]
"""Finishes what a dead run had begun: its staging folder, and what its journal says."""
_finishers: dict[str, Finish] = {}


def finishes(kind: str) -> Callable[[Finish], Finish]:
    """Register what finishes a journal of this kind."""

    def register(function: Finish) -> Finish:
        _finishers[kind] = function
        return function

    return register


class Staging:
    """A staging folder; `mine` as long as all that lies in it was made by this run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mine = True

    def journal(self, kind: str, **about: Any) -> None:
        """Write down what is about to be done; from now on the folder is not deleted as a whole."""
        path = self.folder / _JOURNAL
        path.write_text(json.dumps({"kind": kind, **about}), encoding="utf-8")
        disk.sync_file(path)
        disk.sync_folder(self.folder)
        self.mine = False

    def done(self) -> None:
        """Take the note back: what is left in the folder is this run's own again."""
        self.mine = True


@contextmanager
def staged(parent: Path) -> Iterator[Staging]:
    """Make a staging folder in `parent`, where those of dead runs are cleared first."""
    clear_dead(parent)
    name = f"{disk.WORKING}{disk.machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    folder = parent / name
    _own.add(str(folder.absolute()))
    staging = Staging(folder)
    try:
        folder.mkdir(mode=0o700)
        yield staging
    finally:
        _close(staging)
        _own.discard(str(folder.absolute()))


def _close(staging: Staging) -> None:
    if staging.mine:
        try:
            shutil.rmtree(staging.folder, ignore_errors=True)
        except KeyboardInterrupt:  # Ctrl-C while it is cleared
            shutil.rmtree(staging.folder, ignore_errors=True)
            raise
        return
    if not _remove_if_empty(staging.folder):
        say.warning("perrin: the next run here goes on with %s", staging.folder)


def _remove_if_empty(folder: Path) -> bool:
    """Remove a staging folder with nothing but its journal; while it has more, both stay."""
    if any(path.name != _JOURNAL for path in folder.iterdir()):
        return False
    (folder / _JOURNAL).unlink(missing_ok=True)
    folder.rmdir()
    return True


def clear_dead(parent: Path) -> None:
    """Clear what runs that are no longer alive left in `parent`, and say so in a line each."""
    try:
        found = [path for path in parent.iterdir() if _is_dead(path)]
    except OSError:
        return
    for folder in found:
        try:
            _clear(folder)
        except OSError as error:
            say.warning("perrin: %s of a stopped run could not be cleared (%s)", folder, error)


def _is_dead(path: Path) -> bool:
    match = _NAME.fullmatch(path.name)
    if match is None or match["machine"] != disk.machine() or not path.is_dir():
        return False
    pid = int(match["pid"])
    if pid == os.getpid():
        return str(path.absolute()) not in _own
    return not disk.is_alive(pid)


def _clear(folder: Path) -> None:
    try:
        journal = json.loads((folder / _JOURNAL).read_text(encoding="utf-8"))
        finish = _finishers[journal["kind"]]
    except (OSError, ValueError, KeyError, TypeError):
        # a journal is whole before anything is moved: without one, all of it is that run's own
        shutil.rmtree(folder)
        say.warning("perrin: cleared %s, left by a run that was stopped", folder)
        return
    finish(folder, journal)
    if _remove_if_empty(folder):
        say.warning("perrin: finished what a stopped run had begun in %s", folder.parent)
    else:
        say.warning("perrin: %s holds what a stopped run could not put in place", folder)

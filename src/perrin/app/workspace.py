"""The one folder that the app works in; nothing outside of it is read, written or served."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from perrin.app.choices import Choices, for_another_file
from perrin.app.folders import folder_kind
from perrin.batch.sheet import template
from perrin.errors import PerrinError
from perrin.io.disk import sha256_of
from perrin.io.output import written_file
from perrin.mass.calibration import Calibration
from perrin.models.bundle import bundle_folder, list_bundles, read_card
from perrin.optics.psf import Psf

_REMEMBERED = ".perrin-app.json"
_REPORT = "report.html"
AFFINITY = "figures/affinity.svg"


class Workspace:
    """Files, calibrations and results of a folder, and the choices last made in it."""

    def __init__(self, folder: str | Path) -> None:
        """Take a folder that exists and can be written; raises `PerrinError` for anything else."""
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise PerrinError(f"{folder} is not a folder. Make it, or choose another --folder.")
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise PerrinError(
                f"{folder} cannot be worked in: you may not write there. Choose another --folder, "
                "or ask for permission."
            )
        self.made: dict[str, dict[Path, str]] = {}  # calibrations of this app: hashes of files

    def path(self, name: str) -> Path:
        """Return the path of something in the folder.

        Raises `PerrinError` for a name that leads out of it, through links too.
        """
        if not name or "\0" in name:
            raise PerrinError(f"{name!r} is not the name of a file.")
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder):
            raise PerrinError(
                f"{name} lies outside {self.folder}, the folder that this app was started for. "
                "Start it again with another --folder to work there."
            )
        return path

    def shown(self, name: str) -> Path:
        """Return the path of a file that the browser may have: the folder's, and not hidden.

        The errors are those of `path`.
        """
        path = self.path(name)
        if any(part.startswith(".") for part in path.relative_to(self.folder).parts):
            raise PerrinError(f"{name} is hidden; the app does not show it.")
        return path

    def free(self, name: str) -> Path:
        """Return a path in the folder that nothing has: `name`, or with -2, -3, ... added.

        Only the last part of `name` counts: what a browser sends may be a path.
        """
        last = Path(name.replace("\\", "/")).name.lstrip(".")
        if not last:
            raise PerrinError(f"{name!r} is not the name of a file.")
        stem, suffix = Path(last).stem, Path(last).suffix
        path, number = self.path(last), 1
        while path.exists():
            number += 1
            path = self.path(f"{stem}-{number}{suffix}")
        return path

    def free_names(self, names: Sequence[str]) -> list[str]:
        """Return names that nothing in the folder has, all different: `names`, or with -2, -3."""
        taken: list[str] = []
        for name in names:
            stem, suffix = Path(name).stem, Path(name).suffix
            free, number = self.free(name).name, 1
            while free in taken:
                number += 1
                free = self.free(f"{stem}-{number}{suffix}").name
            taken.append(free)
        return taken

    def has(self, name: str) -> bool:
        """Whether there is a file, or a folder to be gone on with, of this name."""
        try:
            path = self.path(name)
        except PerrinError:
            return False
        return path.is_file() or path.suffix == ".zarr" or folder_kind(path) is not None

    def make_sheet(self, names: Sequence[str]) -> str:
        """Write a sheet with a row for each of some files; return its name."""
        if not names:
            raise PerrinError("Choose the files first that go into the sheet.")
        path = self.free("sheet.csv")
        with written_file(path) as partial:
            partial.write_text(template(list(names)), encoding="utf-8")
        return path.name

    def can_show(self, name: str) -> bool:
        """Whether there is a report or a picture to be looked at."""
        path = self.path(name)
        return any((path / one).is_file() for one in (_REPORT, AFFINITY)) or (
            path.suffix == ".json" and path.is_file() and path.with_suffix(".svg").is_file()
        )

    def note_calibration(self, name: str) -> None:
        """Remember what a job has just written: a calibration and its pictures."""
        files = [self.path(name).with_suffix(suffix) for suffix in (".json", ".svg", ".png")]
        self.made[name] = {file: sha256_of(file) for file in files if file.is_file()}

    def discard_calibration(self, name: str) -> None:
        """Delete a calibration that was made here and its pictures; not what changed since."""
        for file, as_made in self.made.pop(name, {}).items():
            if file.is_file() and sha256_of(file) == as_made:
                file.unlink()

    def files(self) -> list[str]:
        """Names of what could be analyzed, newest first: no hidden files, no results."""
        found = [
            path
            for path in self.folder.iterdir()
            if not path.name.startswith(".")
            and (path.is_file() or path.suffix == ".zarr" or folder_kind(path) == "challenge")
            and path.suffix not in (".json", ".html", ".svg", ".npz")
            and not (path.suffix == ".png" and path.with_suffix(".json").exists())  # of a line
            and not path.name.endswith(".truth.csv")
        ]
        return [path.name for path in sorted(found, key=_age)]

    def calibrations(self) -> list[str]:
        """Names of the calibrations, newest first; then those that results were made with."""
        found = sorted(self.folder.glob("*.json"), key=_age)
        kept = sorted(self.folder.glob("*/calibration.json"), key=_age)
        return [
            path.relative_to(self.folder).as_posix()
            for path in [*found, *kept]
            if not path.parent.name.startswith(".") and _is_line(path)
        ]

    def psfs(self) -> list[str]:
        """Names of the PSFs that `perrin psf` made here, newest first."""
        found = sorted(self.folder.glob("*.npz"), key=_age)
        return [path.name for path in found if _is_psf(path)]

    def models(self, task: str) -> list[str]:
        """Names of the networks for a task: those of the package, then those in the folder."""
        own = sorted(card.parent for card in self.folder.glob("*/card.json"))
        shipped = [bundle_folder(name) for name in list_bundles()]
        return [folder.name for folder in [*shipped, *own] if _task(folder) == task]

    def results(self) -> list[str]:
        """Names of the results folders that have a report or a picture, newest first."""
        found = [path.parent for path in self.folder.glob(f"*/{_REPORT}")]
        found += [path.parents[1] for path in self.folder.glob(f"*/{AFFINITY}")]
        return [path.name for path in sorted(found, key=_age) if not path.name.startswith(".")]

    def remembered(self) -> Choices:
        """Return the choices last made here; the usual ones where there are none to be read."""
        try:
            return Choices.model_validate_json(
                (self.folder / _REMEMBERED).read_text(encoding="utf-8")
            )
        except (OSError, ValidationError):
            return Choices()

    def remember(self, choices: Choices) -> None:
        """Keep the choices for the next time, without those that belong to one file."""
        text = for_another_file(choices).model_dump_json(indent=1)
        with written_file(self.folder / _REMEMBERED, overwrite=True) as partial:
            partial.write_text(text, encoding="utf-8")


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _task(folder: Path) -> str | None:
    """What the network in a folder does; None for a card that cannot be read."""
    try:
        return read_card(folder).task
    except (PerrinError, OSError):
        return None


def _is_psf(path: Path) -> bool:
    try:
        Psf.load(path)
    except PerrinError:
        return False
    return True


def _is_line(path: Path) -> bool:
    try:
        Calibration.load(path)
    except (PerrinError, OSError, json.JSONDecodeError):
        return False
    return True

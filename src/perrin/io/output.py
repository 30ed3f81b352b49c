"""Single files that perrin writes: never over anything without being told to, whole or not at all.

`output_file` looks before any work whether the file can be written; `written_files` makes it in a
staging folder, looks at the target again and only then gives it its name.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError
from perrin.io import disk
from perrin.io.staging import Staging, finishes, staged

Identity = tuple[int, int, int, int]
_RESULTS = "-results"


def named_after(first: Path, ending: str) -> str:
    """Return the name of what is made of a file or folder: its own, and `ending`.

    What is made of a folder called NAME-results is called NAME and `ending`.
    """
    stem = first.resolve().stem
    if ending != _RESULTS and first.is_dir():
        stem = stem.removesuffix(_RESULTS)
    return f"{stem}{ending}"


@dataclass(frozen=True)
class Output:
    """What may be written. `shown` as the user named it, `path` where links lead."""

    shown: Path
    path: Path

    def __fspath__(self) -> str:
        return str(self.shown)

    def __str__(self) -> str:
        return str(self.shown)


@dataclass(frozen=True)
class OutputFile(Output):
    """A file that may be written; `before` is what is there, None for nothing."""

    before: Identity | None


def output_file(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    inputs: Sequence[str | Path] = (),
) -> OutputFile:
    """Return where a file may be written; ask before any long work.

    A link to a file stays a link, its target is replaced. Raises `PerrinError` for a file that is
    there, without `overwrite`; for one of the `inputs`, or a part of one; and for what cannot be
    written: a folder, a name too long, a folder that is missing, not a folder or not writable.
    """
    if isinstance(path, OutputFile):
        return path
    shown = Path(path)
    real = real_path(shown)
    for one in inputs:
        if same_file(Path(one), real) or _is_part_of(Path(one), real):
            raise PerrinError(
                f"{shown} is what is to be read; it will not be replaced. Choose another --out."
            )
    before = identity(real)
    if before is not None:
        _check_replaceable(shown, real, overwrite=overwrite)
    check_parent(shown, real)
    return OutputFile(shown, real, before)


def output_files(
    path: str | os.PathLike[str],
    *beside: str,
    overwrite: bool = False,
    inputs: Sequence[str | Path] = (),
) -> list[OutputFile]:
    """Return where a file may be written and others beside it, named by their suffixes.

    The errors are those of `output_file`, for each of them.
    """
    main = output_file(path, overwrite=overwrite, inputs=inputs)
    names = [main.path.with_suffix(suffix) for suffix in beside]
    if main.path in names:
        raise PerrinError(f"{main} would be written twice. Choose another suffix than {beside[0]}.")
    return [main, *(output_file(name, overwrite=overwrite, inputs=inputs) for name in names)]


def _is_part_of(folder: Path, real: Path) -> bool:
    """Whether a file that is there belongs to a folder: in its manifest, where it has one."""
    from perrin.io.manifest import read_manifest  # which is written as all files are

    folder = folder.resolve()
    if folder not in real.parents or not real.exists():
        return False
    files = read_manifest(folder)
    return files is None or real.relative_to(folder).as_posix() in files


def _check_replaceable(shown: Path, real: Path, *, overwrite: bool) -> None:
    mode = real.lstat().st_mode
    if stat.S_ISDIR(mode):
        raise PerrinError(f"{shown} is a folder; name a file in it, such as {shown / 'name'}.")
    if not stat.S_ISREG(mode):
        raise PerrinError(f"{shown} is not a plain file. Choose another --out.")
    if not overwrite:
        raise PerrinError(
            f"{shown} is already there. Choose another --out, or replace it with --overwrite."
        )
    if not mode & 0o222:
        raise PerrinError(
            f"{shown} is protected against writing. Choose another --out, or take the protection "
            "off."
        )


@contextmanager
def written_file(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    inputs: Sequence[str | Path] = (),
) -> Iterator[Path]:
    """Give a path to write to, of the same name; it goes to `path` only if all went well.

    The errors are those of `output_file`. Where something else wrote `path` meanwhile, that is
    left as it is and a `PerrinError` says where this file was put instead.
    """
    with written_files([output_file(path, overwrite=overwrite, inputs=inputs)]) as (partial,):
        yield partial


@contextmanager
def written_files(targets: Sequence[OutputFile]) -> Iterator[list[Path]]:
    """The same for files of one folder that belong together; the first is the main one.

    The main file gets its name last: whoever finds it finds the others beside it.
    """
    parent = targets[0].path.parent
    with ExitStack() as stack:
        staging = stack.enter_context(staged(parent))
        partials = [staging.folder / target.shown.name for target in targets]
        with disk.errors_of_disk(targets[0]):
            yield partials
            for partial, target in zip(partials, targets, strict=True):
                if target.before is not None:
                    shutil.copymode(target.path, partial)
                disk.sync_file(partial)
        _place(staging, partials, targets)


def _place(staging: Staging, partials: list[Path], targets: Sequence[OutputFile]) -> None:
    """Put all in place, the main one last; none where a target is no longer what it was."""
    parent = targets[0].path.parent
    for target in targets:
        if identity(target.path) != target.before:
            raise _kept_aside(partials, targets, target)
    earlier = [staging.folder / f"earlier-{number}" for number in range(len(targets))]
    if len(targets) > 1:
        for target, path in zip(targets, earlier, strict=True):
            _keep(target, path)
        places = [
            [part.name, target.path.name, target.before]
            for part, target in _last_first(partials, targets)
        ]
        staging.journal("files", places=places)
    placed: list[int] = []
    try:
        for number in reversed(range(len(targets))):
            target = targets[number]
            if target.before is None:
                disk.move_new(partials[number], target.path)
            else:
                partials[number].replace(target.path)
            placed.append(number)
    except OSError as error:
        for number in placed:
            targets[number].path.replace(partials[number])
            if earlier[number].exists():
                earlier[number].replace(targets[number].path)
        staging.done()
        raise _kept_aside(partials, targets, targets[0]) from error
    disk.sync_folder(parent)
    staging.done()  # what is left in it are second links to what was replaced


def _last_first(
    partials: Sequence[Path], targets: Sequence[OutputFile]
) -> list[tuple[Path, OutputFile]]:
    return list(zip(partials, targets, strict=True))[::-1]


def _keep(target: OutputFile, path: Path) -> None:
    """Keep what a target was at `path`, so that it can be put back."""
    if target.before is not None:
        try:
            path.hardlink_to(target.path)
        except OSError:
            shutil.copy2(target.path, path)


def _kept_aside(
    partials: Sequence[Path], targets: Sequence[OutputFile], changed: OutputFile
) -> PerrinError:
    """Give new files free names beside their targets; return the error that says so."""
    names = [moved_aside(part, target.path) for part, target in _last_first(partials, targets)]
    return PerrinError(
        f"{changed} was written by something else while this ran, or cannot be replaced; it was "
        f"left as it is. This result is in {', '.join(str(name) for name in reversed(names))}."
    )


@finishes("files")
def _finish_files(folder: Path, journal: Mapping[str, Any]) -> None:
    """Give the files of a run that was killed between two of its renames their names."""
    for staged_name, name, before in journal["places"]:
        partial, target = folder / Path(staged_name).name, folder.parent / Path(name).name
        if not partial.exists():
            continue
        if identity(target) == (None if before is None else tuple(before)):
            partial.replace(target)
        else:  # somebody wrote it since
            moved_aside(partial, target)
    for kept in folder.glob("earlier-*"):
        kept.unlink()


def moved_aside(made: Path, wanted: Path) -> Path:
    """Move what was made to a free name like the wanted one; return it."""
    names = (f"{wanted.stem}-{number}{wanted.suffix}" for number in count(2))
    short = (f"perrin-{number}{wanted.suffix[:20]}" for number in count(2))
    while True:
        aside = wanted.with_name(next(names))
        try:
            disk.move_new(made, aside)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            names = short
        else:
            return aside


def real_path(shown: Path) -> Path:
    """Return where a path leads, links followed; raises `PerrinError` for no path at all."""
    try:
        return shown.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise PerrinError(
            f"{str(shown)!r} leads nowhere ({error}). Choose another --out."
        ) from error


def identity(path: Path) -> Identity | None:
    """Return what tells a file from any other that has its name; None where there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise cannot_write(path, error) from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def same_file(first: Path, second: Path) -> bool:
    """Whether two paths are one file or folder that is there."""
    try:
        return first.samefile(second)
    except OSError:
        return False


def check_parent(shown: Path, real: Path) -> None:
    """Raise `PerrinError` where a name cannot be given in its folder: it is tried."""
    parent = real.parent
    if not parent.exists():
        raise PerrinError(
            f"{shown} cannot be written: there is no folder {shown.parent}. Make it first, or "
            "choose another --out."
        )
    if not parent.is_dir():
        raise PerrinError(
            f"{shown} cannot be written: {shown.parent} is not a folder. Choose another --out."
        )
    try:
        with staged(parent) as tried:
            (tried.folder / real.name).touch()
    except OSError as error:
        raise cannot_write(shown, error) from error


def cannot_write(shown: object, error: OSError) -> PerrinError:
    """Return what to tell the user of a name that cannot be given."""
    why = {
        errno.ENAMETOOLONG: "its name is too long. Choose a shorter --out.",
        errno.ENOSPC: "the disk is full. Free some space, or choose another --out.",
        errno.EROFS: "the disk is read-only. Choose another --out.",
    }
    permission = {errno.EACCES, errno.EPERM}
    if error.errno in permission:
        said = "you may not write there. Choose another --out, or ask for permission."
    else:
        said = why.get(error.errno or 0, f"{error.strerror or error}. Choose another --out.")
    return PerrinError(f"{shown} cannot be written: {said}")

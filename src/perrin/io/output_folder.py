"""Folders that perrin writes: results, evaluations, trained networks.

A folder is made in a staging folder and gets its name in one step. Where there was one before,
exactly what perrin wrote there (its manifest says what) is replaced; whatever else lies there is
in the new folder too, by hard links, before the names of the two are exchanged. What is left of
the earlier folder is then taken away file by file: perrin's own files and spare links go, all
else is moved over.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError
from perrin.io import disk
from perrin.io.manifest import (
    MANIFEST,
    Files,
    changed,
    is_as_written,
    read_manifest,
    renew_entry,
    walk,
    write_manifest,
)
from perrin.io.output import (
    Output,
    cannot_write,
    check_parent,
    moved_aside,
    real_path,
    same_file,
    written_file,
)
from perrin.io.staging import Staging, clear_dead, finishes, say, staged

SUMMARY = "summary.json"
CARD = "card.json"
"""Of a trained network: a folder that has one is no folder of results."""
"""The file of a results folder that holds all its figures."""
_NEW, _OLD = "new", "old"


@dataclass(frozen=True)
class OutputFolder(Output):
    """A folder that may be written.

    `before` is the folder that is there (device, inode) and its manifest; None for no folder.
    """

    before: tuple[tuple[int, int], Files] | None


def output_folder(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    inputs: Sequence[str | Path] = (),
    network: bool = False,
) -> OutputFolder:
    """Return where results may be written; ask before any long work.

    A link to a folder stays a link; the results appear in its target. Raises `PerrinError` for

    - a folder with results, without `overwrite`, and for one whose results were changed since;
    - a trained network, unless what comes is a `network` too;
    - a folder with other files and no manifest of perrin, a file, a disk's own folder, the
      folder that perrin runs in;
    - one of the `inputs` that would be replaced;
    - what cannot be written: no permission, a name too long, no folder to put it in.
    """
    if isinstance(path, OutputFolder):
        return path
    shown = Path(path)
    real = real_path(shown)
    here = Path.cwd().resolve()
    if real == here or real in here.parents:
        raise PerrinError(
            f"{shown} is the folder that perrin runs in, or holds it; results need one of their "
            f"own. Choose another --out, such as {shown / 'results'}."
        )
    clear_dead(real.parent)  # an earlier run may have been stopped while it put things in place
    found = _found(shown, real)
    _check_inputs(shown, real, found, inputs)
    if found is not None:
        if CARD in found[1] and not network:
            raise PerrinError(
                f"{shown} holds a trained network ({CARD}); no results replace it. Choose another "
                "--out."
            )
        _check_replaceable(shown, real, found[1], overwrite=overwrite)
    check_parent(shown, real)
    return OutputFolder(shown, real, found)


def _found(shown: Path, real: Path) -> tuple[tuple[int, int], Files] | None:
    try:
        seen = real.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise cannot_write(shown, error) from error
    if not stat.S_ISDIR(seen.st_mode):
        raise PerrinError(f"{shown} is a file; results need a folder. Choose another --out.")
    if os.path.ismount(real):
        raise PerrinError(
            f"{shown} is where a disk is mounted; name a folder in it, such as {shown / 'results'}."
        )
    try:
        files = read_manifest(real) or ({} if not any(real.iterdir()) else None)
        for _ in walk(real):  # what else lies there stays, so all of it must be readable
            pass
    except OSError as error:
        raise cannot_write(shown, error) from error
    if files is None:
        raise PerrinError(
            f"{shown} holds files that are not perrin's (there is no {MANIFEST} of perrin that "
            "lists them); they will not be replaced. Choose another --out."
        )
    return (seen.st_dev, seen.st_ino), files


def _check_inputs(
    shown: Path,
    real: Path,
    found: tuple[tuple[int, int], Files] | None,
    inputs: Sequence[str | Path],
) -> None:
    """Raise `PerrinError` where what is read lies among what would be replaced."""
    for one in inputs:
        source = Path(one).resolve()
        inside = source.is_dir() and (source == real or source in real.parents)
        names = () if found is None else found[1]
        if inside or any(
            same_file(source, real / name) or (source.is_dir() and source in (real / name).parents)
            for name in names
        ):
            raise PerrinError(
                f"{one} is to be read and lies in {shown}, or around it, where results would "
                "replace it. Choose another --out."
            )


def _check_replaceable(shown: Path, real: Path, files: Files, *, overwrite: bool) -> None:
    if files and not overwrite:
        raise PerrinError(
            f"{shown} already holds results. Choose another --out, or replace them with "
            "--overwrite."
        )
    if not os.access(real, os.W_OK | os.X_OK):
        raise PerrinError(f"{shown} is protected against writing. Choose another --out.")
    other = changed(real, files)
    if other:
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        raise PerrinError(
            f"{shown / other[0]}{more} was changed since perrin wrote it; it will not be replaced. "
            "Move it or give it another name, or choose another --out."
        )


@contextmanager
def written_folder(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    inputs: Sequence[str | Path] = (),
    network: bool = False,
) -> Iterator[Path]:
    """Give an empty folder to write to; it becomes `path` only if all went well.

    The errors are those of `output_folder`. Where something else made or changed `path`
    meanwhile, that is left as it is and a `PerrinError` says where these results were put.
    """
    target = output_folder(path, overwrite=overwrite, inputs=inputs, network=network)
    with staged(target.path.parent) as staging:
        new = staging.folder / _NEW
        new.mkdir()
        with disk.errors_of_disk(target):
            yield new
            write_manifest(new)
            _sync(new)
        _place(staging, new, target)


def rewrite(folder: Path, name: str, text: str) -> None:
    """Replace a text that perrin wrote into a folder, and keep its manifest true."""
    with written_file(folder / name, overwrite=True) as partial:
        partial.write_text(text, encoding="utf-8")
    renew_entry(folder / name)


def _sync(folder: Path) -> None:
    for where, _, files in os.walk(folder):
        for name in files:
            disk.sync_file(Path(where, name))
        disk.sync_folder(Path(where))


def _place(staging: Staging, new: Path, target: OutputFolder) -> None:
    """Give a whole new folder its name, or another one where that would replace too much."""
    if target.before is None:
        try:
            disk.move_new(new, target.path)
        except OSError as error:
            raise _kept_aside(new, target, "was made by something else") from error
        disk.sync_folder(target.path.parent)
        return
    inode, files = target.before
    if not _is_still(target.path, inode, files) or changed(target.path, files):
        raise _kept_aside(new, target, "was changed by something else")
    shutil.copymode(target.path, new)
    clash = _carry(target.path, new, files)
    if clash is not None:
        _uncarry(new)
        raise _kept_aside(new, target, f"has a {clash} that is not perrin's")
    staging.journal("folder", target=target.path.name, new=list(_inode(new)))
    try:
        _exchange(staging, new, target)
    except OSError as error:
        staging.done()
        _uncarry(new)
        raise _kept_aside(new, target, f"cannot be replaced ({error.strerror})") from error
    disk.sync_folder(target.path.parent)
    _discard(staging.folder / _OLD, target.path)


def _exchange(staging: Staging, new: Path, target: OutputFolder) -> None:
    """Exchange new and earlier folder, the earlier one to ``old``; in one step where possible."""
    assert target.before is not None  # noqa: S101
    old = staging.folder / _OLD
    if disk.swap(new, target.path):
        if not _is_still(new, *target.before):  # it was replaced a moment ago
            disk.swap(new, target.path)
            raise FileExistsError(0, "it was replaced by something else")
        new.rename(old)
        return
    target.path.rename(old)
    try:
        if not _is_still(old, *target.before):
            raise FileExistsError(0, "it was replaced by something else")
        disk.move_new(new, target.path)
    except OSError:
        disk.move_new(old, target.path)
        raise


def _is_still(folder: Path, inode: tuple[int, int], files: Files) -> bool:
    try:
        return _inode(folder) == inode and (read_manifest(folder) or {}) == files
    except OSError:
        return False


def _inode(folder: Path) -> tuple[int, int]:
    found = folder.lstat()
    return found.st_dev, found.st_ino


def _is_own(name: str, files: Files) -> bool:
    return name in files or (name == MANIFEST and bool(files))


def _carry(old: Path, new: Path, files: Files) -> str | None:
    """Link all that is not perrin's from the old into the new folder.

    Returns the first name that perrin's new files have too; then nothing is to be replaced. What
    cannot be linked (a file system without hard links) is moved after the exchange.
    """
    own = set(walk(new))
    for name in walk(old):
        if _is_own(name, files):
            continue
        path = Path(name)
        if name in own or any(parent.as_posix() in own for parent in path.parents):
            return name
        if (new / path).is_dir() and not name.endswith("/"):
            return name
        _make_folders(old, new, path if name.endswith("/") else path.parent)
        if not name.endswith("/"):
            _link(old / path, new / path)
    return None


def _make_folders(old: Path, new: Path, folder: Path) -> None:
    for part in (*list(folder.parents)[::-1], folder):
        if not (new / part).exists():
            (new / part).mkdir()
            shutil.copystat(old / part, new / part)


def _link(source: Path, target: Path) -> None:
    try:
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_file():
            target.hardlink_to(source)
    except OSError:
        return  # moved after the exchange


def _uncarry(new: Path) -> None:
    """Take the links to what is not perrin's out of a new folder again."""
    files = read_manifest(new) or {}
    for name in list(walk(new)):
        if not _is_own(name, files):
            _remove(new, name)


def _remove(folder: Path, name: str) -> None:
    path = folder / name
    if name.endswith("/"):
        path.rmdir()
    else:
        path.unlink()
    _remove_empty(folder, name)


def _discard(old: Path, target: Path) -> None:
    """Take an earlier folder away, file by file; what the new one lacks is moved there.

    What can be neither deleted nor moved stays in a folder beside, which is said.
    """
    try:
        _empty(old, target)
        old.rmdir()
    except OSError:
        left = moved_aside(old, target)
        say.warning("perrin: %s keeps what could not be moved to %s", left, target)


def _empty(old: Path, target: Path) -> None:
    files = read_manifest(old) or {}
    kept_manifest = bool(files)
    for name in list(walk(old)):
        if name == MANIFEST and kept_manifest:
            continue  # last: until then it says what is perrin's
        if (name in files and is_as_written(old, name, files)) or _is_there_too(old, target, name):
            _remove(old, name)
        elif not os.path.lexists(target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            disk.move_new(old / name, target / name)
            _remove_empty(old, name)
    if kept_manifest and list(walk(old)) == [MANIFEST]:
        (old / MANIFEST).unlink()


def _remove_empty(folder: Path, name: str) -> None:
    for parent in Path(name).parents:
        if parent == Path():
            return
        try:
            (folder / parent).rmdir()
        except OSError:
            return


def _is_there_too(old: Path, target: Path, name: str) -> bool:
    if name.endswith("/"):
        return (target / name).is_dir()
    first, second = old / name, target / name
    if first.is_symlink():
        return second.is_symlink() and first.readlink() == second.readlink()
    return not second.is_symlink() and same_file(first, second)


def _kept_aside(new: Path, target: OutputFolder, why: str) -> PerrinError:
    """Give new results a free name beside their target; return the error that says so."""
    aside = moved_aside(new, target.path)
    return PerrinError(
        f"{target} {why} while this ran; it was left as it is. These results are in {aside}."
    )


@finishes("folder")
def _finish_folder(folder: Path, journal: Mapping[str, Any]) -> None:
    """Finish what a run that was killed between two of its steps had begun."""
    target = folder.parent / Path(str(journal["target"])).name
    new, old = folder / _NEW, folder / _OLD
    if new.exists() and list(_inode(new)) == journal["new"]:
        if not os.path.lexists(target) and old.exists():
            disk.move_new(new, target)  # killed between two renames: both results are whole
        else:
            shutil.rmtree(new)  # not yet exchanged: all of it was made by that run, or is a link
    for earlier in (new, old):
        if earlier.exists():
            _discard(earlier, target)

"""The manifest of a results folder: which files in it perrin wrote, with size and SHA-256."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io import disk
from perrin.io.output import written_file

MANIFEST = "manifest.json"
"""The file by which perrin knows which files of a folder are its own."""

Files = dict[str, dict[str, Any]]
"""Size (``bytes``) and ``sha256`` by name; names are relative, with forward slashes."""


def write_manifest(folder: Path, only: Iterable[str] | None = None) -> None:
    """Write the manifest of all files that lie in `folder`, or only of some of them."""
    names = walk(folder) if only is None else (name for name in only if (folder / name).is_file())
    files = {
        name: _entry(folder / name)
        for name in sorted(names)
        if name != MANIFEST and not name.endswith("/")
    }
    _write(folder, files)


def renew_entry(path: Path) -> None:
    """Tell the manifest beside a file, where it lists the file, that perrin wrote it again.

    The other entries stay: a file that was changed by something else is still known as changed.
    """
    files = read_manifest(path.parent)
    if files is not None and path.name in files:
        _write(path.parent, files | {path.name: _entry(path)})


def _write(folder: Path, files: Files) -> None:
    text = json.dumps({"written_by": f"perrin {__version__}", "files": files}, indent=1)
    with written_file(folder / MANIFEST, overwrite=True) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Files | None:
    """Return the manifest of `folder`; None where there is none that can be trusted."""
    try:
        stored = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files: Files = {
            str(name): {"bytes": int(entry["bytes"]), "sha256": str(entry["sha256"])}
            for name, entry in stored["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if "written_by" not in stored or not all(map(_stays_inside, files)):
        return None
    return files


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _entry(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": disk.sha256_of(path)}


def walk(folder: Path) -> Iterator[str]:
    """Names of all that lies below `folder` and is no folder itself; links are not followed.

    Folders that are empty are named too, with a slash at the end.
    """
    for where, folders, files in os.walk(folder, onerror=_raise):
        base = Path(where)
        links = [name for name in folders if (base / name).is_symlink()]
        for name in (*files, *links):
            yield (base / name).relative_to(folder).as_posix()
        if not folders and not files and base != folder:
            yield base.relative_to(folder).as_posix() + "/"


def _raise(error: OSError) -> None:
    raise error


def is_as_written(folder: Path, name: str, files: Files) -> bool:
    """Whether a file of the manifest is what perrin wrote: a plain file, its content unchanged."""
    path = folder / name
    try:
        found = path.lstat()
        own_folder = path.parent.resolve() == folder.resolve() / PurePosixPath(name).parent
    except OSError:
        return False
    return (
        stat.S_ISREG(found.st_mode)
        and own_folder
        and found.st_size == files[name]["bytes"]
        and disk.sha256_of(path) == files[name]["sha256"]
    )


def changed(folder: Path, files: Files) -> list[str]:
    """Names of the files of a manifest that are there and are no longer what perrin wrote."""
    return [
        name
        for name in files
        if os.path.lexists(folder / name) and not is_as_written(folder, name, files)
    ]


def check_unchanged(folder: Path, suffixes: tuple[str, ...]) -> None:
    """Raise `PerrinError` where a file with such a suffix is not what the manifest says."""
    files = read_manifest(folder) or {}
    odd = changed(folder, {name: files[name] for name in files if name.endswith(suffixes)})
    if odd:
        raise PerrinError(
            f"{folder}: {', '.join(odd)} changed since perrin wrote it ({MANIFEST} has another "
            "checksum): damaged, or edited. Copy the folder again from where it was made, or "
            "analyze again."
        )

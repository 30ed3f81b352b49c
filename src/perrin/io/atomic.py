"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perrin.errors import PerrinError

SUMMARY = "summary.json"
"""The file by which a folder is known to hold perrin's results."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; rename it to `path` only if all went well.

    On any error, Ctrl-C included, what was written is removed and `path` is as before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """The same for a folder; an earlier folder of that name is replaced at the very end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        yield partial
        partial.chmod(0o755)
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-old-"))
            path.replace(old / "replaced")
            partial.replace(path)
            shutil.rmtree(old)
        else:
            partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise `PerrinError` if results cannot go to `folder`; ask before any long work.

    A folder that holds a perrin summary is replaced with `overwrite`; any other folder with
    something in it never is.
    """
    if folder.is_file():
        raise PerrinError(f"{folder} is a file; results need a folder. Choose another --out.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / SUMMARY).is_file():
        raise PerrinError(
            f"{folder} holds files that are not perrin's results; they will not be replaced. "
            "Choose another --out."
        )
    if not overwrite:
        raise PerrinError(
            f"{folder} already holds results. Choose another --out, or replace them with "
            "--overwrite."
        )

"""A results folder as one file."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path


def zipped(folder: Path) -> bytes:
    """Return all files of a folder as a ZIP archive, under the folder's name.

    Links are left out, wherever they lead, and so are hidden files.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for where, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = Path(where, name)
                if path.is_symlink() or not path.is_file() or name.startswith("."):
                    continue
                archive.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()

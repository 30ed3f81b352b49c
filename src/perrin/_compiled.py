"""Where compiled kernels are kept when neither the installation nor the home can be written to."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

_VARIABLE = "NUMBA_CACHE_DIR"


def keep_kernels_somewhere() -> None:
    """Choose a folder for numba's compiled kernels where its own two places are read-only.

    Containers are often like that, and numba refuses to import a kernel it cannot keep. The folder
    is the user's own and of nobody else, as what is in it is run; other processes of the user
    find it again.
    """
    if os.environ.get(_VARIABLE) or sys.platform == "win32":
        return
    if os.access(Path(__file__).parent, os.W_OK) or _can_be_made(_user_cache()):
        return
    folder = str(_own_folder())
    os.environ[_VARIABLE] = folder  # for processes that are started, too
    if "numba" in sys.modules:  # it has read the variable already
        sys.modules["numba"].config.CACHE_DIR = folder


def _user_cache() -> Path:
    """Return the folder that numba takes in a home (`numba.misc.appdirs`)."""
    name = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    if sys.platform == "darwin":
        name = "~/Library/Caches"
    try:
        return Path(name).expanduser() / "numba"
    except RuntimeError:  # there is no home
        return Path(name) / "numba"


def _can_be_made(folder: Path) -> bool:
    there = next(one for one in (folder, *folder.parents, Path()) if one.exists())
    return there.is_dir() and os.access(there, os.W_OK)


def _own_folder() -> Path:
    """Return a folder below the system's for temporary files that only this user can enter."""
    import tempfile  # hardly ever needed, and each start would pay for it

    folder = Path(tempfile.gettempdir()) / f"perrin-kernels-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="perrin-kernels-"))
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if own and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="perrin-kernels-"))

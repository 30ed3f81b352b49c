"""What a file system must do so that nothing is lost: sync, swap, move without replacing.

The steps that plain Python lacks are taken from the C library (Linux, macOS); where it has
none, each function says so by its result, and its caller has another way.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError

_HASH_BYTES = 1 << 22
_SPARE_BYTES = 1 << 24
"""Left free beside what is written, so that a disk is never filled to its last byte."""

WORKING = ".perrin-"
"""How the names of the folders begin that perrin writes in before anything is replaced."""

# renameat2(2) of Linux, renamex_np(2) of macOS
_AT_FDCWD = -100
_LINUX = {"new": 1, "swap": 2}
_MACOS = {"new": 4, "swap": 2}
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk; a no-op where the system has no such call."""
    _sync(path, os.O_RDWR | getattr(os, "O_BINARY", 0))


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; Windows has no such call."""
    if os.name != "nt":
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(descriptor)


def swap(first: Path, second: Path) -> bool:
    """Exchange two names in one step; False, with nothing done, where the system cannot."""
    return _rename(first, second, "swap")


def move_new(source: Path, target: Path) -> None:
    """Rename to a name that is free; raises `FileExistsError` where something has it."""
    if _rename(source, target, "new"):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _rename(source: Path, target: Path, how: str) -> bool:
    call = _c_rename()
    if call is None:
        return False
    if call(os.fsencode(source), os.fsencode(target), how) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


@cache
def _c_rename() -> Callable[[bytes, bytes, str], int] | None:
    if sys.platform not in ("linux", "darwin"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    name = "renameat2" if sys.platform == "linux" else "renamex_np"
    function: Any = getattr(library, name, None)
    if function is None:
        return None
    if name == "renameat2":
        return lambda a, b, how: function(
            ctypes.c_int(_AT_FDCWD),
            ctypes.c_char_p(a),
            ctypes.c_int(_AT_FDCWD),
            ctypes.c_char_p(b),
            ctypes.c_uint(_LINUX[how]),
        )
    return lambda a, b, how: function(
        ctypes.c_char_p(a), ctypes.c_char_p(b), ctypes.c_uint(_MACOS[how])
    )


def is_alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    if os.name == "nt":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    """Ask for a handle: os.kill(pid, 0) would end the process there."""
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined]
    query_limited_information, still_active = 0x1000, 259
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        access_denied = 5
        return bool(kernel.GetLastError() == access_denied)
    code = ctypes.c_ulong()
    found = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return bool(not found or code.value == still_active)


@cache
def machine() -> str:
    """Eight digits that stand for this machine and its space of process numbers."""
    try:
        processes = str(Path("/proc/self/ns/pid").readlink())  # a container has its own numbers
    except OSError:
        processes = ""
    return hashlib.sha256(f"{platform.node()} {processes}".encode()).hexdigest()[:8]


def check_space(folder: Path, size: int) -> None:
    """Raise `PerrinError` where `size` bytes more do not fit on the disk that holds `folder`."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # a file system that does not say
    if free < size + _SPARE_BYTES:
        raise PerrinError(
            f"{size / 1e6:,.0f} MB are to be written into {named(folder)}, where "
            f"{free / 1e6:,.0f} MB are free. Free some, or choose another --out."
        )


def named(shown: object) -> str:
    """A path as the user knows it: what lies in a folder that perrin works in by its name."""
    parts = Path(str(shown)).parts
    at = next((k for k, part in enumerate(parts) if part.startswith(WORKING)), None)
    if at is None:
        return str(shown)
    outer = str(Path(*parts[:at]))
    return outer if parts[-1].startswith(WORKING) else f"{parts[-1]} in {outer}"


@contextmanager
def errors_of_disk(shown: object) -> Iterator[None]:
    """Turn errors of the disk while `shown` is written into what to tell the user."""
    try:
        yield
    except OSError as error:
        told = of_disk(error, shown)
        if told is None:
            raise
        raise told from error


def of_disk(error: OSError, shown: object) -> PerrinError | None:
    """Return what to tell the user of an error of the disk; None for an error of another kind."""
    full = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
    if error.errno not in full:
        return None
    return PerrinError(
        f"{named(shown)} could not be written: {error.strerror or error}. Nothing was changed. "
        "Free space on the disk, or choose another --out."
    )

"""Writing HDF5 so that a full disk ends in an error.

The HDF5 library does not survive an error of the disk while it closes a file: it ends the process.
So it never sees one: small files are made in memory, large ones go through a stream that notes
the first error, takes all that follows as written, and raises once the library has closed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py


@contextmanager
def small_hdf5(path: Path) -> Iterator[h5py.File]:
    """Make an HDF5 file in memory; it is written at the end, in one piece."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        yield file
    path.write_bytes(made.getbuffer())


@contextmanager
def large_hdf5(path: Path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Make an HDF5 file on the disk; raises the disk's own `OSError` where it refuses.

    Gives the file, and what to call now and then: it raises the error as soon as there is one.
    """
    with path.open("w+b", buffering=0) as raw:
        stream = _Noting(raw)
        try:
            with h5py.File(stream, "w") as file:
                yield file, stream.check
        except Exception as error:
            if stream.error is not None and error is not stream.error:
                raise stream.error from error
            raise
        stream.check()


class _Noting:
    """A file for h5py; `error` is the first that the disk gave, after which nothing is written."""

    def __init__(self, raw: io.FileIO) -> None:
        self.error: OSError | None = None
        self._raw = raw

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        if self.error is not None:
            return size
        try:
            while left:
                left = left[self._raw.write(left) :]
        except OSError as error:
            self.error = error
        return size

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def truncate(self, size: int | None = None) -> int:
        if self.error is None:
            try:
                return self._raw.truncate(size)
            except OSError as error:
                self.error = error
        return size or 0

    def read(self, size: int = -1) -> bytes:
        return self._raw.read(size)

    def readinto(self, buffer: Any) -> int:
        return self._raw.readinto(buffer)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def flush(self) -> None:
        """Nothing is held back."""

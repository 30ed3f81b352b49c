"""What results need to be made again: versions, the run, the hash of each input."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from perrin._version import __version__
from perrin.io.disk import sha256_of
from perrin.io.manifest import walk


def provenance(
    inputs: Sequence[str | Path] = (), run: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return versions, time (UTC), `run` as given, and each input's name, size and SHA-256."""
    return {
        "perrin_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "run": dict(run or {}),
        "inputs": [fingerprint(Path(path)) for path in inputs],
    }


def fingerprint(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of an input; of a folder, such as Zarr, that of its files' list.

    The list has a line a file, sorted: its SHA-256, two spaces, its name with forward slashes.
    """
    if path.is_file():
        return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    if not path.is_dir():
        return {"name": path.name}
    names = sorted(name for name in walk(path) if not name.endswith("/"))
    listed = "".join(f"{sha256_of(path / name)}  {name}\n" for name in names)
    return {
        "name": path.name,
        "files": len(names),
        "bytes": sum((path / name).stat().st_size for name in names),
        "sha256": hashlib.sha256(listed.encode()).hexdigest(),
    }

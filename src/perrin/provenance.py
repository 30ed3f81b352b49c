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

_HASH_BYTES = 1 << 22


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
        "inputs": [_fingerprint(Path(path)) for path in inputs],
    }


def _fingerprint(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of an input file (a folder, such as Zarr, has its name only)."""
    if not path.is_file():
        return {"name": path.name}
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BYTES):
            digest.update(block)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}

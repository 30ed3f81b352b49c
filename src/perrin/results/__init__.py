"""Results folders: written whole or not at all, and read back as the results they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perrin._names import shown

if TYPE_CHECKING:
    from perrin.results.read import read_results
    from perrin.results.write import write_results

__all__ = ["read_results", "write_results"]

_HOME = {"read_results": "read", "write_results": "write"}

__getattr__, __dir__ = shown(__name__, _HOME)

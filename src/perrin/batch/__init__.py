"""Many measurements, one answer: a sheet of them, who runs them, tables and a page over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perrin._names import shown

if TYPE_CHECKING:
    from perrin.batch.affinity import fit_affinity, write_affinity
    from perrin.batch.run import BatchResult, read_batch, run_batch
    from perrin.batch.settings import RowSettings
    from perrin.batch.sheet import Sheet, read_sheet, template

__all__ = [
    "BatchResult",
    "RowSettings",
    "Sheet",
    "fit_affinity",
    "read_batch",
    "read_sheet",
    "run_batch",
    "template",
    "write_affinity",
]

_HOME = {
    "BatchResult": "run",
    "RowSettings": "settings",
    "Sheet": "sheet",
    "fit_affinity": "affinity",
    "read_batch": "run",
    "read_sheet": "sheet",
    "run_batch": "run",
    "template": "sheet",
    "write_affinity": "affinity",
}


__getattr__, __dir__ = shown(__name__, _HOME)

"""What evaluations write: their tables and figures, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perrin.cli import options as o

if TYPE_CHECKING:
    import pandas as pd

    from perrin.io.output_folder import OutputFolder
    from perrin.types import NetworkId


def write_evaluation(
    target: OutputFolder,
    tables: Mapping[str, pd.DataFrame],
    *,
    networks: Sequence[NetworkId],
    seed: int,
    figures: Mapping[str, Any] | None = None,
    **others: Any,
) -> None:
    """Write the tables that have rows, figures, and a summary with `others`; all or nothing."""
    from perrin.results.folder import provenance, results_folder, save_figures

    summary = provenance(command=o.this_command(), seed=seed, networks=networks) | others
    with results_folder(target, summary) as partial:
        for name, table in tables.items():
            if len(table):
                table.to_csv(partial / f"{name}.csv", index=False)
        if figures:
            save_figures(partial, figures)

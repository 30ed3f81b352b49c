"""What evaluations write: their tables and figures, and how they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perrin.cli import options as o

if TYPE_CHECKING:
    import pandas as pd

    from perrin.io.output_folder import OutputFolder
    from perrin.types import NetworkId


@dataclass(frozen=True)
class FreshTracks:
    """Where an evaluation on fresh tracks goes, and the seed that these are drawn with."""

    out: o.Evaluated
    seed: o.Seed = 7
    overwrite: o.Overwrite = False

    def measure(
        self,
        evaluate: Callable[..., Any],
        *networks: Any,
        count: int,
        tables: Sequence[str],
        numbers: Sequence[str] = (),
    ) -> Any:
        """Evaluate networks, write those tables and numbers of what is found, and return it."""
        from perrin.io.output_folder import output_folder

        target = output_folder(self.out, overwrite=self.overwrite)
        found = evaluate(*networks, count=count, seed=self.seed)
        written = {name: getattr(found, name) for name in tables}
        if "confusion" in written:
            written["confusion"] = written["confusion"].rename_axis("true").reset_index()
        write_evaluation(
            target,
            written,
            networks=[network.bundle.identity for network in networks],
            seed=self.seed,
            settings={"count": count},
            **{name: getattr(found, name) for name in numbers},
        )
        return found


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

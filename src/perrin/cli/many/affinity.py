"""The command that reads affinities off a titration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o
from perrin.cli.layout import MANY


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("affinity", rich_help_panel=MANY)(affinity)


def affinity(
    batch: Annotated[Path, typer.Argument(help="Folder of `perrin batch` with a titration.")],
    model: Annotated[
        str,
        typer.Option(
            help="A+B=AB, A+A=AA, A+B=AB+AB=A2B2, competition (A+B=AB, A+C=AC), or others."
        ),
    ],
    out: Annotated[
        Path | None,
        o.output("Folder for the results.", "NAME-affinity"),
    ] = None,
    efficiency_error: Annotated[
        float,
        typer.Option(help="How well the efficiency of each species is known."),
    ] = 0.1,
    concentration_error: Annotated[
        float,
        typer.Option(help="How well the concentration of a stock is known, dead volumes included."),
    ] = 0.1,
    confidence: Annotated[float, typer.Option(help="Probability of the intervals.")] = 0.95,
    overwrite: o.Overwrite = False,
) -> None:
    """Fit dissociation constants to the counts of a titration, with intervals.

    For example::

        perrin affinity plate-results --model A+B=AB
    """
    from perrin.batch.affinity import write_affinity
    from perrin.batch.folder import SHEET

    out = o.out_of(out, batch, "-affinity")
    found = write_affinity(
        batch,
        out,
        model,
        command=o.this_command(),
        overwrite=overwrite,
        efficiency_error=efficiency_error,
        concentration_error=concentration_error,
        confidence=confidence,
    )
    for one in found.constants:
        typer.echo(f"{one.reaction}: {one}")
    for note in found.notes:
        typer.echo(f"  note: {note}")
    landings = int(found.titration.counts.sum())
    typer.echo(f"concentrations as in {batch / SHEET}, the sheet that the batch was run from")
    typer.echo(f"{len(found.titration.counts)} wells, {landings} landings; results in {out}")

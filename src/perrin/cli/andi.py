"""Commands for the AnDi tasks: exponent and model of each track, and what a network reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o
from perrin.cli.bundles import bundled
from perrin.cli.evaluation import FreshTracks
from perrin.cli.layout import ANALYZE

DEFAULT_MODEL = "andi"


def register(app: typer.Typer, *, evaluate: typer.Typer) -> None:
    """Add the commands to `perrin` and to `perrin evaluate`."""
    app.command("andi", rich_help_panel=ANALYZE)(andi)
    evaluate.command("andi")(evaluate_andi)


def andi(
    tracks: o.Tracks,
    out: Annotated[
        Path | None,
        o.output("Table to write: one row a track.", "NAME-andi.csv"),
    ] = None,
    frame_interval_s: o.FrameIntervalS = None,
    frame_rate_hz: o.FrameRateHz = None,
    model: o.ModelName = DEFAULT_MODEL,
    overwrite: o.Overwrite = False,
) -> None:
    """Predict exponent and model of each track, as in the AnDi challenge (no units needed).

    For example::

        perrin andi tracks.csv -o andi.csv
    """
    from perrin.diffusion.andi import outside_in_words
    from perrin.io.output import output_file, written_file
    from perrin.io.tracks import read_tracks
    from perrin.models.bundle import bundle_folder
    from perrin.pipeline import andi as predict

    out = o.out_of(out, tracks, "-andi.csv")
    interval = o.interval_s(frame_interval_s, frame_rate_hz)
    target = output_file(out, overwrite=overwrite, inputs=[tracks, bundle_folder(model)])
    found = read_tracks(tracks, frame_interval_s=interval)
    typer.echo(found.attrs["read_as"])
    table = predict(found, model=model)
    with written_file(target) as partial:
        table.to_csv(partial, index=False)
    predicted = table["alpha"].notna()
    reasons = table.loc[~predicted, "reason"].mode()
    others = f" (the others: {reasons.iloc[0]})" if len(reasons) else ""
    if said := outside_in_words(table):
        typer.echo(said)
    typer.echo(
        f"{int(predicted.sum())} of {len(table)} tracks with a prediction{others}; table in {out}"
    )


@bundled
def evaluate_andi(
    fresh: FreshTracks,
    model: o.ModelName = DEFAULT_MODEL,
    count: Annotated[int, typer.Option(min=50, help="Trajectories of each cell and task.")] = 3000,
) -> None:
    """Measure what a network reaches in the tasks of the AnDi challenge, by length.

    For example::

        perrin evaluate andi --count 500 -o figures
    """
    from perrin.evaluate.andi import evaluate_andi as evaluate
    from perrin.models.andi import AndiModel

    tables = ("cells", "confusion")
    found = fresh.measure(evaluate, AndiModel.load(model), count=count, tables=tables)
    typer.echo(found.cells.round(3).to_string(index=False))
    typer.echo(found.confusion.round(2).to_string())

"""`perrin andi2`: a folder of the second AnDi challenge to a submission."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli.layout import ANALYZE

if TYPE_CHECKING:
    from perrin.andi2.prediction import Prediction


def register(app: typer.Typer) -> None:
    """Add the command to `perrin`."""
    app.command("andi2", rich_help_panel=ANALYZE)(andi2)


def andi2(
    folder: Annotated[
        Path, typer.Argument(help="Folder with track_2/exp_E/trajs_fov_F.csv in it or its data.")
    ],
    out: Annotated[
        Path | None,
        o.output("Folder for the submission.", "NAME-submission"),
    ] = None,
    localization_error: Annotated[
        float, typer.Option(min=1e-6, help="Of one axis, in pixels; the challenge's by default.")
    ] = 0.12,
    overwrite: o.Overwrite = False,
) -> None:
    """Write a submission to the second AnDi challenge: changes, K, alpha, states; ensembles.

    For example::

        perrin andi2 public_data_challenge_v0 -o submission
    """
    from perrin.andi2.submission import submit_andi2

    out = o.out_of(out, folder, "-submission")
    submit_andi2(
        folder, out, localization_error=localization_error, overwrite=overwrite, finished=_say
    )
    typer.echo(f"submission in {out}")


def _say(experiment: int, found: Prediction) -> None:
    """Print what an experiment's tracks do."""
    from perrin.andi2.submission import model_of

    changes = sum(len(track.stop) - 1 for track in found.tracks)
    states = ", ".join(
        f"alpha {alpha:.2f} K {k:.3g}"
        for alpha, k in zip(found.states.alpha, found.states.K, strict=True)
    )
    typer.echo(
        f"exp_{experiment}: {len(found.tracks)} tracks, {changes} changes, "
        f"{model_of(found)}: {states}"
    )

"""`perrin train andi`: the network of the AnDi tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.train.run import Out, Seed, Steps, Threads, check_torch, train_on_tracks

if TYPE_CHECKING:
    from perrin.train.andi.network import AndiNetwork


def train_andi(
    out: Out,
    steps: Steps = None,
    seed: Seed = 1,
    threads: Threads = 2,
    measure: Annotated[
        int, typer.Option(min=50, help="Trajectories of each cell for the figures on the card.")
    ] = 2000,
) -> None:
    """Train the network of the AnDi tasks and write it as a model; goes on where it was stopped."""
    check_torch()
    from perrin.evaluate.andi import evaluate_andi
    from perrin.models.andi import AndiModel
    from perrin.settings.diffusion import AndiTraining
    from perrin.train.andi.export import write_andi_bundle
    from perrin.train.andi.recipe import andi_task, validator

    settings = o.settings_from(AndiTraining, **o.given(seed=seed, steps=steps))

    def write(network: AndiNetwork) -> None:
        write_andi_bundle(network, out, settings=settings)

    def measured(seed: int) -> dict[str, Any]:
        return evaluate_andi(AndiModel.load(out), count=measure, seed=seed).for_card()

    train_on_tracks(
        out,
        andi_task(settings),
        about={"settings": settings.model_dump(mode="json")},
        seed=settings.seed,
        threads=threads,
        validator=validator,
        write=write,
        measure=measured,
    )

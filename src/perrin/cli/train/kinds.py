"""`perrin train kinds`: the network that tells kinds of motion apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.train.run import Out, Seed, Steps, Threads, check_torch, train_on_tracks

if TYPE_CHECKING:
    from perrin.train.kinds.network import KindsNetwork


def train_kinds(
    out: Out,
    mixture: Annotated[
        str, typer.Option(help="Mixture network that it is to stand beside.")
    ] = "mixture",
    steps: Steps = None,
    seed: Seed = 1,
    threads: Threads = 1,
    measure: Annotated[
        int, typer.Option(min=50, help="Tracks of each cell for the figures on the card.")
    ] = 2000,
) -> None:
    """Train the network of kinds and write it as a model; goes on where it was stopped."""
    check_torch()
    from perrin.evaluate.kinds import evaluate_kinds
    from perrin.models.kinds import KindsModel
    from perrin.models.mixture import MixtureModel
    from perrin.settings.diffusion import KindsTraining
    from perrin.train.kinds.export import write_kinds_bundle
    from perrin.train.kinds.recipe import kinds_task, validator

    settings = o.settings_from(KindsTraining, **o.given(seed=seed, steps=steps))
    model = MixtureModel.load(mixture)

    def write(network: KindsNetwork) -> None:
        write_kinds_bundle(network, out, settings=settings, model=model)

    def measured(seed: int) -> dict[str, Any]:
        return evaluate_kinds(KindsModel.load(out), model, count=measure, seed=seed).for_card()

    train_on_tracks(
        out,
        kinds_task(settings, model),
        about={
            "settings": settings.model_dump(mode="json"),
            "mixture": model.bundle.card.sha256,
        },
        seed=settings.seed,
        threads=threads,
        validator=validator(settings, model),
        write=write,
        measure=measured,
    )

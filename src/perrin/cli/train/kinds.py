"""`perrin train kinds`: the network that tells kinds of motion apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli.bundles import bundled
from perrin.cli.train.run import Threads, TrackRun, run_folder, train_on_tracks

if TYPE_CHECKING:
    from perrin.train.kinds.network import KindsNetwork


@dataclass(frozen=True)
class KindsRun(TrackRun):
    """How the network of kinds is trained: its tracks are drawn on a second thread."""

    threads: Threads = 1


@bundled
def train_kinds(
    running: KindsRun,
    mixture: Annotated[
        str, typer.Option(help="Mixture network that it is to stand beside.")
    ] = "mixture",
) -> None:
    """Train the network of kinds and write it as a model; goes on where it was stopped.

    For example::

        perrin train kinds --mixture my-mixture -o my-kinds
    """
    run_folder(running.out)
    from perrin.evaluate.kinds import evaluate_kinds
    from perrin.models.kinds import KindsModel
    from perrin.models.mixture import MixtureModel
    from perrin.settings.diffusion import KindsTraining
    from perrin.train.kinds.export import write_kinds_bundle
    from perrin.train.kinds.recipe import kinds_task, validator

    settings, out = running.settings(KindsTraining), running.out
    model = MixtureModel.load(mixture)

    def write(network: KindsNetwork) -> None:
        write_kinds_bundle(network, out, settings=settings, model=model)

    def measured(seed: int) -> dict[str, Any]:
        return evaluate_kinds(
            KindsModel.load(out), model, count=running.measure, seed=seed
        ).for_card()

    train_on_tracks(
        running,
        kinds_task(settings, model),
        about={
            "settings": settings.model_dump(mode="json"),
            "mixture": model.bundle.card.sha256,
        },
        validator=validator(settings, model),
        write=write,
        measure=measured,
    )

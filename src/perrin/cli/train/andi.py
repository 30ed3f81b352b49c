"""`perrin train andi`: the network of the AnDi tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.cli.bundles import bundled
from perrin.cli.train.run import TrackRun, run_folder, train_on_tracks

if TYPE_CHECKING:
    from perrin.train.andi.network import AndiNetwork


@bundled
def train_andi(running: TrackRun) -> None:
    """Train the network of the AnDi tasks and write it as a model; goes on where it was stopped.

    For example::

        perrin train andi -o my-andi
    """
    run_folder(running.out)
    from perrin.evaluate.andi import evaluate_andi
    from perrin.models.andi import AndiModel
    from perrin.settings.diffusion import AndiTraining
    from perrin.train.andi.export import write_andi_bundle
    from perrin.train.andi.recipe import andi_task, validator

    settings, out = running.settings(AndiTraining), running.out

    def write(network: AndiNetwork) -> None:
        write_andi_bundle(network, out, settings=settings)

    def measured(seed: int) -> dict[str, Any]:
        return evaluate_andi(AndiModel.load(out), count=running.measure, seed=seed).for_card()

    train_on_tracks(
        running,
        andi_task(settings),
        about={"settings": settings.model_dump(mode="json")},
        validator=validator,
        write=write,
        measure=measured,
    )

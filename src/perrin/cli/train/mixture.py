"""`perrin train mixture`: the network that reads what moves a particle from its track."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli.bundles import bundled
from perrin.cli.train.run import From, TrackRun, run_folder, train_on_tracks

if TYPE_CHECKING:
    from perrin.train.mixture.network import MixtureNetwork


@bundled
def train_mixture(
    running: TrackRun,
    start: From = None,
    calibrate: Annotated[
        int,
        typer.Option(
            min=1, help="Trajectories for the intervals, of each length and noise; times 14."
        ),
    ] = 600,
) -> None:
    """Train the mixture network and write it as a model; goes on where it was stopped.

    For example::

        perrin train mixture -o my-mixture
    """
    run_folder(running.out)
    from perrin.evaluate.mixture import evaluate_mixture
    from perrin.models.mixture import MixtureModel
    from perrin.settings.diffusion import MixtureTraining
    from perrin.train.mixture.export import load_weights, write_bundle
    from perrin.train.mixture.recipe import mixture_task
    from perrin.train.mixture.validation import validator

    plain = MixtureTraining() if start is None else MixtureTraining.further()
    settings, out = running.settings(MixtureTraining, plain), running.out

    def write(network: MixtureNetwork) -> None:
        write_bundle(
            network, out, settings=settings, start=start, count=calibrate, progress=typer.echo
        )

    def measured(seed: int) -> dict[str, Any]:
        return evaluate_mixture(MixtureModel.load(out), count=running.measure, seed=seed).for_card()

    train_on_tracks(
        running,
        mixture_task(settings, start=None if start is None else load_weights(start)),
        about={"start": start, "settings": settings.model_dump(mode="json")},
        validator=validator,
        write=write,
        measure=measured,
    )

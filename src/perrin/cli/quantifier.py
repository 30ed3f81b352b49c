"""Commands for the quantifier: measure what it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli.bundles import bundled
from perrin.cli.evaluation import write_evaluation
from perrin.cli.train.run import SETTINGS, begin, beside
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.evaluate.quantifier import QuantifierFigures
    from perrin.io.output_folder import OutputFolder
    from perrin.models.quantifier import QuantifierModel
    from perrin.settings.evaluation import QuantifierEvaluation

_TABLES = ("accuracy", "bound", "coverage", "motion", "out_of_distribution")


def register(*, evaluate: typer.Typer) -> None:
    """Add the commands to the groups of `perrin`."""
    evaluate.command("quantifier")(evaluate_quantifier)


@dataclass(frozen=True)
class Evaluated:
    """What a quantifier is measured on."""

    count: Annotated[int, typer.Option(help="Events of each class and mass.")] = 10_000
    masses: Annotated[str, typer.Option(help="Masses in kDa.")] = "60,100,180,400,800"
    bound_count: Annotated[
        int, typer.Option(help="Events of each class for the oracle; 0: none.")
    ] = 500
    fitted_count: Annotated[
        int, typer.Option(help="Of these, how many for the fit of the path.")
    ] = 100
    seed: o.Seed = 7

    def settings(self) -> QuantifierEvaluation:
        """Return the settings; raises `PerrinError` for values out of bounds."""
        from perrin.settings.evaluation import QuantifierEvaluation

        given = dict(vars(self))
        masses = o.numbers(given.pop("masses"), "--masses", "numbers with commas, as 60,180")
        return o.settings_from(QuantifierEvaluation, masses_kda=masses, **given)


@bundled
def evaluate_quantifier(
    out: o.Evaluated,
    evaluated: Evaluated,
    model: Annotated[str, typer.Option("--model", help="Name or folder of a network.")] = "default",
    overwrite: o.Overwrite = False,
) -> None:
    """Measure what a quantifier reaches on fresh events; goes on where it was stopped.

    For example::

        perrin evaluate quantifier -o figures
    """
    from perrin.evaluate.kept import Kept
    from perrin.evaluate.quantifier import evaluate_quantifier as evaluate
    from perrin.io.output_folder import output_folder
    from perrin.models.classifier import ClassifierModel
    from perrin.models.quantifier import QuantifierModel

    settings = evaluated.settings()
    target = output_folder(out, overwrite=overwrite)
    measured = QuantifierModel.load(model)
    run = beside(out)
    about = {"model": measured.bundle.card.sha256, "settings": settings.model_dump(mode="json")}
    begin(run, about)
    kept = Kept(run)
    with o.progress_bar("evaluating") as progress:
        try:
            found = evaluate(
                measured,
                settings=settings,
                classifier=ClassifierModel.load("default"),
                kept=kept,
                progress=progress,
            )
        except KeyboardInterrupt as stop:
            raise PerrinError(
                f"stopped; what is done is in {run}, and the same command goes on after it."
            ) from stop
    _write(target, found, measured)
    (run / SETTINGS).unlink()
    kept.clear()
    _print(found)
    typer.echo(f"tables and figures in {out}")


def _print(found: QuantifierFigures) -> None:
    for name in _TABLES:
        if len(getattr(found, name)):
            typer.echo(f"\n{name}")
            typer.echo(getattr(found, name).round(4).to_string(index=False, na_rep=""))
    typer.echo("")
    for name, speed in found.events_per_s.items():
        typer.echo(f"{name}: {speed:.0f} events a second")


def _write(out: OutputFolder, found: QuantifierFigures, model: QuantifierModel) -> None:
    """Write tables, figures and summary into the folder `out`, whole or not at all."""
    from perrin.report import quantifier_scores as draw

    write_evaluation(
        out,
        {name: getattr(found, name) for name in _TABLES},
        figures={
            "accuracy": draw.accuracy_figure(found.events, found.bound),
            "bias": draw.bias_figure(found.accuracy),
        },
        networks=[model.bundle.identity],
        seed=found.settings.seed,
        settings=found.settings.model_dump(mode="json"),
        events_per_s=found.events_per_s,
    )

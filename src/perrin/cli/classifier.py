"""Commands for the event classifier: measure what its bundles reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.bundles import bundled
from perrin.cli.evaluation import write_evaluation
from perrin.errors import PerrinError

if TYPE_CHECKING:
    import pandas as pd

    from perrin.evaluate.classifier import Evaluation
    from perrin.io.output_folder import OutputFolder
    from perrin.models.classifier import ClassifierModel
    from perrin.settings.evaluation import ClassifierEvaluation


def register(*, evaluate: typer.Typer) -> None:
    """Add the commands to the groups of `perrin`."""
    evaluate.command("classifier")(evaluate_classifier)


@dataclass(frozen=True)
class EventOptions:
    """On how many events of which kind networks are measured: `ClassifierEvaluation`, by name."""

    count: Annotated[int, typer.Option(help="Events in each range of mass.")] = 20_000
    n_avg: Annotated[int, typer.Option(help="Frames averaged on each side.")] = 10
    n_avgs: Annotated[
        str, typer.Option(help="Integrations to compare, as 5,10,20,40; 10 alone is quicker.")
    ] = "5,10,20,40"
    use_count: Annotated[
        int, typer.Option(help="Events as the detector sees them, six classes; 0: none.")
    ] = 6_000
    movies: Annotated[int, typer.Option(help="Simulated protein A movies; 0: none.")] = 3
    movie_s: Annotated[float, typer.Option(help="Length of each, s.")] = 60.0
    shown: Annotated[int, typer.Option(help="Events in the t-SNE; 0: none.")] = 1_500
    resamples: o.Resamples = 1_000
    seed: o.Seed = 7

    def settings(self) -> ClassifierEvaluation:
        """Return the settings; raises `PerrinError` for values out of bounds."""
        from perrin.settings.evaluation import ClassifierEvaluation

        integrations = {"n_avgs": _integrations(self.n_avgs)}
        return o.settings_from(ClassifierEvaluation, **vars(self) | integrations)


@bundled
def evaluate_classifier(
    out: o.Evaluated,
    events: EventOptions,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="Name or folder of a network (default: the one that comes with perrin); several: "
            "same events for all.",
        ),
    ] = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Measure what event classifiers reach on fresh events: AUC, errors, precision, speed.

    For example::

        perrin evaluate classifier --model classifier --count 2000 -o figures
    """
    from perrin.evaluate.classifier import evaluate_classifier as evaluate
    from perrin.io.output_folder import output_folder
    from perrin.models.classifier import ClassifierModel

    settings = events.settings()
    target = output_folder(out, overwrite=overwrite)
    models = [ClassifierModel.load(name) for name in model or ["default"]]
    with o.progress_bar("evaluating") as progress:
        found = evaluate(models, settings=settings, progress=progress)
    _write(target, found, models)
    _print(found)
    typer.echo(f"tables and figures in {out}")


def _write(out: OutputFolder, found: Evaluation, models: list[ClassifierModel]) -> None:
    """Write tables, figures and summary into the folder `out`, whole or not at all."""
    tables = {
        "figures": found.figures,
        "differences": found.differences,
        "confusion": found.confusion,
        "thresholds": found.thresholds,
        "trade_off": found.trade_off,
        "reliability": found.reliability,
        "roc": found.roc,
        "protein_a": found.protein_a,
    }
    notes = ["the paper's figures are of its own data, background and networks"]
    if found.shown is not None:
        tables["tsne"] = found.shown.tsne
        notes += [found.shown.note] if found.shown.note else []
    write_evaluation(
        out,
        tables,
        figures=_figures(found, [model.name for model in models]),
        networks=[model.bundle.identity for model in models],
        seed=found.settings.seed,
        scores={model.name: model.bundle.card.score for model in models},
        events_per_s={model.name: found.events_per_s[model.name] for model in models},
        settings=found.settings.model_dump(mode="json"),
        notes=notes,
    )


def _figures(found: Evaluation, models: list[str]) -> dict[str, Any]:
    """All figures by name; those of one model end with its name."""
    from perrin.evaluate.tables import RECALL
    from perrin.report import classifier_figures as draw

    n_avg = found.settings.n_avg
    drawn = {"auc": draw.auc_figure(found.figures, n_avg=n_avg)}
    paper = found.figures[found.figures["protocol"] == "paper"]
    if (paper["n_avg"] != n_avg).any():
        drawn["integration"] = draw.integration_figure(found.figures)
    if len(found.protein_a):
        drawn["protein_a"] = draw.protein_a_figure(found.trade_off, found.figures, recall=RECALL)
    for model in models:
        own: dict[str, Any] = {"model": model, "n_avg": n_avg}
        drawn[f"roc_{model}"] = draw.roc_figure(found.roc, found.figures, **own)
        drawn[f"confusion_{model}"] = draw.confusion_figure(found.confusion, **own)
        drawn[f"thresholds_{model}"] = draw.threshold_figure(
            found.trade_off, found.thresholds, **own
        )
        drawn[f"reliability_{model}"] = draw.reliability_figure(
            found.reliability, found.figures, **own
        )
        if found.shown is not None:
            drawn[f"activations_{model}"] = draw.activation_figure(
                found.shown.examples, model=model
            )
            if len(found.shown.tsne):
                drawn[f"tsne_{model}"] = draw.tsne_figure(found.shown.tsne, model=model)
    return drawn


def _print(found: Evaluation) -> None:
    """Say the paper's Table 2 with ours beside it, errors and precisions, and the speed."""
    from perrin.events import PAPER_CLASSES

    figures, n_avg = found.figures, found.settings.n_avg
    own = figures[(figures["protocol"] == "paper") & (figures["n_avg"] == n_avg)]
    auc = own[own["quantity"] == "AUC"]
    wide = auc.pivot_table(
        index=["range", "model", "by"], columns="class", values="value", sort=False
    )
    printed = auc.drop_duplicates(["range", "class"]).assign(model="paper", by="score")
    if printed["paper"].notna().any():
        beside = printed.pivot_table(
            index=["range", "model", "by"], columns="class", values="paper", sort=False
        )
        wide = _by_range(beside, wide)
    typer.echo(f"AUC, protocol paper, n_avg {n_avg}")
    typer.echo(wide[list(PAPER_CLASSES)].round(4).to_string())
    for quantity, title in (
        ("errors", "Errors (the most probable class is wrong)"),
        ("precision", "Precision of binders where 23% of them are kept"),
    ):
        rows = figures[figures["quantity"].str.startswith(quantity)]
        shown = ["protocol", "n_avg", "range", "model", "by", "value", "low", "high", "paper"]
        typer.echo(f"\n{title}")
        typer.echo(rows[shown].round(4).to_string(index=False, na_rep=""))
    if len(found.differences):
        rows = found.differences[found.differences["quantity"] == "errors"]
        shown = ["protocol", "n_avg", "range", "model", "against"]
        shown += ["relative", "relative_low", "relative_high"]
        typer.echo("\nErrors, relative to another model's on the same events")
        typer.echo(rows[shown].round(4).to_string(index=False))
    typer.echo("")
    for model, speed in found.events_per_s.items():
        typer.echo(f"{model}: {speed:.0f} events a second")


def _by_range(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Both tables, range after range."""
    import pandas as pd

    names = list(dict.fromkeys(second.index.get_level_values("range")))
    return pd.concat(
        [
            table.xs(name, level="range", drop_level=False)
            for name in names
            for table in (first, second)
        ]
    )


def _integrations(text: str) -> tuple[int, ...]:
    """Return '5,10' as numbers."""
    want = "whole numbers with commas, as 5,10,20"
    found = o.numbers(text, "--n-avgs", want)
    if any(one % 1 != 0 for one in found):
        raise PerrinError(f"--n-avgs is {text!r}; give {want}")
    return tuple(map(int, found))

"""What the shipped event classifier reaches, beside the paper's network and the paper.

The number of events of a range of mass can be given: ``python benchmarks/classifier.py 20000``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from _measure import Row, print_goals, print_table
from perrin.evaluate.classifier import Evaluation, evaluate_classifier
from perrin.evaluate.predictions import ALL_MASSES, RANGES
from perrin.events import PAPER_CLASSES
from perrin.models.classifier import ClassifierModel
from perrin.settings.evaluation import ClassifierEvaluation

COUNT, SEED = 4000, 20_262
OURS, BASELINE = "classifier", "classifier-paper"
NETWORKS = Path(__file__).parent / "networks"
GOALS = {"30 to 55 kDa": 0.93, "55 to 100 kDa": 0.98, "100 to 800 kDa": 0.999}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    models = [ClassifierModel.load(OURS), ClassifierModel.load(NETWORKS / BASELINE)]
    settings = ClassifierEvaluation(count=count, seed=SEED, use_count=count, shown=0)
    found = evaluate_classifier(models, settings=settings)
    print(f"{count} fresh events a set, seed {SEED}, the same for both networks; 95% intervals.\n")
    print_goals(goals(found))
    print(
        "\nAUC by class, protocol paper, n_avg 10, by the score: ours / baseline / the paper's.\n"
    )
    print_table(("masses", *PAPER_CLASSES), list(auc_rows(found)))


def goals(found: Evaluation) -> list[Row]:
    """Return what the classifier is asked for."""
    errors = pick(found.differences, quantity="errors", protocol="paper", range=ALL_MASSES)
    rows = [
        Row(
            "errors over the baseline's, 30 to 800 kDa",
            f"{1 + errors['relative']:.2f} ({1 + errors['relative_low']:.2f} to "
            f"{1 + errors['relative_high']:.2f})",
            "0.75",
            bool(errors["relative"] <= -0.25),
        )
    ]
    for name, goal in GOALS.items():
        auc = figure(found, quantity="AUC", masses=name, of="binder")
        rows.append(
            Row(f"AUC of binders, {name}", interval(auc), f"{goal}", bool(auc["value"] >= goal))
        )
    low = figure(found, quantity="precision at 23% recall", masses="30 to 55 kDa", of="binder")
    rows.append(
        Row(
            "precision at 23% recall, 30 to 55 kDa", interval(low), "80%", bool(low["value"] >= 0.8)
        )
    )
    for n_avg in found.settings.n_avgs:
        auc = figure(found, quantity="AUC", masses=ALL_MASSES, of="binder", n_avg=n_avg)
        rows.append(
            Row(
                f"AUC of binders at n_avg {n_avg}, 30 to 800 kDa",
                interval(auc),
                "within .01 of any other network: .990",
                bool(auc["value"] >= 0.99),
            )
        )
    speed = found.events_per_s[OURS]
    rows.append(Row("events a second, two cores", f"{speed:,.0f}", "1,000", bool(speed >= 1000)))
    rows.append(Row("the same, baseline", f"{found.events_per_s[BASELINE]:,.0f}"))
    return rows


def auc_rows(found: Evaluation) -> list[list[str]]:
    """Return the paper's Table 2 with three figures in each cell."""
    rows = []
    for name in RANGES:
        cells = []
        for of in PAPER_CLASSES:
            ours = figure(found, quantity="AUC", masses=name, of=of)
            other = figure(found, quantity="AUC", masses=name, of=of, model=BASELINE)
            cells.append(f"{ours['value']:.4f} / {other['value']:.4f} / {ours['paper']:.3f}")
        rows.append([name, *cells])
    return rows


def figure(
    found: Evaluation,
    *,
    quantity: str,
    masses: str,
    of: str,
    n_avg: int = 10,
    model: str = OURS,
) -> pd.Series:
    """Return one row of the figures, by the score, protocol paper."""
    return pick(
        found.figures,
        protocol="paper",
        quantity=quantity,
        range=masses,
        n_avg=n_avg,
        model=model,
        by="score",
        **{"class": of},
    )


def pick(table: pd.DataFrame, **wanted: object) -> pd.Series:
    """Return the one row with these values."""
    chosen = table
    for name, value in wanted.items():
        chosen = chosen[chosen[name] == value]
    if len(chosen) != 1:
        raise LookupError(f"{len(chosen)} rows for {wanted}")
    return chosen.iloc[0]


def interval(row: pd.Series) -> str:
    """Return a value with its interval."""
    return f"{row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f})"


if __name__ == "__main__":
    main()
